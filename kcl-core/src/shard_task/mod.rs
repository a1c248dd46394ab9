//! The life of one shard in one worker: a task that reads and a task of the user's that processes, driven by
//! [`crate::decide::phase`].

mod attend;
mod children;
mod driver;
mod ending;
mod reader;
mod seat;

use std::fmt;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::budget::ByteBudget;
use crate::deaggregate::OutsideRange;
use crate::decide::cell::Cell;
use crate::error::WorkerError;
use crate::ids::WorkerId;
use crate::lease::Instance;
use crate::position::Position;
use crate::processor::Factory;
use crate::retrieval::Retrieval;
use crate::tenure::TenureContext;

pub(crate) use driver::run;

/// What all shards of a worker share.
pub(crate) struct ShardContextShared {
    pub(crate) tenures: Arc<TenureContext>,
    pub(crate) retrieval: Arc<dyn Retrieval>,
    pub(crate) factory: Box<Factory>,
    pub(crate) budget: ByteBudget,
    pub(crate) outside_range: OutsideRange,
    pub(crate) worker: WorkerId,
    pub(crate) instance: Instance,
    /// Counts the tenures of this process.
    pub(crate) tenure_numbers: std::sync::atomic::AtomicU64,
    /// Changes whenever a shard is finished by this worker: who waits for a parent looks at once.
    pub(crate) finished: watch::Sender<u64>,
    /// News for the worker.
    pub(crate) news: mpsc::UnboundedSender<News>,
}

impl fmt::Debug for ShardContextShared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShardContextShared({})", self.worker)
    }
}

impl ShardContextShared {
    pub(crate) fn next_tenure(&self) -> u64 {
        self.tenure_numbers.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1
    }
}

/// What a shard tells its worker.
#[derive(Debug)]
pub(crate) enum News {
    /// A child's lease was made, and this worker holds it.
    Began(Box<Cell>),
    /// The shards should be compared with the leases now.
    Reconcile,
    /// The worker cannot go on.
    Fatal(WorkerError),
}

/// What a shard can be told.
#[derive(Debug, Clone)]
pub(crate) enum Command {
    /// Finish what is in hand until then, commit, and give the lease back.
    Stop(Instant),
    /// Commit this position and go on from there with a new processor.
    Restart(Position),
}
