//! What a removal promises.

use super::{Subject, applied, refused, worker, write};
use crate::lease::Lease;
use crate::position::Position;
use crate::store::LeaseAction;

/// A lease is removed if it is finished and was not written since it was seen. Otherwise it stays, and is shown.
pub async fn only_a_finished_lease_as_seen_is_removed(subject: &Subject) {
    let unfinished = subject.stored(&subject.full_lease(0)).await;
    let shown = refused(subject.store.delete(&unfinished).await.expect("answered"));
    assert_eq!(shown, Some(unfinished.clone()), "it is not finished");
    let imagined = Lease { checkpoint: Position::ShardEnd, ..unfinished.clone() };
    let shown = refused(subject.store.delete(&imagined).await.expect("answered"));
    assert_eq!(shown, Some(unfinished), "it is not finished, whatever the caller believes");

    let seen = subject.stored(&Lease { checkpoint: Position::ShardEnd, ..subject.full_lease(1) }).await;
    let reset = LeaseAction::Reset { position: Position::ShardEnd, start: None };
    let written = subject.change(&write(&seen, &worker("operator"), reset)).await;
    let shown = refused(subject.store.delete(&seen).await.expect("answered"));
    assert_eq!(shown.as_ref(), Some(&written), "it was written since");

    let removed = applied(subject.store.delete(&written).await.expect("answered"));
    assert_eq!(removed, written, "a removal answers with the lease as it was");
    assert_eq!(subject.read(&written.shard).await, None);
}

/// A removal that finds nothing has nothing to do: somebody else removed the lease, or an earlier try of this caller
/// whose answer was lost.
pub async fn what_is_gone_counts_as_removed(subject: &Subject) {
    let seen = subject.stored(&Lease { checkpoint: Position::ShardEnd, ..subject.lease(0) }).await;
    for _ in 0..2 {
        assert_eq!(applied(subject.store.delete(&seen).await.expect("answered")), seen);
    }
    // The shard can have a lease again, which is another one.
    let again = subject.stored(&subject.full_lease(0)).await;
    assert_eq!(refused(subject.store.delete(&seen).await.expect("answered")), Some(again));
}
