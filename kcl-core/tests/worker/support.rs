//! A stream, a lease table, workers on them, and a log of what their processors were told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kcl_core::error::WorkerError;
use kcl_core::event::Event;
use kcl_core::ids::{ShardKey, StreamId};
use kcl_core::lease::Lease;
use kcl_core::memory::InMemoryLeases;
use kcl_core::position::Position;
use kcl_core::store::LeaseStore as _;
use kcl_core::testing::scripted::Scripted;
use kcl_core::time::WallClock;
use kcl_core::utilization::Gauge;
use kcl_core::{
    Acknowledgement, Batch, Checkpointer, Failure, Record, RecordProcessor, ShardContext, ShutdownReport, Worker,
    WorkerBuilder, WorkerHandle, async_trait,
};
use tokio::task::JoinHandle;

pub(crate) const FAILOVER: Duration = Duration::from_secs(10);

/// What a processor was told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    Made { worker: String, shard: u32, start: Position },
    Record { worker: String, shard: u32, data: String },
    Ended { shard: u32 },
    Shutdown { shard: u32 },
    Lost { shard: u32 },
}

pub(crate) type Misbehave = Box<dyn FnMut(&Batch) -> Behave + Send>;

/// What a processor does with a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Behave {
    Well,
    Fail,
    Panic,
    Hang,
    Take(Duration),
}

/// Everything that the processors of all workers share.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) stream: Scripted,
    pub(crate) leases: InMemoryLeases,
    pub(crate) log: Arc<Mutex<Vec<Told>>>,
    pub(crate) events: Arc<Mutex<Vec<Event>>>,
    pub(crate) misbehave: Arc<Mutex<Option<Misbehave>>>,
    pub(crate) checkpointers: Arc<Mutex<Vec<Checkpointer>>>,
    pub(crate) records: Arc<Mutex<Vec<Record>>>,
    pub(crate) acknowledgement: Acknowledgement,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn number(shard: &ShardKey) -> u32 {
    shard.shard.as_str().trim_start_matches("shardId-").parse().expect("a shard's number")
}

pub(crate) fn key(shard: usize) -> ShardKey {
    ShardKey::new(StreamId::named("orders"), Scripted::shard(shard))
}

impl World {
    pub(crate) fn new(shards: usize) -> Self {
        // Jitter: each test is the same every time.
        fastrand::seed(7);
        Self {
            stream: Scripted::new(StreamId::named("orders"), shards),
            leases: InMemoryLeases::new(),
            log: Arc::default(),
            events: Arc::default(),
            misbehave: Arc::default(),
            checkpointers: Arc::default(),
            records: Arc::default(),
            acknowledgement: Acknowledgement::OnReturn,
        }
    }

    /// Puts records whose data are these texts.
    pub(crate) fn put(&self, shard: usize, texts: impl IntoIterator<Item = impl ToString>) {
        for text in texts {
            self.stream.put(&Scripted::shard(shard), "key", text.to_string());
        }
    }

    pub(crate) fn misbehave(&self, how: impl FnMut(&Batch) -> Behave + Send + 'static) {
        *lock(&self.misbehave) = Some(Box::new(how));
    }

    pub(crate) fn builder(&self, worker: &str) -> WorkerBuilder {
        self.builder_on(worker, self.leases.clone())
    }

    pub(crate) fn builder_on(&self, worker: &str, leases: impl kcl_core::store::LeaseStore) -> WorkerBuilder {
        let (world, name) = (self.clone(), worker.to_owned());
        let stream = self.stream.clone();
        let events = Arc::clone(&self.events);
        let seed = worker.bytes().fold(7, |seed, byte| seed * 31 + u64::from(byte));
        Worker::builder("app", leases, self.stream.clone(), move |shard| Teller {
            world: world.clone(),
            worker: name.clone(),
            shard,
        })
        .worker_id(worker)
        .failover_after(FAILOVER)
        .wall_clock(WallClock::new(move || stream.now()))
        .observer(move |event: &Event| lock(&events).push(event.clone()))
        .seed(seed)
        .utilization(Gauge::new(|| None))
    }

    pub(crate) fn start(&self, worker: &str) -> Running {
        Running::start(self.builder(worker).build().expect("good settings"))
    }

    pub(crate) fn log(&self) -> Vec<Told> {
        lock(&self.log).clone()
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        lock(&self.events).clone()
    }

    fn tell(&self, told: Told) {
        lock(&self.log).push(told);
    }

    /// The data of all records delivered from a shard, in order.
    pub(crate) fn delivered(&self, of: u32) -> Vec<String> {
        let log = self.log();
        log.into_iter()
            .filter_map(|told| match told {
                Told::Record { shard, data, .. } if shard == of => Some(data),
                _ => None,
            })
            .collect()
    }

