//! The shards of a scripted stream and what is in them.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Place, Scripted};
use crate::error::{SourceError, SourceErrorKind};
use crate::ids::ShardId;
use crate::position::{InitialPosition, SequenceNumber};
use crate::retrieval::{RawRecord, StartAt, WhichShards};
use crate::shard::{ChildShard, HashKeyRange, Shard};
use crate::time::Timestamp;

/// All shards of one incarnation of a stream.
pub(super) struct Shards {
    created: Timestamp,
    generation: u64,
    stories: BTreeMap<ShardId, Story>,
    /// How many shards there ever were.
    made: usize,
    sequence: u64,
    /// Smaller sequence numbers are of an earlier incarnation.
    first_sequence: u64,
}

/// One shard from its beginning.
struct Story {
    shard: Shard,
    hash_range: HashKeyRange,
    opened: Timestamp,
    closed: Option<Timestamp>,
    /// All that it ever had.
    records: Vec<RawRecord>,
    trimmed: usize,
    children: Vec<ChildShard>,
}

/// What a reader finds at its place.
pub(super) enum Found {
    Records {
        records: Vec<RawRecord>,
        /// When the oldest record that is left arrived.
        unread_since: Option<Timestamp>,
        place: Place,
    },
    Nothing,
    End(Vec<ChildShard>),
}

fn digits(sequence: u64) -> SequenceNumber {
    SequenceNumber::parse(&sequence.to_string()).expect("digits")
}

impl Shards {
    pub(super) fn new(count: usize, now: Timestamp) -> Self {
        let mut shards =
            Self { created: now, generation: 0, stories: BTreeMap::new(), made: 0, sequence: 0, first_sequence: 0 };
        shards.open_evenly(count, now);
        shards
    }

    pub(super) fn recreate(&mut self, count: usize, now: Timestamp) {
        (self.created, self.generation, self.made) = (now, self.generation + 1, 0);
        self.first_sequence = self.sequence + 1;
        self.stories.clear();
        self.open_evenly(count, now);
    }

    pub(super) fn created(&self) -> Timestamp {
        self.created
    }

    fn open_evenly(&mut self, count: usize, now: Timestamp) {
        let count = count as u128;
        let start = |number: u128| (u128::MAX / count) * number;
        for number in 0..count {
            let end = if number + 1 == count { u128::MAX } else { start(number + 1) - 1 };
            self.open(Vec::new(), HashKeyRange::new(start(number), end).expect("wide"), now);
        }
    }

    fn open(&mut self, parents: Vec<ShardId>, hash_range: HashKeyRange, now: Timestamp) -> ShardId {
        let id = Scripted::shard(self.made);
        self.made += 1;
        let starting_sequence = Some(self.next_sequence());
        let shard = Shard { id: id.clone(), parents, hash_range: Some(hash_range), starting_sequence, closed: false };
        let (records, children) = (Vec::new(), Vec::new());
        let story = Story { shard, hash_range, opened: now, closed: None, records, trimmed: 0, children };
        self.stories.insert(id.clone(), story);
        id
    }

    fn next_sequence(&mut self) -> SequenceNumber {
        self.sequence += 1;
        digits(self.sequence)
    }

    fn story(&mut self, shard: &ShardId) -> &mut Story {
        self.stories.get_mut(shard).unwrap_or_else(|| panic!("there is no shard {shard}"))
    }

    pub(super) fn put(&mut self, shard: &ShardId, key: &str, data: Bytes, now: Timestamp) -> SequenceNumber {
        let sequence_number = self.next_sequence();
        let story = self.story(shard);
        assert!(story.closed.is_none(), "shard {shard} is closed");
        let partition_key = Some(key.to_owned());
        let record = RawRecord { sequence_number: sequence_number.clone(), partition_key, data, arrival: Some(now) };
        story.records.push(record);
        sequence_number
    }

    pub(super) fn split(&mut self, shard: &ShardId, now: Timestamp) -> [ShardId; 2] {
        let range = self.close(shard, now);
        let middle = range.start() + (range.end() - range.start()) / 2;
        let halves = [(range.start(), middle), (middle + 1, range.end())];
        let children = halves.map(|(start, end)| {
            let half = HashKeyRange::new(start, end).expect("a shard to be split takes four hash keys or more");
            self.open(vec![shard.clone()], half, now)
        });
        self.follow(std::slice::from_ref(shard), &children);
        children
    }

