//! Limits of capacity on a table: a bucket of one second's units, which a request may overdraw once.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::errors::refusal;
use crate::wire::{Reply, Timestamp};

/// The most capacity that a table may use, in units per second; `None` is no limit.
///
/// The table behaves as one on demand with a configured maximum: a request is refused while what came before has used
/// the units up, and admitted however large it is otherwise. One second's worth of unused units is kept.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Throttle {
    /// Read units per second.
    pub read: Option<f64>,
    /// Write units per second.
    pub write: Option<f64>,
}

/// Which side of a table's capacity a request uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Read,
    Write,
}

/// The buckets of all limited tables.
#[derive(Debug, Default)]
pub(super) struct Throttles {
    tables: BTreeMap<String, [Option<Bucket>; 2]>,
}

#[derive(Debug)]
struct Bucket {
    units_per_second: f64,
    level: f64,
    filled: Timestamp,
}

impl Throttles {
    pub(super) fn set(&mut self, table: &str, throttle: Throttle, now: Timestamp) {
        let bucket = |units_per_second| Bucket { units_per_second, level: units_per_second, filled: now };
        self.tables.insert(table.to_owned(), [throttle.read.map(bucket), throttle.write.map(bucket)]);
    }

    /// Whether `table` has units left.
    pub(super) fn admits(&mut self, table: &str, side: Side, now: Timestamp) -> bool {
        self.bucket(table, side).is_none_or(|bucket| {
            bucket.fill(now);
            bucket.level > 0.0
        })
    }

    /// Takes what an admitted request has used.
    pub(super) fn charge(&mut self, table: &str, side: Side, units: f64) {
        if let Some(bucket) = self.bucket(table, side) {
            bucket.level -= units;
        }
    }

    fn bucket(&mut self, table: &str, side: Side) -> Option<&mut Bucket> {
        let [read, write] = self.tables.get_mut(table)?;
        match side {
            Side::Read => read.as_mut(),
            Side::Write => write.as_mut(),
        }
    }
}

impl Bucket {
    fn fill(&mut self, now: Timestamp) {
        let seconds = Duration::from_millis(now.millis_since(self.filled)).as_secs_f64();
        self.level = (self.level + seconds * self.units_per_second).min(self.units_per_second);
        self.filled = self.filled.max(now);
    }
}

/// The service's answer to a request over the limit.
pub(super) fn throttled(table_arn: &str, side: Side) -> Reply {
    let mut reply = refusal(
        "ThrottlingException",
        "Throughput exceeds the maximum OnDemandThroughput configured on table or index",
    );
    let reason = match side {
        Side::Read => "TableReadMaxOnDemandThroughputExceeded",
        Side::Write => "TableWriteMaxOnDemandThroughputExceeded",
    };
    reply.body["throttlingReasons"] = json!([{"reason": reason, "resource": table_arn}]);
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_used_up_bucket_refuses_until_it_has_refilled() {
        let mut throttles = Throttles::default();
        throttles.set("t", Throttle { read: None, write: Some(2.0) }, Timestamp(0));
        assert!(throttles.admits("t", Side::Write, Timestamp(0)));
        throttles.charge("t", Side::Write, 3.0);
        assert!(!throttles.admits("t", Side::Write, Timestamp(500)), "level is back at zero, not above it");
        assert!(throttles.admits("t", Side::Write, Timestamp(501)));
        assert!(throttles.admits("t", Side::Read, Timestamp(0)), "the other side has no limit");
        assert!(throttles.admits("other", Side::Write, Timestamp(0)));
    }

    #[test]
    fn unused_units_are_kept_for_one_second_only() {
        let mut throttles = Throttles::default();
        throttles.set("t", Throttle { read: Some(5.0), write: None }, Timestamp(0));
        assert!(throttles.admits("t", Side::Read, Timestamp(60_000)));
        throttles.charge("t", Side::Read, 5.0);
        assert!(!throttles.admits("t", Side::Read, Timestamp(60_000)));
    }
}
