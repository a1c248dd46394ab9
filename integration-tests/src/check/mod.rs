//! The invariants: functions over the history of a run. Each says in its first sentence what must hold.

mod circles;
mod java;
mod leases;
mod lives;
mod losses;
mod memory;
mod overlaps;
mod records;
mod stops;
#[cfg(test)]
mod teeth;
mod told;
mod twins;

use std::collections::BTreeMap;
use std::fmt;

use crate::history::History;

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The invariant.
    pub invariant: &'static str,
    /// When, in virtual milliseconds since the world began.
    pub at: u64,
    /// What was seen.
    pub seen: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}.{:03}: {}", self.invariant, self.at / 1000, self.at % 1000, self.seen)
    }
}

/// What an invariant's function found against it: when, and what.
type Findings = Vec<(u64, String)>;

macro_rules! invariants {
    ($($module:ident::$name:ident),* $(,)?) => {
        /// All invariants, by name.
        const INVARIANTS: &[(&str, fn(&History) -> Findings)] = &[$((stringify!($name), $module::$name)),*];
    };
}

invariants! {
    records::commits_follow_processing,
    records::processors_start_at_what_is_done,
    records::processors_start_at_what_is_committed,
    records::deliveries_are_the_shard_in_order,
    records::parents_come_first,
    records::everything_is_consumed,
    losses::what_is_told_as_lost_is_gone,
    leases::commits_never_move_back,
    leases::rows_are_readable_by_java,
    leases::epochs_grow,
    leases::only_the_holder_commits,
    leases::one_reader_at_a_time,
    leases::stopped_workers_hold_nothing,
    stops::stops_cost_no_duplicates,
    circles::nobody_asks_in_circles,
    memory::commits_keep_up,
    memory::memory_stays_in_the_budget,
    lives::nothing_happens_after_the_end,
    lives::workers_do_not_give_up,
    lives::no_shard_stalls_in_calm,
    told::reported_commits_are_stored,
    twins::the_older_twin_ends,
}

/// Everything in a history that must not be.
#[must_use]
pub fn check(history: &History) -> Vec<Violation> {
    let found = INVARIANTS
        .iter()
        .flat_map(|(invariant, holds)| holds(history).into_iter().map(|(at, seen)| Violation { invariant, at, seen }));
    found.collect()
}

/// Lines that tell of violations: of each invariant some examples, and how many more there are.
#[must_use]
pub fn shown(violations: &[Violation], examples: usize) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut lines = Vec::new();
    for violation in violations {
        let count = counts.entry(violation.invariant).or_default();
        *count += 1;
        if *count <= examples {
            lines.push(format!("violation: {violation}"));
        }
    }
    let more = counts.into_iter().filter(|(_, count)| *count > examples);
    lines.extend(more.map(|(invariant, count)| format!("violation: {invariant} {} times more", count - examples)));
    lines
}
