//! Shards as a stream describes them.

use std::fmt;
use std::ops::RangeInclusive;

use crate::ids::ShardId;
use crate::position::SequenceNumber;
use crate::time::Timestamp;

/// A range of hash keys, both ends included: the keys whose MD5, read as an unsigned number of 128 bits, lies in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HashKeyRange {
    start: u128,
    end: u128,
}

impl HashKeyRange {
    /// All hash keys.
    pub const FULL: Self = Self { start: 0, end: u128::MAX };

    /// The range from `start` to `end`, or `None` if it would not hold more than one key: the KCL refuses such a lease.
    #[must_use]
    pub fn new(start: u128, end: u128) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// The lowest key.
    #[must_use]
    pub fn start(&self) -> u128 {
        self.start
    }

    /// The highest key.
    #[must_use]
    pub fn end(&self) -> u128 {
        self.end
    }
}

impl From<HashKeyRange> for RangeInclusive<u128> {
    fn from(range: HashKeyRange) -> Self {
        range.start..=range.end
    }
}

impl fmt::Display for HashKeyRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.end)
    }
}

/// A shard, as the stream lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Its id.
    pub id: ShardId,
    /// The shards that it was made of: none, one (a split), or two (a merge). They may be gone from the stream.
    pub parents: Vec<ShardId>,
    /// The hash keys that it takes, where the stream tells.
    pub hash_range: Option<HashKeyRange>,
    /// Its first sequence number: shards that were made later have greater ones.
    pub starting_sequence: Option<SequenceNumber>,
    /// Whether it takes no more records.
    pub closed: bool,
}

/// A shard that follows another, as the last answer from its parent names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildShard {
    /// Its id.
    pub id: ShardId,
    /// All of its parents: one after a split, two after a merge.
    pub parents: Vec<ShardId>,
    /// The hash keys that it takes, where the stream tells.
    pub hash_range: Option<HashKeyRange>,
}

/// What a stream answered when it was asked for its shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardListing {
    /// The shards, in no particular order.
    pub shards: Vec<Shard>,
    /// When it answered, by its own clock. Not later than the truth: an application that starts at
    /// [`InitialPosition::Latest`](crate::position::InitialPosition::Latest) starts here.
    pub service_time: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_more_than_one_key() {
        assert_eq!(HashKeyRange::new(5, 5), None);
        assert_eq!(HashKeyRange::new(6, 5), None);
        assert_eq!(HashKeyRange::new(5, 6).map(|range| (range.start(), range.end())), Some((5, 6)));
    }
}
