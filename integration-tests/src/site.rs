//! The place where a fleet lives: both services, the network before them, and the book of what happens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kcl_core::error::ConfigError;
use kcl_core::event::Event;
use kcl_core::polling::Polling;
use kcl_core::processor::ShardContext;
use kcl_core::retrieval::Retrieval;
use kcl_core::time::{Timestamp, WallClock};
use kcl_core::utilization::Gauge;
use kcl_core::worker::Worker;
use kcl_dynamo_leases::DynamoLeases;
use kcl_efo::FanOut;
use kcl_local::{Local, Service, Settings};
use serde_json::{Value, json};

use crate::faults::FaultDesk;
use crate::handling::Handling;
use crate::history::{Recorder, Run, ShardFacts, What};
use crate::items::Items;
use crate::label;
use crate::modelled::Reading;
use crate::planted::{self, Planted};
use crate::processor::{Maker, Recording};
use crate::trace::Trace;
use crate::witness::{Ledger, Witness};

/// The stream of every site.
pub const STREAM: &str = "orders";
/// The application of every site, and its lease table.
pub const APP: &str = "orders-app";

/// After how long a silent subscription is taken for dead: what is allowed at least, so that worlds can be short.
pub const SILENCE: Duration = Duration::from_secs(10);

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
    /// The failover time.
    pub failover: Duration,
    /// What its luck, and that of its processors, follows from.
    pub seed: u64,
    /// How it reads.
    pub reading: Reading,
    /// How many records one `GetRecords` asks for.
    pub read_limit: u32,
    /// What its processors do.
    pub handling: Arc<Handling>,
    /// A bug that is planted into it.
    pub planted: Option<Planted>,
    /// What is wrong with its clocks.
    pub clocks: Clocks,
    /// The most leases that it may be given.
    pub max_leases: Option<usize>,
}

impl Site {
    /// An empty world. Call it inside a runtime whose clock is paused.
    #[must_use]
    pub fn new(settings: Settings, trace: Trace) -> Self {
        let local = Local::new(settings);
        let recorder = Recorder::new(local.clock().clone(), trace);
        let ledger = Ledger::default();
        let mut witness = Witness { recorder: recorder.clone(), ledger: ledger.clone(), items: Items::default() };
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
        let text = |shard: &Value, name: &str| shard[name].as_str().map(str::to_owned);
        let facts = |shard: &Value| {
            let parents = ["ParentShardId", "AdjacentParentShardId"].iter().filter_map(|name| text(shard, name));
            let closed = shard["SequenceNumberRange"]["EndingSequenceNumber"].is_string();
            Some((text(shard, "ShardId")?, ShardFacts { parents: parents.collect(), closed }))
        };
        self.list_shards().iter().filter_map(facts).collect()
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

    fn retrieval(&self, spec: &WorkerSpec, label: &str) -> Result<Box<dyn Retrieval>, ConfigError> {
        let (client, clock) = (self.local.kinesis_client(label), self.wall_clock_of(spec.clocks));
        Ok(match spec.reading {
            Reading::Polling => {
                let polling = Polling::builder(client, STREAM).limit(spec.read_limit);
                Box::new(polling.request_timeout(Duration::from_secs(2)).clock(clock).build()?)
            }
            Reading::FanOut => {
                let fan_out = FanOut::builder(client, STREAM).consumer_name(APP);
                Box::new(fan_out.silence_timeout(SILENCE).clock(clock).build()?)
            }
        })
    }

    /// A worker of the real crates, on the real SDK clients.
    ///
    /// # Errors
    /// If a setting cannot work.
    pub fn worker(&self, spec: &WorkerSpec) -> Result<Worker, ConfigError> {
        let label = label::of(spec.slot, spec.run);
        let leases = DynamoLeases::single_stream(self.local.dynamodb_client(&label), APP, STREAM);
        let leases = leases.wall_clock(self.wall_clock_of(spec.clocks)).build()?;
        let leases = planted::leases(leases, spec.planted);
        let retrieval = self.retrieval(spec, &label)?;
        let maker = Maker::new(self.recorder.clone(), spec);
        let planted = spec.planted;
        let factory = move |context: ShardContext| planted::processor(Recording::new(&maker, &context), planted);
        let (recorder, run) = (self.recorder.clone(), spec.run);
        let observer = move |event: &Event| recorder.note(What::Event { run, event: event.clone() });
        let builder = Worker::builder(APP, leases, retrieval, factory)
            .worker_id(spec.id.as_str())
            .failover_after(spec.failover.mul_f64(spec.clocks.rate))
            .wall_clock(self.wall_clock_of(spec.clocks))
            .seed(spec.seed)
            .utilization(Gauge::new(|| None))
            .observer(observer);
        match spec.max_leases {
            Some(most) => builder.max_leases(most).build(),
            None => builder.build(),
        }
    }
}
