//! What came of many seeds.

use std::collections::BTreeMap;
use std::path::PathBuf;

use integration_tests::planted::Planted;
use integration_tests::tally::Tally;

use super::one::arguments;

/// Adds up what earlier runs printed, each seed once: what is said of it last counts.
pub(super) fn of_files(files: &[PathBuf]) -> bool {
    let mut lines: BTreeMap<u64, String> = BTreeMap::new();
    for file in files {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => {
                println!("{} cannot be read: {error}", file.display());
                return false;
            }
        };
        // A run's own line ends with its trace; the sum of the runs has none.
        for line in text.lines().filter(|line| line.contains(" trace=")) {
            let seed = line.strip_prefix("seed=").and_then(|rest| rest.split(' ').next()?.parse().ok());
            if let Some(seed) = seed {
                lines.insert(seed, line.to_owned());
            }
        }
    }
    let mut score = Score::default();
    for (seed, line) in lines {
        score.tally.add(&line);
        if !line.contains(" violations=0 ") {
            score.failed.push(seed);
        }
    }
    score.sum_up()
}

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
