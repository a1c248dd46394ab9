//! What each write changes, and that it changes nothing else.

use std::time::Duration;

use super::{NOW, Subject, assert_same, at, checkpoint, one_write_on, refused, renew, worker, write};
use crate::ids::ShardId;
use crate::lease::{Lease, PendingCheckpoint};
use crate::position::Position;
use crate::store::{LeaseAction, WriteOutcome};
use crate::time::Timestamp;

/// A renewal sets the throughput if it is known, and keeps the last one otherwise.
pub async fn a_renewal_notes_what_was_processed_and_nothing_else(subject: &Subject) {
    let me = worker("me");
    let held = subject.stored(&Lease { owner: Some(me.clone()), ..subject.full_lease(0) }).await;
    let renewal = write(&held, &me, LeaseAction::Renew { throughput_kbps: Some(0.25) });
    let renewed = subject.change(&renewal).await;
    assert_same(&renewed, &Lease { throughput_kbps: Some(0.25), ..one_write_on(&held, &renewal) });
    let renewal = write(&renewed, &me, renew());
    assert_same(&subject.change(&renewal).await, &one_write_on(&renewed, &renewal));
}

/// A checkpoint sets the position, drops a prepared checkpoint, and sets owner switches to zero; children and
/// throughput are set if they are given, and kept otherwise.
pub async fn a_checkpoint_commits(subject: &Subject) {
    let me = worker("me");
    let held = subject.stored(&Lease { owner: Some(me.clone()), ..subject.full_lease(0) }).await;
    let commit = write(&held, &me, checkpoint(at("7", 2)));
    let committed = subject.change(&commit).await;
    let expected = Lease { checkpoint: at("7", 2), pending: None, owner_switches: 0, ..one_write_on(&held, &commit) };
    assert_same(&committed, &expected);

    let children = vec![ShardId::new("shardId-000000000301"), ShardId::new("shardId-000000000300")];
    let commit = LeaseAction::Checkpoint { position: Position::ShardEnd, throughput_kbps: Some(0.5), children };
    let commit = write(&committed, &me, commit);
    let finished = subject.change(&commit).await;
    let expected = Lease {
        checkpoint: Position::ShardEnd,
        throughput_kbps: Some(0.5),
        children: vec![ShardId::new("shardId-000000000300"), ShardId::new("shardId-000000000301")],
        ..one_write_on(&committed, &commit)
    };
    assert_same(&finished, &expected);
    assert!(finished.is_finished());
}

/// A take makes the writer the one owner, counts a switch, and keeps position and prepared checkpoint: whether the
/// lease was free, held, or being handed over.
pub async fn a_take_counts_a_switch_and_ends_a_hand_off(subject: &Subject) {
    let (me, other, third) = (worker("me"), worker("other"), worker("third"));
    let owners = [(None, None), (Some(other.clone()), None), (Some(other), Some(third))];
    for (number, (owner, checkpoint_owner)) in owners.into_iter().enumerate() {
        let lease = subject.stored(&Lease { owner, checkpoint_owner, ..subject.full_lease(number) }).await;
        let take = write(&lease, &me, LeaseAction::Take);
        let expected = Lease {
            owner: Some(me.clone()),
            checkpoint_owner: None,
            owner_switches: lease.owner_switches + 1,
            born: Some(NOW),
            ..one_write_on(&lease, &take)
        };
        assert_same(&subject.change(&take).await, &expected);
    }
}

/// A claim makes the named owner the holder, and changes nothing else: the answer has the position to start from.
pub async fn a_claim_begins_to_hold(subject: &Subject) {
    let me = worker("me");
    let offered = subject.stored(&Lease { owner: Some(me.clone()), ..subject.full_lease(0) }).await;
    let claim = write(&offered, &me, LeaseAction::Claim);
    let held = subject.change(&claim).await;
    assert_same(&held, &Lease { born: Some(NOW), ..one_write_on(&offered, &claim) });
}

/// The first claim or take sets the time of birth; later ones keep it, so that epochs grow.
pub async fn a_lease_keeps_its_time_of_birth(subject: &Subject) {
    let (me, other) = (worker("me"), worker("other"));
    let mut lease = subject.stored(&subject.lease(0)).await;
    let mut epochs = Vec::new();
    for (round, (by, action)) in
        [(&me, LeaseAction::Take), (&me, LeaseAction::Claim), (&other, LeaseAction::Take)].into_iter().enumerate()
    {
        let mut write = write(&lease, by, action);
        write.now = Timestamp::from_millis(NOW.millis() + 1000 * u64::try_from(round).expect("small"));
        lease = subject.change(&write).await;
        assert_eq!(lease.born, Some(NOW), "round {round}");
        epochs.push(lease.epoch());
    }
    assert!(epochs.is_sorted_by(|earlier, later| earlier < later), "{epochs:?}");
}

