//! What came of all records in the end.

use integration_tests::history::millis;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::journal::Pages;
use crate::producer::Put;
use crate::report::{Report, Table, cell};

/// All records of a scene, when it is over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ending {
    put: u64,
    /// Put and never handled.
    pub(crate) lost: u64,
    /// Handled again.
    again: usize,
    /// The longest time between two puts.
    longest_pause: Duration,
    /// What went wrong in the workers, and how often.
    troubles: BTreeMap<String, u64>,
}

impl Ending {
    /// What was said of the records that were put into each of these shards.
    pub(crate) fn of<'a>(pages: &Pages, shards: impl Iterator<Item = &'a str>, put: Put) -> Self {
        let nothing = Self { longest_pause: put.longest_pause, troubles: pages.troubles.clone(), ..Self::default() };
        shards.fold(nothing, |sum, shard| Self {
            put: sum.put + put.records,
            lost: sum.lost + pages.lost(shard, put.records),
            again: sum.again + pages.duplicates(shard),
            ..sum
        })
    }

    /// Adds it to the report. A record that was lost is a failure.
    pub(crate) fn report(self, report: &mut Report) {
        let mut records = Table::new("records", &["put", "lost", "handled_again", "longest_pause_of_producer_ms"]);
        records.row([cell(self.put), cell(self.lost), cell(self.again), cell(millis(self.longest_pause))]);
        report.table(records);
        let mut troubles = Table::new("troubles", &["times", "what"]);
        self.troubles.into_iter().for_each(|(what, times)| troubles.row([cell(times), cell(what)]));
        report.table(troubles);
        if self.lost > 0 {
            report.failures.push(format!("{} records were never handled", self.lost));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Handled;

    #[test]
    fn what_was_put_is_handled_or_lost() {
        let handled = |numbers: &[u64]| {
            let records = numbers.iter().map(|number| (*number, 0)).collect();
            vec![Handled { at: 0, worker: "w1".into(), records }]
        };
        let handled = BTreeMap::from([("a".into(), handled(&[0, 1, 1])), ("b".into(), handled(&[0]))]);
        let pages = Pages { handled, ..Pages::default() };
        let put = Put { records: 2, longest_pause: Duration::ZERO };
        let ending = Ending::of(&pages, ["a", "b"].into_iter(), put);
        assert_eq!((ending.put, ending.lost, ending.again), (4, 1, 1));

        let mut report = Report::default();
        ending.report(&mut report);
        assert_eq!(report.failures, ["1 records were never handled"]);
    }
}
