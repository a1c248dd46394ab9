//! What came of many seeds.

use integration_tests::planted::Planted;
use integration_tests::tally::Tally;

use super::one::arguments;

#[derive(Debug, Default)]
pub(super) struct Score {
    tally: Tally,
    failed: Vec<u64>,
    differ: Vec<u64>,
}

impl Score {
    pub(super) fn add(&mut self, seed: u64, fine: bool, text: &str, planted: Option<Planted>) {
        self.tally.add(text.lines().last().unwrap_or_default());
        if !fine {
            println!("seed={seed} replay: simulate {} --trace", arguments(seed, &[], planted).join(" "));
            self.failed.push(seed);
        }
    }

    pub(super) fn compare(&mut self, seed: u64, first: &str, second: &str) {
        if first != second {
            print!("seed={seed} violation: the second run was another:\n{second}");
            self.differ.push(seed);
        }
    }

    pub(super) fn sum_up(&self) -> bool {
        let Self { tally, failed, differ } = self;
        let (faults, states) = (tally.unmet_faults(), tally.unmet_states());
        if !faults.is_empty() || !states.is_empty() {
            println!("not met: {} {}", faults.join(" "), states.join(" "));
        }
        println!("{tally} failed={} {failed:?} not_repeated={} {differ:?}", failed.len(), differ.len());
        failed.is_empty() && differ.is_empty()
    }
}
