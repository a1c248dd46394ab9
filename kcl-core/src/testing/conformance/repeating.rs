//! What happens to a write that is sent again because its answer was lost.

use super::{NOW, Subject, checkpoint, instance, pass, refused, renew, worker, write};
use crate::lease::{Lease, Stamp};
use crate::position::Position;
use crate::store::{LeaseAction, LeaseWrite};

/// A write that was applied is refused when it comes again, and the lease that comes with the refusal has its stamp and
/// the next version. A write that was never sent is not found that way, though owner and version are the same.
pub async fn a_repeated_write_is_recognised_by_its_stamp(subject: &Subject) {
    let me = worker("me");
    let position = Position::Latest;
    let actions = [
        (Some(&me), LeaseAction::Claim),
        (None, LeaseAction::Take),
        (Some(&me), LeaseAction::Take),
        (Some(&me), renew()),
        (Some(&me), checkpoint(position.clone())),
        (Some(&me), pass(None, Some(position.clone()))),
        (Some(&me), pass(Some(&worker("next")), Some(position.clone()))),
        (None, LeaseAction::Offer { to: worker("next") }),
        (None, LeaseAction::Reset { position, start: None }),
    ];
    for (number, (owner, action)) in actions.into_iter().enumerate() {
        let lease = subject.stored(&Lease { owner: owner.cloned(), ..subject.full_lease(number) }).await;
        let first = write(&lease, &me, action);
        let after = subject.change(&first).await;
        let shown = refused(subject.write(&first).await);
        assert_eq!(shown.as_ref(), Some(&after), "a repeated write is refused, and shows what it did: {first:?}");
        assert_eq!(after.version, lease.version.next(), "it was applied once: {first:?}");

        let other = Stamp::held(instance(&me), 99, 99);
        let shown = refused(subject.write(&LeaseWrite { stamp: other.clone(), ..first }).await);
        assert_ne!(shown.and_then(|lease| lease.stamp), Some(other), "another write is not taken for it");
    }
}

/// The same for a create that begins a tenure.
pub async fn a_repeated_create_is_recognised_by_its_stamp(subject: &Subject) {
    let me = worker("me");
    let stamp = Stamp::held(instance(&me), 1, 1);
    let new = Lease { owner: Some(me), stamp: Some(stamp.clone()), born: Some(NOW), ..subject.lease(0) };
    let stored = subject.stored(&new).await;
    let shown = refused(subject.store.create(&new).await.expect("answered"));
    assert_eq!(shown, Some(stored));
}
