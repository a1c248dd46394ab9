//! Requests about consumers, and the events that they are pushed.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::fields;
use super::position::Position;
use super::reading::{child_json, record_json};
use crate::kinesis::error::Error;
use crate::kinesis::names;
use crate::kinesis::{ConsumerDescription, Kinesis, Subscription, SubscriptionEvent, Timestamp};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Register<'a> {
    consumer_name: &'a str,
    tags: Option<BTreeMap<String, String>>,
}

pub(super) fn register(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let stream = fields::stream_by_arn(&kinesis.settings, request)?;
    let Register { consumer_name, tags } = fields::parse(request)?;
    let consumer = kinesis.register_consumer(stream, consumer_name, tags.unwrap_or_default(), now)?;
    Ok(json!({"Consumer": consumer_json(&consumer)}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ConsumerRef<'a> {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<&'a str>,
    consumer_name: Option<&'a str>,
    #[serde(rename = "ConsumerARN")]
    consumer_arn: Option<&'a str>,
}

/// The stream and the name of the consumer that a request names by its ARN, by its name and its stream's ARN, or both
/// (API reference, DescribeStreamConsumer).
fn consumer(kinesis: &Kinesis, request: &Value) -> Result<(String, String), Error> {
    let ConsumerRef { stream_arn, consumer_name, consumer_arn } = fields::parse(request)?;
    let stream = stream_arn.map(|arn| names::resolve(&kinesis.settings, None, Some(arn))).transpose()?;
    let Some(arn) = consumer_arn else {
        let (Some(stream), Some(name)) = (stream, consumer_name) else {
            return Err(Error::invalid("Either ConsumerARN or both StreamARN and ConsumerName must be provided."));
        };
        return Ok((stream.to_owned(), name.to_owned()));
    };
    let id = kinesis.consumer_of_arn(arn)?;
    if stream.is_some_and(|stream| stream != id.stream) || consumer_name.is_some_and(|name| name != id.name) {
        return Err(Error::invalid(format!("StreamARN, ConsumerName and {arn} do not name the same consumer.")));
    }
    Ok((id.stream, id.name))
}

pub(super) fn describe(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let (stream, name) = consumer(kinesis, request)?;
    let consumer = kinesis.describe_consumer(&stream, &name, now)?;
    let mut body = consumer_json(&consumer);
    body["StreamARN"] = json!(consumer.stream_arn);
    Ok(json!({"ConsumerDescription": body}))
}

pub(super) fn deregister(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let (stream, name) = consumer(kinesis, request)?;
    kinesis.deregister_consumer(&stream, &name, now)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct List<'a> {
    next_token: Option<&'a str>,
    max_results: Option<i64>,
    stream_creation_timestamp: Option<f64>,
}

pub(super) fn list(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let stream = fields::stream_by_arn(&kinesis.settings, request)?;
    let List { next_token, max_results, stream_creation_timestamp } = fields::parse(request)?;
    let max_results = max_results.map(|most| fields::number("maxResults", most)).transpose()?;
    let created = stream_creation_timestamp.map(|at| fields::time("StreamCreationTimestamp", at)).transpose()?;
    let page = match (next_token, created) {
        (None, created) => kinesis.list_consumers(stream, max_results, created, now)?,
        (Some(token), None) => kinesis.list_more_consumers(token, max_results, now)?,
        (Some(_), Some(_)) => {
            return Err(Error::invalid("NextToken and StreamCreationTimestamp cannot be provided together."));
        }
    };
    let mut body = json!({"Consumers": page.consumers.iter().map(consumer_json).collect::<Vec<_>>()});
    if let Some(token) = page.next_token {
        body["NextToken"] = json!(token);
    }
    Ok(body)
}

fn consumer_json(consumer: &ConsumerDescription) -> Value {
    json!({
        "ConsumerName": consumer.name,
        "ConsumerARN": consumer.arn,
        "ConsumerStatus": consumer.status.as_str(),
        // Whole seconds, as with streams.
        "ConsumerCreationTimestamp": fields::time_json(Timestamp(consumer.created.seconds() * 1000)),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Subscribe<'a> {
    #[serde(rename = "ConsumerARN")]
    consumer_arn: &'a str,
    shard_id: &'a str,
    #[serde(borrow)]
    starting_position: StartingPosition<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StartingPosition<'a> {
    r#type: &'a str,
    sequence_number: Option<&'a str>,
    timestamp: Option<f64>,
}

pub(super) fn subscribe(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Subscription, Error> {
    let Subscribe { consumer_arn, shard_id, starting_position } = fields::parse(request)?;
    let stream = kinesis.consumer_of_arn(consumer_arn)?.stream;
    let shard = fields::shard(kinesis, &stream, shard_id)?;
    let position = Position {
        operation: "SubscribeToShard",
        field: "startingPosition.type",
        kind: starting_position.r#type,
        number: starting_position.sequence_number,
        time: starting_position.timestamp,
    };
    let position = position.parse(&kinesis.settings.account, &stream, shard)?;
    kinesis.subscribe_to_shard(consumer_arn, shard, position, now)
}

impl SubscriptionEvent {
    /// The event as the AWS JSON protocols write it.
    pub fn to_json(&self) -> Value {
        let records: Vec<Value> = self.records.iter().map(record_json).collect();
        let mut body = json!({"Records": records, "MillisBehindLatest": self.millis_behind_latest});
        if let Some(number) = self.continuation_sequence_number {
            body["ContinuationSequenceNumber"] = json!(number.to_string());
        }
        if let Some(children) = &self.child_shards {
            body["ChildShards"] = children.iter().map(child_json).collect();
        }
        body
    }
}