    /// Who got the records of a shard, without repetition.
    pub(crate) fn readers(&self, of: u32) -> Vec<String> {
        let mut readers: Vec<String> = Vec::new();
        for told in self.log() {
            if let Told::Record { worker, shard, .. } = told
                && shard == of
                && readers.last() != Some(&worker)
            {
                readers.push(worker);
            }
        }
        readers
    }

    pub(crate) async fn lease(&self, shard: usize) -> Option<Lease> {
        self.leases.get(&key(shard)).await.expect("in memory")
    }

    pub(crate) async fn committed(&self, shard: usize) -> Position {
        self.lease(shard).await.expect("a lease").checkpoint
    }

    /// Waits, in virtual time, until something holds.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool + Send + Sync) {
        let patience = Duration::from_secs(120);
        let waited = tokio::time::timeout(patience, async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        let told = || -> Vec<_> {
            self.events().into_iter().filter(|event| !matches!(event, Event::Fetched { .. })).collect()
        };
        assert!(waited.await.is_ok(), "{what} did not happen; log: {:?}; events: {:?}", self.log(), told());
    }

    /// As [`until`](Self::until), for what only the lease table tells.
    pub(crate) async fn until_committed(&self, shard: usize, at: impl Fn(&Position) -> bool + Send + Sync) {
        for _ in 0..12_000 {
            if self.lease(shard).await.is_some_and(|lease| at(&lease.checkpoint)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("shard {shard} stands at {:?}", self.lease(shard).await.map(|lease| lease.checkpoint));
    }

    pub(crate) async fn until_delivered(&self, shard: u32, count: usize) {
        self.until("delivery", |world| world.delivered(shard).len() >= count).await;
    }
}

/// A worker in a task of its own. Dropping this drops the worker's future.
pub(crate) struct Running {
    pub(crate) handle: WorkerHandle,
    task: JoinHandle<Result<ShutdownReport, WorkerError>>,
}

impl Running {
    pub(crate) fn start(worker: Worker) -> Self {
        let handle = worker.handle();
        #[expect(clippy::disallowed_methods, reason = "the handle owns the task and aborts it")]
        let task = tokio::spawn(worker.run());
        Self { handle, task }
    }

    pub(crate) async fn ended(&mut self) -> Result<ShutdownReport, WorkerError> {
        tokio::time::timeout(Duration::from_secs(300), &mut self.task).await.expect("an end").expect("no panic")
    }

    pub(crate) async fn stop(mut self) -> ShutdownReport {
        self.handle.shutdown(Duration::from_secs(10));
        self.ended().await.expect("an orderly stop")
    }

    /// As if the process was killed.
    pub(crate) async fn kill(mut self) {
        self.task.abort();
        drop((&mut self.task).await);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Tells the log what it is told.
struct Teller {
    world: World,
    worker: String,
    shard: ShardContext,
}

#[async_trait]
impl RecordProcessor for Teller {
    fn acknowledgement(&self) -> Acknowledgement {
        self.world.acknowledgement
    }

    async fn initialize(&mut self, shard: &ShardContext) -> Result<(), Failure> {
        assert_eq!(*shard, self.shard);
        let (worker, start) = (self.worker.clone(), shard.start.clone());
        self.world.tell(Told::Made { worker, shard: number(&shard.shard), start });
        Ok(())
    }

    async fn process_records(&mut self, batch: Batch, checkpointer: &Checkpointer) -> Result<(), Failure> {
        lock(&self.world.checkpointers).push(checkpointer.clone());
        let behave = lock(&self.world.misbehave).as_mut().map_or(Behave::Well, |how| how(&batch));
        let told = |record: &Record| Told::Record {
            worker: self.worker.clone(),
            shard: number(&self.shard.shard),
            data: String::from_utf8_lossy(record.data()).into_owned(),
        };
        match behave {
            Behave::Well => {}
            Behave::Fail => return Err("told to fail".into()),
            Behave::Panic => panic!("told to panic"),
            Behave::Hang => std::future::pending().await,
            Behave::Take(time) => tokio::time::sleep(time).await,
        }
        for record in &batch {
            self.world.tell(told(record));
        }
        lock(&self.world.records).extend(batch.iter().cloned());
        Ok(())
    }

    async fn shard_ended(&mut self, _: &Checkpointer) -> Result<(), Failure> {
        self.world.tell(Told::Ended { shard: number(&self.shard.shard) });
        Ok(())
    }

    async fn shutdown_requested(&mut self, _: &Checkpointer) -> Result<(), Failure> {
        self.world.tell(Told::Shutdown { shard: number(&self.shard.shard) });
        Ok(())
    }

    async fn lease_lost(&mut self) {
        self.world.tell(Told::Lost { shard: number(&self.shard.shard) });
    }
}
