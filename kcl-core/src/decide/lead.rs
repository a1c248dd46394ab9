//! When a worker writes the leader lock. Nothing but balancing waits for it: two leaders at once cost refused writes.

use std::time::Duration;

use tokio::time::Instant;

use crate::decide::roster::{Living, Roster};
use crate::decide::timing::Timing;
use crate::ids::WorkerId;
use crate::member::LeaderLock;

/// The lock as this process holds it.
#[derive(Debug, Clone)]
pub struct HeldLock {
    /// As it wrote it last.
    pub lock: LeaderLock,
    /// When that write was first sent.
    pub sent: Instant,
}

/// What to do about the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Duty {
    /// Nothing.
    Nothing,
    /// Write it anew over what was seen.
    Acquire(Option<LeaderLock>),
    /// Show that this worker still balances.
    Beat,
    /// It was not shown in time: somebody else may hold it by now.
    Lost,
}

/// For how long our lock holds. Java followers, who would write 120 s, honour what is written.
#[must_use]
pub fn lasts(timing: &Timing) -> Duration {
    timing.failover.mul_f64(1.5)
}

/// What to do after a look and a plan that were completed: the lock never beats without.
///
/// The first two in rank contend for it when it is absent, given back, an earlier process's of this worker, or has not
/// changed for as long as it says that it holds.
#[must_use]
pub fn duty(
    me: &WorkerId,
    held: Option<&HeldLock>,
    roster: &Roster,
    living: &Living<'_>,
    timing: &Timing,
    now: Instant,
) -> Duty {
    if let Some(HeldLock { lock, sent }) = held {
        let age = now.saturating_duration_since(*sent);
        return match () {
            () if age >= lock.lasts => Duty::Lost,
            () if age >= timing.failover / 2 => Duty::Beat,
            () => Duty::Nothing,
        };
    }
    if living.rank(me) > 1 {
        return Duty::Nothing;
    }
    match roster.lock() {
        None => Duty::Acquire(None),
        Some((lock, since)) => {
            let expired = now.saturating_duration_since(since) >= lock.lasts;
            if lock.released || lock.owner == *me || expired {
                Duty::Acquire(Some(lock.clone()))
            } else {
                Duty::Nothing
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::observe::Observations;
    use crate::lease::Instance;
    use crate::member::Member;
    use crate::time::Timestamp;

    fn member(worker: &str) -> Member {
        Member {
            worker: worker.into(),
            instance: Some(Instance::new(1)),
            reported: Timestamp::from_millis(1_000),
            leaving: false,
            assignable: true,
            cap: None,
            utilization: None,
            wakes: Vec::new(),
        }
    }

    fn lock(owner: &str, version: &str) -> LeaderLock {
        let lasts = Duration::from_secs(15);
        LeaderLock { owner: owner.into(), version: version.to_owned(), lasts, released: false }
    }

    fn duty_of(me: &str, held: Option<&HeldLock>, looks: &[(u64, Option<LeaderLock>)]) -> Duty {
        let timing = Timing::new(Duration::from_secs(10));
        let start = Instant::now();
        let mut roster = Roster::default();
        let members = ["a", "b", "c"].map(member);
        for (seconds, lock) in looks {
            let now = start + Duration::from_secs(*seconds);
            roster.look(&members, lock.as_ref(), now, Timestamp::from_millis(1_000), &timing);
        }
        let living = roster.living(&[], &Observations::default(), &timing);
        let now = start + Duration::from_secs(looks.last().map_or(0, |(seconds, _)| *seconds));
        duty(&me.into(), held, &roster, &living, &timing, now)
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_two_in_rank_contend_for_a_lock_that_nobody_holds() {
        let contend = ["a", "b", "c"].map(|me| duty_of(me, None, &[(0, None)]) == Duty::Acquire(None));
        assert_eq!(contend.iter().filter(|contends| **contends).count(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_is_taken_over_when_it_stood_still_for_as_long_as_it_says() {
        let theirs = lock("java", "v1");
        let contends = |looks: &[u64], version: &[&str]| {
            let looks: Vec<_> =
                looks.iter().zip(version).map(|(at, version)| (*at, Some(lock("java", version)))).collect();
            ["a", "b", "c"].iter().any(|me| duty_of(me, None, &looks) == Duty::Acquire(Some(theirs.clone())))
        };
        assert!(!contends(&[0, 14], &["v1", "v1"]));
        assert!(contends(&[0, 14, 15], &["v1", "v1", "v1"]));
        assert!(!contends(&[0, 14, 20], &["v0", "v1", "v1"]), "it beat at 14 s");
        let mut released = theirs.clone();
        released.released = true;
        let takes = ["a", "b", "c"]
            .iter()
            .any(|me| duty_of(me, None, &[(0, Some(released.clone()))]) == Duty::Acquire(Some(released.clone())));
        assert!(takes, "given back");
    }

    #[tokio::test(start_paused = true)]
    async fn an_earlier_process_of_the_same_worker_is_succeeded_at_once() {
        // The holder of the lock goes first in rank.
        assert_eq!(duty_of("c", None, &[(0, Some(lock("c", "v1")))]), Duty::Acquire(Some(lock("c", "v1"))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_held_lock_beats_and_is_lost_when_it_could_not() {
        let held = HeldLock { lock: lock("a", "v1"), sent: Instant::now() };
        let at = |seconds| duty_of("a", Some(&held), &[(seconds, Some(lock("a", "v1")))]);
        assert_eq!([4, 5, 14, 15].map(at), [Duty::Nothing, Duty::Beat, Duty::Beat, Duty::Lost]);
    }
}
