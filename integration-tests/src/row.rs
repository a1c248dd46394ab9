//! A lease as it lies in the table, read by this crate's own code: what judges the product must not be a part of it.

use std::fmt;

use kcl_core::position::{Position, SequenceNumber};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::journal::line;
use crate::timeline::Short;

/// The attributes of a lease that the invariants speak of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// `leaseCounter`.
    pub counter: u64,
    /// `leaseOwner`.
    pub owner: Option<String>,
    /// `checkpointOwner`.
    pub checkpoint_owner: Option<String>,
    /// `checkpoint` and `checkpointSubSequenceNumber`.
    #[serde(with = "line::position")]
    pub checkpoint: Position,
    /// `rs_born`, or 0.
    pub born: u64,
}

impl Row {
    /// Reads an item in DynamoDB's JSON. `None` for something else than a lease of KCL's format.
    #[must_use]
    pub fn of(item: &Value) -> Option<Self> {
        let text = |name: &str| item[name]["S"].as_str().map(str::to_owned);
        let number = |name: &str| item[name]["N"].as_str()?.parse().ok();
        let checkpoint = match text("checkpoint")?.as_str() {
            "TRIM_HORIZON" => Position::TrimHorizon,
            "LATEST" => Position::Latest,
            "AT_TIMESTAMP" => Position::AtTimestamp,
            "SHARD_END" => Position::ShardEnd,
            sequence => Position::At {
                sequence: SequenceNumber::parse(sequence).ok()?,
                sub: number("checkpointSubSequenceNumber").unwrap_or(0),
            },
        };
        Some(Self {
            counter: number("leaseCounter")?,
            owner: text("leaseOwner"),
            checkpoint_owner: text("checkpointOwner"),
            checkpoint,
            born: number("rs_born").unwrap_or(0),
        })
    }

    /// Who may read and commit.
    #[must_use]
    pub fn holder(&self) -> Option<&str> {
        self.checkpoint_owner.as_deref().or(self.owner.as_deref())
    }

    /// The epoch of an ownership that begins with this row.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.born + self.counter
    }
}

/// The attributes that the Java KCL 3.5.1 reads of a lease, with their types; those that must be there first.
const NEEDED: [(&str, &str); 4] =
    [("leaseKey", "S"), ("leaseCounter", "N"), ("ownerSwitchesSinceCheckpoint", "N"), ("checkpoint", "S")];
const KNOWN: [(&str, &str); 13] = [
    ("entityType", "S"),
    ("leaseOwner", "S"),
    ("checkpointOwner", "S"),
    ("checkpointSubSequenceNumber", "N"),
    ("pendingCheckpoint", "S"),
    ("pendingCheckpointSubSequenceNumber", "N"),
    ("pendingCheckpointState", "B"),
    ("parentShardId", "SS"),
    ("childShardIds", "SS"),
    ("startingHashKey", "S"),
    ("endingHashKey", "S"),
    ("throughputKBps", "N"),
    ("checkpointOwnerTimeoutTimestampMillis", "N"),
];

/// Why the Java KCL could not read an item as a lease, or would take it for something else; `None` if it can.
#[must_use]
pub fn unreadable(item: &Value) -> Option<String> {
    let Some(attributes) = item.as_object() else { return Some("it is no item".to_owned()) };
    for (name, _) in NEEDED {
        if !attributes.contains_key(name) {
            return Some(format!("{name} is missing"));
        }
    }
    for (name, kind) in NEEDED.into_iter().chain(KNOWN) {
        let Some(value) = attributes.get(name) else { continue };
        let empty = match &value[kind] {
            Value::String(text) => text.is_empty() || (kind == "N" && text.parse::<f64>().is_err()),
            Value::Array(set) => set.is_empty(),
            _ => true,
        };
        if empty {
            return Some(format!("{name} is {value}, and not a {kind} that says something"));
        }
    }
    match item["entityType"]["S"].as_str() {
        None | Some("LEASE") => None,
        Some(other) => Some(format!("entityType is {other}")),
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = self.owner.as_deref().unwrap_or("nobody");
        write!(f, "#{} {owner} {}", self.counter, Short(&self.checkpoint))?;
        match &self.checkpoint_owner {
            Some(holder) => write!(f, " (held by {holder})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_java_could_not_read_is_named() {
        let good = json!({"leaseKey": {"S": "shardId-0"}, "entityType": {"S": "LEASE"}, "leaseCounter": {"N": "7"},
            "ownerSwitchesSinceCheckpoint": {"N": "0"}, "checkpoint": {"S": "123"}, "parentShardId": {"SS": ["p"]},
            "rs_stamp": {"S": "x"}});
        assert_eq!(unreadable(&good), None);
        for (name, value) in [
            ("leaseCounter", json!({"S": "7"})),
            ("leaseCounter", json!({"N": "seven"})),
            ("checkpoint", json!({"S": ""})),
            ("parentShardId", json!({"SS": []})),
            ("leaseOwner", json!({"NULL": true})),
            ("entityType", json!({"S": "STREAM"})),
        ] {
            let mut bad = good.clone();
            bad[name] = value;
            assert!(unreadable(&bad).is_some_and(|why| why.contains(name)), "{name}");
        }
        let mut bad = good.clone();
        bad.as_object_mut().expect("an item").remove("ownerSwitchesSinceCheckpoint");
        assert_eq!(unreadable(&bad).as_deref(), Some("ownerSwitchesSinceCheckpoint is missing"));
    }

    #[test]
    fn a_lease_is_read_and_something_else_is_not() {
        let item = json!({"leaseKey": {"S": "shardId-0"}, "leaseCounter": {"N": "7"}, "leaseOwner": {"S": "w"},
            "checkpoint": {"S": "123"}, "checkpointSubSequenceNumber": {"N": "2"}, "rs_born": {"N": "1000"}});
        let row = Row::of(&item).expect("a lease");
        let sequence = SequenceNumber::parse("123").expect("digits");
        assert_eq!((row.counter, row.epoch(), row.holder()), (7, 1007, Some("w")));
        assert_eq!(row.checkpoint, Position::At { sequence, sub: 2 });
        assert_eq!(Row::of(&json!({"leaseKey": {"S": "Leader"}})), None);
    }
}
