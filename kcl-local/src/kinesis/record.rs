//! Records, before and after the service has taken them.

use bytes::Bytes;

use super::sequence::SequenceNumber;
use crate::wire::Timestamp;

/// A record as a producer sends it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewRecord {
    /// The payload.
    pub data: Bytes,
    /// Decides the shard by its hash. A stream whose strategy is `AUTO` does not need it and does not use it.
    pub partition_key: Option<String>,
    /// Decides the shard in place of the partition key's hash.
    pub explicit_hash_key: Option<u128>,
}

impl NewRecord {
    /// A record with a partition key.
    pub fn keyed(partition_key: impl Into<String>, data: impl Into<Bytes>) -> Self {
        Self { data: data.into(), partition_key: Some(partition_key.into()), explicit_hash_key: None }
    }

    /// A record with a partition key, placed by a hash key: a test can so choose the shard.
    pub fn hashed(hash_key: u128, partition_key: impl Into<String>, data: impl Into<Bytes>) -> Self {
        Self { explicit_hash_key: Some(hash_key), ..Self::keyed(partition_key, data) }
    }

    /// What counts against the limits of size: data and partition key (API reference, PutRecord, Data).
    pub fn size(&self) -> u64 {
        size(&self.data, self.partition_key.as_deref())
    }
}

/// A record as a shard holds it and a reader gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The place in the shard.
    pub sequence_number: SequenceNumber,
    /// When the model took the record. Never goes back within a shard, which the real service does not promise.
    pub approximate_arrival_timestamp: Timestamp,
    /// What the producer sent, or nothing if it sent none to a stream whose strategy is `AUTO`.
    pub partition_key: Option<String>,
    /// The payload.
    pub data: Bytes,
}

impl Record {
    /// What counts against the limits of size: data and partition key.
    pub fn size(&self) -> u64 {
        size(&self.data, self.partition_key.as_deref())
    }
}

fn size(data: &Bytes, partition_key: Option<&str>) -> u64 {
    u64::try_from(data.len() + partition_key.map_or(0, str::len)).unwrap_or(u64::MAX)
}
