//! What all workers said, in the order in which it was heard.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::line::{Line, Said};

/// Shared by those who listen to workers and those who wait for something.
#[derive(Debug, Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Pages>>);

/// The pages of the journal. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pages {
    /// By shard.
    pub(crate) handled: BTreeMap<String, Vec<Handled>>,
    /// Who holds which shard.
    pub(crate) holders: BTreeMap<String, String>,
    /// When which worker began to hold which shard.
    pub(crate) taken: Vec<Taken>,
    /// When a shard was last taken or left.
    pub(crate) changed: u64,
    /// When each worker was ready.
    pub(crate) started: BTreeMap<String, u64>,
    /// What went wrong, and how often.
    pub(crate) troubles: BTreeMap<String, u64>,
}

/// Records that were handled at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Handled {
    /// When.
    pub(crate) at: u64,
    /// By whom.
    pub(crate) worker: String,
    /// The number of each record, and when it was put.
    pub(crate) records: Vec<(u64, u64)>,
}

/// A worker began to hold a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) at: u64,
    pub(crate) worker: String,
    pub(crate) shard: String,
}

impl Journal {
    /// Looks into the journal.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Pages) -> T) -> T {
        look(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A worker said something.
    pub(crate) fn enter(&self, worker: &str, line: Line) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).enter(worker, line);
    }
}

impl Pages {
    fn enter(&mut self, worker: &str, line: Line) {
        let (at, worker) = (line.at, worker.to_owned());
        match line.said {
            Said::Started => {
                self.started.insert(worker, at);
            }
            Said::Taken { shard } => {
                self.changed = self.changed.max(at);
                self.holders.insert(shard.clone(), worker.clone());
                self.taken.push(Taken { at, worker, shard });
            }
            Said::Ended { shard, .. } => {
                self.changed = self.changed.max(at);
                // What another worker says of taking it may have been heard first.
                if self.holders.get(&shard) == Some(&worker) {
                    self.holders.remove(&shard);
                }
            }
            Said::Handled { shard, records } => {
                self.handled.entry(shard).or_default().push(Handled { at, worker, records });
            }
            Said::Trouble { what } => *self.troubles.entry(what).or_default() += 1,
        }
    }

    /// The shards that a worker holds.
    pub(crate) fn held_by(&self, worker: &str) -> BTreeSet<String> {
        let held = self.holders.iter().filter(|(_, holder)| *holder == worker);
        held.map(|(shard, _)| shard.clone()).collect()
    }

    /// When records of a shard were handled, in order.
    pub(crate) fn times(&self, shard: &str) -> Vec<u64> {
        let mut times: Vec<u64> = self.of(shard).iter().map(|handled| handled.at).collect();
        times.sort_unstable();
        times
    }

    /// What was handled of a shard.
    pub(crate) fn of(&self, shard: &str) -> &[Handled] {
        self.handled.get(shard).map_or(&[], Vec::as_slice)
    }

    /// How many of the numbers below `put` of a shard were never handled.
    pub(crate) fn lost(&self, shard: &str, put: u64) -> u64 {
        let seen = self.numbers(shard).filter(|number| *number < put).collect::<BTreeSet<_>>();
        put - u64::try_from(seen.len()).unwrap_or(u64::MAX)
    }

    /// How often a record of a shard was handled that had been handled before.
    pub(crate) fn duplicates(&self, shard: &str) -> usize {
        self.numbers(shard).count() - self.numbers(shard).collect::<BTreeSet<_>>().len()
    }

    fn numbers(&self, shard: &str) -> impl Iterator<Item = u64> {
        self.of(shard).iter().flat_map(|handled| handled.records.iter().map(|(number, _)| *number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(said: &[(&str, u64, Said)]) -> Pages {
        let mut pages = Pages::default();
        for (worker, at, said) in said {
            pages.enter(worker, Line { at: *at, said: said.clone() });
        }
        pages
    }

    fn taken() -> Said {
        Said::Taken { shard: "a".into() }
    }

    fn ended() -> Said {
        Said::Ended { shard: "a".into(), reason: "Released".into() }
    }

    fn handled(numbers: std::ops::Range<u64>) -> Said {
        Said::Handled { shard: "a".into(), records: numbers.map(|number| (number, 0)).collect() }
    }

    #[test]
    fn who_took_a_shard_holds_it_until_it_says_otherwise() {
        assert_eq!(pages(&[("w1", 1, taken())]).held_by("w1"), BTreeSet::from(["a".to_owned()]));
        let left = pages(&[("w1", 1, taken()), ("w1", 2, ended())]);
        assert_eq!((left.held_by("w1").len(), left.changed), (0, 2));
    }

    #[test]
    fn the_end_of_an_earlier_ownership_may_be_heard_late() {
        let pages = pages(&[("w1", 1, taken()), ("w2", 3, taken()), ("w1", 2, ended())]);
        assert_eq!((pages.held_by("w2").len(), pages.changed), (1, 3));
    }

    #[test]
    fn lost_is_what_was_put_and_never_handled() {
        let pages = pages(&[("w1", 1, handled(0..3)), ("w2", 2, handled(4..6))]);
        assert_eq!([pages.lost("a", 6), pages.lost("a", 3), pages.lost("b", 2)], [1, 0, 2]);
    }

    #[test]
    fn a_duplicate_is_what_is_handled_again() {
        let pages = pages(&[("w1", 1, handled(0..3)), ("w2", 2, handled(1..5))]);
        assert_eq!((pages.duplicates("a"), pages.duplicates("b")), (2, 0));
    }

    #[test]
    fn times_are_in_order_in_whatever_order_they_were_heard() {
        assert_eq!(pages(&[("w2", 5, handled(1..2)), ("w1", 3, handled(0..1))]).times("a"), [3, 5]);
    }
}
