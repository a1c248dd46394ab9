//! What holds although requests and answers are lost: a caller that repeats each write, unchanged, until it is answered,
//! and knows its own by the stamp, gets every write applied once. A worker does the same.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::locking::{acquire, held};
use super::membership::{first, lease as hint};
use super::{NOW, Subject, applied, assert_same, at, checkpoint, instance, one_write_on, pass, renew, worker, write};
use crate::error::StoreError;
use crate::ids::WorkerId;
use crate::lease::{Instance, Lease, Stamp};
use crate::member::{LeaderLock, LockWrite, MemberReport, Over};
use crate::store::{LeaseAction, LeaseStore, LeaseWrite, WriteOutcome};

/// A tenure of many renewals and commits leaves the lease as if nothing had been lost: each write moved the version
/// once, and was reported as applied.
pub async fn a_history_is_applied_once(subject: &Subject) {
    let me = worker("me");
    let store = &*subject.store;
    let stamp = Some(Stamp::held(instance(&me), 0, 0));
    let new = Lease { owner: Some(me.clone()), stamp, born: Some(NOW), ..subject.lease(0) };
    let mut lease = applied(insist_on_create(store, &new).await);
    assert_same(&lease, &new);
    for round in 0..60_u64 {
        let action = if round % 3 == 2 { checkpoint(at(&round.to_string(), 0)) } else { renew() };
        let write = write(&lease, &me, action);
        let after = applied(insist(store, &write).await);
        let expected = one_write_on(&lease, &write);
        let expected =
            if round % 3 == 2 { Lease { checkpoint: at(&round.to_string(), 0), ..expected } } else { expected };
        assert_same(&after, &expected);
        lease = after;
    }
    let free = write(&lease, &me, pass(None, Some(at("100", 0))));
    let freed = applied(insist(store, &free).await);
    assert_same(&freed, &Lease { owner: None, checkpoint: at("100", 0), ..one_write_on(&lease, &free) });
}

/// Of many workers that insist on taking one lease, one believes that it did, and it did.
pub async fn one_racer_believes_to_have_won(subject: &Subject) {
    let lease = applied(insist_on_create(&*subject.store, &subject.lease(0)).await);
    let mut race = JoinSet::new();
    for number in 0..12 {
        let (store, by) = (Arc::clone(&subject.store), worker(&format!("worker-{number}")));
        let take = write(&lease, &by, LeaseAction::Take);
        race.spawn(async move { (by, insist(&*store, &take).await) });
    }
    let believers: Vec<(WorkerId, Lease)> = race
        .join_all()
        .await
        .into_iter()
        .filter_map(|(by, outcome)| match outcome {
            WriteOutcome::Applied(lease) => Some((by, lease)),
            WriteOutcome::Refused(_) => None,
        })
        .collect();
    let [(winner, taken)] = believers.as_slice() else { panic!("one of them won, not {believers:?}") };
    assert_eq!(taken.owner.as_ref(), Some(winner));
    assert_eq!((taken.version, taken.owner_switches), (lease.version.next(), 1));
}

/// A row that a second process made its own stays that one's, whatever of the first one's arrives late, and the mark of
/// leaving stays; a hint that nobody consumed stays.
pub async fn a_row_stays_with_the_process_that_took_it_last(subject: &Subject) {
    let (store, me) = (&*subject.store, worker("me"));
    let (one, two) = (Instance::new(1), Instance::new(2));
    let by = |instance, over| MemberReport { instance, over, ..first(&me, None) };
    let own = async |report: MemberReport| answered(|| store.report(&report)).await;
    insist_on_first_report(store, &by(one, Over::Seen(None))).await;
    for number in 0..20 {
        assert!(own(by(one, Over::Own)).await);
        let hints = [hint(subject, number)];
        assert!(answered(|| store.wake(&me, &hints)).await);
        answered(|| store.consume(&me, &hints)).await;
    }
    insist_on_first_report(store, &by(two, Over::Seen(Some(one)))).await;
    assert!(!own(by(one, Over::Own)).await);
    assert!(!answered(|| store.resign(&me, one, NOW)).await);
    let last = [hint(subject, 99)];
    assert!(answered(|| store.wake(&me, &last)).await);
    let row = answered(|| store.member(&me, true)).await.expect("it is there");
    assert_eq!((row.instance, row.leaving), (Some(two), false));
    assert!(row.wakes.contains(&last[0]), "{row:?}");
    assert!(answered(|| store.resign(&me, two, NOW)).await);
    assert!(own(by(two, Over::Own)).await);
    let row = answered(|| store.member(&me, true)).await.expect("it is there");
    assert_eq!((row.instance, row.leaving), (Some(two), true));
}

