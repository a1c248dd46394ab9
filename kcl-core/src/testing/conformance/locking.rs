//! What the leader lock promises, and that it and the rows of workers live beside the leases.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::membership::first;
use super::{Subject, worker};
use crate::lease::Lease;
use crate::member::{LeaderLock, LockWrite};

/// The lock is anybody's if it is absent or was released, and otherwise only his who saw it as it is: he knows for how
/// long it did not change.
pub async fn the_lock_is_acquired_when_absent_released_or_as_seen(subject: &Subject) {
    assert_eq!(leader(subject).await, None);
    let old = held("a", "0");
    assert!(write(subject, &acquire(None, &held("a", "1"))).await);
    assert_eq!(leader(subject).await, Some(held("a", "1")));
    for seen in [None, Some(&old)] {
        assert!(!write(subject, &acquire(seen, &held("b", "2"))).await, "it is held: {seen:?}");
    }
    assert_eq!(leader(subject).await, Some(held("a", "1")));
    assert!(write(subject, &acquire(Some(&held("a", "1")), &held("b", "2"))).await);
    assert!(!write(subject, &acquire(Some(&held("a", "1")), &held("c", "3"))).await, "it changed since");
    assert_eq!(leader(subject).await, Some(held("b", "2")));

    assert!(write(subject, &LockWrite::Release { held: held("b", "2") }).await);
    assert_eq!(leader(subject).await, None);
    let released = LeaderLock { released: true, ..held("d", "4") };
    assert!(write(subject, &acquire(Some(&held("b", "2")), &released)).await, "what was seen is gone");
    assert_eq!(leader(subject).await, Some(released));
    assert!(write(subject, &acquire(None, &held("e", "5"))).await, "it was released");
    assert_eq!(leader(subject).await, Some(held("e", "5")), "and is not any more");
}

/// A beat and a release need the version of the holder's last write.
pub async fn the_lock_is_beaten_and_released_only_by_who_holds_it(subject: &Subject) {
    let beat = |from: &str, new: LeaderLock| LockWrite::Beat { from: from.to_owned(), new };
    assert!(!write(subject, &beat("1", held("a", "2"))).await);
    assert!(!write(subject, &LockWrite::Release { held: held("a", "1") }).await);
    assert_eq!(leader(subject).await, None, "neither makes a lock");

    assert!(write(subject, &acquire(None, &held("a", "1"))).await);
    assert!(!write(subject, &beat("0", held("a", "2"))).await);
    assert!(!write(subject, &beat("1", held("b", "2"))).await);
    assert!(!write(subject, &LockWrite::Release { held: held("a", "0") }).await);
    assert!(!write(subject, &LockWrite::Release { held: held("b", "1") }).await);
    assert_eq!(leader(subject).await, Some(held("a", "1")));

    let longer = LeaderLock { lasts: Duration::from_millis(120_001), ..held("a", "2") };
    assert!(write(subject, &beat("1", longer.clone())).await);
    assert_eq!(leader(subject).await, Some(longer.clone()));
    assert!(!write(subject, &beat("1", held("a", "3"))).await, "once for each version");
    assert!(write(subject, &LockWrite::Release { held: longer.clone() }).await);
    assert!(!write(subject, &LockWrite::Release { held: longer }).await, "it is gone");
    assert_eq!(leader(subject).await, None);
}

/// Of many that saw the same, one has the lock.
pub async fn one_of_many_acquires_the_lock(subject: &Subject) {
    let mut seen = None;
    for round in 0..3 {
        let mut race = JoinSet::new();
        for number in 0..16 {
            let (store, new) =
                (Arc::clone(&subject.store), held(&format!("worker-{number}"), &format!("{round}.{number}")));
            let write = acquire(seen.as_ref(), &new);
            race.spawn(async move { (new, store.lock(&write).await.expect("answered")) });
        }
        let outcomes = race.join_all().await;
        let winners: Vec<_> = outcomes.into_iter().filter_map(|(new, acquired)| acquired.then_some(new)).collect();
        seen = leader(subject).await;
        assert_eq!((winners.len(), winners.first()), (1, seen.as_ref()));
    }
}

/// A listing has all three kinds of things, the workers in order; a shard's lease is not looked for among the others.
pub async fn a_listing_has_leases_members_and_the_lock(subject: &Subject) {
    let lease = subject.stored(&Lease { owner: Some(worker("b")), ..subject.full_lease(0) }).await;
    for name in ["c", "a", "b"] {
        assert!(subject.store.report(&first(&worker(name), None)).await.expect("answered"));
    }
    assert!(write(subject, &acquire(None, &held("a", "1"))).await);
    let listing = subject.store.list().await.expect("answered");
    assert_eq!((listing.leases, listing.unreadable), (vec![lease.clone()], vec![]));
    assert_eq!(listing.lock, Some(held("a", "1")));
    let workers: Vec<_> = listing.members.iter().map(|row| row.worker.as_str()).collect();
    assert_eq!(workers, ["a", "b", "c"]);
    for row in &listing.members {
        assert_eq!(subject.store.member(&row.worker, true).await.expect("answered").as_ref(), Some(row));
    }
    assert!(listing.read_units >= 0.0);
    if let Some(owned) = subject.store.list_owned(&worker("b")).await.expect("answered") {
        assert!(owned.iter().all(|shard| *shard == lease.shard), "{owned:?}");
    }
}

pub(super) fn held(by: &str, version: &str) -> LeaderLock {
    let lasts = Duration::from_secs(15);
    LeaderLock { owner: worker(by), version: version.to_owned(), lasts, released: false }
}

pub(super) fn acquire(seen: Option<&LeaderLock>, new: &LeaderLock) -> LockWrite {
    LockWrite::Acquire { seen: seen.cloned(), new: new.clone() }
}

async fn write(subject: &Subject, write: &LockWrite) -> bool {
    subject.store.lock(write).await.expect("answered")
}

async fn leader(subject: &Subject) -> Option<LeaderLock> {
    subject.store.leader().await.expect("answered")
}
