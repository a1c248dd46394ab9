//! The protocol with one rule broken. Each mutant must be caught: what nothing catches is either no rule, or not checked.

use crate::catalogue::SMALL;
use crate::explore::{Violation, explore};
use crate::rules::Rules;
use crate::scenario::Scenario;

/// A rule to break, and where that shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mutant {
    pub(crate) name: &'static str,
    /// The name of the scenario.
    pub(crate) shows_in: &'static str,
    broken: fn(&mut Rules) -> &mut bool,
}

macro_rules! mutants {
    ($($name:literal in $scenario:literal breaks $rule:ident,)*) => {
        pub(crate) const MUTANTS: &[Mutant] =
            &[$(Mutant { name: $name, shows_in: $scenario, broken: |rules| &mut rules.$rule }),*];
    };
}

mutants! {
    "take without version condition" in "two, late" breaks take_tests_version,
    "take leaves the version" in "two" breaks take_moves_version,
    "take without waiting" in "two" breaks take_waits,
    "claim during a hand-off" in "two, moved" breaks claim_tests_hand_off,
    "commit tests the owner only" in "two, late" breaks commit_tests_version,
    "own deadline missing" in "two" breaks own_deadline,
    "deadline counts from the answer" in "two" breaks deadline_from_sending,
    "deadline without margin" in "two, a slow clock" breaks deadline_has_margin,
    "unanswered = applied" in "two" breaks unanswered_is_unknown,
    "own write known by its tenure" in "two" breaks stamp_per_write,
    "reads on after pass" in "two, moved" breaks pass_ends_reading,
    "commits what is delivered" in "two" breaks commits_what_is_done,
    "child without waiting for parents" in "parents and child" breaks child_waits_for_parents,
    "SHARD_END before the children are made" in "parents and child" breaks children_first,
    "leaves without passing" in "two, moved" breaks leaver_passes,
    "older twin goes on" in "two of one id" breaks older_twin_ends,
    "hand-off never expires" in "two, moved" breaks hand_off_expires,
}

impl Mutant {
    /// The scenario in which it must be caught. None if the name is of none.
    pub(crate) fn scenario(&self) -> Option<Scenario> {
        let mut scenario = *SMALL.iter().find(|scenario| scenario.name == self.shows_in)?;
        *(self.broken)(&mut scenario.rules) = false;
        Some(scenario)
    }

    /// What catches it: an invariant of states and steps if one does, else one of what becomes of them.
    pub(crate) fn caught(&self) -> Option<Violation> {
        let mut scenario = self.scenario()?;
        scenario.asks_calm = false;
        // One thread: then the path is a shortest one.
        let violation = explore(scenario, 1).violation;
        scenario.asks_calm = true;
        violation.or_else(|| explore(scenario, 1).violation)
    }
}
