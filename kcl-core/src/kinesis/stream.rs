//! A stream as Kinesis knows it: what it is called, when it was created, which shards it has.

use std::fmt;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::{Shard, ShardFilter, StreamDescriptionSummary};
use tokio::sync::OnceCell;

use super::convert;
use super::errors::{Attempt, lacks_permission};
use super::listing;
use super::service_time::{DateHeader, Dated};
use super::target::Target;
use super::terms::Terms;
use crate::error::{ConfigError, SourceError};
use crate::ids::{ShardId, StreamId};
use crate::retrieval::WhichShards;
use crate::shard::ShardListing;
use crate::time::{Timestamp, WallClock};

/// A stream, and how to ask about it.
pub struct KinesisStream {
    client: Client,
    target: Target,
    id: StreamId,
    clock: WallClock,
    control: Terms,
    arn: OnceCell<String>,
}

/// One page of a listing.
pub(super) struct Page {
    pub(super) shards: Vec<Shard>,
    pub(super) next: Option<String>,
}

impl KinesisStream {
    /// The stream of this name or ARN, which the lease table knows by `id`; by default [`StreamId::named`] of its name.
    /// `read_timeout` is that of all requests of the client that are to share connections.
    ///
    /// # Errors
    /// If `stream` is neither a name nor an ARN, its ARN is of another region than the client's, or `id` is another
    /// stream's. Nothing is sent here.
    pub fn new(
        client: Client,
        stream: &str,
        id: Option<StreamId>,
        clock: WallClock,
        read_timeout: Duration,
    ) -> Result<Self, ConfigError> {
        let target = Target::parse(stream, client.config().region().map(AsRef::as_ref))?;
        let id = id.unwrap_or_else(|| StreamId::named(target.name()));
        check_id(&id, &target)?;
        let arn = target.stream_arn().map_or_else(OnceCell::new, |arn| OnceCell::new_with(Some(arn)));
        Ok(Self { control: Terms::repeated(read_timeout, &target), client, target, id, clock, arn })
    }

    /// What the lease table calls the stream.
    pub fn id(&self) -> &StreamId {
        &self.id
    }

    /// The client that asks.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What requests name.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The local clock.
    pub fn clock(&self) -> &WallClock {
        &self.clock
    }

    /// The terms of requests that are seldom made, and repeated by the SDK.
    pub fn control(&self) -> &Terms {
        &self.control
    }

    /// A request of this operation, for the message of its error.
    pub fn attempt<'a>(&'a self, operation: &'static str, shard: Option<&'a ShardId>) -> Attempt<'a> {
        Attempt { operation, stream: &self.target, shard }
    }

    /// When the stream was created; `None` from a service that does not say, and for a caller who may not ask.
    ///
    /// # Errors
    /// If the stream does not exist or cannot be reached.
    pub async fn created(&self) -> Result<Option<Timestamp>, SourceError> {
        let summary = self.summary().await?;
        if let Some(summary) = &summary {
            // Whoever is asking for it at this moment gets the same answer.
            drop(self.arn.set(summary.stream_arn.clone()));
        }
        Ok(summary.and_then(|summary| convert::timestamp(summary.stream_creation_timestamp)))
    }

    /// The stream's ARN: asked for once, if it is known by its name.
    ///
    /// # Errors
    /// If the stream does not exist, cannot be reached, or may not be asked about.
    pub async fn arn(&self) -> Result<&str, SourceError> {
        let arn = self.arn.get_or_try_init(|| async {
            let summary = self.summary().await?;
            summary.map(|summary| summary.stream_arn).ok_or_else(|| {
                self.attempt("DescribeStreamSummary", None)
                    .denied("or give the stream by its ARN, which is asked for here")
            })
        });
        arn.await.map(String::as_str)
    }

    /// `None` for a caller who may not ask.
    async fn summary(&self) -> Result<Option<StreamDescriptionSummary>, SourceError> {
        let request = self.client.describe_stream_summary().set_stream_name(self.target.stream_name());
        let request = request.set_stream_arn(self.target.stream_arn()).customize();
        let request = request.config_override(self.control.overrides()).send();
        let permitted = async {
            match request.await {
                Err(error) if lacks_permission(&error) => Ok(None),
                answered => answered.map(|answer| answer.stream_description_summary),
            }
        };
        self.control.answer(self.attempt("DescribeStreamSummary", None), permitted).await
    }

    /// The shards of the stream, all pages.
    ///
    /// # Errors
    /// If the stream does not exist, cannot be reached, or is being created or deleted.
    pub async fn list_shards(&self, which: WhichShards) -> Result<ShardListing, SourceError> {
        listing::list(self, which).await
    }

    pub(super) async fn first_page(&self, filter: Option<ShardFilter>) -> Result<Dated<Page>, SourceError> {
        let (date, before) = (DateHeader::default(), self.clock.now());
        let request = self.client.list_shards().set_stream_name(self.target.stream_name());
        let request = request.set_stream_arn(self.target.stream_arn()).set_shard_filter(filter).customize();
        let request = request.config_override(self.control.overrides()).interceptor(date.clone()).send();
        let answer = self.control.answer(self.attempt("ListShards", None), request).await?;
        let page = Page { shards: answer.shards.unwrap_or_default(), next: answer.next_token };
        Ok(Dated { answer: page, service_time: date.service_time(before) })
    }

    /// A page after the first. The token says of which stream; the ARN beside it only decides the host.
    pub(super) async fn page_after(&self, token: String) -> Result<Page, SourceError> {
        let request = self.client.list_shards().next_token(token).set_stream_arn(self.target.stream_arn()).customize();
        let request = request.config_override(self.control.overrides()).send();
        let answer = self.control.answer(self.attempt("ListShards", None), request).await?;
        Ok(Page { shards: answer.shards.unwrap_or_default(), next: answer.next_token })
    }
}

/// The leases of one stream must not be made under the name of another.
fn check_id(id: &StreamId, target: &Target) -> Result<(), ConfigError> {
    let account = target.account().filter(|_| id.is_qualified());
    let fits = account.is_none_or(|account| id.as_str().split(':').next() == Some(account));
    if id.name() == target.name() && fits {
        return Ok(());
    }
    Err(ConfigError::new("stream_id", format!("`{id}` is not the identifier of stream `{target}`")))
}

impl fmt::Debug for KinesisStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KinesisStream({})", self.target)
    }
}
