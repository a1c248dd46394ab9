//! What one worker does about the leases of its fleet, after a look at the table.
//!
//! Nobody needs a leader to read: any worker takes what is free or left behind, or offers it to the one that should have
//! it, in the order of their ranks. The leader alone moves leases between workers that live, so that all have a fair part.
//! All writes are conditional, so two workers that decide alike cost a write, not a mistake.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::decide::balance::{self, Candidate, Memory, Strategy, Work};
use crate::decide::observe::Observations;
use crate::decide::roster::{Living, Roster};
use crate::decide::standing::{Standing, standing};
use crate::decide::timing::Timing;
use crate::ids::{ShardId, ShardKey, StreamId, WorkerId};
use crate::lease::{Instance, Lease, Version};
use crate::member::Wake;

/// Who asks.
#[derive(Debug, Clone)]
pub struct Me {
    /// Its id.
    pub worker: WorkerId,
    /// Its process.
    pub instance: Instance,
    /// The most leases that it may be given.
    pub cap: Option<usize>,
}

/// What one worker knows of its fleet.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    /// Who asks.
    pub me: &'a Me,
    /// The leases that it knows how to read, as they were seen last.
    pub leases: &'a [Lease],
    /// The workers.
    pub roster: &'a Roster,
    /// What was seen of the leases over time.
    pub seen: &'a Observations,
    /// The durations of the fleet.
    pub timing: &'a Timing,
    /// How work is weighed.
    pub strategy: Strategy,
}

/// What the worker itself is doing.
#[derive(Debug, Clone, Copy)]
pub struct Own<'a> {
    /// The streams that it reads.
    pub streams: &'a BTreeSet<StreamId>,
    /// The shards that it holds, or is just taking.
    pub held: &'a BTreeSet<ShardKey>,
    /// Those that it gave up a moment ago: they are for others.
    pub avoided: &'a BTreeSet<ShardKey>,
    /// The versions for which it has woken their owners.
    pub woken: &'a BTreeMap<ShardKey, Version>,
    /// Workers that did not begin with what they were offered: they are given nothing more for a while.
    pub distrusted: &'a BTreeSet<WorkerId>,
    /// It took some leases a moment ago.
    pub just_took: bool,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// Leases to begin to hold.
    pub take: Vec<Lease>,
    /// Leases that nobody holds, and who is to begin.
    pub offer: Vec<(Lease, WorkerId)>,
    /// Shards of this worker's to be given to others.
    pub give: Vec<(ShardKey, WorkerId)>,
    /// Leases whose holders are to be asked to give them to others.
    pub initiate: Vec<(Lease, WorkerId)>,
    /// Whom to wake, and for which leases.
    pub wake: BTreeMap<WorkerId, Vec<Wake>>,
    /// Leases for which there is no room: everybody is at the limit.
    pub no_room: Vec<ShardKey>,
    /// Workers that did not begin with what they were offered.
    pub distrust: BTreeSet<WorkerId>,
    /// Workers that let a lease go silent: they count as dead until they are heard of.
    pub dead: BTreeSet<WorkerId>,
    /// More can be had that is left, for a moment, to workers that may be starting too.
    pub more: bool,
    /// A lease of another worker was not renewed since the last look but one.
    pub stands_still: bool,
    /// When the next thing is due that is not yet, if nothing changes.
    pub due: Option<Instant>,
}

/// How long a worker of this library is given to begin to hold what it was offered: it listens every half second, and its
/// write may have to be repeated.
fn claim_within(timing: &Timing) -> Duration {
    (timing.failover / 4).max(Duration::from_millis(1_500))
}

/// After how long a hand-off that is not made, although the holder lives, is decided for the receiver.
fn hand_off_within(timing: &Timing) -> Duration {
    timing.failover * 4
}

