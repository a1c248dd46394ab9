//! What can happen next, and what is so after it.

use crate::action::Action;
use crate::canon::canonical;
use crate::choice;
use crate::clock::{lapse, tick};
use crate::lease::{ABSENT, Act, Lease, Write};
use crate::life::{end, leave, lives};
use crate::request::{begin, deliver, give_up, hear, put, repeat, send};
use crate::scenario::Scenario;
use crate::state::{Life, MAIL, Seat, State, Worker};

/// A fleet in which nobody has begun: leases of the oldest shards, free.
pub(crate) fn first<const L: usize>(scenario: &Scenario) -> State<L> {
    let exists = |shard: usize| scenario.family.parents(shard).is_empty();
    let workers = scenario.processes.map(|process| Worker {
        id: process.map_or(ABSENT, |(id, _)| id),
        life: match process {
            Some((_, true)) => Life::Up,
            Some((_, false)) => Life::Down,
            None => Life::Gone,
        },
        leaving: false,
        seats: [Seat::default(); L],
    });
    let state = State {
        leases: std::array::from_fn(|shard| exists(shard).then_some(Lease::NEW)),
        workers,
        mail: [None; MAIL],
        plan: None,
        budget: scenario.budget,
        broken: None,
    };
    canonical(scenario, state)
}

/// What can happen next.
pub(crate) fn actions<const L: usize>(scenario: &Scenario, state: &State<L>, out: &mut Vec<Action>) {
    if state.broken.is_some() {
        return;
    }
    let before = out.len();
    for slot in 0..state.workers.len() {
        for shard in 0..L {
            requests(state, slot, shard, out);
        }
    }
    if scenario.prompt_answers && out.len() > before {
        return;
    }
    out.push(Action::Tick);
    for (slot, worker) in state.workers.iter().enumerate() {
        lives(scenario, state, slot, worker, out);
        if !worker.is_up() {
            continue;
        }
        for shard in 0..L {
            if worker.seats[shard].request.is_none() {
                choice::choices(scenario, state, slot, shard, out);
            }
        }
    }
    if !scenario.late_writes && state.budget.losses > 0 {
        let lost = out.iter().filter_map(|action| match action {
            Action::Send(slot, shard, act, _) if act.is_holders() => Some(Action::SendLost(*slot, *shard, *act)),
            _ => None,
        });
        let lost: Vec<_> = lost.collect();
        out.extend(lost);
    }
    out.extend((0..MAIL).filter(|at| state.mail[*at].is_some()).map(Action::Arrive));
    if state.plan.is_some() {
        out.extend([Action::PlanArrives, Action::PlanVanishes]);
        if scenario.late_writes {
            // One at a time.
            out.retain(|action| !matches!(action, Action::Plan(..)));
        }
    } else if state.budget.moves > 0 {
        choice::moves(scenario, state, out);
    }
}

fn requests<const L: usize>(state: &State<L>, slot: usize, shard: usize, out: &mut Vec<Action>) {
    let worker = &state.workers[slot];
    let Some(request) = &worker.seats[shard].request else { return };
    if request.answer.is_none() {
        out.push(Action::Deliver(slot, shard));
    } else if worker.is_up() {
        out.push(Action::Hear(slot, shard));
    }
    if worker.is_up() && state.budget.losses > 0 {
        out.push(Action::GiveUp(slot, shard));
        out.push(Action::Repeat(slot, shard));
    }
}

/// The state after a step.
pub(crate) fn step<const L: usize>(scenario: &Scenario, before: &State<L>, action: Action) -> State<L> {
    let mut state = before.clone();
    apply(scenario, &mut state, action);
    lapse(scenario, &mut state);
    canonical(scenario, state)
}

fn apply<const L: usize>(scenario: &Scenario, state: &mut State<L>, action: Action) {
    match action {
        Action::Tick => tick(scenario, state, None),
        Action::SlowTick(slot) => {
            state.budget.slow_ticks -= 1;
            tick(scenario, state, Some(slot));
        }
        Action::Crash(slot) => {
            state.budget.crashes -= 1;
            end(scenario, state, slot, Life::Down);
        }
        Action::Start(slot) => state.workers[slot].life = Life::Up,
        Action::Pause(slot) => {
            state.budget.pauses -= 1;
            state.workers[slot].life = Life::Paused;
        }
        Action::Resume(slot) => state.workers[slot].life = Life::Up,
        Action::Stop(slot) => {
            state.budget.stops -= 1;
            state.workers[slot].leaving = true;
        }
        Action::Leave(slot) => leave(scenario, state, slot),
        Action::Yield(slot) => end(scenario, state, slot, Life::Gone),
        Action::Send(slot, shard, act, behind) => {
            send(state, slot, shard, act, behind);
            if !scenario.late_writes {
                deliver(scenario, state, slot, shard);
                if scenario.prompt_answers && state.budget.losses == 0 {
                    hear(scenario, state, slot, shard);
                }
            }
        }
        Action::SendLost(slot, shard, act) => {
            state.budget.losses -= 1;
            send(state, slot, shard, act, 0);
            give_up(scenario, state, slot, shard);
        }
        Action::Deliver(slot, shard) => {
            deliver(scenario, state, slot, shard);
        }
        Action::Hear(slot, shard) => hear(scenario, state, slot, shard),
        Action::GiveUp(slot, shard) => {
            state.budget.losses -= 1;
            give_up(scenario, state, slot, shard);
        }
        Action::Repeat(slot, shard) => {
            state.budget.losses -= 1;
            repeat(scenario, state, slot, shard);
            if !scenario.late_writes {
                deliver(scenario, state, slot, shard);
            }
        }
        Action::Arrive(at) => {
            if let Some((shard, write)) = state.mail[at].take() {
                put(scenario, state, usize::from(shard), &write);
            }
        }
        Action::Plan(shard, act) => {
            if let Act::Initiate { .. } = act {
                state.budget.moves -= 1;
            }
            let write = Write::planned(act);
            if matches!(act, Act::Offer { .. }) && !scenario.late_writes {
                put(scenario, state, shard, &write);
            } else {
                state.plan = u8::try_from(shard).ok().map(|shard| (shard, write));
            }
        }
        Action::PlanArrives => {
            if let Some((shard, write)) = state.plan.take() {
                put(scenario, state, usize::from(shard), &write);
            }
        }
        Action::PlanVanishes => state.plan = None,
        Action::Begin(slot, shard) => begin(scenario, state, slot, shard),
        Action::Finish(slot, shard) => finish(state, slot, shard),
    }
}

/// The processor is done with what it was given.
pub(crate) fn finish<const L: usize>(state: &mut State<L>, slot: usize, shard: usize) {
    let Some(tenure) = &mut state.workers[slot].seats[shard].tenure else { return };
    tenure.done += 1;
    let done = tenure.done;
    if let Some(lease) = &mut state.leases[shard] {
        lease.processed = lease.processed.max(done);
    }
}
