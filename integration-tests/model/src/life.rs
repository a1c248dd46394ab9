//! The lives of processes: what may befall them, and how they end.

use crate::action::Action;
use crate::invariant::Invariant;
use crate::lease::{ABSENT, Id};
use crate::request::leave_under_way;
use crate::scenario::Scenario;
use crate::state::{Life, Seat, State, Worker};

/// What may happen to a process.
pub(crate) fn lives<const L: usize>(
    scenario: &Scenario,
    state: &State<L>,
    slot: usize,
    worker: &Worker<L>,
    out: &mut Vec<Action>,
) {
    let budget = &state.budget;
    let twin_is_up = || state.workers.iter().any(|other| other.id == worker.id && other.is_up());
    match worker.life {
        Life::Up => {
            if budget.crashes > 0 {
                out.push(Action::Crash(slot));
            }
            if budget.pauses > 0 {
                out.push(Action::Pause(slot));
            }
            if budget.stops > 0 && !worker.leaving {
                out.push(Action::Stop(slot));
            }
            if budget.slow_ticks > 0 {
                out.push(Action::SlowTick(slot));
            }
            let passed = worker.is_idle() || !scenario.rules.leaver_passes;
            if worker.leaving && passed {
                out.push(Action::Leave(slot));
            }
            if has_younger_twin(state, slot) && scenario.rules.older_twin_ends {
                out.push(Action::Yield(slot));
            }
        }
        Life::Paused => out.push(Action::Resume(slot)),
        // Whoever starts a process anew believes that the one before is dead.
        Life::Down if !twin_is_up() => out.push(Action::Start(slot)),
        Life::Down | Life::Gone => {}
    }
}

/// Whether another process of the same worker id has started since.
pub(crate) fn has_younger_twin<const L: usize>(state: &State<L>, slot: usize) -> bool {
    let id = state.workers[slot].id;
    let mut younger = state.workers.iter().skip(slot + 1);
    id != ABSENT && younger.any(|other| other.id == id && matches!(other.life, Life::Up | Life::Paused))
}

/// Whether there are, or were, two processes of this worker id.
pub(crate) fn has_twin<const L: usize>(state: &State<L>, id: Id) -> bool {
    state.workers.iter().filter(|worker| worker.id == id).count() > 1
}

/// A worker that was told to stop ends. A tenure that has not lapsed it must have given away.
pub(crate) fn leave<const L: usize>(scenario: &Scenario, state: &mut State<L>, slot: usize) {
    for shard in 0..L {
        let tenure = state.workers[slot].seats[shard].tenure.map(|tenure| tenure.number);
        let holds = state.lease(shard).is_some_and(|lease| Some(lease.holds) == tenure);
        state.demand(!holds, Invariant::StoppedWorkersHoldNothing);
    }
    end(scenario, state, slot, Life::Gone);
}

/// A process ends, in good order or not: what it has sent may still arrive.
pub(crate) fn end<const L: usize>(scenario: &Scenario, state: &mut State<L>, slot: usize, life: Life) {
    let seats = std::mem::replace(&mut state.workers[slot].seats, [Seat::default(); L]);
    for (shard, seat) in seats.iter().enumerate() {
        if let Some(request) = &seat.request {
            leave_under_way(scenario, state, shard, request);
        }
    }
    let worker = &mut state.workers[slot];
    (worker.life, worker.leaving) = (life, false);
}
