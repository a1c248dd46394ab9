//! Makes a seed that fails smaller: leaves out of its plan whatever it fails without, in large pieces first.

use std::collections::BTreeSet;

use integration_tests::plan::Plan;
use integration_tests::plan::less::Cut;
use integration_tests::planted::Planted;

use super::one::{arguments, begin, end};

/// Whether the seed still fails as it did, with this left out.
struct Trial {
    seed: u64,
    planted: Option<Planted>,
    /// The invariants that did not hold at first.
    invariants: BTreeSet<String>,
    runs: u32,
}

impl Trial {
    fn broken(&mut self, cuts: &[Cut]) -> BTreeSet<String> {
        self.runs += 1;
        match begin(self.seed, cuts, self.planted).map(end) {
            Ok((_, text)) => text.lines().filter_map(invariant).map(ToOwned::to_owned).collect(),
            Err(error) => {
                println!("no process could be started: {error}");
                BTreeSet::new()
            }
        }
    }

    fn fails(&mut self, cuts: &[Cut]) -> bool {
        !self.broken(cuts).is_disjoint(&self.invariants)
    }
}

/// The invariant that a line says was violated.
fn invariant(line: &str) -> Option<&str> {
    let (_, violation) = line.split_once(" violation: ")?;
    violation.split([' ', ':']).next()
}

/// Finds a plan in which nothing more can be left out, and prints it. `false` unless the seed fails.
pub(super) fn minimise(seed: u64, planted: Option<Planted>) -> bool {
    let mut trial = Trial { seed, planted, invariants: BTreeSet::new(), runs: 0 };
    trial.invariants = trial.broken(&[]);
    if trial.invariants.is_empty() {
        println!("seed={seed} does not fail");
        return false;
    }
    let invariants: Vec<_> = trial.invariants.iter().map(String::as_str).collect();
    println!("seed={seed} fails: {}", invariants.join(", "));
    let plan = Plan::draw(seed);
    let all = plan.cuts();
    let mut cuts = smallest(&all, |cuts| plan.has_workers_without(cuts) && trial.fails(cuts));
    cuts.sort();
    println!("{} of {} things left out, {} runs. What is left:", cuts.len(), all.len(), trial.runs);
    print!("{}", plan.without(&cuts));
    println!("replay: simulate {} --trace", arguments(seed, &cuts, planted).join(" "));
    true
}

/// As many of the cuts as can be made while it still `fails`: none of the others can be made as well.
fn smallest(all: &[Cut], mut fails: impl FnMut(&[Cut]) -> bool) -> Vec<Cut> {
    let mut made: Vec<Cut> = Vec::new();
    let mut size = all.len().div_ceil(2).max(1);
    loop {
        let before = made.len();
        let left: Vec<Cut> = all.iter().copied().filter(|cut| !made.contains(cut)).collect();
        for piece in left.chunks(size) {
            let tried = [made.as_slice(), piece].concat();
            if fails(&tried) {
                made = tried;
            }
        }
        if size == 1 && made.len() == before {
            return made;
        }
        size = if made.len() == before { size.div_ceil(2) } else { size };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_to_fail_is_left_and_nothing_else() {
        let all: Vec<Cut> = (0..37).map(Cut::Deed).collect();
        for needed in [vec![], vec![0], vec![3, 36], (10..20).collect::<Vec<_>>()] {
            let mut runs = 0;
            let cuts = smallest(&all, |cuts| {
                runs += 1;
                needed.iter().all(|deed| !cuts.contains(&Cut::Deed(*deed)))
            });
            let left: Vec<_> = (0..37).filter(|deed| !cuts.contains(&Cut::Deed(*deed))).collect();
            assert_eq!(left, needed);
            assert!(runs < 250, "{runs}");
        }
    }

    #[test]
    fn invariants_are_read_from_what_is_printed() {
        assert_eq!(invariant("seed=7 violation: epochs_grow at 3.000: so"), Some("epochs_grow"));
        assert_eq!(invariant("seed=7 violation: panicked: the world did"), Some("panicked"));
        assert_eq!(invariant("seed=7 virtual_s=3 violations=1"), None);
    }
}
