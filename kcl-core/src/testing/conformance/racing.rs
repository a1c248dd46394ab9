//! What holds when many write at once. The writers are tasks: on a runtime of several threads they are parallel.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::{NOW, Subject, instance, worker, write};
use crate::ids::WorkerId;
use crate::lease::{Lease, Stamp, Version};
use crate::store::{LeaseAction, WriteOutcome};

const RACERS: usize = 16;

/// Of many takes that rest on the same version, one is applied; the others are shown its result.
pub async fn one_of_many_takes_wins(subject: &Subject) {
    let lease = subject.stored(&subject.lease(0)).await;
    let mut race = JoinSet::new();
    for by in racers() {
        let (store, take) = (Arc::clone(&subject.store), write(&lease, &by, LeaseAction::Take));
        race.spawn(async move { store.write(&take).await.expect("answered") });
    }
    let outcomes = race.join_all().await;
    check_one_winner(subject, outcomes, lease.version.next()).await;
}

/// Of many creates for one shard, one is applied; the others are shown its result.
pub async fn one_of_many_creates_wins(subject: &Subject) {
    let mut race = JoinSet::new();
    for by in racers() {
        let stamp = Some(Stamp::held(instance(&by), 0, 0));
        let new = Lease { owner: Some(by), stamp, born: Some(NOW), ..subject.lease(0) };
        let store = Arc::clone(&subject.store);
        race.spawn(async move { store.create(&new).await.expect("answered") });
    }
    let outcomes = race.join_all().await;
    check_one_winner(subject, outcomes, Version::NEW).await;
}

/// However many workers take a lease from each other for however long, every version of it was made by one of them:
/// each knows of its own, and no version has none.
pub async fn every_version_has_one_author(subject: &Subject) {
    const ROUNDS: usize = 25;
    let shard = subject.stored(&subject.lease(0)).await.shard;
    let mut race = JoinSet::new();
    for by in racers() {
        let (subject, shard) = (subject.clone(), shard.clone());
        race.spawn(async move {
            let mut won = Vec::new();
            for _ in 0..ROUNDS {
                let seen = subject.read(&shard).await.expect("it is there");
                if let WriteOutcome::Applied(lease) = subject.write(&write(&seen, &by, LeaseAction::Take)).await {
                    won.push((lease.version.number(), by.clone()));
                }
            }
            won
        });
    }
    let won: Vec<_> = race.join_all().await.into_iter().flatten().collect();
    let authors: BTreeMap<_, _> = won.iter().cloned().collect();
    assert_eq!(authors.len(), won.len(), "no version has two authors: {won:?}");
    let last = subject.read(&shard).await.expect("it is there");
    assert!(authors.keys().copied().eq(1..=last.version.number()), "every version has an author: {authors:?}");
    assert_eq!(authors.values().last(), last.owner.as_ref(), "the last author is the owner");
    assert_eq!(last.owner_switches, last.version.number(), "every take was counted");
}

fn racers() -> impl Iterator<Item = WorkerId> {
    (0..RACERS).map(|number| worker(&format!("worker-{number}")))
}

async fn check_one_winner(subject: &Subject, outcomes: Vec<WriteOutcome>, version: Version) {
    let (mut winners, mut shown) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            WriteOutcome::Applied(lease) => winners.push(lease),
            WriteOutcome::Refused(lease) => shown.push(lease),
        }
    }
    let [winner] = winners.as_slice() else { panic!("one write of {RACERS} wins, not {}: {winners:?}", winners.len()) };
    assert_eq!(winner.version, version);
    assert!(shown.iter().all(|lease| lease.as_ref() == Some(winner)), "the others see the winner's: {shown:?}");
    assert_eq!(subject.read(&winner.shard).await.as_ref(), Some(winner));
}
