//! The last look of a worker that stops in good order: a lease that it took without knowing, because the answer came too
//! late or never, is given back too.

use crate::error::StoreError;
use crate::event::Event;
use crate::ids::ShardKey;
use crate::lease::{EndReason, Stamp};
use crate::shard_task::ShardContextShared;
use crate::store::{LeaseAction, LeaseWrite, WriteOutcome};

/// Gives back what still names this worker and was last written by it.
pub(super) async fn give_back_the_rest(shared: &ShardContextShared) -> Result<(), StoreError> {
    for shard in named(shared).await? {
        give_back(shared, &shard).await?;
    }
    Ok(())
}

/// The shards whose leases name this worker. The index of owners tells cheaply, once it is there.
async fn named(shared: &ShardContextShared) -> Result<Vec<ShardKey>, StoreError> {
    let store = &shared.tenures.store;
    if let Some(owned) = store.list_owned(&shared.worker).await? {
        return Ok(owned);
    }
    let leases = store.list().await?.leases.into_iter();
    Ok(leases.filter(|lease| lease.holder() == Some(&shared.worker)).map(|lease| lease.shard).collect())
}

async fn give_back(shared: &ShardContextShared, shard: &ShardKey) -> Result<(), StoreError> {
    let Some(seen) = shared.tenures.store.get(shard).await? else { return Ok(()) };
    let ours = seen.stamp.as_ref().is_some_and(|stamp| stamp.is_by(shared.instance));
    if seen.holder() != Some(&shared.worker) || !ours || seen.is_finished() {
        return Ok(());
    }
    let write = LeaseWrite {
        seen,
        by: shared.worker.clone(),
        stamp: Stamp::offered(shared.instance, shared.next_tenure(), 1),
        now: shared.tenures.wall.now(),
        action: LeaseAction::Free { checkpoint: None },
    };
    if let WriteOutcome::Applied(_) = shared.tenures.store.write(&write).await? {
        let event = Event::LeaseEnded { shard: shard.clone(), reason: EndReason::Released };
        shared.tenures.reporter.emit(&event);
    }
    Ok(())
}
