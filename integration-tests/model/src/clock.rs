//! Time, in ticks, and what it ends by itself.

use crate::request::leave_under_way;
use crate::rules::Rules;
use crate::scenario::Scenario;
use crate::state::{LONG, Request, State};

/// A tick passes; the clock of one process may miss it.
///
/// An observer that looks all the time times a lease's silence from the write itself. One that looks late, or reads what
/// is out of date, sees the write later and waits longer: it can do nothing that the first cannot.
pub(crate) fn tick<const L: usize>(scenario: &Scenario, state: &mut State<L>, slow: Option<usize>) {
    let one_more = |ticks: &mut u8| *ticks = (*ticks + 1).min(LONG);
    for lease in state.leases.iter_mut().flatten() {
        one_more(&mut lease.silent);
    }
    for (slot, worker) in state.workers.iter_mut().enumerate() {
        if slow == Some(slot) {
            continue;
        }
        for seat in &mut worker.seats {
            if let Some(tenure) = &mut seat.tenure {
                one_more(&mut tenure.age);
                tenure.unresolved.iter_mut().for_each(one_more);
            }
            seat.request.iter_mut().for_each(|request| one_more(&mut request.age));
        }
    }
    lapse(scenario, state);
}

/// Ends the tenures whose deadline has passed, and forgets the answers that begin none any more. A paused process does so
/// when it goes on, before anything else: it comes to the same.
pub(crate) fn lapse<const L: usize>(scenario: &Scenario, state: &mut State<L>) {
    let rules = &scenario.rules;
    if !rules.own_deadline {
        return;
    }
    let deadline = rules.deadline();
    for slot in 0..state.workers.len() {
        for shard in 0..L {
            let seat = &mut state.workers[slot].seats[shard];
            if seat.tenure.is_some_and(|tenure| tenure.age >= deadline) {
                seat.tenure = None;
                if let Some(request) = seat.request.take_if(|request| request.write.act.is_holders()) {
                    leave_under_way(scenario, state, shard, &request);
                }
            }
            let request = &mut state.workers[slot].seats[shard].request;
            if request.is_some_and(|request| is_too_late(rules, &request)) {
                *request = None;
            }
        }
    }
}

/// Whether an answer begins no tenure any more.
fn is_too_late(rules: &Rules, request: &Request) -> bool {
    let begins = !request.write.act.is_holders();
    begins && request.answer.is_some() && request.age >= rules.deadline() && rules.deadline_from_sending
}
