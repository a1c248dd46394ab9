//! The requests by which a shard is polled.

use std::time::Duration;

use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_sdk_kinesis::types::ShardIteratorType;

use crate::error::SourceError;
use crate::ids::ShardId;
use crate::kinesis::{DateHeader, Dated, KinesisStream, Terms, convert, read_leanly};
use crate::retrieval::StartAt;

/// A stream, and how to poll its shards.
#[derive(Debug)]
pub(super) struct Calls {
    pub(super) stream: KinesisStream,
    limit: i32,
    records: Terms,
    iterators: Terms,
}

impl Calls {
    pub(super) fn new(stream: KinesisStream, limit: u32, read_timeout: Duration, records_timeout: Duration) -> Self {
        Self {
            stream,
            limit: i32::try_from(limit).unwrap_or(i32::MAX),
            records: Terms::once(read_timeout, records_timeout),
            iterators: Terms::once(read_timeout, Terms::SHORT),
        }
    }

    /// An iterator at this position. The SDK writes times as this protocol wants them: in seconds, with a fraction.
    pub(super) async fn iterator(&self, shard: &ShardId, from: &StartAt) -> Result<Dated<String>, SourceError> {
        let request = self.stream.client().get_shard_iterator().shard_id(shard.as_str());
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
        let (date, before) = (DateHeader::default(), self.stream.clock().now());
        let target = self.stream.target();
        let request = request.set_stream_name(target.stream_name()).set_stream_arn(target.stream_arn());
        let request = request.customize().config_override(self.iterators.overrides());
        let attempt = self.stream.attempt("GetShardIterator", Some(shard));
        let answer = self.iterators.answer(attempt, request.interceptor(date.clone()).send()).await?;
        let iterator = answer.shard_iterator.ok_or_else(|| attempt.malformed("no iterator", None))?;
        Ok(Dated { answer: iterator, service_time: date.service_time(before) })
    }

    /// The records from an iterator on. The iterator names the shard; a stream of another account must be named beside it.
    pub(super) async fn records(&self, shard: &ShardId, iterator: &str) -> Result<GetRecordsOutput, SourceError> {
        let request = self.stream.client().get_records().shard_iterator(iterator).limit(self.limit);
        let request = request.set_stream_arn(self.stream.target().stream_arn()).customize();
        let overrides = read_leanly(self.stream.client(), self.records.overrides());
        let request = request.config_override(overrides).send();
        self.records.answer(self.stream.attempt("GetRecords", Some(shard)), request).await
    }
}
