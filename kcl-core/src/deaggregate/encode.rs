//! Writes aggregated records. It shares no code with the reader, so that a round trip proves something.

use std::collections::BTreeMap;

use bytes::Bytes;
use md5::{Digest, Md5};
use prost::Message;

use super::MAGIC;

#[derive(prost::Message)]
struct AggregatedRecord {
    #[prost(string, repeated, tag = "1")]
    partition_key_table: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    explicit_hash_key_table: Vec<String>,
    #[prost(message, repeated, tag = "3")]
    records: Vec<Record>,
}

#[derive(prost::Message)]
struct Record {
    #[prost(uint64, required, tag = "1")]
    partition_key_index: u64,
    #[prost(uint64, optional, tag = "2")]
    explicit_hash_key_index: Option<u64>,
    #[prost(bytes = "vec", required, tag = "3")]
    data: Vec<u8>,
}

/// What the KPL would write for these user records, each a partition key, an explicit hash key and data. For tests and
/// examples: a producer would also see to it that the user records belong to one shard and that the result is no larger
/// than a Kinesis record may be.
///
/// An aggregated record needs at least one user record. Without any, the result is one that readers take for
/// [too short](super::Malformed::TooShort).
pub fn aggregate<'a>(user_records: impl IntoIterator<Item = (&'a str, Option<&'a str>, &'a [u8])>) -> Bytes {
    let mut partition_keys = KeyTable::default();
    let mut explicit_hash_keys = KeyTable::default();
    let records = user_records.into_iter().map(|(partition_key, explicit_hash_key, data)| Record {
        partition_key_index: partition_keys.index_of(partition_key),
        explicit_hash_key_index: explicit_hash_key.map(|key| explicit_hash_keys.index_of(key)),
        data: data.to_vec(),
    });
    let records = records.collect();
    let message = AggregatedRecord {
        partition_key_table: partition_keys.keys,
        explicit_hash_key_table: explicit_hash_keys.keys,
        records,
    };
    let message = message.encode_to_vec();
    [&MAGIC[..], &message, &Md5::digest(&message)].concat().into()
}

/// The keys in the order of their first use, each once.
#[derive(Default)]
struct KeyTable<'a> {
    keys: Vec<String>,
    indexes: BTreeMap<&'a str, u64>,
}

impl<'a> KeyTable<'a> {
    fn index_of(&mut self, key: &'a str) -> u64 {
        *self.indexes.entry(key).or_insert_with(|| {
            self.keys.push(key.to_owned());
            self.keys.len() as u64 - 1
        })
    }
}