/// Plans after a look. `lead` is the leader's memory, if this worker leads.
///
/// A worker that sees no other takes half of what is free, and the rest in the looks that follow at once: one that starts
/// at the same moment finds something left.
#[must_use]
pub fn plan(sight: &Sight<'_>, own: &Own<'_>, lead: Option<&mut Memory>, now: Instant) -> Plan {
    let living = sight.roster.living(sight.leases, sight.seen, sight.timing);
    let mut planning = Planning::new(sight, own, &living);
    // A store gives them in any order.
    let mut leases: Vec<&Lease> = sight.leases.iter().filter(|lease| !lease.is_finished()).collect();
    leases.sort_unstable_by(|left, right| left.shard.cmp(&right.shard));
    for lease in leases {
        planning.sort(lease);
    }
    planning.place();
    if let Some(memory) = lead {
        planning.balance(memory, now);
    }
    planning.plan
}

/// Who gets the shards that a worker gives away: as a plan would place them, without this worker and the absent ones.
#[must_use]
pub fn heirs(
    sight: &Sight<'_>,
    shards: &BTreeSet<ShardKey>,
    absent: &BTreeSet<WorkerId>,
) -> BTreeMap<ShardKey, WorkerId> {
    let living = sight.roster.living(sight.leases, sight.seen, sight.timing);
    let can = living.candidates().filter(|member| member.worker != sight.me.worker && !absent.contains(&member.worker));
    let candidates = candidates(can);
    let index = index(&candidates);
    let mut work = Vec::new();
    for (lease, weight) in sight.leases.iter().zip(weights(sight)).filter(|(lease, _)| !lease.is_finished()) {
        let at = lease.owner.as_ref().and_then(|owner| index.get(owner).copied());
        let given = shards.contains(&lease.shard);
        if given || at.is_some() {
            let at = at.filter(|_| !given);
            work.push(Work { shard: lease.shard.clone(), weight, at, movable: false });
        }
    }
    let placed = balance::fill(&candidates, &work);
    placed.into_iter().map(|(placed, to)| (work[placed].shard.clone(), candidates[to].worker.clone())).collect()
}

fn weights(sight: &Sight<'_>) -> Vec<f64> {
    let loads: Vec<_> = sight.leases.iter().map(|lease| lease.load).collect();
    balance::weights(sight.strategy, &loads)
}

fn candidates<'a>(members: impl Iterator<Item = &'a crate::member::Member>) -> Vec<Candidate> {
    members
        .map(|member| Candidate {
            worker: member.worker.clone(),
            ours: member.instance.is_some(),
            cap: member.cap,
            utilization: member.utilization,
        })
        .collect()
}

fn index(candidates: &[Candidate]) -> BTreeMap<WorkerId, usize> {
    candidates.iter().enumerate().map(|(at, candidate)| (candidate.worker.clone(), at)).collect()
}

struct Planning<'a> {
    sight: &'a Sight<'a>,
    own: &'a Own<'a>,
    living: &'a Living<'a>,
    candidates: Vec<Candidate>,
    index: BTreeMap<WorkerId, usize>,
    unfinished: BTreeSet<(&'a StreamId, &'a ShardId)>,
    weights: BTreeMap<&'a ShardKey, f64>,
    /// What somebody has, or is to have.
    work: Vec<Work>,
    leases: Vec<&'a Lease>,
    /// What nobody holds, but was to be given to somebody.
    promised: Vec<(&'a Lease, &'a WorkerId)>,
    /// What somebody did not come for.
    uncalled: Vec<&'a Lease>,
    /// What is to be placed: it is free.
    open: Vec<&'a Lease>,
    /// What is to be placed with a worker that is alive for certain: its holder is dead.
    bereft: Vec<&'a Lease>,
    /// Nobody is before this worker in rank.
    first: bool,
    plan: Plan,
}

