//! `GetShardIterator` and `GetRecords`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::fields;
use crate::kinesis::error::Error;
use crate::kinesis::get_iterator::foreign_number;
use crate::kinesis::iterator::ShardIterator;
use crate::kinesis::{ChildShard, Kinesis, Record, SequenceNumber, ShardId, StartingPosition, Timestamp};

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
    let position = get.position(&kinesis.settings.account, stream, shard)?;
    let iterator = kinesis.get_shard_iterator(stream, shard, position, now)?;
    Ok(json!({"ShardIterator": iterator}))
}

impl GetShardIterator<'_> {
    fn position(&self, account: &str, stream: &str, shard: ShardId) -> Result<StartingPosition, Error> {
        let number = || self.sequence_number(account, stream, shard);
        match self.shard_iterator_type {
            "TRIM_HORIZON" => self.without_number(StartingPosition::TrimHorizon),
            "LATEST" => self.without_number(StartingPosition::Latest),
            "AT_SEQUENCE_NUMBER" => number().map(StartingPosition::AtSequenceNumber),
            "AFTER_SEQUENCE_NUMBER" => number().map(StartingPosition::AfterSequenceNumber),
            "AT_TIMESTAMP" => {
                let seconds = self.timestamp.ok_or_else(|| {
                    Error::invalid(
                        "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has \
                         no timestamp parameter.",
                    )
                })?;
                fields::time("Timestamp", seconds).map(StartingPosition::AtTimestamp)
            }
            _ => Err(Error::constraint(
                "shardIteratorType",
                "Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, \
                 TRIM_HORIZON]",
            )),
        }
    }

    fn sequence_number(&self, account: &str, stream: &str, shard: ShardId) -> Result<SequenceNumber, Error> {
        let text = self.starting_sequence_number.ok_or_else(|| self.wrong_mix("no StartingSequenceNumber"))?;
        text.parse().map_err(|_| foreign_number(text, account, stream, shard))
    }

    fn without_number(&self, position: StartingPosition) -> Result<StartingPosition, Error> {
        match self.starting_sequence_number {
            None => Ok(position),
            Some(_) => Err(self.wrong_mix("also a StartingSequenceNumber")),
        }
    }

    fn wrong_mix(&self, given: &str) -> Error {
        let kind = self.shard_iterator_type;
        Error::invalid(format!(
            "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) \
             TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified {kind} and {given}."
        ))
    }
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

fn record_json(record: &Record) -> Value {
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

fn child_json(child: &ChildShard) -> Value {
    let parents: Vec<String> = child.parent_shards.iter().map(ToString::to_string).collect();
    json!({
        "ShardId": child.shard_id.to_string(),
        "ParentShards": parents,
        "HashKeyRange": fields::hash_keys_json(child.hash_key_range),
    })
}
