//! Settings of a worker, and their checks.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

use crate::budget::ByteBudget;
use crate::deaggregate::OutsideRange;
use crate::decide::balance::Strategy;
use crate::decide::fleet::Me;
use crate::decide::timing::{Timing, check_failover};
use crate::decide::vitals::Limits;
use crate::error::ConfigError;
use crate::event::Observer;
use crate::ids::{AppName, WorkerId};
use crate::lease::Instance;
use crate::position::InitialPosition;
use crate::processor::{RecordProcessor, ShardContext};
use crate::report::Reporter;
use crate::retrieval::Retrieval;
use crate::shard_task::{Recreated, WorkerContext};
use crate::store::LeaseStore;
use crate::tenure::TenureContext;
#[cfg(feature = "test-util")]
use crate::testing::standstill::Standstill;
use crate::time::WallClock;
use crate::utilization::Gauge;
use crate::worker::held::Held;
use crate::worker::streams::{ReadStream, Streams};
use crate::worker::{Worker, WorkerHandle};

/// Keys of other things in the lease table of the Java KCL. A worker's own row there is keyed by its bare id.
const RESERVED: [&str; 3] = ["Leader", "Migration3.0", "TableMigration3.5"];

type MakeProcessor = Box<dyn Fn(ShardContext) -> Box<dyn RecordProcessor> + Send + Sync>;

/// Collects the settings of a [`Worker`]. What a worker cannot do without are arguments of [`Worker::builder`]; all else
/// has a default.
pub struct WorkerBuilder {
    app: AppName,
    store: Arc<dyn LeaseStore>,
    /// The first one is what all single-stream settings are about.
    streams: Vec<(Arc<dyn Retrieval>, Option<InitialPosition>)>,
    factory: MakeProcessor,
    worker_id: Option<WorkerId>,
    failover: Duration,
    reader_may_stall: Duration,
    handler_may_take: Option<Duration>,
    initial: InitialPosition,
    byte_budget: usize,
    outside_range: OutsideRange,
    observers: Vec<Arc<dyn Observer>>,
    wall: WallClock,
    seed: Option<u64>,
    strategy: Strategy,
    max_leases: Option<usize>,
    gauge: Option<Gauge>,
    recreated: Recreated,
    forget_streams_after: Option<Duration>,
    #[cfg(feature = "test-util")]
    standstill: Option<Standstill>,
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
            streams: vec![(Arc::new(retrieval), None)],
            factory: Box::new(move |shard| Box::new(factory(shard))),
            worker_id: None,
            failover: Duration::from_secs(10),
            reader_may_stall: Duration::from_mins(5),
            handler_may_take: None,
            initial: InitialPosition::default(),
            byte_budget: 64 * 1024 * 1024,
            outside_range: OutsideRange::default(),
            observers: Vec::new(),
            wall: WallClock::system(),
            seed: None,
            strategy: Strategy::default(),
            max_leases: None,
            gauge: None,
            recreated: Recreated::default(),
            forget_streams_after: None,
            #[cfg(feature = "test-util")]
            standstill: None,
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

    /// For how long the reader of a shard may ask for records and get no answer, or errors only, before this worker gives the
    /// shard up and another one picks it up at its last commit. At least 10 s; default 5 minutes, which outlasts most of what
    /// passes by itself: a shard that is given up is processed again from its last commit, and its processor made anew.
    ///
    /// An empty answer is an answer. Time in which the reader waits for room in the byte budget, or for the processor to take
    /// what was read, does not count. A worker that is alone takes the shard again at once. If all workers of an application
    /// are refused by a stream, its shards go around among them at this pace; a longer time makes that rarer.
    #[must_use]
    pub fn reader_may_stall(mut self, time: Duration) -> Self {
        self.reader_may_stall = time;
        self
    }

    /// For how long one call of a processor may last before this worker gives the shard up and another one picks it up at its
    /// last commit. At least 10 s, if it is given. Default: `None`, for as long as it likes; how long work takes is for the
    /// application to know. A call that lasts longer than a minute is told of every minute either way
    /// ([`Event::ProcessorSlow`](crate::event::Event::ProcessorSlow)).
    ///
    /// The call is cut off at its next await. One that blocks its thread without awaiting cannot be: it goes on while the
    /// shard's next owner processes the same records. What it did is not committed.
    #[must_use]
    pub fn handler_may_take(mut self, time: Option<Duration>) -> Self {
        self.handler_may_take = time;
        self
    }

    /// Where to start a stream that this application has not read before. Default: the oldest record.
    #[must_use]
    pub fn start_at(mut self, position: InitialPosition) -> Self {
        self.initial = position;
        self
    }

    /// Reads one more stream, by a retrieval of its own, from a position of its own. Streams can be added and removed while
    /// the worker runs, too: [`WorkerHandle::add_stream`].
    ///
    /// All workers of an application must read the same streams. Each of several streams is known by
    /// `account:name:epoch` ([`StreamId::parse_qualified`](crate::ids::StreamId::parse_qualified)), and the lease store
    /// must be one for several streams.
    #[must_use]
    pub fn stream(mut self, retrieval: impl Retrieval, position: InitialPosition) -> Self {
        self.streams.push((Arc::new(retrieval), Some(position)));
        self
    }

    /// What to do about a stream that was deleted and created again under its name. Default: [`Recreated::Refuse`].
    #[must_use]
    pub fn recreated(mut self, what: Recreated) -> Self {
        self.recreated = what;
        self
    }

