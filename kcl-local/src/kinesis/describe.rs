//! What a stream is: the facts behind `DescribeStream`, `DescribeStreamSummary` and `ListStreams`.

use super::error::Error;
use super::modes::{RecordDistributionStrategy, StreamMode};
use super::stream::StreamStatus;
use super::{Kinesis, Timestamp};

/// A stream without its shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamDescription {
    /// The stream's name.
    pub name: String,
    /// Its ARN. A stream that is made again has the same.
    pub arn: String,
    /// Its state.
    pub status: StreamStatus,
    /// Its capacity mode.
    pub mode: StreamMode,
    /// Who decides which shard takes a record. The API shows it for on-demand streams only.
    pub distribution: RecordDistributionStrategy,
    /// How long it keeps records, in hours.
    pub retention_hours: u32,
    /// When it was made. The API shows whole seconds.
    pub created: Timestamp,
    /// Its open shards.
    pub open_shard_count: usize,
    /// Its registered consumers, in whatever state.
    pub consumer_count: usize,
    /// The largest record it takes, in KiB.
    pub max_record_size_kib: u32,
}

impl Kinesis {
    /// What a stream is, as `DescribeStreamSummary` tells it.
    pub fn describe_stream(&mut self, stream: &str, now: Timestamp) -> Result<StreamDescription, Error> {
        self.advance(now);
        self.description(stream)
    }

    pub(super) fn description(&self, name: &str) -> Result<StreamDescription, Error> {
        let stream = self.stream(name)?;
        Ok(StreamDescription {
            name: name.to_owned(),
            arn: self.settings.stream_arn(name),
            status: stream.status(),
            mode: stream.mode,
            distribution: stream.distribution,
            retention_hours: stream.retention_hours,
            created: stream.created,
            open_shard_count: stream.open_shard_count(),
            consumer_count: stream.consumers.len(),
            max_record_size_kib: stream.record_size_kib,
        })
    }
}