/// A lease that is given back names nobody, also if a hand-off was under way; its position stays.
pub async fn a_freed_lease_has_no_owner(subject: &Subject) {
    let (me, next) = (worker("me"), worker("next"));
    let owners = [(Some(me.clone()), None), (Some(next), Some(me.clone()))];
    for (number, (owner, checkpoint_owner)) in owners.into_iter().enumerate() {
        let held = subject.stored(&Lease { owner, checkpoint_owner, ..subject.full_lease(number) }).await;
        let free = write(&held, &me, LeaseAction::Free { checkpoint: None });
        let expected = Lease { owner: None, checkpoint_owner: None, ..one_write_on(&held, &free) };
        assert_same(&subject.change(&free).await, &expected);
    }
}

/// The last commit and the giving back are one write, which does to the position what a checkpoint does.
pub async fn a_lease_is_freed_with_its_last_commit(subject: &Subject) {
    let me = worker("me");
    let held = subject.stored(&Lease { owner: Some(me.clone()), ..subject.full_lease(0) }).await;
    let free = write(&held, &me, LeaseAction::Free { checkpoint: Some(at("8", 0)) });
    let expected =
        Lease { owner: None, checkpoint: at("8", 0), pending: None, owner_switches: 0, ..one_write_on(&held, &free) };
    assert_same(&subject.change(&free).await, &expected);
}

/// A lease that nobody holds is set forwards, backwards, and from the end to where it can be read again; a prepared
/// checkpoint is dropped, and the starting time is replaced by the one given, or none.
pub async fn a_reset_moves_the_position_either_way(subject: &Subject) {
    let operator = worker("operator");
    let mut lease = subject.stored(&Lease { checkpoint: Position::ShardEnd, ..subject.full_lease(0) }).await;
    let start = Timestamp::from_millis(1_750_000_000_000);
    for (position, start) in [
        (Position::TrimHorizon, None),
        (Position::AtTimestamp, Some(start)),
        (at("5", 0), Some(start)),
        (at("4", 1), None),
    ] {
        let reset = write(&lease, &operator, LeaseAction::Reset { position: position.clone(), start });
        let expected = Lease { checkpoint: position, start, pending: None, ..one_write_on(&lease, &reset) };
        lease = subject.change(&reset).await;
        assert_same(&lease, &expected);
    }
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
    for action in [LeaseAction::Claim, renew(), checkpoint(at("9", 0)), LeaseAction::Free { checkpoint: None }] {
        let shown = refused(subject.write(&write(&lease, &receiver, action)).await);
        assert_eq!(shown.as_ref(), Some(&lease));
    }
    let lease = subject.change(&write(&lease, &receiver, LeaseAction::Take)).await;
    assert_eq!((lease.holder(), &lease.checkpoint), (Some(&receiver), &at("5", 0)));
    let shown = refused(subject.write(&write(&lease, &holder, checkpoint(at("6", 0)))).await);
    assert_eq!(shown, Some(lease), "the former holder is fenced");
}

/// Renewals of many leases at once are answered in their order, each by itself: those of lost, missing and finished
/// leases do not get in the way of others.
pub async fn many_renewals_are_answered_one_by_one(subject: &Subject) {
    let (me, other) = (worker("me"), worker("other"));
    let mut renewals = Vec::new();
    for number in 0..100 {
        let held = Lease { owner: Some(me.clone()), ..subject.lease(number) };
        let seen = if number % 7 == 3 { held } else { subject.stored(&held).await };
        if number % 7 == 5 {
            subject.change(&write(&seen, &other, LeaseAction::Take)).await;
        }
        renewals.push(write(&seen, &me, renew()));
    }
    let outcomes = subject.store.renew(&renewals, Duration::from_secs(10)).await;
    assert_eq!(outcomes.len(), renewals.len());
    for (number, (renewal, outcome)) in renewals.iter().zip(outcomes).enumerate() {
        match (number % 7, outcome.expect("answered")) {
            (3, WriteOutcome::Refused(None)) => {}
            (5, WriteOutcome::Refused(Some(taken))) => {
                assert_eq!((&taken.shard, taken.owner), (&renewal.seen.shard, Some(other.clone())));
            }
            (0..=2 | 4 | 6, WriteOutcome::Applied(renewed)) => {
                assert_same(&renewed, &one_write_on(&renewal.seen, renewal));
            }
            (_, unexpected) => panic!("renewal {number} was answered {unexpected:?}"),
        }
    }
    assert_eq!(subject.store.renew(&[], Duration::from_secs(10)).await.len(), 0);
}
