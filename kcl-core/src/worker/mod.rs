//! The worker: everything put together.

mod builder;
mod give;
mod handle;
mod held;
mod lead;
mod look;
mod membership;
mod reconcile;
mod renew;
mod run;
mod shutdown;
mod stall;
mod streams;
mod take;
mod wake;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::decide::balance::Strategy;
use crate::decide::fleet::Me;
use crate::decide::timing::Timing;
use crate::error::WorkerError;
use crate::shard_task::{News, WorkerContext};
use crate::utilization::Gauge;

pub use builder::WorkerBuilder;
pub use handle::WorkerHandle;
pub use shutdown::ShutdownReport;

use streams::Streams;

/// One worker of an application: takes leases, reads their shards, and gives the records to processors.
///
/// Built by [`Worker::builder`]; nothing happens before [`run`](Self::run).
pub struct Worker {
    shared: Arc<WorkerContext>,
    news: mpsc::UnboundedReceiver<News>,
    handle: WorkerHandle,
    me: Me,
    timing: Timing,
    streams: Arc<Streams>,
    forget_streams_after: Option<Duration>,
    strategy: Strategy,
    gauge: Option<Gauge>,
    luck: fastrand::Rng,
    #[cfg(feature = "test-util")]
    standstill: Option<crate::testing::standstill::Standstill>,
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
    /// Answers what became of the shards that it held when it was told to stop.
    ///
    /// # Errors
    /// If the lease store or the stream cannot be used at the start, or the worker must not go on: another process was
    /// started under its id, or the stream was deleted and created again. Failures that can pass are survived and reported.
    pub async fn run(self) -> Result<ShutdownReport, WorkerError> {
        run::run(self).await
    }

    /// Runs until `stop` is done, then stops in good order, giving processors `within` to finish: see
    /// [`WorkerHandle::shutdown`].
    ///
    /// ```no_run
    /// # async fn example(worker: kcl_core::Worker) -> Result<(), kcl_core::WorkerError> {
    /// worker.run_until(kcl_core::signals::terminated(), std::time::Duration::from_secs(10)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_until(
        self,
        stop: impl Future<Output = ()> + Send,
        within: Duration,
    ) -> Result<ShutdownReport, WorkerError> {
        let handle = self.handle();
        let mut running = std::pin::pin!(self.run());
        tokio::select! {
            biased;
            ended = &mut running => return ended,
            () = stop => handle.shutdown(within),
        }
        running.await
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Worker({})", self.me.worker)
    }
}
