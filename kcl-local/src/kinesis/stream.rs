//! One stream: its state, its shards and what they have in common.

use std::collections::BTreeMap;
use std::time::Duration;

use super::consumers::Consumer;
use super::hash::HashKeyRange;
use super::kms::KmsFault;
use super::limits::Window;
use super::modes::{RecordDistributionStrategy, StreamMode};
use super::names::ShardId;
use super::reshard::Change;
use super::sequence::Epochs;
use super::shard::{Parents, Shard};
use crate::wire::Timestamp;

/// The state of a stream as the API names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamStatus {
    /// Being made; it has no shards yet.
    Creating,
    /// Ready for everything.
    Active,
    /// Being resharded or changed; reads and writes go on.
    Updating,
    /// Being deleted; reads and writes may go on until it is gone.
    Deleting,
}

impl StreamStatus {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Updating => "UPDATING",
            Self::Deleting => "DELETING",
        }
    }
}

/// What a stream is doing and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Creating { until: Timestamp, shards: u32 },
    Active,
    Updating { until: Timestamp, change: Change },
    Deleting { until: Timestamp },
}

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) phase: Phase,
    pub(super) created: Timestamp,
    pub(super) epoch: u64,
    pub(super) mode: StreamMode,
    pub(super) distribution: RecordDistributionStrategy,
    pub(super) retention_hours: u32,
    /// What was out of retention when the retention was last lengthened stays out of it.
    pub(super) trimmed_before: Option<Timestamp>,
    pub(super) record_size_kib: u32,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) kms_fault: Option<KmsFault>,
    pub(super) list_shards_calls: Window,
    pub(super) scalings: Window,
    pub(super) mode_changes: Window,
    /// Registered consumers, by name. They are gone with the stream.
    pub(super) consumers: BTreeMap<String, Consumer>,
    pub(super) deregister_consumer_calls: Window,
    pub(super) describe_consumer_calls: Window,
    pub(super) list_consumers_calls: Window,
    shards: BTreeMap<ShardId, Shard>,
    /// The open shards by their lowest hash key: together they take every key once.
    open: BTreeMap<u128, ShardId>,
    next_shard: u32,
}

impl Stream {
    pub(super) fn new(
        created: Timestamp,
        epoch: u64,
        phase: Phase,
        retention_hours: u32,
        record_size_kib: u32,
    ) -> Self {
        Self {
            phase,
            created,
            epoch,
            mode: StreamMode::Provisioned,
            distribution: RecordDistributionStrategy::UserPartitionKey,
            retention_hours,
            trimmed_before: None,
            record_size_kib,
            tags: BTreeMap::new(),
            kms_fault: None,
            list_shards_calls: Window::default(),
            scalings: Window::default(),
            mode_changes: Window::default(),
            consumers: BTreeMap::new(),
            deregister_consumer_calls: Window::default(),
            describe_consumer_calls: Window::default(),
            list_consumers_calls: Window::default(),
            shards: BTreeMap::new(),
            open: BTreeMap::new(),
            next_shard: 0,
        }
    }

    pub(super) fn status(&self) -> StreamStatus {
        match self.phase {
            Phase::Creating { .. } => StreamStatus::Creating,
            Phase::Active => StreamStatus::Active,
            Phase::Updating { .. } => StreamStatus::Updating,
            Phase::Deleting { .. } => StreamStatus::Deleting,
        }
    }

    pub(super) fn deleted_by(&self, now: Timestamp) -> bool {
        matches!(self.phase, Phase::Deleting { until } if until <= now)
    }

