//! How often an account may call each operation on whole streams.
//!
//! These limits hold for requests ([`Kinesis::call`](super::Kinesis::call)), not for the Rust methods: a test that
//! makes ten streams in one instant is not what they are about. Limits of a shard or a stream hold for both.

use std::collections::BTreeMap;

use super::error::Error;
use super::limits::Window;
use super::settings::Settings;
use crate::wire::Timestamp;

#[derive(Debug, Default)]
pub(super) struct CallLimits {
    windows: BTreeMap<String, Window>,
}

impl CallLimits {
    pub(super) fn admit(&mut self, operation: &str, settings: &Settings, now: Timestamp) -> Result<(), Error> {
        let Some(most) = per_second(operation, settings) else { return Ok(()) };
        let window = self.windows.entry(operation.to_owned()).or_default();
        if window.admit_in_a_second(now, most) {
            return Ok(());
        }
        let account = &settings.account;
        Err(Error::limit(format!("Rate exceeded for {operation} under account {account}: {most} calls a second.")))
    }
}

/// The limit of an operation; `None` for those whose limits belong to a shard or a stream, and for unknown ones.
fn per_second(operation: &str, settings: &Settings) -> Option<usize> {
    match operation {
        "DescribeStream" => Some(settings.describe_stream_calls_per_second),
        "DescribeStreamSummary" => Some(settings.describe_stream_summary_calls_per_second),
        "RegisterStreamConsumer" => Some(settings.register_consumer_calls_per_second),
        "UpdateShardCount" => Some(settings.update_shard_count_calls_per_second),
        "AddTagsToStream"
        | "CreateStream"
        | "DecreaseStreamRetentionPeriod"
        | "DeleteStream"
        | "IncreaseStreamRetentionPeriod"
        | "ListStreams"
        | "ListTagsForResource"
        | "ListTagsForStream"
        | "MergeShards"
        | "RemoveTagsFromStream"
        | "SplitShard"
        | "TagResource"
        | "UntagResource"
        | "UpdateMaxRecordSize"
        | "UpdateStreamMode"
        | "UpdateStreamRecordDistributionStrategy" => Some(settings.control_calls_per_second),
        _ => None,
    }
}
