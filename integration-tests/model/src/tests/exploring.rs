//! The smallest scenarios, completely; and mutants in them.

use std::collections::HashSet;

use crate::answer::Answer;
use crate::catalogue::{SCENARIOS, SMALL};
use crate::explore::explore;
use crate::lease::Standing;
use crate::model::Fleet;
use crate::mutant::MUTANTS;
use crate::rules::Rules;
use crate::scenario::Scenario;
use crate::state::{Phase, State};
use crate::step;

#[test]
fn the_smallest_scenarios_hold() {
    for scenario in SMALL {
        let found = explore(*scenario, 1);
        let broken = found.violation.map(|violation| format!("{}:\n{}", violation.invariant, violation.path));
        assert!(broken.is_none(), "{}: {}", scenario.name, broken.unwrap_or_default());
    }
}

#[test]
fn three_mutants_are_caught_by_the_invariants_that_they_break() {
    let expected = [
        ("take without waiting", "one_reader_at_a_time"),
        ("unanswered = applied", "reported_commits_are_stored"),
        ("child without waiting for parents", "parents_come_first"),
    ];
    for (name, invariant) in expected {
        let mutant = MUTANTS.iter().find(|mutant| mutant.name == name).expect("a mutant");
        assert_eq!(mutant.caught().map(|violation| violation.invariant), Some(invariant), "{name}");
    }
}

#[test]
fn every_mutant_has_a_scenario_that_holds_without_it() {
    for mutant in MUTANTS {
        let scenario = mutant.scenario().expect("a scenario");
        assert_ne!(scenario.rules, Rules::WHOLE, "{}", mutant.name);
    }
    assert!(SCENARIOS.iter().chain(SMALL).all(|scenario| scenario.rules == Rules::WHOLE));
}

/// All states of a scenario, without the checker.
fn states<const L: usize>(scenario: &Scenario) -> HashSet<State<L>> {
    let first = step::first(scenario);
    let (mut met, mut next) = (HashSet::from([first.clone()]), vec![first]);
    let mut actions = Vec::new();
    while let Some(state) = next.pop() {
        step::actions(scenario, &state, &mut actions);
        for action in actions.drain(..) {
            let after = step::step(scenario, &state, action);
            if met.insert(after.clone()) {
                next.push(after);
            }
        }
    }
    met
}

fn small(name: &str) -> &'static Scenario {
    SMALL.iter().find(|scenario| scenario.name == name).expect("a scenario")
}

#[test]
fn the_checker_meets_every_state_that_a_plain_search_meets() {
    let scenario = small("two, late");
    assert_eq!(explore(*scenario, 2).states, states::<1>(scenario).len());
}

/// Whether somebody is about to hear such an answer.
fn answered(state: &State<1>, is_such: impl Fn(&Answer) -> bool) -> bool {
    let mut requests = state.workers.iter().filter_map(|worker| worker.seats[0].request);
    requests.any(|request| request.answer.as_ref().is_some_and(&is_such))
}

#[test]
fn rare_things_happen() {
    let late = states::<1>(small("two, late"));
    assert!(
        late.iter().any(|state| answered(state, |answer| matches!(answer, Answer::Again { .. }))),
        "it landed late"
    );
    assert!(late.iter().any(|state| state.mail.iter().flatten().count() > 1), "two writes are late");
    let twins = states::<1>(small("two of one id"));
    let lost = |answer: &Answer| matches!(answer, Answer::Over { applied: false });
    assert!(twins.iter().any(|state| answered(state, lost)), "a holder hears that it holds no more");
    let moved = states::<1>(small("two, moved"));
    let asked = |state: &State<1>| state.workers.iter().any(|w| w.seats[0].tenure.is_some_and(|t| t.asked.is_some()));
    let moving = |state: &State<1>| state.lease(0).is_some_and(|l| matches!(l.standing(), Standing::Moving { .. }));
    assert!(moved.iter().any(asked), "a holder heard that it is to give its lease away");
    assert!(moved.iter().any(|state| moving(state) && state.workers.iter().all(|w| !w.is_up() || w.is_idle())));
    let family = states::<3>(small("parents and child"));
    let phase = |state: &State<3>, phase| {
        state.workers.iter().any(|worker| worker.seats[2].tenure.is_some_and(|tenure| tenure.phase == phase))
    };
    assert!(family.iter().any(|state| phase(state, Phase::Reading)), "the child is read");
    assert!(family.iter().any(|state| state.leases[2].is_some_and(|lease| lease.owner.is_none())), "it was left free");
}

#[test]
fn a_fleet_stands_for_all_that_are_like_it() {
    let fleet = Fleet::<1>::new(*small("two"));
    let first = step::first::<1>(&fleet.scenario);
    let mut actions = Vec::new();
    step::actions(&fleet.scenario, &first, &mut actions);
    let next: HashSet<_> = actions.iter().map(|action| step::step(&fleet.scenario, &first, *action)).collect();
    assert!(next.len() < actions.len(), "whichever of two equal workers begins, it is the same");
}
