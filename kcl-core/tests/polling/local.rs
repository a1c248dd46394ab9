//! A stream in the model, and how to do things to it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use kcl_core::async_trait;
use kcl_core::ids::ShardId;
use kcl_core::polling::{Polling, PollingBuilder};
use kcl_core::position::SequenceNumber;
use kcl_core::retrieval::Retrieval;
use kcl_core::testing::source_conformance::{Trouble, World};
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
        World::put(self, &crate::first_shard(), &records).await
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

    /// How many requests of an operation were sent.
    pub(crate) fn sent(&self, operation: &str) -> u64 {
        self.local.requests().iter().filter(|((_, _, sent), _)| sent == operation).map(|(_, count)| count).sum()
    }

    /// Gives the next requests of an operation these fates, in turn.
    pub(crate) fn fates(&self, operation: &'static str, fates: Vec<Fault>) {
        let mut fates = VecDeque::from(fates);
        self.local.set_faults(move |request| {
            let fate = if request.operation == operation { fates.pop_front() } else { None };
            fate.unwrap_or_default()
        });
    }

    async fn put_one(&self, shard: &ShardId, key: &str, data: &Bytes) -> SequenceNumber {
        loop {
            let mut luck = fastrand::Rng::with_seed(1);
            let put = self.local.kinesis(|kinesis, now| {
                let shards = kinesis.shards(S, now).expect("the stream");
                let shard = shards.iter().find(|one| one.shard_id.to_string() == shard.as_str()).expect("the shard");
                let record = NewRecord::hashed(shard.hash_key_range.start, key, data.clone());
                kinesis.put_record(S, record, now, &mut luck)
            });
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

#[async_trait]
impl World for Bench {
    fn retrieval(&self) -> Arc<dyn Retrieval> {
        Arc::new(self.polling())
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.local.clock().now().0)
    }

    async fn put(&self, shard: &ShardId, records: &[(String, Bytes)]) -> Vec<SequenceNumber> {
        let mut numbers = Vec::new();
        for (key, data) in records {
            numbers.push(self.put_one(shard, key, data).await);
        }
        numbers
    }

    async fn split(&self, shard: &ShardId) {
        self.local.kinesis(|kinesis, now| kinesis.split_shard_in_half(S, id(shard), now)).expect("split");
        seconds(5).await;
    }

    async fn merge(&self, shard: &ShardId, adjacent: &ShardId) {
        self.local.kinesis(|kinesis, now| kinesis.merge_shards(S, id(shard), id(adjacent), now)).expect("merged");
        seconds(5).await;
    }

    async fn expire(&self) {
        tokio::time::sleep(Duration::from_mins(6)).await;
    }

    fn trouble(&self, trouble: Trouble, requests: usize) {
        let fate = match trouble {
            Trouble::Throttled => Fault::throttled(),
            Trouble::Fails => Fault::internal_error(),
            Trouble::AnswerLost => Fault::lost_after(),
            Trouble::Silence => Fault::hang_after(),
        };
        self.fates("GetRecords", vec![fate; requests]);
    }
}
