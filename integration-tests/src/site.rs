//! The place where a fleet lives: both services, the network before them, and the book of what happens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kcl_core::error::ConfigError;
use kcl_core::testing::standstill::Standstill;
use kcl_core::time::{Timestamp, WallClock};
use kcl_core::worker::Worker;
use kcl_local::{Local, Service, Settings};
use serde_json::{Value, json};

use crate::faults::FaultDesk;
use crate::handling::Handling;
use crate::history::{Recorder, Run, ShardFacts};
use crate::label;
use crate::member::{Outside, member};
use crate::modelled::Reading;
use crate::planted::Planted;
use crate::trace::Trace;
use crate::witness::{Ledger, Witness};

/// The stream of every site.
pub const STREAM: &str = "orders";
/// The application of every site, and its lease table.
pub const APP: &str = "orders-app";

/// After how long a silent subscription is taken for dead: what is allowed at least, so that worlds can be short.
pub const SILENCE: Duration = Duration::from_secs(10);

/// For how long a subscription that fell silent may keep a shard: after the one before the service wants some time before the
/// next, and a call that is not answered may come before it.
#[must_use]
pub fn silence(services: &Settings) -> Duration {
    SILENCE + services.kinesis.subscribe_again_after
}

/// One world with one stream and one application.
#[derive(Debug, Clone)]
pub struct Site {
    /// The services.
    pub local: Local,
    /// What happened.
    pub recorder: Recorder,
    /// What goes wrong.
    pub faults: FaultDesk,
    pub(crate) ledger: Ledger,
}

/// What is wrong with the clocks of one worker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clocks {
    /// How much longer everything takes by the world's clock that takes a second by the worker's: a monotonic clock that
    /// runs too slow has more than 1. What a worker does in good time depends on its failover time alone, so this is what
    /// is stretched.
    pub rate: f64,
    /// How far its wall clock is ahead, in milliseconds.
    pub skew_ms: i64,
}

impl Default for Clocks {
    /// Right.
    fn default() -> Self {
        Self { rate: 1.0, skew_ms: 0 }
    }
}

/// One worker process.
#[derive(Debug, Clone)]
pub struct WorkerSpec {
    /// Its number.
    pub run: Run,
    /// Its place in the fleet.
    pub slot: usize,
    /// Its worker id.
    pub id: String,
    /// What its luck, and that of its processors, follows from.
    pub seed: u64,
    /// How it reads.
    pub reading: Reading,
    /// What is wrong with its clocks.
    pub clocks: Clocks,
    /// What it has in common with its fleet.
    pub common: Common,
}

/// How often a worker asks a shard that has no records if nothing is said, as the KCL does.
pub const IDLE_INTERVAL: Duration = Duration::from_secs(1);

/// What a worker may hold of records if nothing is said.
pub const BYTE_BUDGET: usize = 64 * 1024 * 1024;

/// What is the same for all workers of a fleet.
#[derive(Debug, Clone)]
pub struct Common {
    /// The failover time.
    pub failover: Duration,
    /// How many records one `GetRecords` asks for.
    pub read_limit: u32,
    /// How often a worker asks a shard that has none.
    pub idle_interval: Duration,
    /// What processors do.
    pub handling: Arc<Handling>,
    /// A planted bug.
    pub planted: Option<Planted>,
    /// The most leases that one worker may be given.
    pub max_leases: Option<usize>,
    /// The bytes of records that one worker may hold.
    pub byte_budget: usize,
}

impl Common {
    /// Workers whose processors do well, and who have no limits.
    #[must_use]
    pub fn plain(failover: Duration) -> Self {
        Self {
            failover,
            read_limit: 10_000,
            idle_interval: IDLE_INTERVAL,
            handling: Arc::new(Handling::default()),
            planted: None,
            max_leases: None,
            byte_budget: BYTE_BUDGET,
        }
    }
}

impl Site {
    /// An empty world. Call it inside a runtime whose clock is paused.
    #[must_use]
    pub fn new(settings: Settings, trace: Trace) -> Self {
        let local = Local::new(settings);
        let recorder = Recorder::new(local.clock().clone(), trace);
        Self::around(local, recorder)
    }

    /// A world around services that nobody has used, which is taken down in this book.
    #[must_use]
    pub fn around(local: Local, recorder: Recorder) -> Self {
        let ledger = Ledger::default();
        let mut witness = Witness::new(recorder.clone(), ledger.clone());
        local.observe(move |seen| witness.see(seen));
        let faults = FaultDesk::new(recorder.clone());
        let desk = faults.clone();
        local.set_faults(move |request| desk.judge(request));
        let desk = faults.clone();
        local.set_stream_faults(move |pushed| desk.judge_push(pushed));
        Self { local, recorder, faults, ledger }
    }

    /// Makes the stream, and waits until it is ACTIVE.
    pub async fn create_stream(&self, shards: u32) {
        self.ask("CreateStream", json!({"StreamName": STREAM, "ShardCount": shards}));
        while self.ask("DescribeStreamSummary", json!({"StreamName": STREAM}))["StreamDescriptionSummary"]["StreamStatus"]
            != "ACTIVE"
        {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Asks Kinesis past the network. The body of the answer, or of the error.
    pub fn ask(&self, operation: &str, body: Value) -> Value {
        self.local.ask(Service::Kinesis, operation, body).body
    }

    /// The shards of the stream as the stream tells them, in order.
    #[must_use]
    pub fn list_shards(&self) -> Vec<Value> {
        self.ask("ListShards", json!({"StreamName": STREAM}))["Shards"].as_array().cloned().unwrap_or_default()
    }

    /// The shards of the stream.
    #[must_use]
    pub fn shards(&self) -> BTreeMap<String, ShardFacts> {
        shard_facts(&self.list_shards())
    }

    /// Wall-clock time of this world.
    #[must_use]
    pub fn wall_clock(&self) -> WallClock {
        let clock = self.local.clock().clone();
        WallClock::new(move || Timestamp::from_millis(clock.now().0))
    }

    fn wall_clock_of(&self, clocks: Clocks) -> WallClock {
        let clock = self.local.clock().clone();
        WallClock::new(move || Timestamp::from_millis(clock.now().0.saturating_add_signed(clocks.skew_ms)))
    }

    /// A worker of the real crates, on the real SDK clients. Its `run` belongs into the standstill too.
    ///
    /// # Errors
    /// If a setting cannot work.
    pub fn worker(&self, spec: &WorkerSpec, standstill: &Standstill) -> Result<Worker, ConfigError> {
        let label = label::of(spec.slot, spec.run);
        let outside = Outside {
            kinesis: self.local.kinesis_client(&label),
            dynamodb: self.local.dynamodb_client(&label),
            wall: self.wall_clock_of(spec.clocks),
            recorder: self.recorder.clone(),
        };
        member(spec, outside)?.standstill(standstill.clone()).build()
    }
}

/// Shards as `ListShards` tells of them.
pub(crate) fn shard_facts(listed: &[Value]) -> BTreeMap<String, ShardFacts> {
    let text = |shard: &Value, name: &str| shard[name].as_str().map(str::to_owned);
    let facts = |shard: &Value| {
        let parents = ["ParentShardId", "AdjacentParentShardId"].iter().filter_map(|name| text(shard, name));
        let closed = shard["SequenceNumberRange"]["EndingSequenceNumber"].is_string();
        Some((text(shard, "ShardId")?, ShardFacts { parents: parents.collect(), closed }))
    };
    listed.iter().filter_map(facts).collect()
}
