//! `GetShardIterator` and `GetRecords`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::fields;
use super::position::Position;
use crate::kinesis::error::Error;
use crate::kinesis::iterator::ShardIterator;
use crate::kinesis::{ChildShard, Kinesis, Record, Timestamp};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetShardIterator<'a> {
    shard_id: &'a str,
    shard_iterator_type: &'a str,
    starting_sequence_number: Option<&'a str>,
    timestamp: Option<f64>,
}

pub(super) fn get_shard_iterator(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let stream = fields::stream(&kinesis.settings, request)?;
    let get: GetShardIterator<'_> = fields::parse(request)?;
    let shard = fields::shard(kinesis, stream, get.shard_id)?;
    let position = Position {
        operation: "GetShardIterator",
        field: "shardIteratorType",
        kind: get.shard_iterator_type,
        number: get.starting_sequence_number,
        time: get.timestamp,
    };
    let position = position.parse(&kinesis.settings.account, stream, shard)?;
    let iterator = kinesis.get_shard_iterator(stream, shard, position, now)?;
    Ok(json!({"ShardIterator": iterator}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetRecords<'a> {
    shard_iterator: &'a str,
    limit: Option<i64>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<&'a str>,
}

pub(super) fn get_records(
    kinesis: &mut Kinesis,
    request: &Value,
    now: Timestamp,
    rng: &mut fastrand::Rng,
) -> Result<Value, Error> {
    let get: GetRecords<'_> = fields::parse(request)?;
    if get.stream_arn.is_some() {
        check_stream(kinesis, request, get.shard_iterator)?;
    }
    let limit = get.limit.map(|limit| fields::number("limit", limit)).transpose()?;
    let page = kinesis.get_records(get.shard_iterator, limit, now, rng)?;
    let records: Vec<Value> = page.records.iter().map(record_json).collect();
    let mut body = json!({"Records": records, "MillisBehindLatest": page.millis_behind_latest});
    if let Some(iterator) = page.next_shard_iterator {
        body["NextShardIterator"] = json!(iterator);
    }
    if let Some(children) = page.child_shards {
        body["ChildShards"] = children.iter().map(child_json).collect();
    }
    Ok(body)
}

/// The iterator names the shard; an ARN beside it must name its stream.
fn check_stream(kinesis: &Kinesis, request: &Value, iterator: &str) -> Result<(), Error> {
    let named = fields::stream_by_arn(&kinesis.settings, request)?;
    let iterator = ShardIterator::open(iterator)?;
    if iterator.stream == named {
        return Ok(());
    }
    Err(Error::invalid(format!("The ShardIterator is of stream {}, not of {named}.", iterator.stream)))
}

pub(super) fn record_json(record: &Record) -> Value {
    let mut body = json!({
        "SequenceNumber": record.sequence_number.to_string(),
        "ApproximateArrivalTimestamp": fields::time_json(record.approximate_arrival_timestamp),
        "Data": BASE64_STANDARD.encode(&record.data),
        "EncryptionType": "NONE",
    });
    if let Some(key) = &record.partition_key {
        body["PartitionKey"] = json!(key);
    }
    body
}

pub(super) fn child_json(child: &ChildShard) -> Value {
    let parents: Vec<String> = child.parent_shards.iter().map(ToString::to_string).collect();
    json!({
        "ShardId": child.shard_id.to_string(),
        "ParentShards": parents,
        "HashKeyRange": fields::hash_keys_json(child.hash_key_range),
    })
}
