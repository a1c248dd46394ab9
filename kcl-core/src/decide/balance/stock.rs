//! What one worker can give away.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::Bound::{Excluded, Included};

use super::weight::Milli;
use crate::ids::ShardKey;

/// Leases by weight, and of equal weight by shard; each with its index in the work.
#[derive(Default)]
pub(super) struct Stock<'a> {
    leases: BTreeMap<Milli, BinaryHeap<Reverse<(&'a ShardKey, usize)>>>,
}

impl<'a> Stock<'a> {
    pub(super) fn add(&mut self, weight: Milli, shard: &'a ShardKey, work: usize) {
        self.leases.entry(weight).or_default().push(Reverse((shard, work)));
    }

    pub(super) fn lightest(&self) -> Option<Milli> {
        self.leases.keys().next().copied()
    }

    /// Takes out the lease that is nearest to `wanted` and not heavier than `most`: its weight, and its index. Of two
    /// equally near the lighter one, and of equal weight the one of the least shard.
    pub(super) fn take_nearest(&mut self, wanted: Milli, most: Milli) -> Option<(Milli, usize)> {
        let below = self.leases.range(..=wanted.min(most)).next_back().map(|(weight, _)| *weight);
        let above = (wanted < most)
            .then(|| self.leases.range((Excluded(wanted), Included(most))).next().map(|(weight, _)| *weight))
            .flatten();
        let weight = below.into_iter().chain(above).min_by_key(|weight| (weight - wanted).abs())?;
        let shards = self.leases.get_mut(&weight)?;
        let Reverse((_, work)) = shards.pop()?;
        if shards.is_empty() {
            self.leases.remove(&weight);
        }
        Some((weight, work))
    }
}
