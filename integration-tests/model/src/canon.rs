//! One state for all that differ in names only: numbers of tenures and writes, and which of three equal workers is which.

use crate::lease::{ABSENT, Act, FAR_BEHIND, Id, Lease, Stamp, Write};
use crate::scenario::Scenario;
use crate::state::{Life, SLOTS, State, Worker};

/// The orders in which three workers can stand.
const ORDERS: [[usize; SLOTS]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// The state that stands for this one and all that are like it.
pub(crate) fn canonical<const L: usize>(scenario: &Scenario, mut state: State<L>) -> State<L> {
    if state.broken.is_some() {
        return state;
    }
    forget(scenario, &mut state);
    if !scenario.is_symmetric() {
        renumber(&mut state);
        return state;
    }
    let fixed = |slot: usize| scenario.processes[slot].is_none();
    let keeps = |order: &&[usize; SLOTS]| (0..SLOTS).all(|slot| !fixed(slot) || order[slot] == slot);
    let shape = state.workers.map(|worker| outline(&state, &worker));
    let mut best: Option<State<L>> = None;
    for order in ORDERS.iter().filter(keeps) {
        // Workers that look different stand in the order of their looks; only those that look alike are tried both ways.
        if (1..SLOTS).any(|at| !fixed(order[at]) && shape[order[at - 1]] > shape[order[at]]) {
            continue;
        }
        let mut ordered = reordered(&state, *order);
        renumber(&mut ordered);
        if best.as_ref().is_none_or(|best| ordered < *best) {
            best = Some(ordered);
        }
    }
    best.unwrap_or(state)
}

/// What a worker looks like, whatever workers are called.
fn outline<const L: usize>(state: &State<L>, worker: &Worker<L>) -> impl Ord + Copy + use<L> {
    let seats = std::array::from_fn::<_, L, _>(|shard| {
        let seat = &worker.seats[shard];
        let tenure = seat.tenure.map(|t| (t.phase, t.age, t.behind, t.committed, t.done, t.unresolved));
        let request = seat.request.map(|r| (r.age, r.write.behind, r.write.act.commits(), r.write.act.is_holders()));
        let named =
            state.lease(shard).map(|lease| (lease.owner == Some(worker.id), lease.checkpoint_owner == Some(worker.id)));
        (tenure, request, named)
    });
    (worker.life, worker.leaving, seats)
}

/// Drops what cannot matter any more.
fn forget<const L: usize>(scenario: &Scenario, state: &mut State<L>) {
    let dead = |leases: &[Option<Lease>; L], shard: u8, write: &Write| match write.act {
        Act::Create { .. } => leases[usize::from(shard)].is_some(),
        Act::Initiate { .. } => false,
        _ => write.behind > 0 && scenario.rules.test_versions(),
    };
    for slot in state.mail.iter_mut().chain([&mut state.plan]) {
        if slot.as_ref().is_some_and(|(shard, write)| dead(&state.leases, *shard, write)) {
            *slot = None;
        }
    }
    state.mail.sort_unstable();
    for worker in &mut state.workers {
        if matches!(worker.life, Life::Gone) {
            worker.leaving = false;
        }
        for seat in &mut worker.seats {
            let answered = seat.request.as_ref().is_some_and(|request| request.answer.is_some());
            let far = if answered { FAR_BEHIND } else { FAR_BEHIND - 1 };
            seat.tenure.iter_mut().for_each(|tenure| tenure.behind = tenure.behind.min(far));
            seat.request.iter_mut().for_each(|request| request.write.behind = request.write.behind.min(far));
        }
    }
}

fn reordered<const L: usize>(state: &State<L>, order: [usize; SLOTS]) -> State<L> {
    let mut named: [Id; SLOTS + 1] = [0, 1, 2, ABSENT];
    for (to, from) in order.iter().enumerate() {
        named[usize::from(state.workers[*from].id)] = state.workers[to].id;
    }
    let id = |id: Id| named[usize::from(id)];
    let write = |write: Write| Write { by: id(write.by), act: renamed(write.act, id), ..write };
    let message = |message: Option<(u8, Write)>| message.map(|(shard, of)| (shard, write(of)));
    let mut next = state.clone();
    for lease in next.leases.iter_mut().flatten() {
        lease.owner = lease.owner.map(id);
        lease.checkpoint_owner = lease.checkpoint_owner.map(id);
        lease.before = lease.before.map(|(owner, holder)| (owner.map(id), holder.map(id)));
    }
    next.workers = order.map(|from| state.workers[from]);
    for worker in &mut next.workers {
        worker.id = id(worker.id);
        for seat in &mut worker.seats {
            if let Some(tenure) = &mut seat.tenure {
                tenure.asked = tenure.asked.map(id);
            }
            if let Some(request) = &mut seat.request {
                request.write = write(request.write);
                request.answer = request.answer.map(|answer| answer.renamed(id));
            }
        }
    }
    next.mail = state.mail.map(message);
    next.mail.sort_unstable();
    next.plan = message(state.plan);
    next
}

fn renamed(act: Act, id: impl Fn(Id) -> Id) -> Act {
    match act {
        Act::Take { owner, checkpoint_owner } => {
            Act::Take { owner: owner.map(&id), checkpoint_owner: checkpoint_owner.map(&id) }
        }
        Act::Pass { to, at } => Act::Pass { to: to.map(id), at },
        Act::Offer { owner, checkpoint_owner, to } => {
            Act::Offer { owner: owner.map(&id), checkpoint_owner: checkpoint_owner.map(&id), to: id(to) }
        }
        Act::Initiate { owner, to } => Act::Initiate { owner: id(owner), to: id(to) },
        Act::Claim | Act::Create { .. } | Act::Renew | Act::Commit { .. } => act,
    }
}

/// New numbers for tenures and writes, in the order in which they are met. A stamp in the table that nobody can
/// recognise any more is nobody's.
fn renumber<const L: usize>(state: &mut State<L>) {
    for shard in 0..L {
        let mut numbers = Numbers::default();
        for worker in &mut state.workers {
            let seat = &mut worker.seats[shard];
            if let Some(tenure) = &mut seat.tenure {
                tenure.number = numbers.tenure(tenure.number);
            }
            if let Some(request) = &mut seat.request {
                request.write.stamp = numbers.stamp(request.write.stamp);
            }
        }
        for (of, write) in state.mail.iter_mut().flatten() {
            if usize::from(*of) == shard {
                write.stamp = numbers.stamp(write.stamp);
            }
        }
        if let Some(lease) = &mut state.leases[shard] {
            lease.stamp = numbers.known(lease.stamp);
            lease.holds = numbers.known_tenure(lease.holds);
        }
    }
}

/// The old numbers of what was met, by the new ones.
#[derive(Default)]
struct Numbers {
    tenures: [u8; 16],
    count: u8,
    writes: [(u8, u8); 16],
    written: usize,
}

impl Numbers {
    fn known_tenure(&self, old: u8) -> u8 {
        let at = self.tenures[..usize::from(self.count)].iter().position(|met| *met == old);
        at.filter(|_| old != 0).map_or(0, |at| u8::try_from(at).unwrap_or(u8::MAX) + 1)
    }

    fn tenure(&mut self, old: u8) -> u8 {
        if old != 0 && self.known_tenure(old) == 0 {
            self.tenures[usize::from(self.count)] = old;
            self.count += 1;
        }
        self.known_tenure(old)
    }

    /// The number of a write is its place among those of its tenure.
    fn write(&self, old: Stamp) -> u8 {
        let of_tenure = self.writes[..self.written].iter().filter(|(tenure, _)| *tenure == old.tenure);
        let at = of_tenure.clone().position(|(_, write)| *write == old.write);
        at.map_or(0, |at| u8::try_from(at).unwrap_or(u8::MAX) + 1)
    }

    fn stamp(&mut self, old: Stamp) -> Stamp {
        let tenure = self.tenure(old.tenure);
        if tenure != 0 && self.write(old) == 0 {
            self.writes[self.written] = (old.tenure, old.write);
            self.written += 1;
        }
        Stamp { tenure, write: if tenure == 0 { 0 } else { self.write(old) }, ..old }
    }

    fn known(&self, old: Stamp) -> Stamp {
        let tenure = self.known_tenure(old.tenure);
        Stamp { tenure, write: if tenure == 0 { 0 } else { self.write(old) }, ..old }
    }
}
