//! Requests about whole streams.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::fields;
use crate::kinesis::describe::StreamDescription;
use crate::kinesis::error::Error;
use crate::kinesis::{Kinesis, RecordDistributionStrategy, StreamMode, StreamSpec, Timestamp, token};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ModeDetails {
    stream_mode: String,
}

impl ModeDetails {
    fn mode(&self) -> Result<StreamMode, Error> {
        fields::one_of(
            "streamMode",
            &self.stream_mode,
            &[StreamMode::Provisioned, StreamMode::OnDemand],
            StreamMode::as_str,
        )
    }
}

fn strategy(text: &str) -> Result<RecordDistributionStrategy, Error> {
    let all = [RecordDistributionStrategy::UserPartitionKey, RecordDistributionStrategy::Auto];
    fields::one_of("recordDistributionStrategy", text, &all, RecordDistributionStrategy::as_str)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Create {
    stream_name: String,
    shard_count: Option<i64>,
    stream_mode_details: Option<ModeDetails>,
    tags: Option<BTreeMap<String, String>>,
    #[serde(rename = "MaxRecordSizeInKiB")]
    max_record_size_kib: Option<i64>,
    record_distribution_strategy: Option<String>,
}

pub(super) fn create(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let create: Create = fields::parse(request)?;
    let spec = StreamSpec {
        mode: create.stream_mode_details.map_or(Ok(StreamMode::Provisioned), |details| details.mode())?,
        shards: create.shard_count.map(|count| fields::number("shardCount", count)).transpose()?,
        distribution: create
            .record_distribution_strategy
            .map_or(Ok(RecordDistributionStrategy::UserPartitionKey), |text| strategy(&text))?,
        max_record_size_kib: create
            .max_record_size_kib
            .map(|kib| fields::number("maxRecordSizeInKiB", kib))
            .transpose()?,
        tags: create.tags.unwrap_or_default(),
    };
    kinesis.create_stream(&create.stream_name, spec, now)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Delete {
    enforce_consumer_deletion: Option<bool>,
}

pub(super) fn delete(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let stream = fields::stream(&kinesis.settings, request)?;
    match fields::parse::<Delete>(request)?.enforce_consumer_deletion {
        Some(true) => kinesis.delete_stream_and_consumers(stream, now)?,
        Some(false) | None => kinesis.delete_stream(stream, now)?,
    }
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Describe<'a> {
    limit: Option<i64>,
    exclusive_start_shard_id: Option<&'a str>,
}

pub(super) fn describe(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let stream = fields::stream(&kinesis.settings, request)?;
    let Describe { limit, exclusive_start_shard_id } = fields::parse(request)?;
    let limit = limit.map_or(Ok(usize::MAX), |limit| fields::number("limit", limit))?;
    let after = exclusive_start_shard_id.map(|id| fields::shard_bound("ExclusiveStartShardId", id)).transpose()?;
    let description = kinesis.describe_stream(stream, now)?;
    let page = limit.clamp(1, kinesis.settings.describe_stream_page);
    let shards = kinesis.shards(stream, now)?;
    let mut rest = shards.iter().filter(|shard| Some(shard.shard_id) > after);
    let listed: Vec<Value> = rest.by_ref().take(page).map(fields::shard_json).collect();
    let mut body = common_json(&description);
    body["Shards"] = json!(listed);
    body["HasMoreShards"] = json!(rest.next().is_some());
    Ok(json!({"StreamDescription": body}))
}

pub(super) fn summary(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let description = kinesis.describe_stream(fields::stream(&kinesis.settings, request)?, now)?;
    let mut body = common_json(&description);
    body["OpenShardCount"] = json!(description.open_shard_count);
    body["ConsumerCount"] = json!(description.consumer_count);
    body["MaxRecordSizeInKiB"] = json!(description.max_record_size_kib);
    // StreamDescriptionSummary: "only present for streams that use the on-demand capacity mode".
    if description.mode == StreamMode::OnDemand {
        body["RecordDistributionStrategy"] = json!(description.distribution.as_str());
    }
    Ok(json!({"StreamDescriptionSummary": body}))
}

/// What `StreamDescription` and `StreamDescriptionSummary` share. `StreamId` is "reserved for future use".
fn common_json(stream: &StreamDescription) -> Value {
    let mut body = listed_json(stream);
    body["RetentionPeriodHours"] = json!(stream.retention_hours);
    body["EnhancedMonitoring"] = json!([{"ShardLevelMetrics": []}]);
    body["EncryptionType"] = json!("NONE");
    body
}

/// What every description and the list of streams share.
fn listed_json(stream: &StreamDescription) -> Value {
    json!({
        "StreamName": stream.name,
        "StreamARN": stream.arn,
        "StreamStatus": stream.status.as_str(),
        "StreamModeDetails": {"StreamMode": stream.mode.as_str()},
        // The service gives whole seconds, so streams made in one second look alike.
        "StreamCreationTimestamp": fields::time_json(Timestamp(stream.created.seconds() * 1000)),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct List<'a> {
    limit: Option<i64>,
    exclusive_start_stream_name: Option<&'a str>,
    next_token: Option<&'a str>,
}

const LIST_KIND: &str = "list-streams";

pub(super) fn list(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let List { limit, exclusive_start_stream_name, next_token } = fields::parse(request)?;
    let limit: Option<usize> = limit.map(|limit| fields::number("limit", limit)).transpose()?;
    let from_token = next_token.map(open_list_token).transpose()?;
    let start = from_token.as_deref().or(exclusive_start_stream_name);
    let page = kinesis.list_streams(start, limit.map(|limit| limit.max(1)), now);
    let names: Vec<&str> = page.streams.iter().map(|stream| stream.name.as_str()).collect();
    let mut body = json!({
        "StreamNames": names,
        "HasMoreStreams": page.has_more_streams,
        "StreamSummaries": page.streams.iter().map(listed_json).collect::<Vec<_>>(),
    });
    if let (true, Some(last)) = (page.has_more_streams, names.last()) {
        body["NextToken"] = json!(token::seal(&[&LIST_KIND, last]));
    }
    Ok(body)
}

fn open_list_token(text: &str) -> Result<String, Error> {
    match token::open(text) {
        Some([kind, name]) if kind == LIST_KIND => Ok(name),
        _ => Err(Error::invalid("Invalid NextToken.")),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Retention {
    retention_period_hours: i64,
}

pub(super) fn increase_retention(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let hours = retention_hours(request)?;
    kinesis.increase_retention(fields::stream(&kinesis.settings, request)?, hours, now)?;
    Ok(json!({}))
}

pub(super) fn decrease_retention(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let hours = retention_hours(request)?;
    kinesis.decrease_retention(fields::stream(&kinesis.settings, request)?, hours, now)?;
    Ok(json!({}))
}

fn retention_hours(request: &Value) -> Result<u32, Error> {
    let Retention { retention_period_hours } = fields::parse(request)?;
    fields::number("retentionPeriodHours", retention_period_hours)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Mode {
    stream_mode_details: ModeDetails,
}

pub(super) fn update_mode(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let Mode { stream_mode_details } = fields::parse(request)?;
    let mode = stream_mode_details.mode()?;
    kinesis.update_stream_mode(fields::stream_by_arn(&kinesis.settings, request)?, mode, now)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Distribution<'a> {
    record_distribution_strategy: &'a str,
}

pub(super) fn update_distribution(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let Distribution { record_distribution_strategy } = fields::parse(request)?;
    let strategy = strategy(record_distribution_strategy)?;
    kinesis.update_record_distribution(fields::stream_by_arn(&kinesis.settings, request)?, strategy, now)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
struct RecordSize {
    #[serde(rename = "MaxRecordSizeInKiB")]
    kib: i64,
}

pub(super) fn update_max_record_size(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let RecordSize { kib } = fields::parse(request)?;
    let kib = fields::number("maxRecordSizeInKiB", kib)?;
    kinesis.update_max_record_size(fields::stream_by_arn(&kinesis.settings, request)?, kib, now)?;
    Ok(json!({}))
}
