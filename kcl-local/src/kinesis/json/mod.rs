//! The AWS JSON 1.1 form of every operation: a thin layer over the methods of [`Kinesis`].

mod consumers;
mod fields;
mod position;
mod reading;
mod shards;
mod streams;
mod tags;
mod writing;

use serde_json::{Value, json};

use super::error::{Error, ErrorCode};
use super::{Kinesis, Subscription, Timestamp};

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
        "DeregisterStreamConsumer" => consumers::deregister(kinesis, request, now),
        "DescribeStream" => streams::describe(kinesis, request, now),
        "DescribeStreamConsumer" => consumers::describe(kinesis, request, now),
        "DescribeStreamSummary" => streams::summary(kinesis, request, now),
        "GetRecords" => reading::get_records(kinesis, request, now, rng),
        "GetShardIterator" => reading::get_shard_iterator(kinesis, request, now),
        "IncreaseStreamRetentionPeriod" => streams::increase_retention(kinesis, request, now),
        "ListShards" => shards::list(kinesis, request, now),
        "ListStreamConsumers" => consumers::list(kinesis, request, now),
        "ListStreams" => streams::list(kinesis, request, now),
        "ListTagsForResource" => tags::list_of_resource(kinesis, request, now),
        "ListTagsForStream" => tags::list(kinesis, request, now),
        "MergeShards" => shards::merge(kinesis, request, now),
        "PutRecord" => writing::put_record(kinesis, request, now, rng),
        "PutRecords" => writing::put_records(kinesis, request, now, rng),
        "RegisterStreamConsumer" => consumers::register(kinesis, request, now),
        "RemoveTagsFromStream" => tags::remove(kinesis, request, now),
        "SplitShard" => shards::split(kinesis, request, now),
        "SubscribeToShard" => consumers::subscribe(kinesis, request, now).map(|_| json!({})),
        "TagResource" => tags::add_to_resource(kinesis, request, now),
        "UntagResource" => tags::remove_from_resource(kinesis, request, now),
        "UpdateMaxRecordSize" => streams::update_max_record_size(kinesis, request, now),
        "UpdateShardCount" => shards::update_count(kinesis, request, now),
        "UpdateStreamMode" => streams::update_mode(kinesis, request, now),
        "UpdateStreamRecordDistributionStrategy" => streams::update_distribution(kinesis, request, now),
        _ => Err(unknown(operation)),
    }
}

/// `SubscribeToShard`, for whoever reads what it gives.
pub(super) fn subscribe(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Subscription, Error> {
    let now = kinesis.advance(now);
    refuse_dry_run(request)?;
    consumers::subscribe(kinesis, request, now)
}

/// `DryRun` must not do the thing after all, so it is refused rather than ignored.
fn refuse_dry_run(request: &Value) -> Result<(), Error> {
    match request.get("DryRun") {
        Some(Value::Bool(true)) => Err(Error::invalid("This model of Kinesis does not have DryRun.")),
        _ => Ok(()),
    }
}

fn unknown(operation: &str) -> Error {
    let text = format!("This model of Kinesis does not have the operation {operation}.");
    Error::new(ErrorCode::UnknownOperation, text)
}
