//! Settings of a worker, and their checks.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};

use crate::budget::ByteBudget;
use crate::deaggregate::OutsideRange;
use crate::decide::share::Me;
use crate::decide::timing::{Timing, check_failover};
use crate::error::ConfigError;
use crate::event::Observer;
use crate::ids::{AppName, WorkerId};
use crate::lease::Instance;
use crate::position::InitialPosition;
use crate::processor::{RecordProcessor, ShardContext};
use crate::report::Reporter;
use crate::retrieval::Retrieval;
use crate::shard_task::ShardContextShared;
use crate::store::LeaseStore;
use crate::tenure::TenureContext;
use crate::time::WallClock;
use crate::worker::held::Held;
use crate::worker::{Worker, WorkerHandle};

/// Keys of other things in the lease table of the Java KCL. A worker's own row there is keyed by its bare id.
const RESERVED: [&str; 3] = ["Leader", "Migration3.0", "TableMigration3.5"];

type MakeProcessor = Box<dyn Fn(ShardContext) -> Box<dyn RecordProcessor> + Send + Sync>;

/// Collects the settings of a [`Worker`]. What a worker cannot do without are arguments of [`Worker::builder`]; all else
/// has a default.
pub struct WorkerBuilder {
    app: AppName,
    store: Arc<dyn LeaseStore>,
    retrieval: Arc<dyn Retrieval>,
    factory: MakeProcessor,
    worker_id: Option<WorkerId>,
    failover: Duration,
    initial: InitialPosition,
    byte_budget: usize,
    outside_range: OutsideRange,
    observers: Vec<Arc<dyn Observer>>,
    wall: WallClock,
    seed: Option<u64>,
}

impl Worker {
    /// A worker of the application `app` that keeps its leases in `leases`, reads by `retrieval`, and makes a processor
    /// for each shard by calling `factory`.
    pub fn builder<F, P>(
        app: impl Into<AppName>,
        leases: impl LeaseStore,
        retrieval: impl Retrieval,
        factory: F,
    ) -> WorkerBuilder
    where
        F: Fn(ShardContext) -> P + Send + Sync + 'static,
        P: RecordProcessor,
    {
        WorkerBuilder {
            app: app.into(),
            store: Arc::new(leases),
            retrieval: Arc::new(retrieval),
            factory: Box::new(move |shard| Box::new(factory(shard))),
            worker_id: None,
            failover: Duration::from_secs(10),
            initial: InitialPosition::default(),
            byte_budget: 64 * 1024 * 1024,
            outside_range: OutsideRange::default(),
            observers: Vec::new(),
            wall: WallClock::system(),
            seed: None,
        }
    }
}

impl WorkerBuilder {
    /// This worker's id. Default: [`WorkerId::unique`]. No two live processes may have the same.
    #[must_use]
    pub fn worker_id(mut self, id: impl Into<WorkerId>) -> Self {
        self.worker_id = Some(id.into());
        self
    }

    /// After how long without a sign of life a worker counts as dead and its shards are taken. From 1 s to 1 h; default
    /// 10 s. The same for all workers of an application. A lease is renewed every 0.7 of it.
    #[must_use]
    pub fn failover_after(mut self, time: Duration) -> Self {
        self.failover = time;
        self
    }

    /// Where to start a stream that this application has not read before. Default: the oldest record.
    #[must_use]
    pub fn start_at(mut self, position: InitialPosition) -> Self {
        self.initial = position;
        self
    }

    /// The most bytes that all records may take which this worker has read and its processors have not let go of. At
    /// least 1 MiB; default 64 MiB. One answer that alone is larger still passes, one at a time.
    #[must_use]
    pub fn byte_budget(mut self, bytes: usize) -> Self {
        self.byte_budget = bytes;
        self
    }

    /// What to do with aggregated user records whose key belongs to another shard than the one they were read from.
    /// Default: deliver them, marked and counted.
    #[must_use]
    pub fn outside_range(mut self, what: OutsideRange) -> Self {
        self.outside_range = what;
        self
    }

    /// Adds one that is told everything that happens. There may be several.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// Where wall-clock time comes from. Default: the machine's clock. For simulations.
    #[must_use]
    pub fn wall_clock(mut self, clock: WallClock) -> Self {
        self.wall = clock;
        self
    }

    /// Makes everything random in this worker follow from a number. Default: from the system's randomness. For
    /// simulations; workers of one fleet need different ones.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The worker. Sends nothing and starts nothing.
    ///
    /// # Errors
    /// If a setting cannot work; the error names it.
    pub fn build(self) -> Result<Worker, ConfigError> {
        self.check()?;
        let worker = self.worker_id.clone().unwrap_or_else(WorkerId::unique);
        let mut random = self.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        let instance = Instance::new(random.u64(..));
        let timing = Timing::new(self.failover);
        let reporter = Arc::new(Reporter::new(self.app, worker.clone(), self.observers));
        let (news, incoming) = mpsc::unbounded_channel();
        let tenures = Arc::new(TenureContext {
            store: self.store,
            timing,
            wall: self.wall,
            reporter: Arc::clone(&reporter),
            renew_now: Notify::new(),
        });
        let shared = ShardContextShared {
            tenures,
            retrieval: self.retrieval,
            factory: self.factory,
            budget: ByteBudget::new(self.byte_budget),
            outside_range: self.outside_range,
            worker: worker.clone(),
            instance,
            tenure_numbers: 0.into(),
            finished: watch::Sender::new(0),
            news,
        };
        Ok(Worker {
            shared: Arc::new(shared),
            news: incoming,
            handle: WorkerHandle::new(reporter, Arc::new(Held::default())),
            me: Me { worker, instance },
            timing,
            initial: self.initial,
            phases: random,
        })
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.app.as_str().is_empty() {
            return Err(ConfigError::new("app", "is empty; give the application's name"));
        }
        check_failover("failover_after", self.failover)?;
        if self.byte_budget < 1024 * 1024 {
            let problem = format!("is {} bytes; it must be at least 1 MiB, 64 MiB is usual", self.byte_budget);
            return Err(ConfigError::new("byte_budget", problem));
        }
        self.worker_id.as_ref().map_or(Ok(()), |id| self.check_worker_id(id.as_str()))
    }

    fn check_worker_id(&self, id: &str) -> Result<(), ConfigError> {
        let stream = self.retrieval.stream();
        let problem = if id.is_empty() || id.len() > 1024 {
            format!("has {} bytes; it must have 1 to 1024", id.len())
        } else if RESERVED.contains(&id) {
            format!("is `{id}`, the key of another row of the lease table")
        } else if id.starts_with("shardId-") || id == stream.as_str() || id.starts_with(&format!("{stream}:shardId-")) {
            format!("is `{id}`, which can be the key of a lease or a stream in the lease table")
        } else {
            return Ok(());
        };
        Err(ConfigError::new("worker_id", problem))
    }
}

impl std::fmt::Debug for WorkerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WorkerBuilder({}, {:?})", self.app, self.retrieval)
    }
}
