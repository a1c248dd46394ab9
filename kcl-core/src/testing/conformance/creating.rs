//! What a create promises.

use super::{NOW, Subject, applied, assert_same, at, checkpoint, instance, refused, renew, worker, write};
use crate::lease::{Lease, Stamp, Version};
use crate::position::Position;

/// Every field comes back, from the answer and from a read.
pub async fn a_created_lease_is_stored_as_it_was_given(subject: &Subject) {
    for new in [subject.lease(0), subject.full_lease(1)] {
        let stored = subject.stored(&new).await;
        assert_same(&stored, &new);
        assert_eq!(stored.version, Version::NEW);
        assert_eq!(subject.read(&new.shard).await, Some(stored));
    }
}

/// Starting points, sequence numbers with and without a sub-sequence number, and the end are told apart.
pub async fn every_position_is_stored(subject: &Subject) {
    let positions = [
        Position::TrimHorizon,
        Position::Latest,
        Position::AtTimestamp,
        at("0", 0),
        at(&"9".repeat(129), 0),
        at("49590338271490256608559692538361571095921575989136588898", u64::from(u32::MAX)),
        Position::ShardEnd,
    ];
    for (number, checkpoint) in positions.into_iter().enumerate() {
        let new = Lease { checkpoint, ..subject.lease(number) };
        assert_same(&subject.stored(&new).await, &new);
    }
}

/// A second create is refused, shows the first lease, and changes nothing.
pub async fn a_shard_has_one_lease(subject: &Subject) {
    let first = subject.stored(&subject.full_lease(0)).await;
    let second = Lease { checkpoint: Position::ShardEnd, ..subject.lease(0) };
    let shown = refused(subject.store.create(&second).await.expect("answered"));
    assert_eq!(shown.as_ref(), Some(&first));
    assert_eq!(subject.read(&first.shard).await, Some(first));
}

/// The creator of a lease with itself as the owner may renew it and commit at once.
pub async fn a_lease_created_with_an_owner_is_held(subject: &Subject) {
    let me = worker("me");
    let stamp = Some(Stamp::held(instance(&me), 0, 0));
    let new = Lease { owner: Some(me.clone()), stamp, born: Some(NOW), ..subject.lease(0) };
    let held = applied(subject.store.create(&new).await.expect("answered"));
    assert_same(&held, &new);
    let held = subject.change(&write(&held, &me, renew())).await;
    let held = subject.change(&write(&held, &me, checkpoint(at("1", 0)))).await;
    assert_eq!((held.born, held.owner), (Some(NOW), Some(me)));
}
