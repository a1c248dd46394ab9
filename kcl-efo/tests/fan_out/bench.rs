//! A stream in the model, and how to do things to it.

use std::sync::{Arc, Mutex};

use kcl_core::budget::ByteBudget;
use kcl_core::error::SourceError;
use kcl_core::retrieval::{RecordSource, Retrieval, StartAt};
use kcl_core::time::{Timestamp, WallClock};
use kcl_efo::{FanOut, FanOutBuilder};
use kcl_local::kinesis::{NewRecord, StreamSpec};
use kcl_local::{Local, Settings, StreamFault};
use serde_json::Value;

use crate::{APP, S, seconds, shard};

pub(crate) struct Bench {
    pub(crate) local: Local,
    pub(crate) budget: ByteBudget,
}

/// One call of `SubscribeToShard` as the service served it.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    /// Milliseconds.
    pub(crate) at: u64,
    pub(crate) request: Value,
    pub(crate) status: u16,
}

impl Bench {
    /// An active stream of the name [`S`].
    pub(crate) async fn new(shards: u32) -> Self {
        Self::with(shards, Settings::default()).await
    }

    pub(crate) async fn with(shards: u32, settings: Settings) -> Self {
        let bench = Self { local: Local::new(settings), budget: ByteBudget::new(64 * 1024 * 1024) };
        bench.create(shards).await;
        bench
    }

    pub(crate) async fn create(&self, shards: u32) {
        self.local
            .kinesis(|kinesis, now| kinesis.create_stream(S, StreamSpec::provisioned(shards), now))
            .expect("created");
        seconds(3).await;
    }

    /// Registers a consumer past the network, and answers its ARN.
    pub(crate) async fn register(&self, name: &str) -> String {
        let described = self.local.kinesis(|kinesis, now| kinesis.register_consumer(S, name, [].into(), now));
        seconds(3).await;
        described.expect("registered").arn
    }

    pub(crate) fn builder(&self) -> FanOutBuilder {
        let clock = self.local.clock().clone();
        let clock = WallClock::new(move || Timestamp::from_millis(clock.now().0));
        FanOut::builder(self.local.kinesis_client("reader"), S).clock(clock)
    }

    pub(crate) fn fan_out(&self) -> FanOut {
        self.builder().consumer_name(APP).build().expect("valid")
    }

    pub(crate) async fn open(&self, from: StartAt) -> Result<Box<dyn RecordSource>, SourceError> {
        self.fan_out().open(&shard(0), &from, &self.budget).await
    }

    /// What opening the shard fails with.
    pub(crate) async fn refusal(&self, fan_out: &FanOut, from: StartAt) -> SourceError {
        match fan_out.open(&shard(0), &from, &self.budget).await {
            Ok(_) => panic!("it was opened"),
            Err(error) => error,
        }
    }

    /// Puts a record into the first shard.
    pub(crate) fn put(&self, data: impl Into<bytes::Bytes>) {
        let (record, mut luck) = (NewRecord::keyed("k", data), fastrand::Rng::with_seed(1));
        let put = self.local.kinesis(|kinesis, now| {
            kinesis.put_into_shard(S, "shardId-000000000000".parse().expect("an id"), record, now, &mut luck)
        });
        put.expect("stored");
    }

    /// The calls of `SubscribeToShard` that are served from now on.
    pub(crate) fn watch(&self) -> Arc<Mutex<Vec<Served>>> {
        let served = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&served);
        self.local.observe(move |seen| {
            if seen.operation == "SubscribeToShard" {
                let (at, request, status) = (seen.at.0, seen.request.clone(), seen.reply.status);
                list.lock().expect("whole").push(Served { at, request, status });
            }
        });
        served
    }

    /// Gives one event of some subscription this fate: the one with this number, counted from 1.
    pub(crate) fn event_fate(&self, number: u64, fate: StreamFault) {
        let mut fate = Some(fate);
        self.local.set_stream_faults(move |pushed| match pushed.kind {
            "SubscribeToShardEvent" if pushed.number >= number => fate.take().unwrap_or_default(),
            _ => StreamFault::none(),
        });
    }

    /// Subscriptions that the service has open.
    pub(crate) fn subscriptions(&self) -> usize {
        self.local.kinesis(|kinesis, now| kinesis.open_subscriptions(S, now)).expect("the stream").len()
    }
}
