//! Whether a lease has an owner who lives, as the leader sees it: by two scans in a row.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::super::lease::JavaLease;

/// What is remembered of each lease.
#[derive(Debug, Default)]
pub(super) struct Observer(BTreeMap<String, Sight>);

#[derive(Debug, Clone, Copy)]
struct Sight {
    counter: u64,
    /// When the counter was last seen to grow; `None` of a lease that had no owner when it was first seen.
    grew: Option<Instant>,
}

/// A lease, and what the leader makes of it.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) lease: JavaLease,
    /// It has no owner, or one who has been silent for too long.
    pub(super) expired: bool,
}

impl Observer {
    /// What was scanned, those first that have been silent longest. A counter that goes back does not count as a sign of
    /// life.
    pub(super) fn see(&mut self, leases: Vec<JavaLease>, now: Instant, failover: Duration) -> Vec<Seen> {
        let mut seen = Vec::new();
        let mut sights = BTreeMap::new();
        for lease in leases {
            let grew = match self.0.get(&lease.key) {
                None if lease.actual_owner().is_none() => None,
                Some(before) if lease.counter <= before.counter => before.grew,
                _ => Some(now),
            };
            sights.insert(lease.key.clone(), Sight { counter: lease.counter, grew });
            let silent = grew.is_none_or(|grew| now.saturating_duration_since(grew) > failover);
            seen.push((grew, Seen { expired: silent || lease.actual_owner().is_none(), lease }));
        }
        self.0 = sights;
        seen.sort_by_key(|(grew, _)| *grew);
        seen.into_iter().map(|(_, seen)| seen).collect()
    }

    /// The leader's own write is no sign of life of the new owner, who has its time from now on.
    pub(super) fn wrote(&mut self, key: &str, counter: u64) {
        self.0.insert(key.to_owned(), Sight { counter, grew: Some(Instant::now()) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILOVER: Duration = Duration::from_secs(10);

    fn lease(counter: u64, owner: Option<&str>) -> JavaLease {
        let mut lease = JavaLease::new("shardId-0", Vec::new(), ("0".to_owned(), "9".to_owned()));
        (lease.counter, lease.owner) = (counter, owner.map(str::to_owned));
        lease
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_expires_with_the_first_scan_that_shows_no_growth_and_a_smaller_counter_is_none() {
        let mut observer = Observer::default();
        let mut scan = |counter, after| {
            let now = Instant::now() + Duration::from_secs(after);
            observer.see(vec![lease(counter, Some("a"))], now, FAILOVER)[0].expired
        };
        assert!(!scan(5, 0), "seen for the first time");
        assert!(!scan(6, 20));
        assert!(scan(6, 40));
        assert!(!scan(7, 60));
        assert!(scan(1, 80), "made anew, and taken for dead until it has caught up");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_without_owner_is_given_away_at_first_sight() {
        assert!(Observer::default().see(vec![lease(0, None)], Instant::now(), FAILOVER)[0].expired);
    }
}
