//! The AWS JSON 1.1 form of every operation: a thin layer over the methods of [`Kinesis`].

mod fields;
mod reading;
mod shards;
mod streams;
mod tags;
mod writing;

use serde_json::Value;

use super::error::{Error, ErrorCode};
use super::{Kinesis, Timestamp, consumers};

pub(super) fn call(
    kinesis: &mut Kinesis,
    operation: &str,
    request: &Value,
    now: Timestamp,
    rng: &mut fastrand::Rng,
) -> Result<Value, Error> {
    let now = kinesis.advance(now);
    kinesis.calls.admit(operation, &kinesis.settings, now)?;
    refuse_dry_run(request)?;
    match operation {
        "AddTagsToStream" => tags::add(kinesis, request, now),
        "CreateStream" => streams::create(kinesis, request, now),
        "DecreaseStreamRetentionPeriod" => streams::decrease_retention(kinesis, request, now),
        "DeleteStream" => streams::delete(kinesis, request, now),
        "DescribeStream" => streams::describe(kinesis, request, now),
        "DescribeStreamSummary" => streams::summary(kinesis, request, now),
        "GetRecords" => reading::get_records(kinesis, request, now, rng),
        "GetShardIterator" => reading::get_shard_iterator(kinesis, request, now),
        "IncreaseStreamRetentionPeriod" => streams::increase_retention(kinesis, request, now),
        "ListShards" => shards::list(kinesis, request, now),
        "ListStreams" => streams::list(kinesis, request, now),
        "ListTagsForStream" => tags::list(kinesis, request, now),
        "MergeShards" => shards::merge(kinesis, request, now),
        "PutRecord" => writing::put_record(kinesis, request, now, rng),
        "PutRecords" => writing::put_records(kinesis, request, now, rng),
        "RemoveTagsFromStream" => tags::remove(kinesis, request, now),
        "SplitShard" => shards::split(kinesis, request, now),
        "UpdateMaxRecordSize" => streams::update_max_record_size(kinesis, request, now),
        "UpdateShardCount" => shards::update_count(kinesis, request, now),
        "UpdateStreamMode" => streams::update_mode(kinesis, request, now),
        "UpdateStreamRecordDistributionStrategy" => streams::update_distribution(kinesis, request, now),
        _ => Err(unknown(operation)),
    }
}

/// `DryRun` must not do the thing after all, so it is refused rather than ignored.
fn refuse_dry_run(request: &Value) -> Result<(), Error> {
    match request.get("DryRun") {
        Some(Value::Bool(true)) => Err(Error::invalid("This model of Kinesis does not have DryRun.")),
        _ => Ok(()),
    }
}

fn unknown(operation: &str) -> Error {
    let what = if consumers::owns(operation) { "enhanced fan-out: " } else { "" };
    let text = format!("This model of Kinesis does not have {what}the operation {operation}.");
    Error::new(ErrorCode::UnknownOperation, text)
}
