//! A stream in the model, and how to do things to it.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use kcl_core::ids::ShardId;
use kcl_core::polling::{Polling, PollingBuilder};
use kcl_core::position::SequenceNumber;
use kcl_core::time::{Timestamp, WallClock};
use kcl_local::kinesis::{ErrorCode, NewRecord, StreamSpec};
use kcl_local::{Fault, Local, Settings};
use serde_json::Value;

use crate::{S, seconds};

pub(crate) struct Bench {
    pub(crate) local: Local,
    stream: String,
    adjust: fn(PollingBuilder) -> PollingBuilder,
}

/// One request as the service served it.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    pub(crate) at: u64,
    pub(crate) operation: String,
    pub(crate) request: Value,
    pub(crate) status: u16,
}

impl Bench {
    /// An active stream of the name [`S`].
    pub(crate) async fn new(shards: usize) -> Self {
        Self::with(shards, Settings::default(), |builder| builder).await
    }

    pub(crate) async fn with(shards: usize, settings: Settings, adjust: fn(PollingBuilder) -> PollingBuilder) -> Self {
        let bench = Self { local: Local::new(settings), stream: S.to_owned(), adjust };
        bench.create(shards).await;
        bench
    }

    pub(crate) async fn create(&self, shards: usize) {
        let spec = StreamSpec::provisioned(u32::try_from(shards).expect("few"));
        self.local.kinesis(|kinesis, now| kinesis.create_stream(S, spec, now)).expect("created");
        seconds(3).await;
    }

    /// The same, read by the ARN of the stream.
    pub(crate) fn by_arn(mut self) -> Self {
        self.stream = self.local.kinesis(|kinesis, _| kinesis.settings().stream_arn(S));
        self
    }

    pub(crate) fn polling(&self) -> Polling {
        self.polling_with(self.local.kinesis_client("reader"))
    }

    pub(crate) fn polling_with(&self, client: aws_sdk_kinesis::Client) -> Polling {
        (self.adjust)(Polling::builder(client, &self.stream).clock(self.clock())).build().expect("valid")
    }

    fn clock(&self) -> WallClock {
        let clock = self.local.clock().clone();
        WallClock::new(move || Timestamp::from_millis(clock.now().0))
    }

    /// Puts texts into the first shard of those that are open.
    pub(crate) async fn put(&self, texts: &[&str]) -> Vec<SequenceNumber> {
        let records: Vec<_> = texts.iter().map(|text| ("k".to_owned(), Bytes::from((*text).to_owned()))).collect();
        self.put_into(&crate::first_shard(), &records).await
    }

    /// What the service serves from now on.
    pub(crate) fn watch(&self) -> Arc<Mutex<Vec<Served>>> {
        let served = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&served);
        self.local.observe(move |seen| {
            list.lock().expect("whole").push(Served {
                at: seen.at.0,
                operation: seen.operation.to_owned(),
                request: seen.request.clone(),
                status: seen.reply.status,
            });
        });
        served
    }

    /// The service's time.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.local.clock().now().0)
    }

    /// How many requests of an operation were sent.
    pub(crate) fn sent(&self, operation: &str) -> u64 {
        self.local.sent(operation)
    }

    /// Gives the next requests of an operation these fates, in turn.
    pub(crate) fn fates(&self, operation: &'static str, fates: Vec<Fault>) {
        self.local.set_fates(operation, fates);
    }

    /// Splits a shard, and waits until that is done.
    pub(crate) async fn split(&self, shard: &ShardId) {
        self.local.kinesis(|kinesis, now| kinesis.split_shard_in_half(S, id(shard), now)).expect("split");
        seconds(5).await;
    }

    /// Puts records, each of a partition key and data, into a shard.
    pub(crate) async fn put_into(&self, shard: &ShardId, records: &[(String, Bytes)]) -> Vec<SequenceNumber> {
        let mut numbers = Vec::new();
        for (key, data) in records {
            numbers.push(self.put_one(shard, key, data).await);
        }
        numbers
    }

    async fn put_one(&self, shard: &ShardId, key: &str, data: &Bytes) -> SequenceNumber {
        loop {
            let mut luck = fastrand::Rng::with_seed(1);
            let record = NewRecord::keyed(key, data.clone());
            let put = self.local.kinesis(|kinesis, now| kinesis.put_into_shard(S, id(shard), record, now, &mut luck));
            match put {
                Ok(placed) => return SequenceNumber::parse(&placed.sequence_number.to_string()).expect("a number"),
                Err(error) if error.code == ErrorCode::ProvisionedThroughputExceeded => seconds(1).await,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn id(shard: &ShardId) -> kcl_local::kinesis::ShardId {
    shard.as_str().parse().expect("a shard id")
}
