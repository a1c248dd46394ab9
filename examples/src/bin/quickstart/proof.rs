//! The proof: what must hold of the ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use kcl_core::ids::ShardId;
use tokio::time::Instant;

use crate::fleet::Dropped;
use crate::flights::Flight;
use crate::ledger::{Delivery, Entries};

/// One line of the proof.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) passed: bool,
    pub(crate) name: &'static str,
    pub(crate) detail: String,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passed { "PASS" } else { "FAIL" };
        write!(f, "{verdict}  {:<24} {}", self.name, self.detail)
    }
}

/// Every flight was delivered.
pub(crate) fn complete(flights: &[Flight], entries: &Entries) -> Check {
    let seen = flights.iter().filter(|flight| entries.seen.contains(&flight.row)).count();
    let aggregated = firsts(&entries.deliveries).filter(|(_, delivery)| delivery.aggregated).count();
    let detail = format!("{seen} of {} flights, {aggregated} of them out of aggregated records", flights.len());
    Check { passed: seen == flights.len(), name: "every record seen", detail }
}

/// The flights of an aircraft came in order: within one ownership of a shard without exception; over all of them, each
/// flight for the first time after all earlier ones.
pub(crate) fn in_order(flights: &[Flight], deliveries: &[Delivery]) -> Check {
    let aircraft = |delivery: &Delivery| flights.get(delivery.row).map_or("", |flight| flight.aircraft);
    let owned = deliveries.iter().map(|it| ((&it.shard, it.epoch, aircraft(it)), it.row));
    let wrong = out_of_order(owned) + out_of_order(firsts(deliveries).map(|(_, it)| (aircraft(it), it.row)));
    let all: BTreeSet<_> = deliveries.iter().map(aircraft).collect();
    let ownerships: BTreeSet<_> = deliveries.iter().map(|delivery| (&delivery.shard, delivery.epoch)).collect();
    let detail = format!("{} aircraft, {} ownerships of shards, {wrong} out of order", all.len(), ownerships.len());
    Check { passed: wrong == 0, name: "order kept per key", detail }
}

/// No flight was new in a shard after a shard made of it had begun; and the split and the merge were read.
pub(crate) fn children_after_parents(parents: &BTreeMap<ShardId, Vec<ShardId>>, entries: &Entries) -> Check {
    let deliveries = &entries.deliveries;
    let (mut children, mut right, mut slowest) = (0, 0, 0);
    for (child, parents) in parents.iter().filter(|(_, parents)| !parents.is_empty()) {
        children += 1;
        let began = deliveries.iter().position(|delivery| delivery.shard == *child);
        let ended = firsts(deliveries).filter(|(_, it)| parents.contains(&it.shard)).map(|(place, _)| place).last();
        if began.is_some_and(|began| ended.is_none_or(|ended| ended < began)) {
            right += 1;
        }
        let end = parents.iter().filter_map(|parent| entries.ends.get(parent)).max();
        if let (Some(began), Some(end)) = (began, end) {
            slowest = slowest.max(deliveries[began].at.duration_since(*end).as_millis());
        }
    }
    let detail = format!("{right} of {children} children; each was read within {slowest} ms of its parents' end");
    Check { passed: children > 0 && right == children, name: "children after parents", detail }
}

/// The dropped worker held something, and did nothing any more.
pub(crate) fn silent(dropped: &Dropped, entries: &Entries, requests_now: u64) -> Check {
    let later = entries.deliveries.iter().skip(dropped.deliveries);
    let records = later.filter(|delivery| delivery.worker == dropped.worker).count();
    let requests = requests_now - dropped.requests;
    let Dropped { worker, shards, .. } = dropped;
    let detail = format!("{worker}, dropped with {shards} shards: {records} records and {requests} requests later");
    Check { passed: *shards > 0 && records == 0 && requests == 0, name: "nothing after the drop", detail }
}

/// What came more than once is known.
pub(crate) fn duplicates(entries: &Entries) -> Check {
    let again = entries.deliveries.len() - entries.seen.len();
    let detail = format!("{again} records were read again by a later owner of their shard");
    Check { passed: true, name: "duplicates counted", detail }
}

/// How soon reading began. Measured, not judged: machines differ.
pub(crate) fn first_record(since: Instant, what: &str, entries: &Entries) -> Check {
    let first = entries.deliveries.first().map(|delivery| delivery.at.duration_since(since).as_millis());
    let detail = first.map_or_else(|| "none".to_owned(), |ms| format!("after {ms} ms from {what}"));
    Check { passed: first.is_some(), name: "first record", detail }
}

