//! A fair schedule without faults: in every tick, every process does what is due.

use crate::action::Action;
use crate::choice;
use crate::clock::{lapse, tick};
use crate::lease::{Act, Id, Lease, Standing, Write};
use crate::life::{end, has_younger_twin, leave};
use crate::request::{begin, deliver, hear, put, send};
use crate::scenario::Scenario;
use crate::state::{Life, MAIL, State, Worker};
use crate::step::finish;

/// One tick, and all that is due in it. Answers whether a tenure began.
pub(crate) fn tick_of<const L: usize>(scenario: &Scenario, state: &mut State<L>) -> bool {
    if scenario.rules.older_twin_ends {
        for slot in (0..state.workers.len()).filter(|slot| state.workers[*slot].is_up()).collect::<Vec<_>>() {
            if has_younger_twin(state, slot) {
                end(scenario, state, slot, Life::Gone);
                state.mail = [None; MAIL];
            }
        }
    }
    tick(scenario, state, None);
    let mut began = false;
    // Enough for all positions of all shards, one hand-over, and the renewals.
    for _ in 0..8 {
        let mut acted = false;
        for slot in 0..state.workers.len() {
            for shard in 0..L {
                if !state.workers[slot].is_up() {
                    continue;
                }
                let had = state.workers[slot].seats[shard].tenure.is_some();
                acted |= due(scenario, state, slot, shard);
                began |= !had && state.workers[slot].seats[shard].tenure.is_some();
            }
            if state.workers[slot].leaving && state.workers[slot].is_idle() {
                let named = |lease: &Lease| lease.owner == Some(state.workers[slot].id);
                if !state.leases.iter().flatten().any(named) {
                    leave(scenario, state, slot);
                }
            }
        }
        if !acted {
            break;
        }
    }
    began
}

/// Does the first of what a process can do about a shard that is due. Answers whether there was such a thing.
fn due<const L: usize>(scenario: &Scenario, state: &mut State<L>, slot: usize, shard: usize) -> bool {
    let mut choices = Vec::new();
    choice::choices(scenario, state, slot, shard, &mut choices);
    choices.retain(|action| match action {
        Action::Send(_, of, Act::Take { .. }, 0) => takes(state, slot, *of),
        Action::Send(_, _, Act::Pass { to: Some(to), .. }, _) => is_asked(state, slot, shard) || stays(state, *to),
        Action::Send(_, _, Act::Pass { to: None, .. }, _) => ended(scenario, state, slot, shard) || alone(state, slot),
        Action::Plan(of, Act::Offer { to, .. }) => offers(state, slot, *of, *to),
        Action::Send(_, _, _, behind) => *behind == 0,
        _ => true,
    });
    let Some(action) = choices.iter().min_by_key(|action| rank(action)).copied() else { return false };
    match action {
        Action::Send(slot, shard, act, behind) => {
            send(state, slot, shard, act, behind);
            deliver(scenario, state, slot, shard);
            hear(scenario, state, slot, shard);
        }
        Action::Plan(shard, act) => {
            put(scenario, state, shard, &Write::planned(act));
        }
        Action::Begin(slot, shard) => begin(scenario, state, slot, shard),
        Action::Finish(slot, shard) => finish(state, slot, shard),
        _ => return false,
    }
    lapse(scenario, state);
    true
}

/// What is done first.
fn rank(action: &Action) -> u8 {
    match action {
        Action::Begin(..) | Action::Finish(..) => 0,
        Action::Send(_, _, Act::Create { .. }, _) => 1,
        Action::Send(_, _, Act::Commit { .. }, _) => 2,
        Action::Send(_, _, Act::Pass { .. }, _) => 3,
        Action::Plan(..) => 5,
        Action::Send(_, _, Act::Claim | Act::Take { .. }, _) => 6,
        _ => 7,
    }
}

fn stays<const L: usize>(state: &State<L>, id: Id) -> bool {
    state.workers.iter().any(|worker| worker.id == id && worker.stays())
}

fn alone<const L: usize>(state: &State<L>, slot: usize) -> bool {
    !state.workers.iter().any(|worker| worker.id != state.workers[slot].id && worker.stays())
}

fn is_asked<const L: usize>(state: &State<L>, slot: usize, shard: usize) -> bool {
    state.workers[slot].seats[shard].tenure.is_some_and(|tenure| tenure.asked.is_some())
}

fn ended<const L: usize>(scenario: &Scenario, state: &State<L>, slot: usize, shard: usize) -> bool {
    state.workers[slot].seats[shard].tenure.is_some_and(|tenure| scenario.is_end(shard, tenure.committed))
}

/// The first worker that stays takes, but what is named to another that comes for it.
fn takes<const L: usize>(state: &State<L>, slot: usize, shard: usize) -> bool {
    let first = state.workers.iter().position(Worker::stays) == Some(slot);
    let Some(lease) = state.lease(shard) else { return false };
    let me = state.workers[slot].id;
    match lease.standing() {
        Standing::Named(to) => first && !stays(state, to),
        Standing::Moving { from, to } => (first || from == me) && (!stays(state, to) || to == me),
        Standing::Free | Standing::Held(_) => first,
    }
}

/// A lease is offered to who was to have it, or by one that leaves to the first that stays.
fn offers<const L: usize>(state: &State<L>, slot: usize, shard: usize, to: Id) -> bool {
    let Some(lease) = state.lease(shard) else { return false };
    let first = state.workers.iter().find(|worker| worker.stays()).map(|worker| worker.id);
    let me = &state.workers[slot];
    match lease.standing() {
        Standing::Moving { to: meant, .. } => meant == to && stays(state, to),
        Standing::Named(named) if named == me.id => me.leaving && first == Some(to),
        Standing::Held(holder) if holder == me.id => me.leaving && first == Some(to),
        Standing::Free | Standing::Held(_) | Standing::Named(_) => false,
    }
}
