//! The way of a write: sent, applied or refused, answered or not.

use crate::answer::{self, Answer};
use crate::invariant::Invariant;
use crate::lease::{Act, Lease, Write};
use crate::scenario::Scenario;
use crate::state::{Phase, Request, State, Tenure};
use crate::table;

/// A process sends a write, and waits for its answer.
pub(crate) fn send<const L: usize>(state: &mut State<L>, slot: usize, shard: usize, act: Act, behind: u8) {
    let id = state.workers[slot].id;
    let tenure = state.workers[slot].seats[shard].tenure.as_ref().map(|tenure| tenure.number);
    let held = !matches!(act, Act::Pass { .. });
    let stamp = state.fresh(shard, tenure.filter(|_| act.is_holders()), held);
    let seat = &mut state.workers[slot].seats[shard];
    let behind = seat.tenure.as_ref().filter(|_| act.is_holders()).map_or(behind, |tenure| tenure.behind);
    if let (Act::Pass { .. }, Some(tenure)) = (act, &mut seat.tenure) {
        tenure.phase = Phase::Passing;
    }
    seat.request = Some(Request { write: Write { by: id, act, stamp, behind }, age: 0, answer: None });
}

/// A write reaches the table.
pub(crate) fn put<const L: usize>(scenario: &Scenario, state: &mut State<L>, shard: usize, write: &Write) -> bool {
    let rules = &scenario.rules;
    let old = state.leases[shard];
    let finished = old.is_some_and(|lease| scenario.is_end(shard, lease.at));
    if !table::admits(rules, old.as_ref(), finished, write) {
        return false;
    }
    let mut lease = table::written(old, write);
    if let (Some(at), Some(old)) = (write.act.commits(), old) {
        state.demand(at >= old.at, Invariant::CommitsNeverMoveBack);
        state.demand(write.stamp.tenure == old.holds, Invariant::OnlyTheHolderCommits);
        state.demand(at <= old.processed, Invariant::CommitsFollowProcessing);
        let made = |child: &usize| state.leases[*child].is_some();
        let all_made = scenario.family.children(shard).iter().all(made);
        state.demand(!scenario.is_end(shard, at) || all_made, Invariant::ChildrenAreMadeFirst);
    }
    if write.act.begins() {
        state.demand(table::moves_version(rules, write.act), Invariant::EpochsGrow);
    }
    match write.act {
        act if act.begins() => lease.holds = write.stamp.tenure,
        Act::Pass { .. } | Act::Offer { .. } => lease.holds = 0,
        _ => {}
    }
    if scenario.stale_reads && table::moves_version(rules, write.act) {
        lease.before = old.map(|old| (old.owner, old.checkpoint_owner));
    }
    state.leases[shard] = Some(lease);
    if table::moves_version(rules, write.act) {
        state.moved(shard);
    }
    true
}

/// The write that a process waits for reaches the table.
pub(crate) fn deliver<const L: usize>(scenario: &Scenario, state: &mut State<L>, slot: usize, shard: usize) {
    let Some(Request { write, .. }) = state.workers[slot].seats[shard].request else { return };
    let applied = put(scenario, state, shard, &write);
    let lease = state.leases[shard].unwrap_or(Lease::NEW);
    let answer = answer::read(&scenario.rules, &write, applied, &lease);
    let request = &mut state.workers[slot].seats[shard].request;
    // Whoever hears late that nothing came of a write only does less meanwhile.
    match request.take_if(|_| answer == Answer::Refused) {
        Some(_) => {}
        None => request.iter_mut().for_each(|request| request.answer = Some(answer)),
    }
}

