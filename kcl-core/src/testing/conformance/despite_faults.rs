//! What holds although requests and answers are lost: a caller that repeats each write, unchanged, until it is answered,
//! and knows its own by the stamp, gets every write applied once. A worker does the same.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::{NOW, Subject, applied, assert_same, at, checkpoint, instance, one_write_on, renew, worker, write};
use crate::ids::WorkerId;
use crate::lease::{Lease, Stamp};
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
    let free = write(&lease, &me, LeaseAction::Free { checkpoint: Some(at("100", 0)) });
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

/// Repeats `write` until it is answered. A refusal that shows the write's own stamp means that an earlier try was
/// applied.
async fn insist(store: &dyn LeaseStore, write: &LeaseWrite) -> WriteOutcome {
    for _ in 0..TRIES {
        if let Ok(Ok(outcome)) = tokio::time::timeout(PATIENCE, store.write(write)).await {
            return recognise(outcome, Some(&write.stamp));
        }
    }
    panic!("not answered in {TRIES} tries: {write:?}");
}

/// The same for a create. One without a stamp belongs to nobody, so it does not matter whose was applied.
async fn insist_on_create(store: &dyn LeaseStore, new: &Lease) -> WriteOutcome {
    for _ in 0..TRIES {
        if let Ok(Ok(outcome)) = tokio::time::timeout(PATIENCE, store.create(new)).await {
            return recognise(outcome, new.stamp.as_ref());
        }
    }
    panic!("not answered in {TRIES} tries: {new:?}");
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
