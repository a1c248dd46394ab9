//! Each request that is made to Kinesis: its parameters, its retries, and how long it may take.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_kinesis::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_kinesis::config::timeout::TimeoutConfig;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_sdk_kinesis::types::{Shard, ShardFilter, ShardIteratorType};
use aws_sdk_kinesis::{Client, Config, config};

use super::convert;
use super::errors::{Attempt, lacks_permission};
use super::service_time::DateHeader;
use super::target::Target;
use crate::error::SourceError;
use crate::ids::ShardId;
use crate::retrieval::StartAt;
use crate::time::{Timestamp, WallClock};

/// As the SDK's own default, which a client may have been made without.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3100);
/// Small answers.
const SHORT_TIMEOUT: Duration = Duration::from_secs(5);
/// Attempts at a request that the SDK repeats.
const ATTEMPTS: u32 = 3;
/// How much longer than the SDK to wait for the SDK. It keeps its time by the timer of the client it was given, which may
/// be none that runs.
const SLACK: Duration = Duration::from_secs(1);

/// A stream, and how to ask about it.
#[derive(Debug)]
pub(super) struct Calls {
    client: Client,
    target: Target,
    clock: WallClock,
    limit: i32,
    records: Terms,
    iterators: Terms,
    control: Terms,
}

/// On which terms a request is made.
#[derive(Debug)]
struct Terms {
    overrides: config::Builder,
    /// The time for all attempts together.
    within: Duration,
}

/// An answer and when it was given, by the service's clock.
pub(super) struct Dated<T> {
    pub(super) answer: T,
    pub(super) service_time: Timestamp,
}

/// One page of a listing.
pub(super) struct Page {
    pub(super) shards: Vec<Shard>,
    pub(super) next: Option<String>,
}

