//! Removing leases that are not finished, of streams that are not read any more.

use crate::error::StoreError;
use crate::lease::{Lease, Stamp};
use crate::position::Position;
use crate::shard_task::WorkerContext;
use crate::store::{LeaseAction, LeaseWrite, WriteOutcome};

/// Removes a lease that nobody holds. Answers whether it is gone: not if somebody has it, or has changed it since.
pub(crate) async fn remove(context: &WorkerContext, seen: Lease) -> Result<bool, StoreError> {
    if seen.owner.is_some() || seen.checkpoint_owner.is_some() {
        return Ok(false);
    }
    let store = &context.tenures.store;
    // Only finished leases can be deleted: a worker that takes this one in between finds nothing to read, and nobody
    // loses a race unseen.
    let end = LeaseWrite {
        seen,
        by: context.worker.clone(),
        stamp: Stamp::offered(context.instance, context.next_tenure(), 1),
        now: context.tenures.wall.now(),
        action: LeaseAction::Reset { position: Position::ShardEnd, start: None },
    };
    let finished = match store.write(&end).await? {
        WriteOutcome::Applied(lease) => lease,
        WriteOutcome::Refused(None) => return Ok(true),
        WriteOutcome::Refused(Some(lease)) if lease.stamp.as_ref() == Some(&end.stamp) => lease,
        WriteOutcome::Refused(Some(_)) => return Ok(false),
    };
    Ok(matches!(store.delete(&finished).await?, WriteOutcome::Applied(_)))
}
