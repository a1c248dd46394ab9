//! When a fleet is at rest.

use std::collections::BTreeMap;

/// How long nothing may have changed in a fleet whose shares are fair, in milliseconds.
const FAIR_FOR: u64 = 2000;

/// A fleet at a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    /// Who holds which shard.
    pub(crate) holders: &'a BTreeMap<String, String>,
    /// How many shards there are.
    pub(crate) shards: usize,
    /// The workers that live.
    pub(crate) workers: &'a [String],
    /// For how long no lease changed hands, in milliseconds.
    pub(crate) calm_for: u64,
    /// The failover time, in milliseconds.
    pub(crate) failover: u64,
}

impl View<'_> {
    /// Whether the fleet will stay as it is: every shard is held by one that lives, and nothing changes any more. Fair
    /// shares are believed soon; others only when a whole failover time has changed nothing.
    pub(crate) fn is_settled(&self) -> bool {
        let enough = if self.is_fair() { FAIR_FOR } else { self.failover + FAIR_FOR };
        self.is_held() && self.calm_for >= enough
    }

    /// Whether every shard is held, and no worker holds two more than another.
    pub(crate) fn is_fair(&self) -> bool {
        let counts = || self.workers.iter().map(|worker| self.count(worker));
        self.is_held() && counts().max().unwrap_or(0) <= counts().min().unwrap_or(0) + 1
    }

    fn is_held(&self) -> bool {
        self.workers.iter().map(|worker| self.count(worker)).sum::<usize>() == self.shards
    }

    fn count(&self, worker: &str) -> usize {
        self.holders.values().filter(|holder| *holder == worker).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(holders: &[&str], workers: &[&str], calm_for: u64) -> (bool, bool) {
        let shard = |(place, holder): (usize, &&str)| (format!("shard-{place}"), (*holder).to_owned());
        let holders = holders.iter().enumerate().map(shard).collect();
        let workers: Vec<String> = workers.iter().map(|&worker| worker.to_owned()).collect();
        let view = View { holders: &holders, shards: 4, workers: &workers, calm_for, failover: 10_000 };
        (view.is_settled(), view.is_fair())
    }

    #[test]
    fn a_fair_fleet_is_settled_soon_and_another_after_the_failover_time() {
        assert_eq!(settled(&["a", "a", "b", "b"], &["a", "b"], 2000), (true, true));
        assert_eq!(settled(&["a", "a", "b", "b"], &["a", "b"], 1999), (false, true));
        assert_eq!(settled(&["a", "a", "a", "b"], &["a", "b"], 11_999), (false, false));
        assert_eq!(settled(&["a", "a", "a", "b"], &["a", "b"], 12_000), (true, false));
    }

    #[test]
    fn shares_that_cannot_be_equal_may_differ_by_one() {
        assert_eq!(settled(&["a", "a", "b", "c"], &["a", "b", "c"], 2000), (true, true));
        assert_eq!(settled(&["a", "a", "b", "b"], &["a", "b", "c"], 2000), (false, false));
    }

    #[test]
    fn a_fleet_with_a_shard_that_nobody_or_a_dead_worker_holds_is_never_settled() {
        assert_eq!(settled(&["a", "a", "b"], &["a", "b"], 60_000), (false, false));
        assert_eq!(settled(&["a", "a", "b", "dead"], &["a", "b"], 60_000), (false, false));
    }
}