impl Calls {
    pub(super) fn new(client: Client, target: Target, clock: WallClock, limit: u32, records_timeout: Duration) -> Self {
        let times = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // The same for all requests: each pair of connect and read timeouts has connections of its own.
            .read_timeout(records_timeout.max(SHORT_TIMEOUT));
        Self {
            client,
            limit: i32::try_from(limit).unwrap_or(i32::MAX),
            records: Terms::once(times.clone(), records_timeout),
            iterators: Terms::once(times.clone(), SHORT_TIMEOUT),
            control: Terms::repeated(times, &target),
            target,
            clock,
        }
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) fn attempt<'a>(&'a self, operation: &'static str, shard: Option<&'a ShardId>) -> Attempt<'a> {
        Attempt { operation, stream: &self.target, shard }
    }

    /// When the stream was created; `None` from a service that does not say, and for a caller who may not ask.
    pub(super) async fn created(&self) -> Result<Option<Timestamp>, SourceError> {
        let request = self.client.describe_stream_summary().set_stream_name(self.target.stream_name());
        let request = request.set_stream_arn(self.target.stream_arn()).customize();
        let request = request.config_override(self.control.overrides.clone()).send();
        let permitted = async {
            match request.await {
                Err(error) if lacks_permission(&error) => Ok(None),
                answered => answered.map(|answer| answer.stream_description_summary),
            }
        };
        let summary = self.control.answer(self.attempt("DescribeStreamSummary", None), permitted).await?;
        Ok(summary.and_then(|summary| convert::timestamp(summary.stream_creation_timestamp)))
    }

    /// The first page.
    pub(super) async fn list_shards(&self, filter: Option<ShardFilter>) -> Result<Dated<Page>, SourceError> {
        let (date, before) = (DateHeader::default(), self.clock.now());
        let request = self.client.list_shards().set_stream_name(self.target.stream_name());
        let request = request.set_stream_arn(self.target.stream_arn()).set_shard_filter(filter).customize();
        let request = request.config_override(self.control.overrides.clone()).interceptor(date.clone()).send();
        let answer = self.control.answer(self.attempt("ListShards", None), request).await?;
        let page = Page { shards: answer.shards.unwrap_or_default(), next: answer.next_token };
        Ok(Dated { answer: page, service_time: date.service_time(before) })
    }

    /// A page after the first. The token says of which stream; the ARN beside it only decides the host.
    pub(super) async fn more_shards(&self, token: String) -> Result<Page, SourceError> {
        let request = self.client.list_shards().next_token(token).set_stream_arn(self.target.stream_arn()).customize();
        let request = request.config_override(self.control.overrides.clone()).send();
        let answer = self.control.answer(self.attempt("ListShards", None), request).await?;
        Ok(Page { shards: answer.shards.unwrap_or_default(), next: answer.next_token })
    }

    /// An iterator at this position. The SDK writes times as this protocol wants them: in seconds, with a fraction.
    pub(super) async fn iterator(&self, shard: &ShardId, from: &StartAt) -> Result<Dated<String>, SourceError> {
        let request = self.client.get_shard_iterator().shard_id(shard.as_str());
        let request = match from {
            StartAt::TrimHorizon => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
            StartAt::Latest => request.shard_iterator_type(ShardIteratorType::Latest),
            StartAt::Timestamp(time) => {
                request.shard_iterator_type(ShardIteratorType::AtTimestamp).timestamp(convert::date_time(*time))
            }
            StartAt::At(number) => request
                .shard_iterator_type(ShardIteratorType::AtSequenceNumber)
                .starting_sequence_number(number.as_str()),
            StartAt::After(number) => request
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .starting_sequence_number(number.as_str()),
        };
        let (date, before) = (DateHeader::default(), self.clock.now());
        let request = request.set_stream_name(self.target.stream_name()).set_stream_arn(self.target.stream_arn());
        let request = request.customize().config_override(self.iterators.overrides.clone());
        let attempt = self.attempt("GetShardIterator", Some(shard));
        let answer = self.iterators.answer(attempt, request.interceptor(date.clone()).send()).await?;
        let iterator = answer.shard_iterator.ok_or_else(|| attempt.malformed("no iterator", None))?;
        Ok(Dated { answer: iterator, service_time: date.service_time(before) })
    }

    /// The records from an iterator on. The iterator names the shard; a stream of another account must be named beside it.
    pub(super) async fn records(&self, shard: &ShardId, iterator: &str) -> Result<GetRecordsOutput, SourceError> {
        let request = self.client.get_records().shard_iterator(iterator).limit(self.limit);
        let request = request.set_stream_arn(self.target.stream_arn()).customize();
        let request = request.config_override(self.records.overrides.clone()).send();
        self.records.answer(self.attempt("GetRecords", Some(shard)), request).await
    }
}

impl Terms {
    /// One attempt. A shard counts every one, so its readers must decide on each.
    fn once(times: config::timeout::TimeoutConfigBuilder, within: Duration) -> Self {
        let times = times.operation_attempt_timeout(within).operation_timeout(within).build();
        Self { overrides: Config::builder().retry_config(RetryConfig::disabled()).timeout_config(times), within }
    }

    /// Some attempts, which take nothing from those that the clients of this process share: one that fails much would
    /// leave the others without.
    fn repeated(times: config::timeout::TimeoutConfigBuilder, target: &Target) -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let within = SHORT_TIMEOUT * ATTEMPTS;
        let times = times.operation_attempt_timeout(SHORT_TIMEOUT).operation_timeout(within).build();
        let name = format!("kcl-polling-{}-{target}", MADE.fetch_add(1, Ordering::Relaxed));
        let overrides = Config::builder()
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .retry_partition(RetryPartition::custom(name).build())
            .timeout_config(times);
        Self { overrides, within }
    }

    async fn answer<T, E>(
        &self,
        attempt: Attempt<'_>,
        request: impl Future<Output = Result<T, SdkError<E>>> + Send,
    ) -> Result<T, SourceError>
    where
        T: Send,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match tokio::time::timeout(self.within + SLACK, request).await {
            Ok(answered) => answered.map_err(|error| attempt.failed(error, self.within)),
            Err(elapsed) => Err(attempt.unanswered(self.within).with_source(elapsed)),
        }
    }
}
