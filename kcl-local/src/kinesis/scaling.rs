//! Changing the number of shards to equal parts: `UpdateShardCount`, and what on-demand streams do of themselves.

use super::error::Error;
use super::hash::HashKeyRange;
use super::lifecycle::require_active;
use super::names::ShardId;
use super::reshard::{Change, Step, require_provisioned};
use super::{Kinesis, Timestamp, find};

/// What `UpdateShardCount` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scaling {
    /// Open shards before the scaling.
    pub current_shard_count: u32,
    /// Open shards after it.
    pub target_shard_count: u32,
}

/// The steps, all at one time, that bring open shards nearer to `target` equal ones; none when they are there.
///
/// First every shard that lies across a border between two targets is split at such a border, then neighbours within
/// a target are merged in pairs. This makes short-lived shards, as the API reference (UpdateShardCount) says the
/// service does. `open` is in the order of hash keys and covers all of them.
pub(super) fn next_round(open: &[(ShardId, HashKeyRange)], target: u32) -> Vec<Step> {
    let targets = HashKeyRange::equal_parts(target);
    let splits: Vec<Step> = open.iter().filter_map(|(shard, keys)| split(*shard, *keys, &targets)).collect();
    if !splits.is_empty() {
        return splits;
    }
    let inside = |(_, keys): &&(ShardId, HashKeyRange), target: &HashKeyRange| target.contains(keys.start);
    let mut rest = open;
    let mut merges = Vec::new();
    for target in &targets {
        let count = rest.iter().take_while(|shard| inside(shard, target)).count();
        let (within, after) = rest.split_at(count);
        rest = after;
        merges.extend(within.chunks_exact(2).map(|pair| Step::Merge { shard: pair[0].0, adjacent: pair[1].0 }));
    }
    merges
}

/// A split at the middle one of the borders that a shard lies across.
fn split(shard: ShardId, keys: HashKeyRange, targets: &[HashKeyRange]) -> Option<Step> {
    let first = targets.partition_point(|target| target.start <= keys.start);
    let end = targets.partition_point(|target| target.start <= keys.end);
    let borders = &targets[first..end];
    borders.get(borders.len() / 2).map(|target| Step::Split { shard, at: target.start })
}

impl Kinesis {
    /// `UpdateShardCount` with `UNIFORM_SCALING`: the stream is UPDATING until its open shards are `target` equal
    /// ones.
    pub fn update_shard_count(&mut self, stream: &str, target: u32, now: Timestamp) -> Result<Scaling, Error> {
        let now = self.advance(now);
        let settings = &self.settings;
        let found = find(&mut self.streams, settings, stream)?;
        require_provisioned(found, settings, stream)?;
        require_active(found, settings, stream)?;
        let current = u32::try_from(found.open_shard_count()).unwrap_or(u32::MAX);
        check_bounds(current, target, settings.shards_per_stream)?;
        self.check_shard_limit(usize::try_from(target.saturating_sub(current)).unwrap_or(usize::MAX))?;
        let most = self.settings.scalings_per_day;
        if !self.stream_mut(stream)?.scalings.admit_in_a_day(now, most) {
            return Err(Error::limit(format!("Stream {stream} has been scaled {most} times within 24 hours.")));
        }
        self.begin_update(stream, Change::Scale(target), now)?;
        Ok(Scaling { current_shard_count: current, target_shard_count: target })
    }

    /// What the service does to an on-demand stream when its traffic changes: it reshards to `target` equal shards,
    /// and nobody asked. The model never does this of itself; a test says when. No limit of `UpdateShardCount` holds;
    /// `target` counts as at least 1 and at most the setting `shards_per_stream`.
    pub fn scale_on_demand(&mut self, stream: &str, target: u32, now: Timestamp) -> Result<(), Error> {
        let now = self.advance(now);
        let found = find(&mut self.streams, &self.settings, stream)?;
        require_active(found, &self.settings, stream)?;
        let target = target.max(1).min(self.settings.shards_per_stream);
        self.begin_update(stream, Change::Scale(target), now)
    }
}

