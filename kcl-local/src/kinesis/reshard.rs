//! Splits and merges: `SplitShard`, `MergeShards`, and what happens when they are due.
//!
//! Parents close and children open at one instant, at the end of the UPDATING state. When exactly within that state
//! the service does it is not documented; at the end is the latest, so records reach the parent as long as they can.

use std::time::Duration;

use super::error::{Error, ErrorCode};
use super::hash::HashKeyRange;
use super::lifecycle::require_active;
use super::modes::StreamMode;
use super::names::ShardId;
use super::scaling::next_round;
use super::sequence::Epochs;
use super::settings::Settings;
use super::shard::{Parents, Shard};
use super::stream::{Phase, Stream};
use super::{Kinesis, Timestamp, find};

/// What a stream in UPDATING is about to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Reshard(Step),
    /// Towards this many equal shards, in as many rounds of steps as it takes.
    Scale(u32),
    Mode(StreamMode),
}

/// One split or merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Split { shard: ShardId, at: u128 },
    Merge { shard: ShardId, adjacent: ShardId },
}

impl Stream {
    /// Does what was due at `now`; what the stream does next.
    pub(super) fn carry_out(&mut self, change: Change, now: Timestamp, delay: Duration, epochs: &mut Epochs) -> Phase {
        match change {
            Change::Mode(mode) => self.mode = mode,
            Change::Reshard(step) => self.reshard(step, now, epochs),
            Change::Scale(target) => {
                for step in next_round(&self.open_ranges(), target) {
                    self.reshard(step, now, epochs);
                }
                if !next_round(&self.open_ranges(), target).is_empty() {
                    return Phase::Updating { until: now.after(delay), change };
                }
            }
        }
        Phase::Active
    }

    /// The open shards with their hash keys, lowest first.
    pub(super) fn open_ranges(&self) -> Vec<(ShardId, HashKeyRange)> {
        self.open_shards().map(|shard| (shard.id, shard.keys)).collect()
    }

    fn reshard(&mut self, step: Step, now: Timestamp, epochs: &mut Epochs) {
        let epoch = epochs.next(now);
        match step {
            Step::Split { shard, at } => {
                let Some(keys) = self.shard(shard).map(|parent| parent.keys) else { return };
                let parents = Parents { parent: Some(shard), adjacent: None };
                let lower = HashKeyRange { start: keys.start, end: at - 1 };
                let upper = HashKeyRange { start: at, end: keys.end };
                let children = [lower, upper].map(|keys| self.open_shard(epoch, keys, parents, now));
                self.close_shard(shard, &children, now);
            }
            Step::Merge { shard, adjacent } => {
                let keys = [shard, adjacent].map(|id| self.shard(id).map(|parent| parent.keys));
                let [Some(one), Some(other)] = keys else { return };
                let parents = Parents { parent: Some(shard), adjacent: Some(adjacent) };
                let keys = HashKeyRange { start: one.start.min(other.start), end: one.end.max(other.end) };
                let child = self.open_shard(epoch, keys, parents, now);
                self.close_shard(shard, &[child], now);
                self.close_shard(adjacent, &[child], now);
            }
        }
    }
}

impl Kinesis {
    /// `SplitShard`: the stream is UPDATING for a while; then the shard is closed and two children take its hash
    /// keys, one those below `new_starting_hash_key` and one the rest.
    pub fn split_shard(
        &mut self,
        stream: &str,
        shard: ShardId,
        new_starting_hash_key: u128,
        now: Timestamp,
    ) -> Result<(), Error> {
        let now = self.advance(now);
        let keys = self.open_shard_to_reshard(stream, shard)?.keys;
        // Stricter than "in the range of hash keys being mapped into the shard" (API reference): the service's own
        // message asks for more than one above the start.
        if new_starting_hash_key <= keys.start.saturating_add(1) || new_starting_hash_key >= keys.end {
            let account = &self.settings.account;
            let HashKeyRange { start, end } = keys;
            return Err(Error::invalid(format!(
                "NewStartingHashKey {new_starting_hash_key} used in SplitShard() on shard {shard} in stream {stream} \
                 under account {account} is not both greater than one plus the shard's StartingHashKey {start} and \
                 less than the shard's EndingHashKey {end}."
            )));
        }
        self.check_shard_limit(1)?;
        self.begin_update(stream, Change::Reshard(Step::Split { shard, at: new_starting_hash_key }), now)
    }

    /// [`Kinesis::split_shard`] in the middle of the shard's hash keys.
    pub fn split_shard_in_half(&mut self, stream: &str, shard: ShardId, now: Timestamp) -> Result<(), Error> {
        self.advance(now);
        let middle = self.open_shard_to_reshard(stream, shard)?.keys.middle();
        self.split_shard(stream, shard, middle, now)
    }

    /// `MergeShards`: the stream is UPDATING for a while; then both shards are closed and one child takes their hash
    /// keys. They must be neighbours.
    pub fn merge_shards(
        &mut self,
        stream: &str,
        shard: ShardId,
        adjacent: ShardId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let now = self.advance(now);
        let one = self.open_shard_to_reshard(stream, shard)?.keys;
        let other = self.open_shard_to_reshard(stream, adjacent)?.keys;
        let touch = |low: HashKeyRange, high: HashKeyRange| low.end.checked_add(1) == Some(high.start);
        if !touch(one, other) && !touch(other, one) {
            let account = &self.settings.account;
            return Err(Error::invalid(format!(
                "Shards {shard} and {adjacent} in stream {stream} under account {account} are not an adjacent pair of \
                 shards eligible for merging"
            )));
        }
        self.begin_update(stream, Change::Reshard(Step::Merge { shard, adjacent }), now)
    }

    pub(super) fn begin_update(&mut self, stream: &str, change: Change, now: Timestamp) -> Result<(), Error> {
        let until = now.after(self.settings.update_delay);
        self.stream_mut(stream)?.phase = Phase::Updating { until, change };
        Ok(())
    }

    /// The shard, if the stream's owner may split or merge it now.
    fn open_shard_to_reshard(&mut self, stream: &str, shard: ShardId) -> Result<&Shard, Error> {
        let now = self.now;
        let settings = &self.settings;
        let account = &settings.account;
        let found = find(&mut self.streams, settings, stream)?;
        require_provisioned(found, settings, stream)?;
        require_active(found, settings, stream)?;
        let found = found.shard_mut(shard, now).ok_or_else(|| {
            Error::not_found(format!("Could not find shard {shard} in stream {stream} under account {account}."))
        })?;
        if found.closed.is_some() {
            return Err(Error::invalid(format!(
                "Shard {shard} in stream {stream} under account {account} has already been merged or split, and thus \
                 is not eligible for merging or splitting."
            )));
        }
        Ok(found)
    }
}

/// API reference, SplitShard, MergeShards and UpdateShardCount: `ValidationException` in on-demand mode.
pub(super) fn require_provisioned(stream: &Stream, settings: &Settings, name: &str) -> Result<(), Error> {
    match stream.mode {
        StreamMode::Provisioned => Ok(()),
        StreamMode::OnDemand => {
            let account = &settings.account;
            let text = format!("Request is invalid. Stream {name} under account {account} is in On-Demand mode.");
            Err(Error::new(ErrorCode::Validation, text))
        }
    }
}