impl<'a> Planning<'a> {
    fn new(sight: &'a Sight<'a>, own: &'a Own<'a>, living: &'a Living<'a>) -> Self {
        let mut candidates = candidates(living.candidates());
        if !candidates.iter().any(|candidate| candidate.worker == sight.me.worker) {
            // Its own row may not be in sight yet.
            let Me { worker, cap, .. } = sight.me.clone();
            candidates.push(Candidate { worker, ours: true, cap, utilization: None });
        }
        let unfinished = sight.leases.iter().filter(|lease| !lease.is_finished());
        Self {
            index: index(&candidates),
            candidates,
            unfinished: unfinished.map(|lease| (&lease.shard.stream, &lease.shard.shard)).collect(),
            weights: sight.leases.iter().map(|lease| &lease.shard).zip(weights(sight)).collect(),
            work: Vec::new(),
            leases: Vec::new(),
            promised: Vec::new(),
            uncalled: Vec::new(),
            open: Vec::new(),
            bereft: Vec::new(),
            first: living.rank(&sight.me.worker) == 0,
            plan: Plan::default(),
            sight,
            own,
            living,
        }
    }

    /// Finds out what a lease needs.
    fn sort(&mut self, lease: &'a Lease) {
        let me = &self.sight.me.worker;
        let standing = standing(lease, self.sight.roster, self.sight.seen);
        if self.own.held.contains(&lease.shard) {
            if let Standing::Moving { from, to } = standing
                && from == me
            {
                self.plan.give.push((lease.shard.clone(), to.clone()));
                return self.has(lease, to, false);
            }
            return self.has(lease, me, true);
        }
        if !self.own.streams.contains(&lease.shard.stream) {
            // For those who read that stream. It is work of theirs.
            if let Some(owner) = &lease.owner {
                self.has(lease, owner, false);
            }
            return;
        }
        match standing {
            Standing::Free => {
                if self.is_ready(lease) && self.is_due(lease, Duration::ZERO, None) {
                    self.open.push(lease);
                }
            }
            // It could not be passed on when it was given up.
            Standing::Held(worker) if worker == me && self.leaves_to_others(lease) => self.has(lease, me, false),
            Standing::Named(worker) | Standing::Held(worker) if worker == me => {
                self.plan.take.push(lease.clone());
                self.has(lease, me, false);
            }
            Standing::Named(worker) => self.named(lease, worker),
            Standing::Held(holder) => {
                if self.is_due(lease, self.patience(lease, holder), Some(holder)) {
                    self.plan.dead.insert(holder.clone());
                    self.bereft.push(lease);
                } else {
                    self.plan.stands_still |= self.sight.seen.silence(lease) >= self.sight.timing.watched_gap;
                    // Half a hand-off of another library cannot be asked for.
                    self.has(lease, holder, lease.checkpoint_owner.is_none());
                }
            }
            // There is no tenure to end: an earlier process of this worker had it.
            Standing::Moving { from, to } if from == me => self.promised.push((lease, to)),
            Standing::Moving { from, to } => {
                let stuck = self.first && self.sight.seen.pending(lease) >= hand_off_within(self.sight.timing);
                let silent = self.is_due(lease, self.patience(lease, from), Some(from));
                if silent {
                    self.plan.dead.insert(from.clone());
                }
                if stuck || silent {
                    self.promised.push((lease, to));
                } else {
                    if self.first {
                        self.wake(from, lease);
                    }
                    self.has(lease, to, false);
                }
            }
        }
    }

    fn named(&mut self, lease: &'a Lease, worker: &WorkerId) {
        let row = self.sight.roster.row(worker);
        let ours = row.is_some_and(|row| row.instance.is_some());
        let offered = lease.stamp.as_ref().is_some_and(|stamp| !stamp.is_held());
        let comes = self.index.contains_key(worker);
        let wait = match row {
            // A tenure of a process that the row does not show yet cannot be ruled out.
            _ if !offered => self.patience(lease, worker),
            // A worker of another library may have begun already, without a write, whatever its row says.
            Some(_) if !ours => Observations::adoption(self.sight.timing),
            _ if comes => claim_within(self.sight.timing),
            _ => Duration::ZERO,
        };
        if self.is_due(lease, wait, Some(worker)) {
            if comes {
                self.plan.distrust.insert(worker.clone());
            }
            return self.uncalled.push(lease);
        }
        if self.first && ours {
            self.wake(worker, lease);
        }
        self.has(lease, worker, false);
    }

