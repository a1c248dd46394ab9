//! Kinesis Producer Library (KPL) aggregated records: one Kinesis record that carries many user records.
//!
//! A producer that aggregates packs user records, each with its own partition key, into the data of one Kinesis record,
//! the *carrier*. The layout is `F3 89 9A C2`, a protobuf message, and the MD5 of that message
//! (`aggregation-format.md` of the Amazon Kinesis Producer Library).
//!
//! - [`deaggregate`] says what the data of a Kinesis record is, and takes a carrier apart.
//! - [`expand`] does the same for one shard, and decides and counts what is delivered.
//! - [`aggregate`] writes a carrier, for tests and examples.
//!
//! # Guarantees
//!
//! - All or nothing: a carrier gives every user record in it, or it is [malformed](Carrier::Malformed) and the Kinesis
//!   record is delivered as it came.
//! - No copies of user data: [`UserRecord::data`] is a slice of the carrier. The carrier's memory is therefore in use
//!   until the last of its user records is dropped.
//! - No input panics, and none needs memory out of proportion: partition keys are shared by the user records that name
//!   them, and what is built here stays below 32 times the size of the carrier. Only a carrier made of empty keys or of
//!   empty user records comes near that (24 times, measured with 10 MiB, the largest Kinesis record).

mod encode;
mod expand;
mod message;
mod placement;
mod wire;

use std::sync::Arc;

use bytes::Bytes;
use md5::{Digest, Md5};

pub use encode::aggregate;
pub use expand::{Expanded, ExpansionCounts, OutsideRange, PlacedUserRecord, expand};
pub use placement::{Placement, hash_key, placement};

const MAGIC: [u8; 4] = [0xF3, 0x89, 0x9A, 0xC2];
const CHECKSUM_LEN: usize = 16;

/// What the data of a Kinesis record turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carrier {
    /// Not aggregated: the Kinesis record is the user's record.
    Plain,
    /// It starts as an aggregated record does, but cannot be taken apart. The Kinesis record must be delivered as it is:
    /// it may be damaged, or be a user's own data that happens to start with the same four bytes.
    Malformed(Malformed),
    /// The user records of an aggregated record, in the order in which they were written.
    ///
    /// The list may be empty. Nothing is delivered then, but the carrier has been read: its sequence number must still
    /// move the position of the shard, or a checkpoint could never pass it.
    Aggregated(Vec<UserRecord>),
}

/// One user record of an aggregated record. Sequence number, arrival time and encryption are those of the carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// The user record's index in its carrier, from 0. With the carrier's sequence number it names the user record.
    pub sub_sequence_number: u64,
    /// The partition key that the producer gave to this user record; the carrier's own may be another one.
    pub partition_key: Arc<str>,
    /// The explicit hash key that the producer gave, as it was written: by the rules of the service a decimal number
    /// below 2^128, which is not checked here.
    pub explicit_hash_key: Option<Arc<str>>,
    /// The user's data: a slice of the carrier's.
    pub data: Bytes,
}

/// Why data that starts as an aggregated record does could not be taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Malformed {
    /// Too short for a message and its checksum: 20 bytes or fewer.
    #[error("the aggregated record is too short to hold a message and its checksum")]
    TooShort,
    /// The last 16 bytes are not the MD5 of the message.
    #[error("the checksum of the aggregated record does not match its message")]
    ChecksumMismatch,
    /// The checksum is right but the message is not protobuf.
    #[error("the message of the aggregated record is not valid protobuf")]
    BadMessage,
    /// A user record without its partition key index or its data, both of which the format requires.
    #[error("a user record of the aggregated record lacks a required field")]
    MissingField,
    /// A user record names a partition key or an explicit hash key that is not in the carrier's tables.
    #[error("a user record of the aggregated record names a key that is not in its key table")]
    UnknownKey,
    /// A partition key or an explicit hash key is not UTF-8.
    #[error("a key of the aggregated record is not valid UTF-8")]
    KeyNotUtf8,
}

/// Takes the data of a Kinesis record apart if it is an aggregated record.
///
/// ```
/// use bytes::Bytes;
/// use kcl_core::deaggregate::{Carrier, aggregate, deaggregate};
///
/// let carrier = aggregate([("user-1", None, &b"clicked"[..]), ("user-2", None, b"left")]);
/// let Carrier::Aggregated(user_records) = deaggregate(&carrier) else { panic!("not a carrier") };
/// assert_eq!(&*user_records[1].partition_key, "user-2");
/// assert_eq!(user_records[1].data, "left");
///
/// assert_eq!(deaggregate(&Bytes::from_static(b"a plain record")), Carrier::Plain);
/// ```
pub fn deaggregate(data: &Bytes) -> Carrier {
    let Some(sealed) = data.strip_prefix(&MAGIC) else {
        return Carrier::Plain;
    };
    match unseal(sealed).and_then(|message| message::read(data, message)) {
        Ok(user_records) => Carrier::Aggregated(user_records),
        Err(why) => Carrier::Malformed(why),
    }
}

/// The message in front of its checksum.
fn unseal(sealed: &[u8]) -> Result<&[u8], Malformed> {
    match sealed.split_last_chunk::<CHECKSUM_LEN>() {
        None | Some(([], _)) => Err(Malformed::TooShort),
        Some((message, checksum)) if Md5::digest(message)[..] == checksum[..] => Ok(message),
        Some(_) => Err(Malformed::ChecksumMismatch),
    }
}
