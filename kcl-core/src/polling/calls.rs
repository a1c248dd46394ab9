//! The requests by which a shard is polled.

use std::time::Duration;

use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;

use crate::error::SourceError;
use crate::ids::ShardId;
use crate::kinesis::{DateHeader, Dated, KinesisStream, Terms, convert};
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
            limit: i32::try_from(limit).unwrap_or(i32::MAX),
            records: Terms::once(read_timeout, records_timeout).reading_leanly(stream.client()),
            iterators: Terms::once(read_timeout, Terms::SHORT),
            stream,
        }
    }

    /// An iterator at this position.
    pub(super) async fn iterator(&self, shard: &ShardId, from: &StartAt) -> Result<Dated<String>, SourceError> {
        let (kind, number, time) = convert::position(from);
        let request = self.stream.client().get_shard_iterator().shard_id(shard.as_str()).shard_iterator_type(kind);
        let request = request.set_starting_sequence_number(number.map(str::to_owned)).set_timestamp(time);
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
        let request = request.config_override(self.records.overrides()).send();
        self.records.answer(self.stream.attempt("GetRecords", Some(shard)), request).await
    }
}
