//! One shard: its records, its relatives and its limits.

use std::collections::VecDeque;

use super::hash::HashKeyRange;
use super::limits::{Bucket, ReadBudget, Window};
use super::names::ShardId;
use super::record::{NewRecord, Record};
use super::sequence::SequenceNumber;
use crate::wire::Timestamp;

/// The place that the ending sequence number of a closed shard names: after every record, and the same that real
/// ending sequence numbers have.
const LAST_PLACE: u64 = u64::MAX >> 1;

/// A shard as `ListShards` and `DescribeStream` show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardDescription {
    /// The shard.
    pub shard_id: ShardId,
    /// The shard that was split, or the first of the two that were merged. It may have expired since.
    pub parent_shard_id: Option<ShardId>,
    /// The second of the two shards that were merged. It may have expired since.
    pub adjacent_parent_shard_id: Option<ShardId>,
    /// The hash keys that the shard takes.
    pub hash_key_range: HashKeyRange,
    /// Lower than that of every record of the shard.
    pub starting_sequence_number: SequenceNumber,
    /// Higher than that of every record of the shard; `None` while the shard is open.
    pub ending_sequence_number: Option<SequenceNumber>,
}

/// Where a shard comes from: nowhere, a split (one parent) or a merge (both).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Parents {
    pub(super) parent: Option<ShardId>,
    pub(super) adjacent: Option<ShardId>,
}

#[derive(Debug)]
pub(super) struct Shard {
    pub(super) id: ShardId,
    pub(super) epoch: u64,
    pub(super) keys: HashKeyRange,
    pub(super) parents: Parents,
    pub(super) children: Vec<ShardId>,
    pub(super) opened: Timestamp,
    pub(super) closed: Option<Timestamp>,
    pub(super) write_bytes: Bucket,
    pub(super) write_records: Bucket,
    pub(super) read_bytes: ReadBudget,
    pub(super) read_calls: Window,
    pub(super) iterator_calls: Window,
    /// In order of their places, which grow by more than one: as in the service, nobody can compute the next number.
    records: VecDeque<Record>,
    last_place: u64,
}

impl Shard {
    pub(super) fn open(id: ShardId, epoch: u64, keys: HashKeyRange, parents: Parents, opened: Timestamp) -> Self {
        Self {
            id,
            epoch,
            keys,
            parents,
            children: Vec::new(),
            opened,
            closed: None,
            write_bytes: Bucket::default(),
            write_records: Bucket::default(),
            read_bytes: ReadBudget::default(),
            read_calls: Window::default(),
            iterator_calls: Window::default(),
            records: VecDeque::new(),
            last_place: 0,
        }
    }

    /// Stores a record `gap` places (at least one) after the last.
    pub(super) fn append(&mut self, record: NewRecord, gap: u64, now: Timestamp) -> SequenceNumber {
        self.last_place += gap.max(1);
        let sequence_number = SequenceNumber::new(self.epoch, self.id, self.last_place, now);
        self.records.push_back(Record {
            sequence_number,
            approximate_arrival_timestamp: now,
            partition_key: record.partition_key,
            data: record.data,
        });
        sequence_number
    }

    pub(super) fn close(&mut self, now: Timestamp, children: &[ShardId]) {
        self.closed = Some(now);
        self.children = children.to_vec();
    }

    /// Drops the records that have left retention: those of `point` and before.
    pub(super) fn trim(&mut self, point: Option<Timestamp>) {
        while self.records.front().is_some_and(|first| Some(first.approximate_arrival_timestamp) <= point) {
            self.records.pop_front();
        }
    }

    /// EXPIRED: closed, and every record that it can hold has left retention (developer guide, "Consider data
    /// routing, data persistence, and shard state after a reshard").
    pub(super) fn expired(&self, point: Option<Timestamp>) -> bool {
        self.closed.is_some() && self.closed <= point
    }

    /// The place after the last record: that of the next one or any before it.
    pub(super) fn tip(&self) -> u64 {
        self.last_place + 1
    }

    /// The place of the first record that arrived at `time` or later, or the tip.
    pub(super) fn place_at(&self, time: Timestamp) -> u64 {
        let index = self.records.partition_point(|record| record.approximate_arrival_timestamp < time);
        self.records.get(index).map_or(self.tip(), |record| record.sequence_number.place)
    }

    /// The records at `place` and after it that are still held.
    pub(super) fn records_from(&self, place: u64) -> impl Iterator<Item = &Record> {
        let index = self.records.partition_point(|record| record.sequence_number.place < place);
        self.records.range(index..)
    }

    pub(super) fn describe(&self) -> ShardDescription {
        let number = |place, time| SequenceNumber::new(self.epoch, self.id, place, time);
        ShardDescription {
            shard_id: self.id,
            parent_shard_id: self.parents.parent,
            adjacent_parent_shard_id: self.parents.adjacent,
            hash_key_range: self.keys,
            starting_sequence_number: number(0, self.opened),
            ending_sequence_number: self.closed.map(|closed| number(LAST_PLACE, closed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_of_records_leave_gaps() {
        let parents = Parents::default();
        let mut shard = Shard::open(ShardId(0), 1, HashKeyRange::FULL, parents, Timestamp(0));
        for gap in [3, 0, 16] {
            shard.append(NewRecord::keyed("k", "d"), gap, Timestamp(0));
        }
        let places: Vec<u64> = shard.records_from(0).map(|record| record.sequence_number.place).collect();
        assert_eq!(places, [3, 4, 20]);
        assert_eq!(shard.records_from(4).count(), 2, "a place between records is one too");
        assert_eq!(shard.records_from(5).count(), 1);
        assert_eq!(shard.tip(), 21);
    }
}
