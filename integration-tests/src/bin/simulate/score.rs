//! What came of many seeds.

use std::collections::BTreeMap;
use std::path::PathBuf;

use integration_tests::planted::Planted;
use integration_tests::tally::Tally;

use super::one::arguments;

/// Adds up what earlier runs printed, each seed once: what is said of it last counts.
pub(super) fn of_files(files: &[PathBuf]) -> bool {
    let mut texts = Vec::new();
    for file in files {
        match std::fs::read_to_string(file) {
            Ok(text) => texts.push(text),
            Err(error) => {
                println!("{} cannot be read: {error}", file.display());
                return false;
            }
        }
    }
    let seeds = of_texts(texts.iter().map(String::as_str));
    let mut score = Score::default();
    for (seed, said) in &seeds {
        score.tally.add(said.line);
        if said.failed {
            score.failed.push(*seed);
        }
    }
    println!("seeds {}", ranges(seeds.keys().copied()));
    score.sum_up()
}

/// What was said of a seed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Said<'a> {
    /// Its figures; nothing if its world did not end.
    line: &'a str,
    failed: bool,
}

fn of_texts<'a>(texts: impl Iterator<Item = &'a str>) -> BTreeMap<u64, Said<'a>> {
    let mut seeds: BTreeMap<u64, Said<'_>> = BTreeMap::new();
    for text in texts {
        // Within one text a failure stands; a later text is of a later run.
        let mut here: BTreeMap<u64, Said<'_>> = BTreeMap::new();
        for line in text.lines() {
            let Some((seed, rest)) = line.strip_prefix("seed=").and_then(|rest| rest.split_once(' ')) else { continue };
            let Ok(seed) = seed.parse() else { continue };
            let said = here.entry(seed).or_default();
            if rest.starts_with("violation:") || rest.starts_with("replay:") {
                said.failed = true;
            } else {
                said.line = line;
            }
        }
        seeds.append(&mut here);
    }
    seeds
}

/// Numbers as `1-5 7 9-12`.
fn ranges(numbers: impl Iterator<Item = u64>) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let range = |(first, last): (u64, u64)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    ranges.into_iter().map(range).collect::<Vec<_>>().join(" ")
}

#[derive(Debug, Default)]
pub(super) struct Score {
    tally: Tally,
    failed: Vec<u64>,
    /// How many were lived through twice, and which of them were not the same.
    repeated: u64,
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
        self.repeated += 1;
        if first != second {
            print!("seed={seed} violation: the second run was another:\n{second}");
            self.differ.push(seed);
        }
    }

    pub(super) fn sum_up(&self) -> bool {
        let Self { tally, failed, repeated, differ } = self;
        let (faults, states) = (tally.unmet_faults(), tally.unmet_states());
        if !faults.is_empty() || !states.is_empty() {
            println!("not met: {} {}", faults.join(" "), states.join(" "));
        }
        print!("{tally} failed={} {failed:?}", failed.len());
        if *repeated > 0 {
            print!(" repeated={repeated} of_those_not_the_same={} {differ:?}", differ.len());
        }
        println!();
        failed.is_empty() && differ.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_counts_as_what_is_said_of_it_last_and_a_world_that_did_not_end_as_failed() {
        let first = "seed=1 virtual_s=5.0 violations=0 trace=aa\n\
                     seed=2 violation: panicked: the world did\nseed=2 replay: simulate --seed 2 --trace\n\
                     seed=4 violation: epochs_grow at 1.000: so\nseed=4 virtual_s=6.0 violations=1 trace=bb\n\
                     seeds=3 virtual_hours=0.0 failed=2 [2, 4]\n";
        let second = "seed=4 virtual_s=7.0 violations=0 trace=cc\n";
        let seeds = of_texts([first, second].into_iter());
        let failed: Vec<_> = seeds.iter().filter(|(_, said)| said.failed).map(|(seed, _)| *seed).collect();
        assert_eq!(failed, [2]);
        assert!(seeds[&4].line.contains("virtual_s=7.0") && seeds[&2].line.is_empty());
        assert_eq!(ranges(seeds.keys().copied()), "1-2 4");
    }
}