    /// When something happens to the stream that nobody asks for any more.
    pub(super) fn next_change(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Active => None,
            Phase::Creating { until, .. } | Phase::Updating { until, .. } | Phase::Deleting { until } => Some(until),
        }
    }

    /// Carries out what is due by `now`, at the times it was due.
    pub(super) fn settle(&mut self, now: Timestamp, update_delay: Duration, epochs: &mut Epochs) {
        self.consumers.retain(|_, consumer| consumer.settle(now));
        loop {
            self.phase = match self.phase {
                Phase::Creating { until, shards } if until <= now => {
                    for keys in HashKeyRange::equal_parts(shards) {
                        // As old as the stream, so that they are what was open at its beginning.
                        self.open_shard(self.epoch, keys, Parents::default(), self.created);
                    }
                    Phase::Active
                }
                Phase::Updating { until, change } if until <= now => {
                    self.carry_out(change, until, update_delay, epochs)
                }
                _ => return,
            }
        }
    }

    pub(super) fn open_shard(&mut self, epoch: u64, keys: HashKeyRange, parents: Parents, now: Timestamp) -> ShardId {
        let id = ShardId(self.next_shard);
        self.next_shard += 1;
        self.open.insert(keys.start, id);
        self.shards.insert(id, Shard::open(id, epoch, keys, parents, now));
        id
    }

    /// Closes a shard in favour of its children. Its hash keys are theirs by then, so only an entry that is still
    /// its own is taken out of the open shards.
    pub(super) fn close_shard(&mut self, id: ShardId, children: &[ShardId], now: Timestamp) {
        if let Some(shard) = self.shards.get_mut(&id) {
            shard.close(now, children);
            if self.open.get(&shard.keys.start) == Some(&id) {
                self.open.remove(&shard.keys.start);
            }
        }
    }

    pub(super) fn open_shards(&self) -> impl Iterator<Item = &Shard> {
        self.open.values().filter_map(|id| self.shards.get(id))
    }

    pub(super) fn open_shard_count(&self) -> usize {
        self.open.len()
    }

    /// The open shards, or those to come while the stream is CREATING.
    pub(super) fn shards_held(&self) -> usize {
        match self.phase {
            Phase::Creating { shards, .. } => usize::try_from(shards).unwrap_or(usize::MAX),
            _ => self.open.len(),
        }
    }

    /// The open shard that takes a hash key; `None` only while the stream is CREATING.
    pub(super) fn shard_of(&self, hash_key: u128) -> Option<ShardId> {
        self.open.range(..=hash_key).next_back().map(|(_, id)| *id)
    }

    /// The open shard that comes `index`th by hash key.
    pub(super) fn nth_open_shard(&self, index: usize) -> Option<ShardId> {
        self.open.values().nth(index).copied()
    }

    /// Records of this time and before have left retention; `None` when nothing can have.
    pub(super) fn trim_point(&self, now: Timestamp) -> Option<Timestamp> {
        self.trimmed_before.max(now.before(hours(self.retention_hours)))
    }

    /// The time of the trim horizon: where retention begins, or the stream if it is younger.
    pub(super) fn horizon(&self, now: Timestamp) -> Timestamp {
        self.trim_point(now).map_or(self.created, |point| point.max(self.created))
    }

    /// A shard without what has left retention; `None` if it never was or has expired.
    pub(super) fn shard_mut(&mut self, id: ShardId, now: Timestamp) -> Option<&mut Shard> {
        let point = self.trim_point(now);
        let shard = self.shards.get_mut(&id).filter(|shard| !shard.expired(point))?;
        shard.trim(point);
        Some(shard)
    }

    /// Every shard that has not expired, by id. Forgets those that have.
    pub(super) fn live_shards(&mut self, now: Timestamp) -> impl Iterator<Item = &Shard> {
        let point = self.trim_point(now);
        self.shards.retain(|_, shard| !shard.expired(point));
        self.shards.values()
    }

    /// A shard by id, as it is: for what has nothing to do with retention.
    pub(super) fn shard(&self, id: ShardId) -> Option<&Shard> {
        self.shards.get(&id)
    }
}

fn hours(count: u32) -> Duration {
    Duration::from_hours(u64::from(count))
}
