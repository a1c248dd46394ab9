//! How far the work on a stream is, as its history goes on.

use std::collections::{BTreeMap, BTreeSet};

use kcl_core::event::Event;
use kcl_core::position::Position;

use crate::history::{Happening, Payload, Seat, ShardFacts, What};
use crate::row::Row;

/// What is stored and not processed, and the leases as they are.
#[derive(Debug, Default)]
pub(crate) struct Work {
    undone: BTreeMap<String, BTreeSet<Position>>,
    stored: BTreeMap<String, BTreeSet<Position>>,
    in_hand: BTreeMap<Seat, Vec<Position>>,
    pub(crate) rows: BTreeMap<String, Row>,
    finished: BTreeSet<String>,
}

impl Work {
    /// Answers the shard of which something got done with it: records, or its end.
    pub(crate) fn take_in<'a>(&mut self, what: &'a What) -> Option<&'a str> {
        let positions = |records: &[(Position, Payload)]| records.iter().map(|(at, _)| at.clone()).collect::<Vec<_>>();
        match what {
            What::Stored { shard, records } => {
                self.undone.entry(shard.clone()).or_default().extend(positions(records));
                self.stored.entry(shard.clone()).or_default().extend(positions(records));
            }
            What::Called { seat, records, .. } => {
                self.in_hand.insert(*seat, positions(records));
            }
            // Only what was given to the processor can be done by it, whatever it says.
            What::Done { seat, shard, through, .. } => {
                let undone = self.undone.entry(shard.clone()).or_default();
                let in_hand = self.in_hand.get(seat).into_iter().flatten().filter(|at| *at <= through);
                // What was done before is not counted as work.
                let new = in_hand.filter(|at| undone.remove(at)).count();
                return (new > 0).then_some(shard);
            }
            // They left the stream before anybody could read them, and that was said.
            What::Event { event: Event::RecordsExpired { shard, found, .. }, .. } => {
                let undone = self.undone.entry(shard.shard.as_str().to_owned()).or_default();
                undone.retain(|at| at >= found);
            }
            What::Lease { shard, row: Some(row), .. } => {
                self.rows.insert(shard.clone(), row.clone());
                let ends = row.checkpoint.is_end() && self.finished.insert(shard.clone());
                return ends.then_some(shard);
            }
            What::Lease { shard, row: None, .. } => {
                self.rows.remove(shard);
            }
            _ => {}
        }
        None
    }

    /// Takes in all of these.
    pub(crate) fn read(&mut self, happenings: &[Happening]) {
        for happening in happenings {
            self.take_in(&happening.what);
        }
    }

    /// The first record of the shard up to this position that is not processed.
    pub(crate) fn undone_through(&self, shard: &str, position: &Position) -> Option<&Position> {
        self.undone.get(shard)?.range(..=position.clone()).next()
    }

    /// Whether the shard stored a user record at this position.
    pub(crate) fn is_stored(&self, shard: &str, position: &Position) -> bool {
        self.stored.get(shard).is_some_and(|stored| stored.contains(position))
    }

    /// Whether the last record of every shard that goes on is committed.
    pub(crate) fn is_committed(&self, shards: &BTreeMap<String, ShardFacts>) -> bool {
        let last = |shard: &str| self.stored.get(shard).and_then(BTreeSet::last);
        let committed = |shard: &str| self.rows.get(shard).map(|row| &row.checkpoint);
        shards
            .iter()
            .all(|(shard, facts)| facts.closed || last(shard).is_none_or(|last| Some(last) <= committed(shard)))
    }

    /// How many records of the shard are not processed.
    pub(crate) fn undone(&self, shard: &str) -> usize {
        self.undone.get(shard).map_or(0, BTreeSet::len)
    }

    /// Whether the end of the shard was ever committed.
    pub(crate) fn is_finished(&self, shard: &str) -> bool {
        self.finished.contains(shard)
    }

    /// Whether there is something left to do in a shard: records, or its end.
    pub(crate) fn is_open(&self, shard: &str, facts: &ShardFacts) -> bool {
        self.undone(shard) > 0 || (facts.closed && !self.is_finished(shard))
    }

    /// Whether nothing is left to do.
    pub(crate) fn is_settled(&self, shards: &BTreeMap<String, ShardFacts>) -> bool {
        shards
            .iter()
            .all(|(shard, facts)| !self.is_open(shard, facts) && (facts.closed || self.rows.contains_key(shard)))
    }
}
