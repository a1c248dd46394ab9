//! The protobuf message of an aggregated record: two tables of keys, and user records that name keys by index.
//!
//! ```text
//! AggregatedRecord: 1 partition_key_table (repeated string)   2 explicit_hash_key_table (repeated string)
//!                   3 records (repeated Record)
//! Record:           1 partition_key_index (required uint64)   2 explicit_hash_key_index (optional uint64)
//!                   3 data (required bytes)                   4 tags (not used by anyone, ignored)
//! ```
//!
//! As in any protobuf reader, unknown fields are ignored and the last of several values of a single field counts.

use std::sync::Arc;

use bytes::Bytes;

use super::wire::{BadWire, Fields, Value};
use super::{Malformed, UserRecord};

const PARTITION_KEY_TABLE: u32 = 1;
const EXPLICIT_HASH_KEY_TABLE: u32 = 2;
const RECORDS: u32 = 3;

const PARTITION_KEY_INDEX: u32 = 1;
const EXPLICIT_HASH_KEY_INDEX: u32 = 2;
const DATA: u32 = 3;

/// The user records of `message`, which must be a part of `carrier`.
pub(super) fn read(carrier: &Bytes, message: &[u8]) -> Result<Vec<UserRecord>, Malformed> {
    let partition_keys = key_table(message, PARTITION_KEY_TABLE)?;
    let explicit_hash_keys = key_table(message, EXPLICIT_HASH_KEY_TABLE)?;
    let mut user_records = Vec::with_capacity(entries(message, RECORDS).count());
    for (sub_sequence_number, entry) in (0..).zip(entries(message, RECORDS)) {
        let entry = Entry::read(entry?)?;
        user_records.push(UserRecord {
            sub_sequence_number,
            partition_key: key_at(&partition_keys, entry.partition_key_index)?,
            explicit_hash_key: entry
                .explicit_hash_key_index
                .map(|index| key_at(&explicit_hash_keys, index))
                .transpose()?,
            data: carrier.slice_ref(entry.data),
        });
    }
    Ok(user_records)
}

/// The values of one repeated field. Callers count them first, to reserve what is needed and no more: there may be
/// millions.
fn entries(message: &[u8], field: u32) -> impl Iterator<Item = Result<&[u8], BadWire>> {
    Fields::of(message).filter_map(move |item| match item {
        Ok((number, Value::Bytes(entry))) if number == field => Some(Ok(entry)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    })
}

fn key_table(message: &[u8], field: u32) -> Result<Vec<Arc<str>>, Malformed> {
    let mut table = Vec::with_capacity(entries(message, field).count());
    for entry in entries(message, field) {
        table.push(str::from_utf8(entry?).map_err(|_| Malformed::KeyNotUtf8)?.into());
    }
    Ok(table)
}

fn key_at(table: &[Arc<str>], index: u64) -> Result<Arc<str>, Malformed> {
    let key = usize::try_from(index).ok().and_then(|index| table.get(index));
    key.cloned().ok_or(Malformed::UnknownKey)
}

/// A user record as it is written: keys by their index.
struct Entry<'a> {
    partition_key_index: u64,
    explicit_hash_key_index: Option<u64>,
    data: &'a [u8],
}

impl<'a> Entry<'a> {
    fn read(record: &'a [u8]) -> Result<Self, Malformed> {
        let (mut partition_key_index, mut explicit_hash_key_index, mut data) = (None, None, None);
        for field in Fields::of(record) {
            match field? {
                (PARTITION_KEY_INDEX, Value::Varint(index)) => partition_key_index = Some(index),
                (EXPLICIT_HASH_KEY_INDEX, Value::Varint(index)) => explicit_hash_key_index = Some(index),
                (DATA, Value::Bytes(bytes)) => data = Some(bytes),
                _ => {}
            }
        }
        Ok(Self {
            partition_key_index: partition_key_index.ok_or(Malformed::MissingField)?,
            explicit_hash_key_index,
            data: data.ok_or(Malformed::MissingField)?,
        })
    }
}

impl From<BadWire> for Malformed {
    fn from(BadWire: BadWire) -> Self {
        Self::BadMessage
    }
}
