//! A lease as a Java worker has it in memory.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use kcl_core::position::{Position, SequenceNumber};

/// An item of the table.
pub(super) type Item = HashMap<String, AttributeValue>;

/// A lease.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct JavaLease {
    pub(super) key: String,
    pub(super) counter: u64,
    pub(super) owner: Option<String>,
    pub(super) checkpoint_owner: Option<String>,
    pub(super) checkpoint: Position,
    pub(super) parents: Vec<String>,
    pub(super) children: Vec<String>,
    /// The first and the last hash key.
    pub(super) range: Option<(String, String)>,
    pub(super) throughput: Option<f64>,
    /// What our workers add to the counter to tell the life of an item from that of an earlier one. Java does not know
    /// it; the history does.
    pub(super) born: u64,
}

impl JavaLease {
    /// A lease that begins at the oldest record.
    pub(super) fn new(key: &str, parents: Vec<String>, range: (String, String)) -> Self {
        Self {
            key: key.to_owned(),
            counter: 0,
            owner: None,
            checkpoint_owner: None,
            checkpoint: Position::TrimHorizon,
            parents,
            children: Vec::new(),
            range: Some(range),
            throughput: None,
            born: 0,
        }
    }

    /// Reads an item; `None` if it is none of a lease, or one that Java refuses.
    pub(super) fn of(item: &Item) -> Option<Self> {
        if text(item, "entityType").is_some_and(|kind| kind != "LEASE") {
            return None;
        }
        let set = |name: &str| item.get(name).and_then(|value| value.as_ss().ok()).cloned().unwrap_or_default();
        // Java requires this one too, and makes nothing of it here.
        number(item, "ownerSwitchesSinceCheckpoint")?;
        Some(Self {
            key: text(item, "leaseKey")?,
            counter: number(item, "leaseCounter")?,
            owner: text(item, "leaseOwner"),
            checkpoint_owner: text(item, "checkpointOwner"),
            checkpoint: position(item)?,
            parents: set("parentShardId"),
            children: set("childShardIds"),
            range: text(item, "startingHashKey").zip(text(item, "endingHashKey")),
            throughput: item.get("throughputKBps").and_then(|value| value.as_n().ok()?.parse().ok()),
            born: number(item, "rs_born").unwrap_or(0),
        })
    }

    /// Who may renew and commit.
    pub(super) fn actual_owner(&self) -> Option<&str> {
        self.checkpoint_owner.as_deref().or(self.owner.as_deref())
    }

    /// The name in the history of an ownership that begins with the lease as it is.
    pub(super) fn epoch(&self) -> u64 {
        self.born + self.counter
    }
}

/// How a position is written: `checkpoint` and `checkpointSubSequenceNumber`.
pub(super) fn written(position: &Position) -> (String, u64) {
    match position {
        Position::AtTimestamp => ("AT_TIMESTAMP".to_owned(), 0),
        Position::TrimHorizon => ("TRIM_HORIZON".to_owned(), 0),
        Position::Latest => ("LATEST".to_owned(), 0),
        Position::At { sequence, sub } => (sequence.to_string(), *sub),
        Position::ShardEnd => ("SHARD_END".to_owned(), 0),
    }
}

fn position(item: &Item) -> Option<Position> {
    Some(match text(item, "checkpoint")?.as_str() {
        "AT_TIMESTAMP" => Position::AtTimestamp,
        "TRIM_HORIZON" => Position::TrimHorizon,
        "LATEST" => Position::Latest,
        "SHARD_END" => Position::ShardEnd,
        digits => Position::At {
            sequence: SequenceNumber::parse(digits).ok()?,
            sub: number(item, "checkpointSubSequenceNumber").unwrap_or(0),
        },
    })
}

/// A text of an item.
pub(super) fn text(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

/// A whole number of an item.
pub(super) fn number(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}