    /// Gives leases that nobody holds to those who were to have them, if they live.
    fn keep_promises(&mut self) {
        for (lease, to) in std::mem::take(&mut self.promised) {
            if self.index.contains_key(to) && !self.has_failed(to) {
                self.assign(lease, to.clone());
                self.has(lease, to, false);
            } else {
                self.bereft.push(lease);
            }
        }
    }

    /// Takes what somebody did not come for, if there is room: the next one might not come either.
    fn keep_uncalled(&mut self) {
        let Me { worker: me, cap, .. } = self.sight.me;
        for lease in std::mem::take(&mut self.uncalled) {
            let at = self.index.get(me).copied();
            let full = cap.is_some_and(|cap| self.work.iter().filter(|work| work.at == at).count() >= cap);
            if full || self.own.avoided.contains(&lease.shard) {
                self.bereft.push(lease);
            } else {
                self.plan.take.push(lease.clone());
                self.has(lease, me, false);
            }
        }
    }

    /// Whether a worker did not begin with what it was offered, or is dying.
    fn has_failed(&self, worker: &WorkerId) -> bool {
        let now = self.plan.distrust.contains(worker) || self.plan.dead.contains(worker);
        now || self.own.distrusted.contains(worker)
    }

    fn assign(&mut self, lease: &Lease, to: WorkerId) {
        if to == self.sight.me.worker {
            return self.plan.take.push(lease.clone());
        }
        if self.is_ours(&to) {
            let wake = Wake::Lease(lease.shard.clone(), lease.version.next());
            self.plan.wake.entry(to.clone()).or_default().push(wake);
        }
        self.plan.offer.push((lease.clone(), to));
    }

    fn wake(&mut self, worker: &WorkerId, lease: &Lease) {
        let known = self.own.woken.get(&lease.shard).is_some_and(|version| *version >= lease.version);
        if !known && *worker != self.sight.me.worker && self.is_ours(worker) {
            let wake = Wake::Lease(lease.shard.clone(), lease.version);
            self.plan.wake.entry(worker.clone()).or_default().push(wake);
        }
    }

    fn has(&mut self, lease: &'a Lease, worker: &WorkerId, movable: bool) {
        let Some(at) = self.index.get(worker).copied() else { return };
        let weight = self.weights.get(&lease.shard).copied().unwrap_or(1.0);
        self.work.push(Work { shard: lease.shard.clone(), weight, at: Some(at), movable });
        self.leases.push(lease);
    }

    fn is_ours(&self, worker: &WorkerId) -> bool {
        self.sight.roster.row(worker).is_some_and(|row| row.instance.is_some())
    }

    fn patience(&self, lease: &Lease, holder: &WorkerId) -> Duration {
        // A holder without a row: what it wrote tells.
        let ours = self.sight.roster.row(holder).map_or(lease.stamp.is_some(), |row| row.instance.is_some());
        self.sight.seen.patience(lease, self.sight.timing, ours)
    }

    /// Whether this worker gave it up a moment ago, and there are others.
    fn leaves_to_others(&self, lease: &Lease) -> bool {
        self.own.avoided.contains(&lease.shard) && self.candidates.len() > 1
    }

    /// A shard is read after those that it was made of are finished.
    fn is_ready(&self, lease: &Lease) -> bool {
        lease.parents.iter().all(|parent| !self.unfinished.contains(&(&lease.shard.stream, parent)))
    }

    /// Whether a lease has stood still for long enough for this worker to act on it.
    fn is_due(&mut self, lease: &Lease, wait: Duration, owner: Option<&WorkerId>) -> bool {
        let wait = wait + self.living.patience(&self.sight.me.worker, owner);
        if self.sight.seen.silence(lease) >= wait {
            return true;
        }
        let due = self.sight.seen.due(lease, wait);
        self.plan.due = [self.plan.due, due].into_iter().flatten().min();
        false
    }

