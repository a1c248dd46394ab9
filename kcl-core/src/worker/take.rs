//! Begins to hold a lease.

use std::sync::Arc;

use tokio::time::Instant;

use crate::decide::cell::Cell;
use crate::error::Chain;
use crate::event::Event;
use crate::lease::Lease;
use crate::retry::Backoff;
use crate::shard_task::WorkerContext;
use crate::store::{LeaseAction, LeaseWrite, WriteOutcome, within};

/// How often the same write is sent. More is not worth it: the next look tells what became of it.
const ATTEMPTS: u32 = 3;

/// What came of it.
pub(super) enum Taken {
    /// It is held from now on.
    Ours(Box<Cell>),
    /// Somebody else was faster: the lease as it is, if it is there.
    Theirs(Option<Box<Lease>>),
    /// The store did not answer, or refused.
    Unknown,
}

/// Takes a lease as it was seen.
pub(super) async fn take(shared: Arc<WorkerContext>, seen: Lease) -> Taken {
    let me = shared.worker.clone();
    let named = seen.owner.as_ref() == Some(&me) && seen.checkpoint_owner.is_none();
    let tenure = shared.next_tenure();
    let tenures = &shared.tenures;
    let limit = tenures.timing.attempt;
    let write = LeaseWrite {
        stamp: Cell::first_stamp(shared.instance, tenure),
        by: me.clone(),
        now: tenures.wall.now(),
        action: if named { LeaseAction::Claim } else { LeaseAction::Take },
        seen,
    };
    let first_sent = Instant::now();
    let mut backoff = Backoff::lease_write(limit);
    loop {
        let answer = within(limit, tenures.store.write(&write)).await;
        match answer {
            Ok(WriteOutcome::Applied(lease)) => {
                return Taken::Ours(Box::new(Cell::new(me, shared.instance, tenure, lease, first_sent)));
            }
            Ok(WriteOutcome::Refused(Some(row)))
                if row.stamp.as_ref() == Some(&write.stamp)
                    && row.holder() == Some(&me)
                    && row.version == write.seen.version.next() =>
            {
                return Taken::Ours(Box::new(Cell::new(me, shared.instance, tenure, row, first_sent)));
            }
            Ok(WriteOutcome::Refused(row)) => return Taken::Theirs(row.map(Box::new)),
            Err(error) => {
                let (attempt, pause) = backoff.next();
                let shard = write.seen.shard.clone();
                tenures.reporter.emit(&Event::LeaseWriteFailed { shard, error: Chain(&error).to_string() });
                if attempt >= ATTEMPTS || !error.is_transient() {
                    return Taken::Unknown;
                }
                tokio::time::sleep(pause).await;
            }
        }
    }
}