    /// Removes the leases of streams that this worker does not read, once that has been so for this time without a break,
    /// and nobody holds them. At least a minute; longer than a deployment takes, in which some workers read other streams
    /// than others. Default: never. What is removed is gone: a stream that is added again starts anew.
    #[must_use]
    pub fn forget_streams_after(mut self, delay: Duration) -> Self {
        self.forget_streams_after = Some(delay);
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

    /// What the fleet shares out evenly, if this worker is the one that balances. The same for all workers of an
    /// application. Default: [`Strategy::Utilization`].
    #[must_use]
    pub fn balance_by(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// The most leases of unfinished shards that this worker may be given; at least 1. Default: no limit. Shards for which
    /// no worker has room are read by nobody, which is reported. A worker of the Java KCL that balances does not know of
    /// the limit.
    #[must_use]
    pub fn max_leases(mut self, leases: usize) -> Self {
        self.max_leases = Some(leases);
        self
    }

    /// How this worker tells others how busy it is. Default: the CPU of its container or machine, [`Gauge::system`].
    ///
    /// It tells nothing beside workers of the Java KCL that do not measure their CPU: their leader compares only what all
    /// measure alike, and would give this worker no leases.
    #[must_use]
    pub fn utilization(mut self, gauge: Gauge) -> Self {
        self.gauge = Some(gauge);
        self
    }

    /// For tests: every task of the worker runs in this, and stands still with it.
    #[cfg(feature = "test-util")]
    #[must_use]
    pub fn standstill(mut self, standstill: Standstill) -> Self {
        self.standstill = Some(standstill);
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
        let (initial, recreated) = (self.initial, self.recreated);
        let streams = self.streams.into_iter().map(|(retrieval, position)| ReadStream {
            retrieval,
            initial: position.unwrap_or(initial),
            recreated,
        });
        let streams = Arc::new(Streams::new(streams));
        let tenures = Arc::new(TenureContext {
            store: self.store,
            timing,
            limits: Limits::new(self.reader_may_stall, self.handler_may_take),
            wall: self.wall,
            reporter: Arc::clone(&reporter),
            renew_now: Notify::new(),
            asked: Notify::new(),
        });
        let shared = WorkerContext {
            tenures,
            factory: self.factory,
            budget: ByteBudget::new(self.byte_budget),
            outside_range: self.outside_range,
            worker: worker.clone(),
            instance,
            tenure_numbers: 0.into(),
            in_line: 1.into(),
            tells_cpu: true.into(),
            news,
        };
        Ok(Worker {
            shared: Arc::new(shared),
            news: incoming,
            handle: WorkerHandle::new(reporter, Arc::new(Held::default()), Arc::clone(&streams), self.recreated),
            streams,
            forget_streams_after: self.forget_streams_after,
            me: Me { worker, instance, cap: self.max_leases },
            timing,
            strategy: self.strategy,
            gauge: Some(self.gauge.unwrap_or_else(Gauge::system)),
            luck: random,
            #[cfg(feature = "test-util")]
            standstill: self.standstill,
        })
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.app.as_str().is_empty() {
            return Err(ConfigError::new("app", "is empty; give the application's name"));
        }
        check_failover("failover_after", self.failover)?;
        check_patience("reader_may_stall", self.reader_may_stall)?;
        self.handler_may_take.map_or(Ok(()), |time| check_patience("handler_may_take", time))?;
        if self.byte_budget < 1024 * 1024 {
            let problem = format!("is {} bytes; it must be at least 1 MiB, 64 MiB is usual", self.byte_budget);
            return Err(ConfigError::new("byte_budget", problem));
        }
        if self.max_leases == Some(0) {
            return Err(ConfigError::new("max_leases", "is 0; it must be at least 1, or left out for no limit"));
        }
        self.check_streams()?;
        self.worker_id.as_ref().map_or(Ok(()), |id| self.check_worker_id(id.as_str()))
    }

    fn check_streams(&self) -> Result<(), ConfigError> {
        if self.forget_streams_after.is_some_and(|delay| delay < Duration::from_secs(60)) {
            return Err(ConfigError::new("forget_streams_after", "is less than a minute; a deployment takes longer"));
        }
        if self.streams.len() == 1 {
            return Ok(());
        }
        // The same checks as for one that is added later.
        let all = Streams::new([]);
        self.streams.iter().try_for_each(|(retrieval, _)| {
            let retrieval = Arc::clone(retrieval);
            all.add(ReadStream { retrieval, initial: self.initial, recreated: self.recreated })
        })
    }

    fn check_worker_id(&self, id: &str) -> Result<(), ConfigError> {
        let is_key = |(retrieval, _): &(Arc<dyn Retrieval>, _)| {
            let stream = retrieval.stream();
            id == stream.as_str() || id.starts_with(&format!("{stream}:shardId-"))
        };
        let problem = if id.is_empty() || id.len() > 1024 {
            format!("has {} bytes; it must have 1 to 1024", id.len())
        } else if RESERVED.contains(&id) {
            format!("is `{id}`, the key of another row of the lease table")
        } else if id.starts_with("shardId-") || self.streams.iter().any(is_key) {
            format!("is `{id}`, which can be the key of a lease or a stream in the lease table")
        } else {
            return Ok(());
        };
        Err(ConfigError::new("worker_id", problem))
    }
}

/// What is not gone on with for less than this may be no more than slow.
fn check_patience(setting: &'static str, time: Duration) -> Result<(), ConfigError> {
    if time >= Duration::from_secs(10) {
        return Ok(());
    }
    Err(ConfigError::new(setting, format!("is {time:?}; it must be at least 10 s")))
}

impl std::fmt::Debug for WorkerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WorkerBuilder({}, {:?})", self.app, self.streams)
    }
}
