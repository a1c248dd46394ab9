//! An account with a clock that tests turn.

use std::collections::BTreeMap;
use std::time::Duration;

use kcl_local::Timestamp;
use kcl_local::kinesis::{
    Error, ErrorCode, Kinesis, ListShards, NewRecord, Placed, Push, Record, RecordsPage, Settings, ShardFilter,
    ShardId, StartingPosition, StreamSpec, Subscription, SubscriptionEvent,
};
use serde_json::Value;

pub(crate) const START: Timestamp = Timestamp(1_700_000_000_123);
pub(crate) const HOUR: u64 = 3_600_000;
pub(crate) const S: &str = "orders";

pub(crate) struct World {
    pub(crate) kinesis: Kinesis,
    pub(crate) now: Timestamp,
    pub(crate) rng: fastrand::Rng,
}

impl World {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { kinesis: Kinesis::new(settings), now: START, rng: fastrand::Rng::with_seed(1) }
    }

    /// An account with the ACTIVE stream `orders`, made at [`START`].
    pub(crate) fn with_stream(shards: u32) -> Self {
        Self::with_settings(shards, Settings::default())
    }

    pub(crate) fn with_settings(shards: u32, settings: Settings) -> Self {
        let mut world = Self::new(settings);
        world.create(S, StreamSpec::provisioned(shards));
        world
    }

    pub(crate) fn create(&mut self, stream: &str, spec: StreamSpec) {
        self.kinesis.create_stream(stream, spec, self.now).expect("created");
        self.settle();
    }

    /// Long enough for whatever goes on to end.
    pub(crate) fn settle(&mut self) {
        self.pass(20_000);
    }

    pub(crate) fn pass(&mut self, millis: u64) {
        self.now = self.now.after(Duration::from_millis(millis));
    }

    pub(crate) fn call(&mut self, operation: &str, request: &Value) -> Result<Value, (String, String)> {
        let reply = self.kinesis.call(operation, request, self.now, &mut self.rng);
        match reply.status {
            200 => Ok(reply.body),
            _ => Err((text(&reply.body["__type"]), text(&reply.body["message"]))),
        }
    }

    pub(crate) fn try_put(&mut self, record: NewRecord) -> Result<Placed, Error> {
        self.kinesis.put_record(S, record, self.now, &mut self.rng)
    }

    /// Puts a record where the hash key says.
    pub(crate) fn put_at(&mut self, hash_key: u128, data: &str) -> Placed {
        self.try_put(NewRecord::hashed(hash_key, "k", data.as_bytes().to_vec())).expect("stored")
    }

    /// Puts `count` records a second apart into the shard of hash key 0.
    pub(crate) fn put_some(&mut self, count: usize) -> Vec<Placed> {
        (0..count)
            .map(|i| {
                self.pass(1000);
                self.put_at(0, &i.to_string())
            })
            .collect()
    }

    pub(crate) fn iterator(&mut self, shard: u32, position: StartingPosition) -> String {
        self.try_iterator(shard, position).expect("an iterator")
    }

    pub(crate) fn try_iterator(&mut self, shard: u32, position: StartingPosition) -> Result<String, Error> {
        self.pass(1000);
        self.kinesis.get_shard_iterator(S, ShardId(shard), position, self.now)
    }

    pub(crate) fn try_get(&mut self, iterator: &str) -> Result<RecordsPage, Error> {
        self.kinesis.get_records(iterator, None, self.now, &mut self.rng)
    }

    pub(crate) fn get(&mut self, iterator: &str) -> RecordsPage {
        self.pass(1000);
        self.try_get(iterator).expect("a page")
    }

    /// The payloads that a reader from `position` gets in one page.
    pub(crate) fn read(&mut self, shard: u32, position: StartingPosition) -> Vec<String> {
        let iterator = self.iterator(shard, position);
        payloads(&self.get(&iterator))
    }

    /// Registers a consumer of `orders` and waits until it is ACTIVE; its ARN.
    pub(crate) fn register(&mut self, name: &str) -> String {
        let consumer = self.kinesis.register_consumer(S, name, BTreeMap::new(), self.now).expect("registered");
        self.pass(1000);
        consumer.arn
    }

    pub(crate) fn try_subscribe(
        &mut self,
        arn: &str,
        shard: u32,
        position: StartingPosition,
    ) -> Result<Subscription, Error> {
        self.kinesis.subscribe_to_shard(arn, ShardId(shard), position, self.now)
    }

    pub(crate) fn subscribe(&mut self, arn: &str, shard: u32, position: StartingPosition) -> Subscription {
        self.try_subscribe(arn, shard, position).expect("a subscription")
    }

    pub(crate) fn push(&mut self, subscription: &mut Subscription) -> Push {
        self.kinesis.push(subscription, self.now)
    }

    /// The next event, waited for as long as it takes.
    pub(crate) fn event(&mut self, subscription: &mut Subscription) -> SubscriptionEvent {
        loop {
            match self.push(subscription) {
                Push::Event(event) => return event,
                Push::Wait(until) => self.now = until,
                other => panic!("no event: {other:?}"),
            }
        }
    }

    /// How a subscription ends, and the payloads that it gives before.
    pub(crate) fn drain(&mut self, subscription: &mut Subscription) -> (Vec<String>, Push) {
        let mut given = Vec::new();
        loop {
            match self.push(subscription) {
                Push::Event(event) => given.extend(event.records.iter().map(payload)),
                Push::Wait(until) => self.now = until,
                end => return (given, end),
            }
        }
    }

    /// The numbers of the shards that a listing gives.
    pub(crate) fn listed(&mut self, filter: ShardFilter) -> Vec<u32> {
        let request = ListShards { filter, ..ListShards::default() };
        let page = self.kinesis.list_shards(S, &request, self.now).expect("a page");
        page.shards.iter().map(|shard| shard.shard_id.0).collect()
    }

    pub(crate) fn split(&mut self, shard: u32) {
        self.kinesis.split_shard_in_half(S, ShardId(shard), self.now).expect("accepted");
        self.settle();
    }

    pub(crate) fn merge(&mut self, shard: u32, adjacent: u32) {
        self.kinesis.merge_shards(S, ShardId(shard), ShardId(adjacent), self.now).expect("accepted");
        self.settle();
    }
}

pub(crate) fn payloads(page: &RecordsPage) -> Vec<String> {
    page.records.iter().map(payload).collect()
}

pub(crate) fn payload(record: &Record) -> String {
    String::from_utf8_lossy(&record.data).into_owned()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

/// The kind of refusal that a call met.
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorCode {
    result.expect_err("a refusal").code
}