/// A process hears the answer.
pub(crate) fn hear<const L: usize>(scenario: &Scenario, state: &mut State<L>, slot: usize, shard: usize) {
    let Some(request) = state.workers[slot].seats[shard].request.take() else { return };
    let Some(answer) = request.answer else { return };
    let rules = &scenario.rules;
    let age = if rules.deadline_from_sending { request.age } else { 0 };
    if let Answer::Began { at, asked } = answer {
        if age < rules.deadline() || !rules.own_deadline {
            let tenure = Tenure {
                number: request.write.stamp.tenure,
                behind: request.write.behind.saturating_sub(1),
                age,
                unresolved: None,
                phase: Phase::AwaitingParents,
                committed: at,
                done: at,
                asked,
            };
            state.workers[slot].seats[shard].tenure = Some(tenure);
            if scenario.family.parents(shard).is_empty() {
                begin(scenario, state, slot, shard);
            }
        }
        return;
    }
    let Some(tenure) = &mut state.workers[slot].seats[shard].tenure else { return };
    if !request.write.act.is_holders() {
        return;
    }
    match answer {
        Answer::Applied { asked } => {
            tenure.behind = tenure.behind.saturating_sub(1);
            (tenure.age, tenure.unresolved, tenure.asked) = (age, None, asked);
        }
        Answer::Again { found, asked } => {
            tenure.behind = tenure.behind.saturating_sub(1);
            if let Some(first) = tenure.unresolved.take() {
                tenure.age = tenure.age.min(first);
            }
            tenure.committed = tenure.committed.max(found);
            tenure.asked = asked;
        }
        Answer::Over { .. } | Answer::Began { .. } | Answer::Refused => {
            state.workers[slot].seats[shard].tenure = None;
        }
    }
    if matches!(answer, Answer::Applied { .. } | Answer::Over { applied: true }) {
        report(state, slot, shard, request.write.act);
    }
}

/// A process counts a commit as made.
fn report<const L: usize>(state: &mut State<L>, slot: usize, shard: usize, act: Act) {
    let Some(at) = act.commits() else { return };
    let stored = state.lease(shard).is_some_and(|lease| lease.at >= at);
    state.demand(stored, Invariant::ReportedCommitsAreStored);
    if let Some(tenure) = &mut state.workers[slot].seats[shard].tenure {
        tenure.committed = tenure.committed.max(at);
    }
}

/// A tenure begins to read.
pub(crate) fn begin<const L: usize>(scenario: &Scenario, state: &mut State<L>, slot: usize, shard: usize) {
    let finished = parents_finished(scenario, state, shard);
    state.demand(finished, Invariant::ParentsComeFirst);
    let processed = state.lease(shard).map_or(0, |lease| lease.processed);
    if let Some(tenure) = &mut state.workers[slot].seats[shard].tenure {
        tenure.phase = Phase::Reading;
        let start = tenure.committed;
        state.demand(start <= processed, Invariant::ProcessorsStartAtWhatIsDone);
    }
}

pub(crate) fn parents_finished<const L: usize>(scenario: &Scenario, state: &State<L>, shard: usize) -> bool {
    let finished = |parent: &usize| state.lease(*parent).is_some_and(|lease| scenario.is_end(*parent, lease.at));
    scenario.family.parents(shard).iter().all(finished)
}

/// A process does not wait any more: whether the write is applied stays open.
pub(crate) fn give_up<const L: usize>(scenario: &Scenario, state: &mut State<L>, slot: usize, shard: usize) {
    let Some(request) = state.workers[slot].seats[shard].request.take() else { return };
    leave_under_way(scenario, state, shard, &request);
    if !request.write.act.is_holders() {
        return;
    }
    let Some(tenure) = &mut state.workers[slot].seats[shard].tenure else { return };
    if scenario.rules.unanswered_is_unknown {
        tenure.unresolved = Some(tenure.unresolved.map_or(request.age, |first| first.max(request.age)));
    } else {
        tenure.behind = tenure.behind.saturating_sub(1);
        tenure.age = request.age;
        report(state, slot, shard, request.write.act);
    }
}

/// A process sends the same write again, and waits for the answer to that.
pub(crate) fn repeat<const L: usize>(scenario: &Scenario, state: &mut State<L>, slot: usize, shard: usize) {
    let Some(request) = state.workers[slot].seats[shard].request else { return };
    leave_under_way(scenario, state, shard, &request);
    state.workers[slot].seats[shard].request = Some(Request { answer: None, ..request });
}

/// A write that may still arrive although nobody waits for it.
pub(crate) fn leave_under_way<const L: usize>(
    scenario: &Scenario,
    state: &mut State<L>,
    shard: usize,
    request: &Request,
) {
    let hopeless = request.write.behind > 0 && scenario.rules.test_versions();
    if request.answer.is_some() || hopeless || !scenario.late_writes {
        return;
    }
    let room = state.mail.iter_mut().find(|slot| slot.is_none());
    match room {
        Some(room) => *room = u8::try_from(shard).ok().map(|shard| (shard, request.write)),
        // What a mutant leaves under way may never be out of date: it goes without the rest.
        None => state.demand(!scenario.rules.test_versions(), Invariant::ModelHasRoom),
    }
}
