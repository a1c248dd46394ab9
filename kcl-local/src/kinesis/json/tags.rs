//! Requests about tags.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::fields;
use crate::kinesis::error::Error;
use crate::kinesis::{Kinesis, Timestamp, names};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AddTags {
    tags: BTreeMap<String, String>,
}

pub(super) fn add(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let AddTags { tags } = fields::parse(request)?;
    kinesis.add_tags(fields::stream(&kinesis.settings, request)?, tags, now)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RemoveTags {
    tag_keys: Vec<String>,
}

pub(super) fn remove(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let RemoveTags { tag_keys } = fields::parse(request)?;
    kinesis.remove_tags(fields::stream(&kinesis.settings, request)?, &tag_keys, now)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListTags<'a> {
    exclusive_start_tag_key: Option<&'a str>,
    limit: Option<i64>,
}

pub(super) fn list(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let ListTags { exclusive_start_tag_key, limit } = fields::parse(request)?;
    let limit: usize = limit.map_or(Ok(usize::MAX), |limit| fields::number("limit", limit))?;
    let stream = fields::stream(&kinesis.settings, request)?;
    let after = |(key, _): &(&String, &String)| exclusive_start_tag_key.is_none_or(|start| key.as_str() > start);
    let mut rest = kinesis.tags(stream, now)?.iter().filter(after);
    let tags: Vec<Value> =
        rest.by_ref().take(limit.max(1)).map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    Ok(json!({"Tags": tags, "HasMoreTags": rest.next().is_some()}))
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(rename = "ResourceARN")]
    arn: &'a str,
}

/// The stream, and the consumer if the ARN is that of one.
fn resource(kinesis: &Kinesis, request: &Value) -> Result<(String, Option<String>), Error> {
    let Resource { arn } = fields::parse(request)?;
    if arn.contains("/consumer/") {
        let id = kinesis.consumer_of_arn(arn)?;
        return Ok((id.stream, Some(id.name)));
    }
    Ok((names::resolve(&kinesis.settings, None, Some(arn))?.to_owned(), None))
}

pub(super) fn add_to_resource(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let AddTags { tags } = fields::parse(request)?;
    match resource(kinesis, request)? {
        (stream, None) => kinesis.add_tags(&stream, tags, now)?,
        (stream, Some(consumer)) => kinesis.add_consumer_tags(&stream, &consumer, tags, now)?,
    }
    Ok(json!({}))
}

pub(super) fn remove_from_resource(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let RemoveTags { tag_keys } = fields::parse(request)?;
    match resource(kinesis, request)? {
        (stream, None) => kinesis.remove_tags(&stream, &tag_keys, now)?,
        (stream, Some(consumer)) => kinesis.remove_consumer_tags(&stream, &consumer, &tag_keys, now)?,
    }
    Ok(json!({}))
}

pub(super) fn list_of_resource(kinesis: &mut Kinesis, request: &Value, now: Timestamp) -> Result<Value, Error> {
    let tags = match resource(kinesis, request)? {
        (stream, None) => kinesis.tags(&stream, now)?,
        (stream, Some(consumer)) => kinesis.consumer_tags(&stream, &consumer, now)?,
    };
    let tags: Vec<Value> = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    Ok(json!({"Tags": tags}))
}
