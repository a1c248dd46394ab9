//! The one place through which everything that happens is told: to the log, to metrics, to the status, to observers.

mod log;
mod meter;
pub mod status;

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use crate::event::{Event, Observer};
use crate::ids::{AppName, ShardKey, WorkerId};
use crate::lease::{Epoch, Lease};
use status::{Status, StatusBoard};

/// Tells what happens in one worker.
pub(crate) struct Reporter {
    app: AppName,
    worker: WorkerId,
    observers: Vec<Arc<dyn Observer>>,
    board: Mutex<StatusBoard>,
}

impl Reporter {
    pub(crate) fn new(app: AppName, worker: WorkerId, observers: Vec<Arc<dyn Observer>>) -> Self {
        let board = Mutex::new(StatusBoard::new(worker.clone()));
        Self { app, worker, observers, board }
    }

    pub(crate) fn worker(&self) -> &WorkerId {
        &self.worker
    }

    /// What everything that runs for a shard is logged under, the user's code included. The fields are stable.
    pub(crate) fn shard_span(&self, shard: &ShardKey, epoch: Epoch) -> tracing::Span {
        let (app, worker) = (&self.app, &self.worker);
        tracing::info_span!(target: "kcl_core", "shard", %app, %worker, stream = %shard.stream, shard = %shard.shard, %epoch)
    }

    pub(crate) fn emit(&self, event: &Event) {
        self.board.lock().unwrap_or_else(PoisonError::into_inner).event(event, Instant::now());
        log::write(&self.app, &self.worker, event);
        meter::count(&self.app, event);
        for observer in &self.observers {
            // An observer's panic is its own: it must not end a shard, or the renewals.
            if std::panic::catch_unwind(AssertUnwindSafe(|| observer.event(event))).is_err() {
                tracing::error!(target: "kcl_core", app = %self.app, worker = %self.worker, "an observer panicked");
            }
        }
    }

    /// The lease table was read.
    pub(crate) fn looked(&self, leases: &[Lease]) {
        self.board.lock().unwrap_or_else(PoisonError::into_inner).looked(leases, Instant::now());
    }

    pub(crate) fn status(&self) -> Status {
        self.board.lock().unwrap_or_else(PoisonError::into_inner).snapshot(&self.app, Instant::now())
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reporter({}, {})", self.app, self.worker)
    }
}