    /// Sees to it that these get nothing more now.
    fn limited(&self, is_limited: impl Fn(&WorkerId) -> bool) -> Vec<Candidate> {
        let mut has = vec![0; self.candidates.len()];
        for at in self.work.iter().filter_map(|work| work.at) {
            has[at] += 1;
        }
        let limit = |(candidate, has): (&Candidate, usize)| {
            let cap = candidate.cap.map_or(has, |cap| cap.min(has));
            let cap = if is_limited(&candidate.worker) { Some(cap) } else { candidate.cap };
            Candidate { cap, ..candidate.clone() }
        };
        self.candidates.iter().zip(has).map(limit).collect()
    }

    /// Places what is open. Those who failed get nothing more now.
    fn place(&mut self) {
        self.keep_promises();
        self.keep_uncalled();
        self.candidates = self.limited(|worker| self.has_failed(worker));
        let before = self.work.len();
        let bereft = std::mem::take(&mut self.bereft);
        let me = &self.sight.me.worker;
        let proven = self.limited(|worker| worker != me && !self.living.is_proven(worker));
        self.place_with(&proven, &bereft);
        let (open, left) = self.leave_room();
        self.place_with(&self.candidates.clone(), &open);
        let new = self.work.iter().skip(before);
        self.plan.no_room = new.filter(|work| work.at.is_none()).map(|work| work.shard.clone()).collect();
        if self.plan.no_room.is_empty() {
            self.plan.more = !left.is_empty();
        } else {
            // There is none for the rest either.
            self.plan.no_room.extend(left.into_iter().map(|lease| lease.shard.clone()));
        }
        self.plan.take.sort_by(|left, right| left.shard.cmp(&right.shard));
    }

    /// What is free; and, of it, what is left for a moment to workers that may be starting too.
    fn leave_room(&mut self) -> (Vec<&'a Lease>, Vec<&'a Lease>) {
        let mut open = std::mem::take(&mut self.open);
        let room = match (self.candidates.len(), self.own.just_took) {
            (1, true) => 0,
            (1, false) => open.len().div_ceil(2),
            _ => open.len(),
        };
        let left = open.split_off(room);
        (open, left)
    }

    fn place_with(&mut self, candidates: &[Candidate], leases: &[&'a Lease]) {
        let alone = self.candidates.len() == 1;
        // Others see what this worker gave up, too.
        for lease in leases.iter().copied().filter(|lease| alone || !self.own.avoided.contains(&lease.shard)) {
            let weight = self.weights.get(&lease.shard).copied().unwrap_or(1.0);
            self.work.push(Work { shard: lease.shard.clone(), weight, at: None, movable: false });
            self.leases.push(lease);
        }
        for (work, to) in balance::fill(candidates, &self.work) {
            self.work[work].at = Some(to);
            let worker = self.candidates[to].worker.clone();
            self.assign(self.leases[work], worker);
        }
    }

    /// Moves leases between workers that live.
    fn balance(&mut self, memory: &mut Memory, now: Instant) {
        // What is for nobody yet is placed first.
        let (mut work, mut leases) = (Vec::new(), Vec::new());
        for (one, lease) in self.work.iter().zip(&self.leases).filter(|(one, _)| one.at.is_some()) {
            work.push(one.clone());
            leases.push(*lease);
        }
        for step in balance::moves(&self.candidates, &work, self.sight.strategy, memory, now) {
            let (lease, to) = (leases[step.work], self.candidates[step.to].worker.clone());
            let from = self.candidates[step.from].worker.clone();
            if from == self.sight.me.worker {
                self.plan.give.push((lease.shard.clone(), to));
                continue;
            }
            if self.is_ours(&from) {
                self.plan.wake.entry(from).or_default().push(Wake::Lease(lease.shard.clone(), lease.version));
            }
            self.plan.initiate.push((lease.clone(), to));
        }
    }
}

#[cfg(test)]
mod tests;
