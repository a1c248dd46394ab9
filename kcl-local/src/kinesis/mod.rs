//! A model of Kinesis Data Streams as a consumer meets it.
//!
//! [`Kinesis`] is the whole state of one account in one Region. It has no clock, no random source and does no IO: the
//! caller gives both to every operation, so one sequence of calls always has the same answers. [`Kinesis::call`]
//! speaks JSON as the service does; the methods beside it do the same things on Rust types.
//!
//! Every limit and delay is in [`Settings`], with the page of the AWS documentation it comes from. Where the service
//! documents nothing, the doc of the item says "not documented, chosen".
//!
//! ```
//! use std::time::Duration;
//!
//! use kcl_local::Timestamp;
//! use kcl_local::kinesis::{Kinesis, NewRecord, Settings, ShardId, StartingPosition, StreamSpec};
//!
//! # fn main() -> Result<(), kcl_local::kinesis::Error> {
//! let mut kinesis = Kinesis::new(Settings::default());
//! let mut rng = fastrand::Rng::with_seed(1);
//! let start = Timestamp(1_700_000_000_000);
//! kinesis.create_stream("orders", StreamSpec::provisioned(1), start)?;
//!
//! let later = start.after(Duration::from_secs(10)); // the stream is ACTIVE by then
//! let placed = kinesis.put_record("orders", NewRecord::keyed("customer-7", "hello"), later, &mut rng)?;
//! let iterator = kinesis.get_shard_iterator("orders", ShardId(0), StartingPosition::TrimHorizon, later)?;
//! let page = kinesis.get_records(&iterator, None, later, &mut rng)?;
//! assert_eq!(page.records[0].sequence_number, placed.sequence_number);
//! # Ok(())
//! # }
//! ```
//!
//! A subscription with enhanced fan-out is a value too: [`Kinesis::subscribe_to_shard`] gives it, and
//! [`Kinesis::push`] says what it gives at a time and when to ask again.
//!
//! What it does not have: encryption itself (only its faults, see [`Kinesis::set_kms_fault`]), `DryRun`, resource
//! policies, enhanced monitoring, channels, warm throughput.

mod call_limits;
mod consumers;
mod describe;
mod error;
mod get_iterator;
mod get_records;
mod hash;
mod iterator;
mod json;
mod kms;
mod lifecycle;
mod limits;
mod list_consumers;
mod list_shards;
mod list_streams;
mod modes;
mod names;
mod push;
mod put;
mod record;
mod reshard;
mod retention;
mod scaling;
mod sequence;
mod settings;
mod shard;
mod stream;
mod subscribe;
mod tags;
mod token;

use std::collections::BTreeMap;

use serde_json::Value;

pub use self::consumers::{ConsumerDescription, ConsumerStatus};
pub use self::describe::StreamDescription;
pub use self::error::{Error, ErrorCode};
pub use self::get_iterator::StartingPosition;
pub use self::get_records::{ChildShard, RecordsPage};
pub use self::hash::{HashKeyRange, hash_key};
pub use self::kms::KmsFault;
pub use self::lifecycle::StreamSpec;
pub use self::list_consumers::ConsumersPage;
pub use self::list_shards::{ListShards, ShardFilter, ShardsPage};
pub use self::list_streams::StreamsPage;
pub use self::modes::{RecordDistributionStrategy, StreamMode};
pub use self::names::{NotAShardId, ShardId};
pub use self::push::{Push, SubscriptionEvent};
pub use self::put::Placed;
pub use self::record::{NewRecord, Record};
pub use self::scaling::Scaling;
pub use self::sequence::{NotASequenceNumber, SequenceNumber};
pub use self::settings::Settings;
pub use self::shard::ShardDescription;
pub use self::stream::StreamStatus;
pub use self::subscribe::{OpenSubscription, Subscription, TakenOver};

use self::call_limits::CallLimits;
use self::sequence::Epochs;
use self::stream::Stream;
use crate::wire::{Reply, Timestamp};

type Streams = BTreeMap<String, Stream>;

/// The streams of one account in one Region, and what is left of its limits.
///
/// Times never go back: an operation whose `now` is earlier than that of the one before happens at the time of the
/// one before.
#[derive(Debug)]
pub struct Kinesis {
    settings: Settings,
    streams: Streams,
    calls: CallLimits,
    epochs: Epochs,
    consumer_epochs: Epochs,
    /// How many subscriptions there have been.
    subscriptions: u64,
    now: Timestamp,
}

impl Kinesis {
    /// An account without streams.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            streams: Streams::new(),
            calls: CallLimits::default(),
            epochs: Epochs::default(),
            consumer_epochs: Epochs::default(),
            subscriptions: 0,
            now: Timestamp(0),
        }
    }

    /// The settings the model was made with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Answers one request of the AWS JSON 1.1 protocol: `operation` is the part of the header `X-Amz-Target` after
    /// the dot, such as `GetRecords`.
    pub fn call(&mut self, operation: &str, request: &Value, now: Timestamp, rng: &mut fastrand::Rng) -> Reply {
        match json::call(self, operation, request, now, rng) {
            Ok(body) => Reply::ok(body),
            Err(error) => error.into(),
        }
    }

    /// Answers a request `SubscribeToShard` of the same protocol: the subscription, which [`Kinesis::push`] asks. The
    /// answer of [`Kinesis::call`] to it is empty, and nobody reads the subscription.
    pub fn call_subscribe(&mut self, request: &Value, now: Timestamp) -> Result<Subscription, Error> {
        json::subscribe(self, request, now)
    }

    /// Lets everything happen that is due by `now`; the time that holds from here on.
    fn advance(&mut self, now: Timestamp) -> Timestamp {
        let now = self.now.max(now);
        self.now = now;
        self.streams.retain(|_, stream| !stream.deleted_by(now));
        for stream in self.streams.values_mut() {
            stream.settle(now, self.settings.update_delay, &mut self.epochs);
        }
        now
    }

    fn stream(&self, name: &str) -> Result<&Stream, Error> {
        self.streams.get(name).ok_or_else(|| no_such_stream(&self.settings, name))
    }

    fn stream_mut(&mut self, name: &str) -> Result<&mut Stream, Error> {
        find(&mut self.streams, &self.settings, name)
    }
}

/// A stream to change while the settings stay readable.
fn find<'a>(streams: &'a mut Streams, settings: &Settings, name: &str) -> Result<&'a mut Stream, Error> {
    streams.get_mut(name).ok_or_else(|| no_such_stream(settings, name))
}

fn no_such_stream(settings: &Settings, name: &str) -> Error {
    Error::not_found(format!("Stream {name} under account {} not found.", settings.account))
}

fn no_such_shard(settings: &Settings, stream: &str, shard: impl std::fmt::Display) -> Error {
    let account = &settings.account;
    Error::not_found(format!("Shard {shard} in stream {stream} under account {account} does not exist"))
}
