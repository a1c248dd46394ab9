//! Explores the lease and hand-off protocol completely, in small. See the README.
//!
//! ```text
//! protocol-model                     all scenarios
//! protocol-model --scenario NAME     one of them
//! protocol-model --mutants           the protocol with one rule broken, each of which must be caught
//! ```

mod action;
mod answer;
mod calm;
mod canon;
mod catalogue;
mod choice;
mod clock;
mod explore;
mod invariant;
mod lease;
mod life;
mod model;
mod mutant;
mod request;
mod rules;
mod scenario;
mod schedule;
mod show;
mod state;
mod step;
mod table;
#[cfg(test)]
mod tests;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::catalogue::{SCENARIOS, SMALL};
use crate::explore::{Found, explore};
use crate::mutant::MUTANTS;
use crate::scenario::Scenario;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let fine = match arguments[..] {
        [] => scenarios(SCENARIOS),
        ["--mutants"] => mutants(),
        ["--scenario", name] => named(name).is_some_and(|scenario| scenarios(&[scenario])),
        _ => {
            eprintln!("usage: protocol-model [--mutants | --scenario NAME]");
            false
        }
    };
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The scenario of this name. If there is none, says which there are.
fn named(name: &str) -> Option<Scenario> {
    let all = || SCENARIOS.iter().chain(SMALL);
    let found = all().find(|scenario| scenario.name == name).copied();
    if found.is_none() {
        let names: Vec<_> = all().map(|scenario| scenario.name).collect();
        eprintln!("no scenario `{name}`; there are: {}", names.join("; "));
    }
    found
}

/// Explores scenarios. Answers whether all invariants hold in all states.
fn scenarios(scenarios: &[Scenario]) -> bool {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (mut states, mut fine) = (0, true);
    let took = timed(|| {
        for scenario in scenarios {
            let mut found = Found::default();
            let took = timed(|| found = explore(*scenario, threads));
            let Found { states: unique, depth, settled, violation } = found;
            let (name, seconds) = (scenario.name, took.as_secs_f64());
            println!("{name:14} {unique:>10} states, depth {depth:>2}, at rest within {settled} ticks, {seconds:.1} s");
            if let Some(violation) = violation {
                println!("{} does not hold after {} steps:", violation.invariant, violation.steps);
                println!("{}", violation.path);
                fine = false;
            }
            states += unique;
        }
    });
    let verdict = if fine { "all invariants hold" } else { "an invariant does not hold" };
    println!("{states} states in {} scenarios, {:.0} s: {verdict}", scenarios.len(), took.as_secs_f64());
    fine
}

/// Explores mutants. Answers whether all were caught.
fn mutants() -> bool {
    let mut caught = 0;
    for mutant in MUTANTS {
        let violation = mutant.caught();
        let (name, place) = (mutant.name, mutant.shows_in);
        match violation {
            Some(violation) => {
                caught += 1;
                println!("{name:40} {place:18} caught by {} after {} steps", violation.invariant, violation.steps);
            }
            None => println!("{name:40} {place:18} NOT CAUGHT"),
        }
    }
    println!("{caught} of {} mutants caught", MUTANTS.len());
    caught == MUTANTS.len()
}

#[expect(clippy::disallowed_methods, reason = "how long it took is told to a person, and decides nothing")]
fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}