/// The first delivery of each flight, with its place among all deliveries.
fn firsts(deliveries: &[Delivery]) -> impl Iterator<Item = (usize, &Delivery)> {
    let mut seen = BTreeSet::new();
    deliveries.iter().enumerate().filter(move |(_, delivery)| seen.insert(delivery.row))
}

/// How many rows are not greater than the one before them with the same key.
fn out_of_order<K: Ord>(rows: impl Iterator<Item = (K, usize)>) -> usize {
    let mut last = BTreeMap::new();
    let is_wrong = |(key, row)| last.insert(key, row).is_some_and(|before| before >= row);
    rows.map(is_wrong).filter(|wrong| *wrong).count()
}

#[cfg(test)]
mod tests {
    use kcl_core::ids::{ShardKey, StreamId};
    use kcl_core::lease::Lease;
    use kcl_core::position::Position;

    use super::*;
    use crate::flights;

    /// Deliveries of `(worker, shard, row)`, as the ledger would hold them.
    fn entries(deliveries: &[(&str, &str, usize)]) -> Entries {
        let mut entries = Entries::default();
        let key = ShardKey::new(StreamId::named("s"), "shard");
        let epoch = Lease::new(key, Position::TrimHorizon, None).epoch();
        for &(worker, shard, row) in deliveries {
            entries.seen.insert(row);
            entries.deliveries.push(Delivery {
                worker: worker.into(),
                shard: shard.into(),
                epoch,
                row,
                position: Position::TrimHorizon,
                aggregated: false,
                arrival: None,
                at: Instant::now(),
            });
        }
        entries
    }

    #[test]
    fn a_flight_that_is_missing_is_found() {
        let flights = &flights::all()[..3];
        assert!(complete(flights, &entries(&[("w", "a", 2), ("w", "a", 0), ("w", "a", 1)])).passed);
        assert!(!complete(flights, &entries(&[("w", "a", 0), ("w", "a", 2), ("w", "a", 2)])).passed);
    }

    #[test]
    fn flights_of_one_aircraft_must_be_in_order() {
        let flights = flights::all();
        let again = |flight: &Flight| flights[flight.row + 1..].iter().find(|later| later.aircraft == flight.aircraft);
        let mut pairs = flights.iter().filter_map(|flight| Some((flight.row, again(flight)?.row)));
        let ((first, second), (other, _)) =
            (pairs.clone().next().expect("a pair"), pairs.next_back().expect("another"));
        let passes = |deliveries: &[_]| in_order(&flights, &entries(deliveries).deliveries).passed;
        assert!(passes(&[("w", "a", first), ("w", "a", second), ("w", "a", other)]));
        assert!(!passes(&[("w", "a", second), ("w", "a", first)]), "in one ownership");
        assert!(!passes(&[("w", "a", first), ("w", "a", first)]), "twice in one ownership");
        assert!(!passes(&[("w", "a", second), ("w", "b", first)]), "over all");
        assert!(passes(&[("w", "a", first), ("w", "b", first), ("w", "b", second)]), "again after a change");
    }

    #[test]
    fn a_child_that_begins_before_its_parents_are_done_is_found() {
        let parents = BTreeMap::from([("c".into(), vec!["a".into(), "b".into()]), ("a".into(), vec![])]);
        let passes = |deliveries: &[_]| children_after_parents(&parents, &entries(deliveries)).passed;
        assert!(passes(&[("w", "a", 0), ("w", "b", 1), ("w", "c", 2)]));
        assert!(passes(&[("w", "a", 0), ("w", "c", 2), ("w", "a", 0)]), "an old record may come again");
        assert!(!passes(&[("w", "a", 0), ("w", "c", 2), ("w", "b", 1)]));
        assert!(!passes(&[("w", "a", 0), ("w", "b", 1)]), "never read");
    }

    #[test]
    fn a_dropped_worker_that_goes_on_is_found() {
        let dropped = Dropped { worker: "x".into(), shards: 1, deliveries: 1, requests: 5 };
        let calm = entries(&[("x", "a", 0), ("y", "a", 1)]);
        assert!(silent(&dropped, &calm, 5).passed);
        assert!(!silent(&dropped, &calm, 6).passed, "a request");
        assert!(!silent(&dropped, &entries(&[("x", "a", 0), ("x", "a", 1)]), 5).passed, "a record");
        assert!(!silent(&Dropped { shards: 0, ..dropped }, &calm, 5).passed, "it held nothing");
    }
}
