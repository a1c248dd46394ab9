//! How a lease goes from one worker to another.

use super::{NOW, Subject, applied, assert_same, at, checkpoint, one_write_on, pass, refused, renew, worker, write};
use crate::ids::WorkerId;
use crate::lease::{Lease, PendingCheckpoint};
use crate::position::Position;
use crate::store::{LeaseAction, WriteOutcome};

/// A lease that is given back names nobody, also if a hand-off was under way; its position stays.
pub async fn a_freed_lease_has_no_owner(subject: &Subject) {
    let (me, next) = (worker("me"), worker("next"));
    let owners = [(Some(me.clone()), None), (Some(next), Some(me.clone()))];
    for (number, (owner, checkpoint_owner)) in owners.into_iter().enumerate() {
        let held = subject.stored(&Lease { owner, checkpoint_owner, ..subject.full_lease(number) }).await;
        let free = write(&held, &me, pass(None, None));
        let expected = Lease { owner: None, checkpoint_owner: None, ..one_write_on(&held, &free) };
        assert_same(&subject.change(&free).await, &expected);
    }
}

/// The last commit and the giving back are one write, which does to the position what a checkpoint does.
pub async fn a_lease_is_freed_with_its_last_commit(subject: &Subject) {
    let me = worker("me");
    let held = subject.stored(&Lease { owner: Some(me.clone()), ..subject.full_lease(0) }).await;
    let free = write(&held, &me, pass(None, Some(at("8", 0))));
    let expected =
        Lease { owner: None, checkpoint: at("8", 0), pending: None, owner_switches: 0, ..one_write_on(&held, &free) };
    assert_same(&subject.change(&free).await, &expected);
}

/// A lease that is passed on names its receiver alone, who may claim it, and the former holder holds it no more. With a
/// last commit it has changed its owner once since then; without, once more than before.
pub async fn a_passed_lease_names_its_receiver(subject: &Subject) {
    let (me, next) = (worker("me"), worker("next"));
    let owners = [(Some(me.clone()), None), (Some(next.clone()), Some(me.clone()))];
    for (number, (owner, checkpoint_owner)) in owners.into_iter().enumerate() {
        for (last, commit) in [None, Some(at("8", 0))].into_iter().enumerate() {
            let new =
                Lease { owner: owner.clone(), checkpoint_owner: checkpoint_owner.clone(), ..subject.full_lease(0) };
            let held = subject.stored(&Lease { shard: subject.shard(number * 2 + last), ..new }).await;
            let passing = write(&held, &me, pass(Some(&next), commit.clone()));
            let after = Lease { owner: Some(next.clone()), checkpoint_owner: None, ..one_write_on(&held, &passing) };
            let expected = match commit {
                Some(checkpoint) => Lease { checkpoint, pending: None, owner_switches: 1, ..after },
                None => Lease { owner_switches: held.owner_switches + 1, ..after },
            };
            let passed = subject.change(&passing).await;
            assert_same(&passed, &expected);
            assert_eq!(refused(subject.write(&write(&passed, &me, renew())).await).as_ref(), Some(&passed));
            subject.change(&write(&passed, &next, LeaseAction::Claim)).await;
        }
    }
}

/// An offer makes a worker the one owner, counts a switch, and keeps position and prepared checkpoint: whether the lease
/// was free, held, or being handed over. It begins no tenure: that is for the worker's claim.
pub async fn an_offer_names_a_worker_and_ends_a_hand_off(subject: &Subject) {
    let (planner, next, third) = (worker("planner"), worker("next"), worker("third"));
    let owners = [(None, None), (Some(planner.clone()), None), (Some(planner.clone()), Some(third))];
    for (number, (owner, checkpoint_owner)) in owners.into_iter().enumerate() {
        let lease = subject.stored(&Lease { owner, checkpoint_owner, ..subject.full_lease(number) }).await;
        let offer = write(&lease, &planner, LeaseAction::Offer { to: next.clone() });
        let expected = Lease {
            owner: Some(next.clone()),
            checkpoint_owner: None,
            owner_switches: lease.owner_switches + 1,
            ..one_write_on(&lease, &offer)
        };
        let offered = subject.change(&offer).await;
        assert_same(&offered, &expected);
        let claimed = subject.change(&write(&offered, &next, LeaseAction::Claim)).await;
        assert_eq!(claimed.born, Some(NOW));
    }
}

