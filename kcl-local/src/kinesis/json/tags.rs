//! Requests about tags.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::fields;
use crate::kinesis::error::Error;
use crate::kinesis::{Kinesis, Timestamp};

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
