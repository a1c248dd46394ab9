//! What the service answers of the backlog: where to begin, and the records.

use std::collections::BTreeMap;

use bytes::Bytes;
use kcl_local::Reply;
use serde_json::{Value, json};

use super::backlog::{ANSWER_BYTES, ANSWER_RECORDS, Backlog, Part};
use super::written::place_after;

/// What a reader is told that has not read all: any time but none.
const BEHIND_MS: u64 = 60_000;

/// The backlogs of all shards.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers(pub(crate) BTreeMap<String, Backlog>);

impl Answers {
    /// `GetShardIterator`.
    pub(crate) fn iterator(&self, request: &Value) -> Result<Bytes, Reply> {
        let shard = request["ShardId"].as_str().unwrap_or_default();
        self.shard(shard)?;
        let from = start(&request["ShardIteratorType"], &request["StartingSequenceNumber"])?;
        Ok(json!({"ShardIterator": iterator(shard, from)}).to_string().into())
    }

    /// `GetRecords`. There are none before the backlog is `open`.
    pub(crate) fn records(&self, request: &Value, open: bool) -> Result<Bytes, Reply> {
        let text = request["ShardIterator"].as_str().unwrap_or_default();
        let (shard, from) = parse_iterator(text).ok_or_else(|| invalid("the iterator is none of this service"))?;
        let limit = request["Limit"].as_u64().and_then(|limit| usize::try_from(limit).ok());
        let limit = if open { limit.unwrap_or(ANSWER_RECORDS).min(ANSWER_RECORDS) } else { 0 };
        let part = self.shard(shard)?.part(from, limit, ANSWER_BYTES);
        let behind = if open { behind(&part) } else { 0 };
        let next = iterator(shard, part.places.end);
        let after = format!(r#","NextShardIterator":"{next}","MillisBehindLatest":{behind}}}"#);
        Ok(part.write(r#"{"Records":"#, &after).into())
    }

    /// The backlog of a shard.
    pub(crate) fn shard(&self, shard: &str) -> Result<&Backlog, Reply> {
        self.0.get(shard).ok_or_else(|| Reply::error(400, "ResourceNotFoundException", "there is no such shard"))
    }
}

/// `MillisBehindLatest` with these records.
pub(crate) fn behind(part: &Part<'_>) -> u64 {
    if part.is_last() { 0 } else { BEHIND_MS }
}

/// The place that a position means. Times are before all records, since all came before the consumer.
pub(crate) fn start(kind: &Value, number: &Value) -> Result<u64, Reply> {
    let after = number.as_str().and_then(place_after);
    match (kind.as_str().unwrap_or_default(), after) {
        ("TRIM_HORIZON" | "AT_TIMESTAMP", _) => Ok(0),
        ("AT_SEQUENCE_NUMBER", Some(after)) => Ok(after.saturating_sub(1)),
        ("AFTER_SEQUENCE_NUMBER", Some(after)) => Ok(after),
        _ => Err(invalid("the position is none of the backlog")),
    }
}

fn iterator(shard: &str, from: u64) -> String {
    format!("{shard}@{from}")
}

fn parse_iterator(text: &str) -> Option<(&str, u64)> {
    let (shard, from) = text.split_once('@')?;
    Some((shard, from.parse().ok()?))
}

fn invalid(message: &str) -> Reply {
    Reply::error(400, "InvalidArgumentException", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::written::{Written, sequence_number};

    fn answers() -> Answers {
        Answers(BTreeMap::from([("a".to_owned(), Backlog::new(vec![Written::new("k", &[1; 9], 0, 1)], 30))]))
    }

    fn read(answer: Result<Bytes, Reply>) -> Value {
        serde_json::from_slice(&answer.expect("an answer")).expect("JSON")
    }

    #[test]
    fn a_reader_gets_all_records_and_then_none() {
        let answers = answers();
        let begin = read(answers.iterator(&json!({"ShardId": "a", "ShardIteratorType": "TRIM_HORIZON"})));
        let get = |iterator: &Value, open| read(answers.records(&json!({"ShardIterator": iterator, "Limit": 2}), open));
        let closed = get(&begin["ShardIterator"], false);
        assert_eq!((&closed["Records"], &closed["MillisBehindLatest"]), (&json!([]), &json!(0)));
        let first = get(&closed["NextShardIterator"], true);
        assert_eq!(
            (first["Records"].as_array().map(Vec::len), &first["MillisBehindLatest"]),
            (Some(2), &json!(BEHIND_MS))
        );
        let last = get(&first["NextShardIterator"], true);
        assert_eq!((last["Records"].as_array().map(Vec::len), &last["MillisBehindLatest"]), (Some(1), &json!(0)));
        assert_eq!(get(&last["NextShardIterator"], true)["Records"], json!([]));
    }

    #[test]
    fn a_position_is_a_place() {
        let at = |kind: &str, number: u64| start(&json!(kind), &json!(sequence_number(number))).ok();
        assert_eq!([at("AT_SEQUENCE_NUMBER", 7), at("AFTER_SEQUENCE_NUMBER", 7)], [Some(7), Some(8)]);
        assert_eq!([at("AT_TIMESTAMP", 7), at("LATEST", 7)], [Some(0), None]);
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let refused = |answer: Result<Bytes, Reply>| answer.expect_err("refused").body["__type"].clone();
        let elsewhere = answers().iterator(&json!({"ShardId": "b", "ShardIteratorType": "TRIM_HORIZON"}));
        assert_eq!(refused(elsewhere), "ResourceNotFoundException");
        assert_eq!(refused(answers().records(&json!({"ShardIterator": "x"}), true)), "InvalidArgumentException");
    }
}