    pub(super) fn merge(&mut self, shard: &ShardId, adjacent: &ShardId, now: Timestamp) -> ShardId {
        let (left, right) = (self.close(shard, now), self.close(adjacent, now));
        let (left, right) = if left.start() < right.start() { (left, right) } else { (right, left) };
        assert_eq!(left.end().checked_add(1), Some(right.start()), "{shard} and {adjacent} are not neighbours");
        let parents = [shard.clone(), adjacent.clone()];
        let both = HashKeyRange::new(left.start(), right.end()).expect("wide");
        let child = self.open(parents.to_vec(), both, now);
        self.follow(&parents, std::slice::from_ref(&child));
        child
    }

    fn close(&mut self, shard: &ShardId, now: Timestamp) -> HashKeyRange {
        let story = self.story(shard);
        assert!(story.closed.is_none(), "shard {shard} is closed");
        (story.closed, story.shard.closed) = (Some(now), true);
        story.hash_range
    }

    fn follow(&mut self, parents: &[ShardId], children: &[ShardId]) {
        let hash_range = |child: &ShardId| self.stories.get(child).map(|story| story.hash_range);
        let children: Vec<_> = children
            .iter()
            .map(|id| ChildShard { id: id.clone(), parents: parents.to_vec(), hash_range: hash_range(id) })
            .collect();
        for parent in parents {
            self.story(parent).children.clone_from(&children);
        }
    }

    pub(super) fn trim(&mut self, shard: &ShardId, records: usize) {
        let story = self.story(shard);
        story.trimmed = story.records.len().min(story.trimmed + records);
    }

    pub(super) fn forget(&mut self, shard: &ShardId) {
        assert!(self.stories.remove(shard).is_some(), "there is no shard {shard}");
    }

    pub(super) fn list(&self, which: WhichShards) -> Vec<Shard> {
        let open_at = |story: &Story, time| story.opened <= time && story.closed.is_none_or(|closed| time < closed);
        let listed = |story: &&Story| match which {
            WhichShards::All => true,
            WhichShards::OpenAt(InitialPosition::TrimHorizon) => {
                story.shard.parents.iter().all(|parent| !self.stories.contains_key(parent))
            }
            WhichShards::OpenAt(InitialPosition::Latest) => story.closed.is_none(),
            WhichShards::OpenAt(InitialPosition::AtTimestamp(time)) => open_at(story, time.max(self.created)),
        };
        self.stories.values().filter(listed).map(|story| story.shard.clone()).collect()
    }

    /// Where a reader begins.
    pub(super) fn place(&self, shard: &ShardId, from: &StartAt) -> Result<Place, SourceError> {
        let story = self.stories.get(shard).ok_or_else(|| gone(shard))?;
        let first = digits(self.first_sequence);
        let index = match from {
            StartAt::TrimHorizon => story.trimmed,
            StartAt::Latest => story.records.len(),
            StartAt::Timestamp(time) => story.records.partition_point(|record| record.arrival < Some(*time)),
            StartAt::At(number) | StartAt::After(number) if *number < first => {
                let message = format!("the position {number} in shard {shard} is of an earlier stream");
                return Err(SourceError::new(SourceErrorKind::Foreign, message));
            }
            StartAt::At(number) => story.records.partition_point(|record| record.sequence_number < *number),
            StartAt::After(number) => story.records.partition_point(|record| record.sequence_number <= *number),
        };
        Ok(Place { generation: self.generation, index })
    }

    /// What a reader finds at its place.
    pub(super) fn find(&self, shard: &ShardId, place: Place, most: usize) -> Result<Found, SourceError> {
        let story =
            self.stories.get(shard).filter(|_| place.generation == self.generation).ok_or_else(|| gone(shard))?;
        let place = Place { index: place.index.max(story.trimmed), ..place };
        let next = place.next(story.records.len(), most);
        if next.is_empty() {
            return Ok(if story.closed.is_some() { Found::End(story.children.clone()) } else { Found::Nothing });
        }
        let unread_since = story.records.get(next.end).and_then(|record| record.arrival);
        let place = Place { index: next.end, ..place };
        Ok(Found::Records { records: story.records[next].to_vec(), unread_since, place })
    }
}

fn gone(shard: &ShardId) -> SourceError {
    SourceError::new(SourceErrorKind::NotFound, format!("there is no shard {shard}"))
}