/// Of many workers that insist on acquiring the lock, one believes to hold it, and does; its beats go on.
pub async fn one_believes_to_hold_the_lock(subject: &Subject) {
    let mut race = JoinSet::new();
    for number in 0..12 {
        let (store, new) =
            (Arc::clone(&subject.store), held(&format!("worker-{number}"), &format!("version-{number}")));
        race.spawn(async move { insist_on_lock(&*store, &acquire(None, &new), &new).await.then_some(new) });
    }
    let believers: Vec<_> = race.join_all().await.into_iter().flatten().collect();
    let [holder] = believers.as_slice() else { panic!("one of them holds it, not {believers:?}") };
    let mut last = holder.clone();
    for number in 0..20 {
        let new = LeaderLock { version: format!("beat-{number}"), ..last.clone() };
        let beat = LockWrite::Beat { from: last.version.clone(), new: new.clone() };
        assert!(insist_on_lock(&*subject.store, &beat, &new).await, "beat {number}");
        last = new;
    }
    assert_eq!(answered(|| subject.store.leader()).await, Some(last));
}

/// Repeats a first report until it is answered. A refusal under which the row is the process's means that an earlier try
/// was applied.
async fn insist_on_first_report(store: &dyn LeaseStore, report: &MemberReport) {
    if !answered(|| store.report(report)).await {
        let row = answered(|| store.member(&report.worker, true)).await;
        assert_eq!(row.and_then(|row| row.instance), Some(report.instance));
    }
}

/// The same for the lock: it is known by its version.
async fn insist_on_lock(store: &dyn LeaseStore, write: &LockWrite, new: &LeaderLock) -> bool {
    answered(|| store.lock(write)).await || answered(|| store.leader()).await.as_ref() == Some(new)
}

/// Repeats `write` until it is answered. A refusal that shows the write's own stamp means that an earlier try was
/// applied.
async fn insist(store: &dyn LeaseStore, write: &LeaseWrite) -> WriteOutcome {
    recognise(answered(|| store.write(write)).await, Some(&write.stamp))
}

/// The same for a create. One without a stamp belongs to nobody, so it does not matter whose was applied.
async fn insist_on_create(store: &dyn LeaseStore, new: &Lease) -> WriteOutcome {
    recognise(answered(|| store.create(new)).await, new.stamp.as_ref())
}

/// Repeats a request until it is answered.
async fn answered<T, F>(request: impl Fn() -> F + Send + Sync) -> T
where
    T: Send,
    F: Future<Output = Result<T, StoreError>> + Send,
{
    for _ in 0..TRIES {
        if let Ok(Ok(answer)) = tokio::time::timeout(PATIENCE, request()).await {
            return answer;
        }
    }
    panic!("not answered in {TRIES} tries");
}

/// More than a store that answers now and then can fail in a row.
const TRIES: usize = 100;
/// On tokio's clock, which is paused in tests.
const PATIENCE: Duration = Duration::from_secs(10);

fn recognise(outcome: WriteOutcome, own: Option<&Stamp>) -> WriteOutcome {
    match outcome {
        WriteOutcome::Refused(Some(lease)) if lease.stamp.as_ref() == own => WriteOutcome::Applied(lease),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use crate::ids::StreamId;
    use crate::memory::InMemoryLeases;
    use crate::testing::conformance;
    use crate::testing::faulty::{Fault, Faulty};

    use super::*;

    async fn check(decide: impl Fn(u64) -> Fault + Copy + Send + Sync + 'static) {
        let make = || async move { Faulty::new(InMemoryLeases::new(), move |call| decide(call.number)) };
        conformance::all_despite_faults(&StreamId::named("orders"), make).await;
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn every_fault_alone_is_survived() {
        for fault in [
            Fault::None,
            Fault::Throttled,
            Fault::RequestLost(SECOND),
            Fault::AnswerLost(SECOND),
            Fault::Late,
            Fault::Delayed(SECOND),
            Fault::Twice,
            Fault::Hangs,
            Fault::AppliedThenHangs,
        ] {
            check(move |number| if number % 2 == 0 { fault } else { Fault::None }).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn faults_in_any_order_are_survived() {
        for seed in 0..50 {
            let make = || async move {
                let random = Mutex::new(fastrand::Rng::with_seed(seed));
                Faulty::new(InMemoryLeases::new(), move |_| match random.lock().expect("not poisoned").u8(0..12) {
                    0 => Fault::Throttled,
                    1 => Fault::RequestLost(SECOND),
                    2 => Fault::AnswerLost(SECOND),
                    3 => Fault::Late,
                    4 => Fault::Delayed(SECOND),
                    5 => Fault::Twice,
                    6 => Fault::Hangs,
                    7 => Fault::AppliedThenHangs,
                    _ => Fault::None,
                })
            };
            conformance::all_despite_faults(&StreamId::named("orders"), make).await;
        }
    }
}
