//! Requests about shards: listing and resharding.

use serde::Deserialize;
use serde_json::{Value, json};

use super::fields;
use crate::kinesis::error::Error;
use crate::kinesis::list_shards::parse_filter;
use crate::kinesis::names;
use crate::kinesis::{Kinesis, ListShards, ShardFilter, ShardsPage, Timestamp};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct List<'a> {
    stream_name: Option<&'a str>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<&'a str>,
    next_token: Option<&'a str>,
    exclusive_start_shard_id: Option<&'a str>,
    max_results: Option<i64>,
    stream_creation_timestamp: Option<f64>,
    #[serde(borrow)]
    shard_filter: Option<Filter<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter<'a> {
    r#type: &'a str,
    shard_id: Option<&'a str>,
    timestamp: Option<f64>,
}

pub(super) fn list(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let list: List<'_> = fields::parse(request)?;
    let max_results = list.max_results.map(|most| fields::number("maxResults", most)).transpose()?;
    let page = if let Some(token) = list.next_token {
        refuse_beside_token(&list)?;
        list.stream_arn.map(|arn| names::resolve(&kinesis.settings, None, Some(arn))).transpose()?;
        kinesis.list_more_shards(token, max_results, now)?
    } else {
        let stream = names::resolve(&kinesis.settings, list.stream_name, list.stream_arn)?;
        kinesis.list_shards(stream, &list.listing(max_results)?, now)?
    };
    Ok(page_json(&page))
}

impl List<'_> {
    fn listing(&self, max_results: Option<usize>) -> Result<ListShards, Error> {
        let after = self.exclusive_start_shard_id.map(|id| fields::shard_bound("ExclusiveStartShardId", id));
        let created = self.stream_creation_timestamp.map(|at| fields::time("StreamCreationTimestamp", at));
        Ok(ListShards {
            filter: self.shard_filter.as_ref().map_or(Ok(ShardFilter::default()), Filter::parse)?,
            exclusive_start_shard_id: after.transpose()?,
            max_results,
            stream_creation_timestamp: created.transpose()?,
        })
    }
}

/// API reference, ListShards: the token "unambiguously identifies the stream" and the place to go on from. A
/// StreamARN may stand beside it, because it also chooses the endpoint.
fn refuse_beside_token(list: &List<'_>) -> Result<(), Error> {
    let refused = [
        ("StreamName", list.stream_name.is_some()),
        ("StreamCreationTimestamp", list.stream_creation_timestamp.is_some()),
        ("ExclusiveStartShardId", list.exclusive_start_shard_id.is_some()),
    ];
    match refused.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((field, _)) => Err(Error::invalid(format!("NextToken and {field} cannot be provided together."))),
    }
}

impl Filter<'_> {
    fn parse(&self) -> Result<ShardFilter, Error> {
        let shard = self.shard_id.map(|id| fields::shard_bound("ShardFilter.ShardId", id)).transpose()?;
        let time = self.timestamp.map(|at| fields::time("ShardFilter.Timestamp", at)).transpose()?;
        parse_filter(self.r#type, shard, time).ok_or_else(|| {
            Error::invalid(format!(
                "ShardFilter of type {} is not valid: AFTER_SHARD_ID needs ShardId, AT_TIMESTAMP and FROM_TIMESTAMP need \
                 Timestamp, and AT_TRIM_HORIZON, FROM_TRIM_HORIZON and AT_LATEST need neither.",
                self.r#type
            ))
        })
    }
}

fn page_json(page: &ShardsPage) -> Value {
    let shards: Vec<Value> = page.shards.iter().map(fields::shard_json).collect();
    let mut body = json!({"Shards": shards});
    if let Some(token) = &page.next_token {
        body["NextToken"] = json!(token);
    }
    body
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Split<'a> {
    shard_to_split: &'a str,
    new_starting_hash_key: &'a str,
}

pub(super) fn split(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let stream = fields::stream(&kinesis.settings, request)?;
    let Split { shard_to_split, new_starting_hash_key } = fields::parse(request)?;
    let key = fields::hash_key("NewStartingHashKey", new_starting_hash_key)?;
    let shard = fields::shard(kinesis, stream, shard_to_split)?;
    kinesis.split_shard(stream, shard, key, now)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Merge<'a> {
    shard_to_merge: &'a str,
    adjacent_shard_to_merge: &'a str,
}

pub(super) fn merge(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let stream = fields::stream(&kinesis.settings, request)?;
    let Merge { shard_to_merge, adjacent_shard_to_merge } = fields::parse(request)?;
    let shard = fields::shard(kinesis, stream, shard_to_merge)?;
    let adjacent = fields::shard(kinesis, stream, adjacent_shard_to_merge)?;
    kinesis.merge_shards(stream, shard, adjacent, now)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateCount<'a> {
    target_shard_count: i64,
    scaling_type: &'a str,
}

pub(super) fn update_count(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let stream = fields::stream(&kinesis.settings, request)?;
    let UpdateCount { target_shard_count, scaling_type } = fields::parse(request)?;
    fields::one_of("scalingType", scaling_type, &["UNIFORM_SCALING"], |name| name)?;
    let target = fields::number("targetShardCount", target_shard_count)?;
    let scaling = kinesis.update_shard_count(stream, target, now)?;
    Ok(json!({
        "StreamName": stream,
        "StreamARN": kinesis.settings.stream_arn(stream),
        "CurrentShardCount": scaling.current_shard_count,
        "TargetShardCount": scaling.target_shard_count,
    }))
}