/// Asking a holder to give its lease away leaves version, stamp and heartbeat as they are: the holder renews and commits
/// on what it knew, and learns of it from the answer.
pub async fn a_holder_is_asked_and_goes_on_until_it_passes(subject: &Subject) {
    let (holder, receiver) = (worker("holder"), worker("receiver"));
    let new = subject.stored(&subject.full_lease(0)).await;
    let held = subject.change(&write(&new, &holder, LeaseAction::Take)).await;
    let asked = applied(initiate(subject, &held, &receiver).await);
    let expected = Lease { owner: Some(receiver.clone()), checkpoint_owner: Some(holder.clone()), ..held.clone() };
    assert_eq!(asked, expected, "version, stamp, heartbeat and the rest are as they were");
    assert_eq!(subject.read(&held.shard).await.as_ref(), Some(&asked));

    let renewed = subject.change(&write(&held, &holder, renew())).await;
    assert_eq!((&renewed.owner, &renewed.checkpoint_owner), (&asked.owner, &asked.checkpoint_owner));
    assert_ne!(renewed.heartbeat, asked.heartbeat);
    let renewed = subject.change(&write(&renewed, &holder, checkpoint(at("9", 0)))).await;
    let claim = refused(subject.write(&write(&renewed, &receiver, LeaseAction::Claim)).await);
    assert_eq!(claim.as_ref(), Some(&renewed), "the receiver waits");
    let passed = subject.change(&write(&renewed, &holder, pass(Some(&receiver), None))).await;
    subject.change(&write(&passed, &receiver, LeaseAction::Claim)).await;
}

/// A holder is asked if it is the owner that was seen, is asked for the first time, and has something left to give; and
/// not to give the lease to itself. A newer version does not matter.
pub async fn only_a_holder_as_seen_is_asked(subject: &Subject) {
    let (me, other, next) = (worker("me"), worker("other"), worker("next"));
    let check = |seen: Lease, to: WorkerId, lease: Lease| async move {
        let shown = refused(initiate(subject, &seen, &to).await);
        assert_eq!(shown.as_ref(), Some(&lease), "a refusal shows the lease as it is");
        assert_eq!(subject.read(&lease.shard).await, Some(lease), "and leaves it so");
    };
    let held = subject.stored(&Lease { owner: Some(me.clone()), ..subject.lease(0) }).await;
    check(Lease { owner: Some(other.clone()), ..held.clone() }, next.clone(), held.clone()).await;
    check(Lease { owner: None, ..held.clone() }, next.clone(), held.clone()).await;
    check(held.clone(), me.clone(), held.clone()).await;

    let free = subject.stored(&subject.lease(1)).await;
    check(free.clone(), next.clone(), free).await;
    let (owner, checkpoint_owner) = (Some(other), Some(me.clone()));
    let leaving = subject.stored(&Lease { owner, checkpoint_owner, ..subject.lease(2) }).await;
    check(leaving.clone(), next.clone(), leaving.clone()).await;
    check(Lease { checkpoint_owner: None, ..leaving.clone() }, next.clone(), leaving).await;
    let finished = Lease { owner: Some(me.clone()), checkpoint: Position::ShardEnd, ..subject.lease(3) };
    let finished = subject.stored(&finished).await;
    check(finished.clone(), next.clone(), finished.clone()).await;
    check(Lease { checkpoint: Position::Latest, ..finished.clone() }, next.clone(), finished).await;

    subject.change(&write(&held, &me, renew())).await;
    applied(initiate(subject, &held, &next).await);
    assert_eq!(refused(initiate(subject, &subject.lease(4), &next).await), None, "there is no lease");
    assert_eq!(subject.read(&subject.shard(4)).await, None);
}

async fn initiate(subject: &Subject, seen: &Lease, to: &WorkerId) -> WriteOutcome {
    subject.store.initiate(seen, to).await.expect("answered")
}

/// During a hand-off of the KCL, where the owner is the receiver already, the holder renews and commits, and the
/// receiver can do neither, nor claim; afterwards it is the receiver's.
pub async fn a_holder_goes_on_during_a_hand_off(subject: &Subject) {
    let (holder, receiver) = (worker("holder"), worker("receiver"));
    let pending = Some(PendingCheckpoint { position: at("3", 0), state: None });
    let new =
        Lease { owner: Some(receiver.clone()), checkpoint_owner: Some(holder.clone()), pending, ..subject.lease(0) };
    let lease = subject.stored(&new).await;
    let lease = subject.change(&write(&lease, &holder, renew())).await;
    let lease = subject.change(&write(&lease, &holder, checkpoint(at("5", 0)))).await;
    assert_eq!((&lease.owner, &lease.checkpoint_owner), (&new.owner, &new.checkpoint_owner));
    for action in [LeaseAction::Claim, renew(), checkpoint(at("9", 0)), pass(None, None)] {
        let shown = refused(subject.write(&write(&lease, &receiver, action)).await);
        assert_eq!(shown.as_ref(), Some(&lease));
    }
    let lease = subject.change(&write(&lease, &receiver, LeaseAction::Take)).await;
    assert_eq!((lease.holder(), &lease.checkpoint), (Some(&receiver), &at("5", 0)));
    let shown = refused(subject.write(&write(&lease, &holder, checkpoint(at("6", 0)))).await);
    assert_eq!(shown, Some(lease), "the former holder is fenced");
}
