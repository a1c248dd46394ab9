//! The worker: everything put together.

mod builder;
mod handle;
mod held;
mod leave;
mod look;
mod reconcile;
mod renew;
mod run;
mod take;

use std::fmt;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::decide::share::Me;
use crate::decide::timing::Timing;
use crate::error::WorkerError;
use crate::position::InitialPosition;
use crate::shard_task::{News, ShardContextShared};

pub use builder::WorkerBuilder;
pub use handle::WorkerHandle;

/// One worker of an application: takes leases, reads their shards, and gives the records to processors.
///
/// Built by [`Worker::builder`]; nothing happens before [`run`](Self::run).
pub struct Worker {
    shared: Arc<ShardContextShared>,
    news: mpsc::UnboundedReceiver<News>,
    handle: WorkerHandle,
    me: Me,
    timing: Timing,
    initial: InitialPosition,
    phases: fastrand::Rng,
}

impl Worker {
    /// What controls and shows this worker from outside. Can be had before and while it runs, any number of times.
    pub fn handle(&self) -> WorkerHandle {
        self.handle.clone()
    }

    /// Runs until the worker is told to stop, or cannot go on.
    ///
    /// The future owns everything that runs. Dropping it ends all of it at once: no processor is called after that and
    /// nothing is written; what this worker held is taken by others when the failover time is over, as after a crash.
    ///
    /// # Errors
    /// If the lease store or the stream cannot be used at the start, or the worker must not go on: another live process
    /// uses its id, or the stream was deleted and created again. Failures that can pass are survived and reported.
    pub async fn run(self) -> Result<(), WorkerError> {
        run::run(self).await
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Worker({})", self.me.worker)
    }
}
