//! What reads promise.

use super::{Subject, pass, renew, worker, write};
use crate::lease::Lease;

/// A shard without a lease has none, and an empty store lists nothing.
pub async fn what_is_not_there_is_not_found(subject: &Subject) {
    assert_eq!(subject.read(&subject.shard(0)).await, None);
    let listing = subject.store.list().await.expect("answered");
    assert!(listing.leases.is_empty() && listing.unreadable.is_empty(), "{listing:?}");
}

/// A listing has each lease once, whole, ordered by shard.
///
/// There are enough leases here, and they are large enough, for a store that answers in pages to need a second one if
/// its pages are of 1 MB.
pub async fn a_listing_has_every_lease_in_order(subject: &Subject) {
    let mut created = Vec::new();
    for number in (0..1_200).rev() {
        created.push(subject.stored(&wide(subject.full_lease(number))).await);
    }
    created.reverse();
    let listing = subject.store.list().await.expect("answered");
    assert!(listing.leases == created, "{} leases were listed of {}", listing.leases.len(), created.len());
    assert_eq!(listing.unreadable, []);
}

/// About a kilobyte wide: as a lease is whose owner has a long name.
fn wide(lease: Lease) -> Lease {
    Lease { owner: Some(worker(&"w".repeat(600))), ..lease }
}

/// A read of one lease shows every write that was answered before.
pub async fn a_lease_is_read_as_last_written(subject: &Subject) {
    let me = worker("me");
    let mut lease = subject.stored(&Lease { owner: Some(me.clone()), ..subject.lease(0) }).await;
    for _ in 0..20 {
        // The comparison of answer and read is in `change`.
        lease = subject.change(&write(&lease, &me, renew())).await;
    }
    assert_eq!(lease.version.number(), 20);
}

/// A store that knows which leases name a worker as their owner does not name others. It may be behind.
pub async fn owned_leases_are_listed_or_not_known(subject: &Subject) {
    let (me, other) = (worker("me"), worker("other"));
    for (number, owner) in [Some(&me), Some(&other), None, Some(&me)].into_iter().enumerate() {
        subject.stored(&Lease { owner: owner.cloned(), ..subject.lease(number) }).await;
    }
    let Some(owned) = subject.store.list_owned(&me).await.expect("answered") else {
        return;
    };
    let mine = [subject.shard(0), subject.shard(3)];
    assert!(owned.iter().all(|shard| mine.contains(shard)), "{owned:?}");
}

/// A heartbeat changes with each renewal, also during a hand-off, and not by reading.
pub async fn a_heartbeat_tells_renewals_from_silence(subject: &Subject) {
    let (me, next) = (worker("me"), worker("next"));
    let offered = Lease { owner: Some(next), checkpoint_owner: Some(me.clone()), ..subject.lease(1) };
    for new in [Lease { owner: Some(me.clone()), ..subject.lease(0) }, offered] {
        let mut lease = subject.stored(&new).await;
        for _ in 0..3 {
            let read = subject.read(&lease.shard).await.expect("it is there");
            assert_eq!(read.heartbeat, lease.heartbeat, "nobody wrote");
            let renewed = subject.change(&write(&lease, &me, renew())).await;
            assert_ne!(renewed.heartbeat, lease.heartbeat, "renewed");
            lease = renewed;
        }
        let freed = subject.change(&write(&lease, &me, pass(None, None))).await;
        assert_ne!(freed.heartbeat, lease.heartbeat, "freed");
    }
}
