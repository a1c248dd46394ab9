//! Reading by `GetRecords`, and listing shards, through the AWS SDK.
//!
//! All consumers of a shard that read this way share its 5 calls and 2 MiB a second (Kinesis API reference,
//! `GetRecords`). A worker keeps to that by itself; several applications on one stream take turns at it and are throttled
//! now and then.
//!
//! | permission | used for |
//! |---|---|
//! | `kinesis:ListShards` | finding shards |
//! | `kinesis:GetShardIterator`, `kinesis:GetRecords` | reading |
//! | `kinesis:DescribeStreamSummary` | noticing that a stream was deleted and created again; may be denied |
//! | `kms:Decrypt` on the stream's key | reading a stream that is encrypted |

mod builder;
mod calls;
mod expected;
mod source;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_kinesis::Client;

use crate::budget::ByteBudget;
use crate::error::{ConfigError, SourceError};
use crate::ids::{ShardId, StreamId};
use crate::retrieval::{RecordSource, Retrieval, StartAt, WhichShards};
use crate::shard::ShardListing;
use crate::time::Timestamp;

pub use self::builder::PollingBuilder;

use self::calls::Calls;
use self::source::PollingSource;

/// A stream that is read by `GetRecords`.
///
/// It makes its requests with the client that it is given, over that client's HTTP client and with its credentials, but
/// not with its retries and time-outs: those are its own, on every request.
///
/// # Example
///
/// ```no_run
/// use kcl_core::polling::Polling;
///
/// # fn polling(kinesis: aws_sdk_kinesis::Client) -> Result<(), kcl_core::error::ConfigError> {
/// let orders = Polling::new(kinesis, "orders")?;
/// # Ok(())
/// # }
/// ```
pub struct Polling {
    calls: Arc<Calls>,
    idle_interval: Duration,
}

impl Polling {
    /// Reads a stream, with every setting at its default.
    ///
    /// `stream` is the stream's name, or its ARN: for a stream of another account it must be the ARN. A client that is
    /// given an ARN talks to the host of that account (`ACCOUNT.data-kinesis.REGION.amazonaws.com` and
    /// `ACCOUNT.control-kinesis.REGION.amazonaws.com`), unless it has an endpoint URL of its own.
    ///
    /// # Errors
    /// If `stream` is neither, or its ARN is of another region than the client's. Nothing is sent here.
    pub fn new(client: Client, stream: impl Into<String>) -> Result<Self, ConfigError> {
        Self::builder(client, stream).build()
    }

    /// Reads a stream, with settings to change; for `stream` see [`Polling::new`].
    pub fn builder(client: Client, stream: impl Into<String>) -> PollingBuilder {
        PollingBuilder::new(client, stream.into())
    }
}

#[async_trait]
impl Retrieval for Polling {
    fn stream(&self) -> &StreamId {
        self.calls.stream.id()
    }

    async fn created(&self) -> Result<Option<Timestamp>, SourceError> {
        self.calls.stream.created().await
    }

    async fn list_shards(&self, which: WhichShards) -> Result<ShardListing, SourceError> {
        self.calls.stream.list_shards(which).await
    }

    async fn open(
        &self,
        shard: &ShardId,
        from: &StartAt,
        budget: &ByteBudget,
    ) -> Result<Box<dyn RecordSource>, SourceError> {
        let calls = Arc::clone(&self.calls);
        let source = PollingSource::open(calls, shard.clone(), from.clone(), budget.clone(), self.idle_interval);
        Ok(Box::new(source.await?))
    }
}

impl fmt::Debug for Polling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Polling({})", self.calls.stream.target())
    }
}
