//! Workers that report, and do not begin with what they are offered: each time it costs a shard some silence, so they are
//! tried again less and less often.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::ids::WorkerId;

/// The first time a worker is left alone for so many failover times, then for three times as long each.
const FIRST: u32 = 3;

/// The longest.
const LONGEST: Duration = Duration::from_mins(10);

/// Whom an observer leaves alone, and until when.
#[derive(Debug, Default)]
pub struct Distrust {
    workers: BTreeMap<WorkerId, (Duration, Instant)>,
}

impl Distrust {
    /// These did not begin with something, as was found out now.
    pub fn note(&mut self, workers: &BTreeSet<WorkerId>, now: Instant, failover: Duration) {
        for worker in workers {
            let before = self.workers.get(worker).copied();
            if before.is_some_and(|(_, until)| now < until) {
                // It is given nothing: this is still the same failure.
                continue;
            }
            let before = before.map(|(pause, _)| pause);
            let pause = before.map_or(failover * FIRST, |before| before * 3).min(LONGEST);
            self.workers.insert(worker.clone(), (pause, now + pause));
        }
        // One that did well for as long again as it was left alone begins anew.
        self.workers.retain(|_, (pause, until)| now < *until + *pause);
    }

    /// Who is left alone now.
    #[must_use]
    pub fn at(&self, now: Instant) -> BTreeSet<WorkerId> {
        self.workers.iter().filter(|(_, (_, until))| now < *until).map(|(worker, _)| worker.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_that_fails_again_is_left_alone_for_longer_and_one_that_does_well_is_forgiven() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let failover = Duration::from_secs(10);
        let (failed, nobody) = (BTreeSet::from([WorkerId::from("a")]), BTreeSet::new());
        let mut distrust = Distrust::default();
        distrust.note(&failed, at(0), failover);
        assert_eq!([29, 30].map(|seconds| distrust.at(at(seconds)).len()), [1, 0]);
        distrust.note(&failed, at(40), failover);
        assert_eq!([129, 130].map(|seconds| distrust.at(at(seconds)).len()), [1, 0], "three times as long");
        distrust.note(&nobody, at(221), failover);
        distrust.note(&failed, at(222), failover);
        assert_eq!([251, 252].map(|seconds| distrust.at(at(seconds)).len()), [1, 0], "anew");
    }

    #[tokio::test(start_paused = true)]
    async fn one_failure_that_is_seen_again_and_again_counts_once() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let failover = Duration::from_secs(10);
        let failed = BTreeSet::from([WorkerId::from("a")]);
        let mut distrust = Distrust::default();
        for seconds in 0..10 {
            distrust.note(&failed, at(seconds), failover);
        }
        assert_eq!([29, 30].map(|seconds| distrust.at(at(seconds)).len()), [1, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_left_alone_for_longer_than_ten_minutes() {
        let mut now = Instant::now();
        let failed = BTreeSet::from([WorkerId::from("a")]);
        let mut distrust = Distrust::default();
        let mut pauses = Vec::new();
        for _ in 0..5 {
            distrust.note(&failed, now, Duration::from_secs(10));
            let before = now;
            while !distrust.at(now).is_empty() {
                now += Duration::from_secs(1);
            }
            pauses.push((now - before).as_secs());
        }
        assert_eq!(pauses, [30, 90, 270, 600, 600]);
    }
}
