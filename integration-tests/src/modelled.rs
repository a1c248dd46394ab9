//! A stream of the model as the conformance suite of record sources wants it: written to, resharded, troubled, and read by
//! polling or by enhanced fan-out.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use bytes::Bytes;
use kcl_core::async_trait;
use kcl_core::ids::ShardId;
use kcl_core::polling::{Polling, PollingBuilder};
use kcl_core::position::SequenceNumber;
use kcl_core::retrieval::Retrieval;
use kcl_core::testing::source_conformance::{Trouble, World};
use kcl_core::time::{Timestamp, WallClock};
use kcl_efo::{FanOut, FanOutBuilder};
use kcl_local::kinesis::{ErrorCode, NewRecord, StreamSpec};
use kcl_local::{Fault, Local, Pushed, StreamFault};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

/// The one stream of each model.
pub const STREAM: &str = "orders";

/// How the stream is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reading {
    /// By `GetRecords`.
    Polling,
    /// By `SubscribeToShard`.
    FanOut,
}

impl Reading {
    /// The other way.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Polling => Self::FanOut,
            Self::FanOut => Self::Polling,
        }
    }
}

/// A stream without records, and who reads it.
#[derive(Debug)]
pub struct Modelled {
    /// The services.
    pub local: Local,
    client: Client,
    reading: Reading,
    stream: String,
    patience: Patience,
    polling: fn(PollingBuilder) -> PollingBuilder,
    fan_out: fn(FanOutBuilder) -> FanOutBuilder,
    _server: JoinSet<Infallible>,
}

/// How much time there is.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// After which iterators and subscriptions have expired.
    pub expire: Duration,
    /// See [`World::long`].
    pub long: Duration,
    /// Of how many tries one is made: see [`World::tries`].
    pub one_try_of: usize,
}

impl Patience {
    /// Where time costs nothing.
    pub const VIRTUAL: Self = Self { expire: Duration::from_mins(6), long: Duration::from_mins(20), one_try_of: 1 };
}

impl Modelled {
    /// Makes the stream in a world, to be read through `client`.
    ///
    /// # Panics
    /// If the stream is there.
    pub async fn new(local: Local, client: Client, reading: Reading, shards: usize, patience: Patience) -> Self {
        let spec = StreamSpec::provisioned(u32::try_from(shards).expect("few"));
        local.kinesis(|kinesis, now| kinesis.create_stream(STREAM, spec, now)).expect("created");
        tokio::time::sleep(Duration::from_secs(2)).await;
        Self {
            local,
            client,
            reading,
            stream: STREAM.to_owned(),
            patience,
            polling: |builder| builder,
            fan_out: |builder| builder,
            _server: JoinSet::new(),
        }
    }

    /// The same, with the task that serves it over a socket: it ends with the model.
    #[must_use]
    pub fn served(self, server: JoinSet<Infallible>) -> Self {
        Self { _server: server, ..self }
    }

    /// The same, with other settings.
    #[must_use]
    pub fn adjusted(
        mut self,
        polling: fn(PollingBuilder) -> PollingBuilder,
        fan_out: fn(FanOutBuilder) -> FanOutBuilder,
    ) -> Self {
        (self.polling, self.fan_out) = (polling, fan_out);
        self
    }

    /// The same, read by the ARN of the stream.
    #[must_use]
    pub fn by_arn(mut self) -> Self {
        self.stream = self.local.kinesis(|kinesis, _| kinesis.settings().stream_arn(STREAM));
        self
    }

    fn clock(&self) -> WallClock {
        let clock = self.local.clock().clone();
        WallClock::new(move || Timestamp::from_millis(clock.now().0))
    }

    async fn put_one(&self, shard: &ShardId, key: &str, data: &Bytes) -> SequenceNumber {
        loop {
            let mut luck = fastrand::Rng::with_seed(1);
            let record = NewRecord::keyed(key, data.clone());
            let put =
                self.local.kinesis(|kinesis, now| kinesis.put_into_shard(STREAM, id(shard), record, now, &mut luck));
            match put {
                Ok(placed) => return SequenceNumber::parse(&placed.sequence_number.to_string()).expect("a number"),
                Err(error) if error.code == ErrorCode::ProvisionedThroughputExceeded => {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Gives the next events of subscriptions this fate.
    fn trouble_events(&self, mut events: usize, fate: fn(&Pushed<'_>) -> StreamFault) {
        self.local.set_stream_faults(move |pushed| {
            if pushed.kind != "SubscribeToShardEvent" || events == 0 {
                return StreamFault::none();
            }
            events -= 1;
            fate(pushed)
        });
    }

    /// Gives the next requests for a subscription this fate. The one that is open ends as if its time were up.
    fn trouble_subscribing(&self, requests: usize, fate: Fault) {
        self.local.set_fates("SubscribeToShard", vec![fate; requests]);
        self.trouble_events(1, |_| StreamFault::ended());
    }
}

fn id(shard: &ShardId) -> kcl_local::kinesis::ShardId {
    shard.as_str().parse().expect("a shard id")
}

#[async_trait]
impl World for Modelled {
    fn retrieval(&self) -> Arc<dyn Retrieval> {
        let (client, stream) = (self.client.clone(), self.stream.as_str());
        match self.reading {
            Reading::Polling => {
                let polling = Polling::builder(client, stream).clock(self.clock());
                Arc::new((self.polling)(polling).build().expect("valid"))
            }
            Reading::FanOut => {
                let fan_out = FanOut::builder(client, stream).consumer_name("orders-app").clock(self.clock());
                Arc::new((self.fan_out)(fan_out).build().expect("valid"))
            }
        }
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
        self.local.kinesis(|kinesis, now| kinesis.split_shard_in_half(STREAM, id(shard), now)).expect("split");
        tokio::time::sleep(Duration::from_secs(2)).await;
    }

    async fn merge(&self, shard: &ShardId, adjacent: &ShardId) {
        self.local.kinesis(|kinesis, now| kinesis.merge_shards(STREAM, id(shard), id(adjacent), now)).expect("merged");
        tokio::time::sleep(Duration::from_secs(2)).await;
    }

    async fn expire(&self) {
        tokio::time::sleep(self.patience.expire).await;
    }

    fn trouble(&self, trouble: Trouble, requests: usize) {
        let at_the_start = match trouble {
            Trouble::Throttled => Fault::throttled(),
            Trouble::Fails | Trouble::FailsMidway => Fault::internal_error(),
            Trouble::AnswerLost | Trouble::BreaksOff => Fault::lost_after(),
            Trouble::Silence | Trouble::SilenceMidway => Fault::hang_after(),
        };
        match (self.reading, trouble) {
            (Reading::Polling, _) => self.local.set_fates("GetRecords", vec![at_the_start; requests]),
            (Reading::FanOut, Trouble::FailsMidway) => {
                self.trouble_events(requests, |_| StreamFault::failed("InternalFailureException", "asked for"));
            }
            (Reading::FanOut, Trouble::BreaksOff) => {
                self.trouble_events(requests, |pushed| StreamFault::cut_after(pushed.bytes / 2));
            }
            (Reading::FanOut, Trouble::SilenceMidway) => self.trouble_events(requests, |_| StreamFault::silent()),
            (Reading::FanOut, _) => self.trouble_subscribing(requests, at_the_start),
        }
    }

    fn long(&self) -> Duration {
        self.patience.long
    }

    fn tries(&self, enough: usize) -> usize {
        enough.div_ceil(self.patience.one_try_of)
    }
}
