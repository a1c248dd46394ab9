//! A lease as it lies in the table, read by this crate's own code: what judges the product must not be a part of it.

use std::fmt;

use kcl_core::position::{Position, SequenceNumber};
use serde_json::Value;

use crate::timeline::Short;

/// The attributes of a lease that the invariants speak of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// `leaseCounter`.
    pub counter: u64,
    /// `leaseOwner`.
    pub owner: Option<String>,
    /// `checkpointOwner`.
    pub checkpoint_owner: Option<String>,
    /// `checkpoint` and `checkpointSubSequenceNumber`.
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
