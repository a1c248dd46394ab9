//! What each write changes, and that it changes nothing else.

use std::time::Duration;

use super::{NOW, Subject, assert_same, at, checkpoint, one_write_on, renew, worker, write};
use crate::ids::ShardId;
use crate::lease::{Lease, Load};
use crate::position::Position;
use crate::shard::HashKeyRange;
use crate::store::{LeaseAction, WriteOutcome};
use crate::time::Timestamp;

/// A renewal sets what of the load is known, and keeps the last figure of the rest.
pub async fn a_renewal_notes_what_was_processed_and_nothing_else(subject: &Subject) {
    let me = worker("me");
    let mut held = subject.stored(&Lease { owner: Some(me.clone()), ..subject.full_lease(0) }).await;
    for (load, noted) in [
        ((Some(0.25), None), (Some(0.25), Some(0.75))),
        ((None, Some(0.5)), (Some(0.25), Some(0.5))),
        ((None, None), (Some(0.25), Some(0.5))),
        ((Some(0.0), Some(0.0)), (Some(0.0), Some(0.0))),
    ] {
        let renewal = write(&held, &me, LeaseAction::Renew { load: Load { kbps: load.0, busy: load.1 } });
        let expected = Lease { load: Load { kbps: noted.0, busy: noted.1 }, ..one_write_on(&held, &renewal) };
        held = subject.change(&renewal).await;
        assert_same(&held, &expected);
    }
}

/// A checkpoint sets the position, drops a prepared checkpoint, and sets owner switches to zero; children and
/// load are set if they are given, and kept otherwise.
pub async fn a_checkpoint_commits(subject: &Subject) {
    let me = worker("me");
    let held = subject.stored(&Lease { owner: Some(me.clone()), ..subject.full_lease(0) }).await;
    let commit = write(&held, &me, checkpoint(at("7", 2)));
    let committed = subject.change(&commit).await;
    let expected = Lease { checkpoint: at("7", 2), pending: None, owner_switches: 0, ..one_write_on(&held, &commit) };
    assert_same(&committed, &expected);

    let children = vec![ShardId::new("shardId-000000000301"), ShardId::new("shardId-000000000300")];
    let commit = LeaseAction::Checkpoint {
        position: Position::ShardEnd,
        load: Load { kbps: Some(0.5), busy: Some(1.0) },
        children,
    };
    let commit = write(&committed, &me, commit);
    let finished = subject.change(&commit).await;
    let expected = Lease {
        checkpoint: Position::ShardEnd,
        load: Load { kbps: Some(0.5), busy: Some(1.0) },
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

/// The hash keys of a shard are added to a lease that does not tell them, and nothing else is touched: neither version nor
/// stamp, so that the holder's writes go on. What a lease tells stays, and no lease is made.
pub async fn hash_keys_are_noted_where_they_are_missing(subject: &Subject) {
    let me = worker("me");
    let range = HashKeyRange::new(5, 7).expect("in order");
    let note = |lease: &Lease| {
        let shard = lease.shard.clone();
        async move { subject.store.note_hash_range(&shard, range).await.expect("answered") }
    };
    let new = Lease { owner: Some(me.clone()), hash_range: None, ..subject.full_lease(0) };
    let held = subject.stored(&new).await;
    note(&held).await;
    let noted = subject.read(&held.shard).await.expect("it is there");
    assert_eq!(noted, Lease { hash_range: Some(range), ..held.clone() });
    let renewal = write(&held, &me, renew());
    assert_same(&subject.change(&renewal).await, &one_write_on(&noted, &renewal));

    let told = subject.stored(&subject.full_lease(1)).await;
    note(&told).await;
    assert_eq!(subject.read(&told.shard).await, Some(told));

    note(&subject.lease(2)).await;
    assert_eq!(subject.read(&subject.shard(2)).await, None);
}
