//! Enhanced fan-out: reading by `SubscribeToShard`, beside polling and behind the same contract.
//!
//! Each shard gives each registered consumer 2 MiB a second of its own, and pushes records within about 70 ms of their
//! arrival (Kinesis developer guide, "enhanced fan-out"). A stream has 20 consumers at most (50 with on-demand advantage),
//! and each is paid for by the hour and shard and by the GB.
//!
//! [`FanOut`] takes the place of [`kcl_core::polling::Polling`] in [`kcl_core::Worker::builder`]. The two store the same
//! positions: an application changes from one to the other worker by worker.
//!
//! # What it does about subscriptions that go wrong
//!
//! | | |
//! |---|---|
//! | five minutes are over | the next subscription is begun half a minute before, and takes the old one over: no gap, nothing twice |
//! | an error in the stream or at its start, a broken connection | told, and begun again where it was, with the worker's back-off, never more often than the service allows |
//! | silence | after [`FanOutBuilder::silence_timeout`] the connection is taken for dead: told, and begun again |
//! | the former owner of the shard subscribed less than 5 s ago | waited for, and told only if it lasts |
//! | another subscriber takes it over | told; begun again after 5 s, by when a lease that was lost is known to be |
//! | a processor that takes its time | what comes meanwhile is taken in, within a part of the worker's byte budget; when that is full the subscription is ended within 2 s and begun again later, so that it never holds up others on its connection |
//! | the consumer was deregistered | registered again, if it is known by its name |
//!
//! # Permissions
//!
//! | permission | used for |
//! |---|---|
//! | `kinesis:ListShards` on the stream | finding shards |
//! | `kinesis:DescribeStreamSummary` on the stream | the stream's ARN, if it is given by its name; noticing that it was deleted and created again |
//! | `kinesis:RegisterStreamConsumer` on the stream | registering the consumer if it is missing |
//! | `kinesis:DescribeStreamConsumer` on `stream/NAME/consumer/*` | finding the consumer |
//! | `kinesis:SubscribeToShard` on `stream/NAME/consumer/*` | reading |
//! | `kinesis:DeregisterStreamConsumer` on `stream/NAME/consumer/*` | [`FanOut::deregister`] only |
//! | `kms:Decrypt` on the stream's key | reading a stream that is encrypted |
//!
//! # Another account's stream
//!
//! Give the stream by its ARN and the consumer by its ARN ([`FanOutBuilder::consumer_arn`]). The owner registers the
//! consumer, and allows `kinesis:ListShards` in the stream's resource policy, and `kinesis:DescribeStreamConsumer` and
//! `kinesis:SubscribeToShard` in the consumer's.
//!
//! # Connections
//!
//! The service pushes over HTTP/2, which the SDK's client speaks over TLS only. One connection carries many
//! subscriptions, and they share its window: see [`spread`] and [`http_client`].

mod builder;
mod calls;
mod consumer;
mod event;
mod feed;
mod http;
mod link;
mod room;
mod session;
mod source;
mod trouble;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_kinesis::Client;
use kcl_core::budget::ByteBudget;
use kcl_core::error::{ConfigError, SourceError};
use kcl_core::ids::{ShardId, StreamId};
use kcl_core::retrieval::{RecordSource, Retrieval, StartAt, WhichShards};
use kcl_core::shard::ShardListing;
use kcl_core::time::Timestamp;

pub use self::builder::FanOutBuilder;
#[cfg(feature = "https")]
pub use self::http::http_client;
pub use self::http::spread;

use self::feed::Feed;
use self::link::Link;
use self::source::FanOutSource;

/// A stream that is read by enhanced fan-out.
///
/// It makes its requests with the client that it is given, but not with its retries and time-outs: those are its own, on
/// every request.
///
/// # Example
///
/// ```no_run
/// use kcl_efo::FanOut;
///
/// # fn fan_out(aws: &aws_sdk_kinesis::config::Builder) -> Result<(), kcl_core::ConfigError> {
/// # #[cfg(feature = "https")] {
/// let config = aws.clone().http_client(kcl_efo::http_client()).build();
/// let kinesis = aws_sdk_kinesis::Client::from_conf(config);
/// let orders = FanOut::new(kinesis, "orders", "orders-app")?;
/// # }
/// # Ok(())
/// # }
/// ```
pub struct FanOut {
    link: Arc<Link>,
}

impl FanOut {
    /// Reads a stream as the consumer of this name, with every other setting at its default. The consumer is registered
    /// when the first shard is opened, if it is missing; by convention it has the application's name, which no other
    /// application may read the stream by.
    ///
    /// `stream` is the stream's name, or its ARN; see [`kcl_core::polling::Polling::new`].
    ///
    /// # Errors
    /// If a name or ARN is none. Nothing is sent here.
    pub fn new(client: Client, stream: impl Into<String>, consumer: impl Into<String>) -> Result<Self, ConfigError> {
        Self::builder(client, stream).consumer_name(consumer).build()
    }

    /// Reads a stream, with settings to change; for `stream` see [`FanOut::new`].
    pub fn builder(client: Client, stream: impl Into<String>) -> FanOutBuilder {
        FanOutBuilder::new(client, stream.into())
    }

    /// Deregisters the consumer: its subscriptions end, and nobody pays for it any more. For an application that is given
    /// up, or reads by polling from now on; nothing else ever deregisters it. A consumer that is not there is deregistered.
    ///
    /// Workers that still run find it missing, and register it again if they know its name: end them first.
    ///
    /// # Errors
    /// If the service cannot be reached, or refuses.
    pub async fn deregister(&self) -> Result<(), SourceError> {
        self.link.calls.deregister(self.link.consumer.identity().which()).await
    }
}

/// A shard that is opened at [`StartAt::Latest`] begins at the tip of the moment at which the service accepts the
/// subscription, which may be some seconds later than the call where the former reader of the shard is in the way. The worker
/// never opens one so: it finds out the time first.
#[async_trait]
impl Retrieval for FanOut {
    fn stream(&self) -> &StreamId {
        self.link.calls.stream.id()
    }

    async fn created(&self) -> Result<Option<Timestamp>, SourceError> {
        self.link.calls.stream.created().await
    }

    async fn list_shards(&self, which: WhichShards) -> Result<ShardListing, SourceError> {
        self.link.calls.stream.list_shards(which).await
    }

    async fn open(
        &self,
        shard: &ShardId,
        from: &StartAt,
        budget: &ByteBudget,
    ) -> Result<Box<dyn RecordSource>, SourceError> {
        let feed = Feed::open(Arc::clone(&self.link), shard.clone(), from.clone(), budget.clone());
        Ok(Box::new(FanOutSource::new(feed.await?)))
    }
}

impl fmt::Debug for FanOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FanOut({} as {})", self.link.calls.stream.target(), self.link.consumer.identity().text())
    }
}
