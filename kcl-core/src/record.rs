//! Records as a processor receives them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::budget::ByteShare;
use crate::deaggregate::Placement;
use crate::ids::ShardKey;
use crate::position::{Position, SequenceNumber};
use crate::time::Timestamp;

/// One record: what a producer put, or one of the user records that the Kinesis Producer Library packed together.
///
/// Cloning is cheap; the data is shared. As long as a record or a clone of it lives, the bytes of the batch that it came
/// with count against the worker's byte budget.
#[derive(Clone)]
pub struct Record {
    pub(crate) sequence_number: SequenceNumber,
    pub(crate) sub_sequence_number: u64,
    pub(crate) aggregated: bool,
    pub(crate) partition_key: Option<Arc<str>>,
    pub(crate) explicit_hash_key: Option<Arc<str>>,
    pub(crate) data: Bytes,
    pub(crate) arrival: Option<Timestamp>,
    pub(crate) placement: Placement,
    /// Held, never read: the budget gets its bytes back when the last record lets go.
    pub(crate) _share: Option<Arc<ByteShare>>,
}

impl Record {
    /// A plain record, for testing a processor.
    #[must_use]
    pub fn new(sequence_number: SequenceNumber, partition_key: Option<&str>, data: impl Into<Bytes>) -> Self {
        Self {
            sequence_number,
            sub_sequence_number: 0,
            aggregated: false,
            partition_key: partition_key.map(Into::into),
            explicit_hash_key: None,
            data: data.into(),
            arrival: None,
            placement: Placement::Unknown,
            _share: None,
        }
    }

    /// The record's sequence number; for a user record of an aggregated one, its carrier's.
    pub fn sequence_number(&self) -> &SequenceNumber {
        &self.sequence_number
    }

    /// The user record's place in its carrier, from 0; 0 for a plain record.
    pub fn sub_sequence_number(&self) -> u64 {
        self.sub_sequence_number
    }

    /// Whether the Kinesis Producer Library had packed this record with others.
    pub fn is_aggregated(&self) -> bool {
        self.aggregated
    }

    /// The partition key. A record that was put without one, on a stream that distributes records itself, has none.
    pub fn partition_key(&self) -> Option<&str> {
        self.partition_key.as_deref()
    }

    /// The explicit hash key that an aggregated record carries, if its producer gave one.
    pub fn explicit_hash_key(&self) -> Option<&str> {
        self.explicit_hash_key.as_deref()
    }

    /// What the producer put.
    pub fn data(&self) -> &Bytes {
        &self.data
    }

    /// When the stream stored the record, by its clock, roughly: neither accurate nor monotonic (Kinesis API reference,
    /// `Record`).
    pub fn arrival(&self) -> Option<Timestamp> {
        self.arrival
    }

    /// Whether the record's key belongs to the shard that it was read from. A user record outside was packed before a
    /// reshard; its producer may have sent it again.
    pub fn placement(&self) -> Placement {
        self.placement
    }

    /// The position that this record completes.
    pub fn position(&self) -> Position {
        Position::At { sequence: self.sequence_number.clone(), sub: self.sub_sequence_number }
    }
}

impl fmt::Debug for Record {
    /// Names the record; never shows what is in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({}, {} bytes)", self.position(), self.data.len())
    }
}

/// Records of one shard in order, as they are given to a processor at once. Owned, and cheap to clone.
#[derive(Debug, Clone)]
pub struct Batch {
    pub(crate) shard: ShardKey,
    pub(crate) records: Arc<[Record]>,
    pub(crate) behind: Option<Duration>,
}

impl Batch {
    /// A batch, for testing a processor.
    #[must_use]
    pub fn new(shard: ShardKey, records: Vec<Record>) -> Self {
        Self { shard, records: records.into(), behind: None }
    }

    /// The shard.
    pub fn shard(&self) -> &ShardKey {
        &self.shard
    }

    /// The records, in the order of the shard. At least one.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The records one by one.
    pub fn iter(&self) -> std::slice::Iter<'_, Record> {
        self.records.iter()
    }

    /// How far the end of this batch was behind the tip of the shard when it was read, if the service said so.
    pub fn behind(&self) -> Option<Duration> {
        self.behind
    }

    /// The position that this batch completes, if it has a record.
    pub fn last_position(&self) -> Option<Position> {
        self.records.last().map(Record::position)
    }

    /// The bytes of data in it.
    pub fn bytes(&self) -> usize {
        self.records.iter().map(|record| record.data.len()).sum()
    }
}

impl<'a> IntoIterator for &'a Batch {
    type Item = &'a Record;
    type IntoIter = std::slice::Iter<'a, Record>;

    fn into_iter(self) -> Self::IntoIter {
        self.records.iter()
    }
}
