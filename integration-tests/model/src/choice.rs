//! What a process may do about a shard. Ranks, plans and wakes only choose among this: the model allows all of it at any
//! time.

use crate::action::Action;
use crate::lease::{ABSENT, Act, Id, Lease, Standing};
use crate::request::parents_finished;
use crate::rules::FAILOVER;
use crate::scenario::Scenario;
use crate::state::{Phase, State, Tenure, Worker};

/// What a process can do about a shard, if it has no request about it under way.
pub(crate) fn choices<const L: usize>(
    scenario: &Scenario,
    state: &State<L>,
    slot: usize,
    shard: usize,
    out: &mut Vec<Action>,
) {
    let worker = &state.workers[slot];
    if let Some(tenure) = &worker.seats[shard].tenure {
        holder(scenario, state, slot, shard, tenure, out);
    } else if let Some(lease) = state.lease(shard) {
        outsider(scenario, state, slot, shard, lease, out);
    }
}

/// Whether nobody holds a lease, as far as this worker can know: then it may be placed.
pub(crate) fn is_open<const L: usize>(
    scenario: &Scenario,
    state: &State<L>,
    me: Id,
    shard: usize,
    lease: &Lease,
) -> bool {
    let silent = lease.silent >= FAILOVER || !scenario.rules.take_waits;
    match lease.standing() {
        Standing::Free => !scenario.rules.child_waits_for_parents || parents_finished(scenario, state, shard),
        Standing::Named(_) => true,
        Standing::Held(_) => silent,
        // An earlier process of this worker held it.
        Standing::Moving { from, .. } if from == me => true,
        Standing::Moving { .. } => silent && scenario.rules.hand_off_expires,
    }
}

fn outsider<const L: usize>(
    scenario: &Scenario,
    state: &State<L>,
    slot: usize,
    shard: usize,
    lease: &Lease,
    out: &mut Vec<Action>,
) {
    let Worker { id, leaving, .. } = state.workers[slot];
    if scenario.is_end(shard, lease.at) {
        return;
    }
    let Lease { owner, checkpoint_owner, .. } = *lease;
    let claimable = checkpoint_owner.is_none() || !scenario.rules.claim_tests_hand_off;
    let mine = owner == Some(id) && claimable;
    let open = is_open(scenario, state, id, shard, lease);
    if mine && !leaving {
        out.push(Action::Send(slot, shard, Act::Claim, 0));
    } else if open && !leaving {
        out.push(Action::Send(slot, shard, Act::Take { owner, checkpoint_owner }, 0));
    }
    if (open && !mine) || (mine && leaving) {
        let offers = ids(state).filter(|to| *to != id && (owner != Some(*to) || checkpoint_owner.is_some()));
        out.extend(offers.map(|to| Action::Plan(shard, Act::Offer { owner, checkpoint_owner, to })));
    }
    if let Some((owner, checkpoint_owner)) = lease.before.filter(|_| !leaving) {
        let take = Act::Take { owner, checkpoint_owner };
        let claim = owner == Some(id) && checkpoint_owner.is_none();
        out.push(Action::Send(slot, shard, if claim { Act::Claim } else { take }, 1));
    }
}

fn holder<const L: usize>(
    scenario: &Scenario,
    state: &State<L>,
    slot: usize,
    shard: usize,
    tenure: &Tenure,
    out: &mut Vec<Action>,
) {
    let rules = &scenario.rules;
    let Worker { id, leaving, .. } = state.workers[slot];
    let send = |act| Action::Send(slot, shard, act, 0);
    let ended = scenario.is_end(shard, tenure.committed);
    let gives_away = (leaving && rules.leaver_passes) || tenure.asked.is_some() || ended;
    if gives_away || tenure.phase == Phase::Passing {
        let at = last_commit(scenario, shard, tenure);
        if tenure.asked.is_some() {
            out.push(send(Act::Pass { to: tenure.asked, at }));
        } else {
            out.push(send(Act::Pass { to: None, at }));
            let others = ids(state).filter(|to| *to != id && !ended);
            out.extend(others.map(|to| send(Act::Pass { to: Some(to), at })));
        }
    }
    if tenure.phase == Phase::Passing {
        return;
    }
    if tenure.age > 0 {
        out.push(send(Act::Renew));
    }
    if tenure.phase == Phase::AwaitingParents {
        if !rules.child_waits_for_parents || parents_finished(scenario, state, shard) {
            out.push(Action::Begin(slot, shard));
        }
        return;
    }
    let more = tenure.done < scenario.last;
    if more {
        out.push(Action::Finish(slot, shard));
    }
    let at = tenure.done + u8::from(more && !rules.commits_what_is_done);
    if at > tenure.committed {
        if scenario.is_end(shard, at) {
            end(scenario, state, slot, shard, out);
        } else {
            out.push(send(Act::Commit { at }));
        }
    }
}

/// The end of a shard: the leases of its children first.
fn end<const L: usize>(scenario: &Scenario, state: &State<L>, slot: usize, shard: usize, out: &mut Vec<Action>) {
    let is_missing = |child: &&usize| state.lease(**child).is_none();
    let mut missing = scenario.family.children(shard).iter().filter(is_missing).peekable();
    if missing.peek().is_none() || !scenario.rules.children_first {
        out.push(Action::Send(slot, shard, Act::Commit { at: scenario.last }, 0));
    }
    for child in missing.filter(|child| state.workers[slot].seats[**child].request.is_none()) {
        // Its maker begins to hold it if no other parent is left.
        let mut others = scenario.family.parents(*child).iter().filter(|parent| **parent != shard);
        let keep = others.all(|parent| state.lease(*parent).is_some_and(|lease| scenario.is_end(*parent, lease.at)));
        out.push(Action::Send(slot, *child, Act::Create { keep }, 0));
    }
}

/// What is committed with the hand-over. The end of a shard never is: it is committed by itself.
fn last_commit(scenario: &Scenario, shard: usize, tenure: &Tenure) -> Option<u8> {
    let is_end = scenario.is_end(shard, tenure.done);
    let done = tenure.done - u8::from(is_end);
    (done > tenure.committed).then_some(done)
}

/// The leader may move any lease that somebody holds.
pub(crate) fn moves<const L: usize>(scenario: &Scenario, state: &State<L>, out: &mut Vec<Action>) {
    for (shard, lease) in state.leases.iter().enumerate() {
        let Some(lease) = lease.filter(|lease| !scenario.is_end(shard, lease.at)) else { continue };
        if let Standing::Held(owner) = lease.standing() {
            let others = ids(state).filter(|to| *to != owner);
            out.extend(others.map(|to| Action::Plan(shard, Act::Initiate { owner, to })));
        }
    }
}

/// The names of all workers that there are, or may be again.
fn ids<const L: usize>(state: &State<L>) -> impl Iterator<Item = Id> {
    let workers = &state.workers;
    let is_first = |at: usize| workers[..at].iter().all(|earlier| earlier.id != workers[at].id);
    let here = (0..workers.len()).filter(move |at| is_first(*at) && workers[*at].id != ABSENT);
    here.map(|at| workers[at].id)
}
