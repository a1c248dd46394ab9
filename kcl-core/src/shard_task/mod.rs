//! The life of one shard in one worker: a task that reads and a task of the user's that processes, driven by
//! [`crate::decide::phase`].

mod attend;
mod children;
mod driver;
mod ending;
mod reader;
mod seat;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

use crate::budget::ByteBudget;
use crate::deaggregate::OutsideRange;
use crate::decide::cell::Cell;
use crate::error::WorkerError;
use crate::ids::{StreamId, WorkerId};
use crate::lease::Instance;
use crate::member::Wake;
use crate::position::{InitialPosition, Position};
use crate::processor::Factory;
use crate::retrieval::Retrieval;
use crate::tenure::{Tenure, TenureContext};

pub(crate) use driver::run;

/// What everything in a worker shares.
pub(crate) struct WorkerContext {
    pub(crate) tenures: Arc<TenureContext>,
    pub(crate) factory: Box<Factory>,
    pub(crate) budget: ByteBudget,
    pub(crate) outside_range: OutsideRange,
    pub(crate) worker: WorkerId,
    pub(crate) instance: Instance,
    /// Counts the tenures of this process.
    pub(crate) tenure_numbers: AtomicU64,
    /// How many workers look after the fleet as this one does, or do so before it: it compares shards and leases as much
    /// less often.
    pub(crate) in_line: AtomicU32,
    /// Whether the worker tells how busy its CPU is, as of the last look: [`Living::compare_cpu`](crate::decide::roster::Living).
    pub(crate) tells_cpu: AtomicBool,
    /// News for the worker.
    pub(crate) news: mpsc::UnboundedSender<News>,
}

/// What all shards of a stream share in a worker.
pub(crate) struct StreamContext {
    common: Arc<WorkerContext>,
    pub(crate) retrieval: Arc<dyn Retrieval>,
    /// Where to start, if the application has not read the stream before.
    pub(crate) initial: InitialPosition,
    /// What to do if the stream is not the one that the leases were made for.
    pub(crate) recreated: Recreated,
    /// Changes whenever a shard is finished by this worker: who waits for a parent looks at once.
    pub(crate) finished: watch::Sender<u64>,
    /// Asks for shards and leases to be compared now.
    pub(crate) compare: Notify,
    /// When the stream was created must be asked again.
    pub(crate) doubtful: AtomicBool,
}

/// What a worker does about a stream that was deleted and created again under its name, when it finds leases of the
/// earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Recreated {
    /// Stops, if it is the worker's only stream; else reports it, and reads the stream no more until it is removed and added
    /// again.
    #[default]
    Refuse,
    /// Removes the leases of the earlier stream, and starts where the application starts.
    StartOver,
}

impl StreamContext {
    pub(crate) fn new(
        common: Arc<WorkerContext>,
        retrieval: Arc<dyn Retrieval>,
        initial: InitialPosition,
        recreated: Recreated,
    ) -> Self {
        let (finished, compare, doubtful) = (watch::Sender::new(0), Notify::new(), AtomicBool::new(false));
        Self { common, retrieval, initial, recreated, finished, compare, doubtful }
    }

    pub(crate) fn stream(&self) -> &StreamId {
        self.retrieval.stream()
    }
}

impl Deref for StreamContext {
    type Target = WorkerContext;

    fn deref(&self) -> &WorkerContext {
        &self.common
    }
}

impl fmt::Debug for StreamContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamContext({}, {})", self.common.worker, self.stream())
    }
}

impl WorkerContext {
    pub(crate) fn next_tenure(&self) -> u64 {
        self.tenure_numbers.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// What a shard tells its worker.
#[derive(Debug)]
pub(crate) enum News {
    /// A child's lease was made, and this worker holds it.
    Began(Box<Cell>),
    /// A shard is not gone on with: its lease is to be given up.
    Stalled(Arc<Tenure>),
    /// This worker was woken.
    Woken(Vec<Wake>),
    /// A stream is not the one that its leases were made for, as reading it told.
    Recreated(StreamId),
    /// The leases of a stream are being removed: what is held of it is to be let go.
    LetGo(StreamId),
    /// The shards of a stream were compared with the leases, and they fit each other.
    Compared(StreamId),
    /// The worker cannot go on.
    Fatal(WorkerError),
}

/// What a shard can be told.
#[derive(Debug, Clone)]
pub(crate) enum Command {
    /// Finish what is in hand until then, commit, and give the lease away.
    Stop(Instant),
    /// Commit this position and go on from there with a new processor.
    Restart(Position),
}
