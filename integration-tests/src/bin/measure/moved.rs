//! What became of shards that changed hands.

use std::collections::{BTreeMap, BTreeSet};

use crate::gaps;
use crate::journal::Pages;
use crate::percentiles::Summary;

/// How long before an event the usual is measured, in milliseconds.
const USUAL: u64 = 5000;

/// Shards around an event. All times in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    /// How long each shard was silent; `None` if it was not read again.
    pub(crate) gaps: Vec<Option<u64>>,
    /// From put to first handling, the longest of each shard's records that were first handled after the event.
    pub(crate) delays: Vec<u64>,
    /// The times between handled records before the event.
    pub(crate) usual: Vec<u64>,
    /// How many of the shards each worker has now.
    pub(crate) receivers: BTreeMap<String, usize>,
}

impl Moved {
    /// What became of `shards`, from an event until now.
    pub(crate) fn of(pages: &Pages, shards: &BTreeSet<String>, event: u64, now: u64, period: u64) -> Self {
        let mut moved = Self::default();
        for shard in shards {
            let times = pages.times(shard);
            moved.gaps.push(gaps::gap(&times, event, now, period));
            moved.delays.extend(delay(pages, shard, event));
            moved.usual.extend(gaps::usual(&times, event.saturating_sub(USUAL), event, period));
            if let Some(holder) = pages.holders.get(shard) {
                *moved.receivers.entry(holder.clone()).or_default() += 1;
            }
        }
        moved
    }

    /// Both.
    pub(crate) fn add(&mut self, other: Self) {
        self.gaps.extend(other.gaps);
        self.delays.extend(other.delays);
        self.usual.extend(other.usual);
        for (worker, count) in other.receivers {
            *self.receivers.entry(worker).or_default() += count;
        }
    }

    /// The silences.
    pub(crate) fn gap(&self) -> Option<Summary> {
        Summary::of(self.gaps.iter().flatten().copied())
    }

    /// How many shards were not read again.
    pub(crate) fn never(&self) -> usize {
        self.gaps.iter().filter(|gap| gap.is_none()).count()
    }

    /// The receivers in words.
    pub(crate) fn receivers(&self) -> String {
        let each: Vec<_> = self.receivers.iter().map(|(worker, count)| format!("{worker}: {count}")).collect();
        each.join(", ")
    }
}

/// Whether each of `shards` was handled after `event` by another than `before`.
pub(crate) fn are_read(pages: &Pages, shards: &BTreeSet<String>, event: u64, before: &str) -> bool {
    let is_read = |shard| pages.of(shard).iter().rev().any(|it| it.at > event && it.worker != before);
    shards.iter().all(|shard| is_read(shard))
}

/// The longest time from put to first handling, of records that were first handled after the event.
fn delay(pages: &Pages, shard: &str, event: u64) -> Option<u64> {
    let mut first: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for handled in pages.of(shard) {
        for (number, put) in &handled.records {
            let known = first.entry(*number).or_insert((handled.at, *put));
            known.0 = known.0.min(handled.at);
        }
    }
    first.values().filter(|(at, _)| *at > event).map(|(at, put)| at.saturating_sub(*put)).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Handled;

    fn handled(at: u64, worker: &str, records: &[(u64, u64)]) -> Handled {
        Handled { at, worker: worker.into(), records: records.to_vec() }
    }

    fn pages() -> Pages {
        let a = vec![
            handled(100, "w1", &[(0, 80)]),
            handled(200, "w1", &[(1, 180)]),
            handled(900, "w2", &[(1, 180), (2, 280)]),
            handled(1000, "w2", &[(3, 980)]),
        ];
        let b = vec![handled(200, "w1", &[(0, 190)])];
        let handled = BTreeMap::from([("a".into(), a), ("b".into(), b)]);
        Pages { handled, holders: BTreeMap::from([("a".into(), "w2".into())]), ..Pages::default() }
    }

    #[test]
    fn a_shard_that_moved_has_a_gap_a_delay_and_a_receiver() {
        let moved = Moved::of(&pages(), &BTreeSet::from(["a".to_owned()]), 250, 1050, 20);
        assert_eq!((moved.gaps.as_slice(), moved.never()), ([Some(680)].as_slice(), 0));
        assert_eq!(moved.delays, [620], "that of record 2; record 1 had been handled before");
        assert_eq!(moved.usual, [80]);
        assert_eq!(moved.receivers(), "w2: 1");
    }

    #[test]
    fn a_shard_that_is_not_read_again_is_counted() {
        let moved = Moved::of(&pages(), &BTreeSet::from(["a".to_owned(), "b".to_owned()]), 250, 1050, 20);
        assert_eq!((moved.gaps.len(), moved.never(), moved.gap().map(|gap| gap.count)), (2, 1, Some(1)));
    }

    #[test]
    fn a_shard_is_read_again_when_another_handles_a_record() {
        let (a, b) = (BTreeSet::from(["a".to_owned()]), BTreeSet::from(["b".to_owned()]));
        assert!(are_read(&pages(), &a, 250, "w1"));
        assert!(!are_read(&pages(), &a, 1000, "w1"), "too early");
        assert!(!are_read(&pages(), &a, 250, "w2"), "by the same");
        assert!(!are_read(&pages(), &b, 250, "w1"));
    }
}