/// The bounds of API reference, UpdateShardCount. Half of an odd count is not a whole number: 2 of 3 is allowed, as
/// "below half" says, and 1 is not.
fn check_bounds(current: u32, target: u32, most: u32) -> Result<(), Error> {
    let counts = format!("Current open shard count: {current}, Target shard count: {target}");
    if target == 0 {
        return Err(Error::constraint("targetShardCount", "Member must have value greater than or equal to 1"));
    }
    if target > current.saturating_mul(2) {
        let rule = "UpdateShardCount cannot scale up over double your current open shard count";
        return Err(Error::limit(format!("{rule}. {counts}")));
    }
    if target.saturating_mul(2) < current {
        let rule = "UpdateShardCount cannot scale down below half your current open shard count";
        return Err(Error::limit(format!("{rule}. {counts}")));
    }
    if target > most {
        return Err(Error::limit(format!("UpdateShardCount cannot scale up to over {most} shards. {counts}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Applies the rounds to ranges alone, and counts them.
    fn scale(mut open: Vec<(ShardId, HashKeyRange)>, target: u32) -> (Vec<(ShardId, HashKeyRange)>, usize) {
        let mut next = 1000;
        for rounds in 0.. {
            let steps = next_round(&open, target);
            if steps.is_empty() {
                return (open, rounds);
            }
            for step in steps {
                let (parents, cuts) = match step {
                    Step::Split { shard, at } => (vec![shard], vec![at]),
                    Step::Merge { shard, adjacent } => (vec![shard, adjacent], vec![]),
                };
                let keys: Vec<_> = open.iter().filter(|(id, _)| parents.contains(id)).map(|(_, keys)| *keys).collect();
                assert_eq!(keys.len(), parents.len(), "every parent is open");
                assert!(keys.windows(2).all(|pair| pair[0].end + 1 == pair[1].start), "merged shards touch");
                open.retain(|(id, _)| !parents.contains(id));
                let mut start = keys[0].start;
                for cut in cuts {
                    assert!(start < cut && cut <= keys[0].end);
                    open.push((ShardId(next), HashKeyRange { start, end: cut - 1 }));
                    next += 1;
                    start = cut;
                }
                open.push((ShardId(next), HashKeyRange { start, end: keys[keys.len() - 1].end }));
                next += 1;
                open.sort_by_key(|(_, keys)| keys.start);
            }
        }
        unreachable!("the loop returns")
    }

    #[test]
    fn every_scaling_ends_in_equal_shards_within_a_few_rounds() {
        for current in 1..=24 {
            for target in 1..=48 {
                let open = HashKeyRange::equal_parts(current).into_iter().enumerate();
                let open = open.map(|(i, keys)| (ShardId(u32::try_from(i).expect("few")), keys)).collect();
                let (after, rounds) = scale(open, target);
                let after: Vec<_> = after.into_iter().map(|(_, keys)| keys).collect();
                assert_eq!(after, HashKeyRange::equal_parts(target), "{current} to {target}");
                assert!(rounds <= 12, "{current} to {target}: {rounds} rounds");
            }
        }
    }

    #[test]
    fn four_to_three_makes_short_lived_shards() {
        let open: Vec<_> = (0..4).map(ShardId).zip(HashKeyRange::equal_parts(4)).collect();
        let splits = next_round(&open, 3);
        assert_eq!(splits.len(), 2, "{splits:?}");
        assert_eq!(scale(open, 3).1, 2);
    }

    #[test]
    fn unequal_shards_are_made_equal_without_a_change_of_their_number() {
        let cut = 12_345_678_901_234_567_890;
        let low = HashKeyRange { start: 0, end: cut - 1 };
        let high = HashKeyRange { start: cut, end: u128::MAX };
        let (after, _) = scale(vec![(ShardId(0), low), (ShardId(1), high)], 2);
        assert_eq!(after.iter().map(|(_, keys)| *keys).collect::<Vec<_>>(), HashKeyRange::equal_parts(2));
    }

    #[test]
    fn the_bounds_are_double_and_half() {
        let cases =
            [(2, 4, true), (2, 5, false), (4, 2, true), (4, 1, false), (3, 2, true), (3, 1, false), (1, 0, false)];
        for (current, target, allowed) in cases {
            assert_eq!(check_bounds(current, target, 10_000).is_ok(), allowed, "{current} to {target}");
        }
        assert!(check_bounds(6_000, 10_000, 10_000).is_ok());
        assert!(check_bounds(6_000, 10_001, 10_000).is_err());
        assert!(check_bounds(12_000, 9_000, 10_000).is_ok());
        assert!(check_bounds(12_000, 11_000, 10_000).is_err());
    }
}
