//! Looks at the table, and does what follows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::time::Instant;

use crate::decide::balance::Memory;
use crate::decide::distrust::Distrust;
use crate::decide::fleet::{self, Own, Plan, Sight};
use crate::decide::observe::Observations;
use crate::decide::overtaken::Overtaken;
use crate::decide::roster::{Living, Roster};
use crate::decide::timing::Timing;
use crate::error::{Chain, StoreError};
use crate::event::{Event, Look};
use crate::ids::{ShardKey, WorkerId};
use crate::lease::{Lease, Stamp};
use crate::member::{Member, Wake};
use crate::retry::Backoff;
use crate::shard_task::WorkerContext;
use crate::store::{LeaseAction, LeaseWrite, Listing, WriteOutcome, within};
use crate::time::Timestamp;
use crate::worker::run::{Ended, Running};
use crate::worker::take;
use crate::worker::wake::wake;

/// The pause before the rest of the free leases is taken, when other workers may be starting at the same moment; and the
/// shortest between two looks.
pub(super) const LEAVE_ROOM: Duration = Duration::from_millis(100);

/// How many writes to leases of others are under way at once.
const AT_ONCE: usize = 32;

/// A row that has not moved for so long is removed by the worker that balances, as the Java KCL does.
const FORGOTTEN: Duration = Duration::from_hours(24);

/// What a worker sees of its fleet.
#[derive(Debug)]
pub(super) struct View {
    pub(super) observations: Observations,
    pub(super) roster: Roster,
    /// The leases as of the last look.
    pub(super) leases: Vec<Lease>,
    /// What is known to be newer than looks may show, and until when it stands for something in `leases`.
    pub(super) overtaken: Overtaken,
    corrected: Option<Instant>,
    pub(super) looking: bool,
    /// Something changed while the table was being read: what was read may not have it.
    look_again: bool,
    pub(super) next_look: Instant,
    /// When leases were last set out for.
    took: Option<Instant>,
    backoff: Backoff,
    unreadable: BTreeSet<String>,
    without_room: usize,
    /// Workers that did not begin with what they were offered.
    pub(super) distrusted: Distrust,
    /// It has told the first in rank that it is here.
    announced: bool,
    /// What the leader remembers, as long as it leads.
    pub(super) memory: Option<Memory>,
}

impl View {
    pub(super) fn new(next_look: Instant) -> Self {
        Self {
            observations: Observations::default(),
            roster: Roster::default(),
            leases: Vec::new(),
            overtaken: Overtaken::default(),
            corrected: None,
            looking: false,
            look_again: false,
            next_look,
            took: None,
            backoff: Backoff::look(),
            unreadable: BTreeSet::new(),
            without_room: 0,
            distrusted: Distrust::default(),
            announced: false,
            memory: None,
        }
    }

    /// A look failed: how often in a row, and when to try again.
    pub(super) fn failed(&mut self) -> (u32, Duration) {
        self.looking = false;
        self.backoff.next()
    }

    /// Takes in a look at the table, answered now; `wall` is the wall clock then.
    pub(super) fn take_in(&mut self, mut listing: Listing, wall: Timestamp, timing: &Timing) {
        let now = Instant::now();
        self.corrected = self.overtaken.correct(&mut listing.leases, now);
        self.observations.look(&listing.leases, now, timing);
        self.roster.look(&listing.members, listing.lock.as_ref(), now, wall, timing);
        self.leases = listing.leases;
    }

    /// Something changed: looks within this time.
    pub(super) fn look_within(&mut self, pause: Duration) {
        self.next_look = self.next_look.min(Instant::now() + pause);
        self.look_again |= self.looking;
    }
}

impl Running {
    pub(super) fn look_now(&mut self) {
        self.view.look_within(Duration::ZERO);
    }

    pub(super) fn look(&mut self) {
        self.view.looking = true;
        let store = Arc::clone(&self.worker.shared.tenures.store);
        // The store's own deadline is for its own sake; a look that takes longer than this is not worth waiting for.
        let limit = self.worker.timing.watched_gap;
        self.spawn(Box::pin(async move { Ended::Look(within(limit, store.list()).await) }));
    }

    pub(super) fn looked(&mut self, listing: Listing) {
        let now = Instant::now();
        let timing = self.worker.timing;
        self.view.looking = false;
        let failures = self.view.backoff.reset();
        if failures > 1 {
            self.report(&Event::LookRecovered { what: Look::Leases, failures });
        }
        self.report_unreadable(&listing);
        let wall = self.worker.shared.tenures.wall.now();
        let read_units = listing.read_units;
        self.view.take_in(listing, wall, &timing);
        self.worker.shared.tenures.reporter.looked(&self.view.leases);
        self.avoided.retain(|_, until| *until > now);
        let there: BTreeSet<&ShardKey> = self.view.leases.iter().map(|lease| &lease.shard).collect();
        self.waking.retain(now, |shard| there.contains(shard));

        let me = self.worker.me.worker.clone();
        let (every, rank, first) = {
            let living = self.living();
            self.worker.shared.tells_cpu.store(living.compare_cpu(), Ordering::Relaxed);
            (living.look_every(&me, &timing, read_units), living.rank(&me), living.first().cloned())
        };
        let in_line = u32::try_from(rank).unwrap_or(u32::MAX).saturating_add(1);
        self.worker.shared.in_line.store(in_line, Ordering::Relaxed);
        self.announce(first);
        let plan = self.plan(now);
        self.schedule(&plan, now, every);
        self.act(plan, now);
        self.keep_lock(now);
        self.forget(wall);
        self.forget_streams(now, rank);
    }

    pub(super) fn living(&self) -> Living<'_> {
        self.view.roster.living(&self.view.leases, &self.view.observations, &self.worker.timing)
    }

    pub(super) fn sight(&self) -> Sight<'_> {
        Sight {
            me: &self.worker.me,
            leases: &self.view.leases,
            roster: &self.view.roster,
            seen: &self.view.observations,
            timing: &self.worker.timing,
            strategy: self.worker.strategy,
        }
    }

    fn plan(&mut self, now: Instant) -> Plan {
        let held: BTreeSet<ShardKey> = self.held.keys().union(&self.taking).cloned().collect();
        let avoided: BTreeSet<ShardKey> = self.avoided.keys().cloned().collect();
        let just_took = self.view.took.is_some_and(|took| now < took + LEAVE_ROOM);
        let mut memory = self.view.memory.take();
        let streams = self.reading.taken();
        let distrusted = self.view.distrusted.at(now);
        let woken = self.waking.known();
        let own = Own {
            streams: &streams,
            distrusted: &distrusted,
            held: &held,
            avoided: &avoided,
            woken: &woken,
            just_took,
        };
        let plan = fleet::plan(&self.sight(), &own, memory.as_mut(), now);
        self.view.memory = memory;
        for silent in &plan.dead {
            if self.view.roster.presume_dead(silent) {
                self.report(&Event::WorkerSilent { silent: silent.clone() });
            }
        }
        for distrusted in &plan.distrust {
            self.report(&Event::WorkerDistrusted { distrusted: distrusted.clone() });
        }
        self.view.distrusted.note(&plan.distrust, now, self.worker.timing.failover);
        plan
    }

    /// When to look next: regularly; when something is due; and soon, if something changed meanwhile.
    fn schedule(&mut self, plan: &Plan, now: Instant, every: Duration) {
        let timing = self.worker.timing;
        let slow = every > timing.renew_after + 2 * timing.attempt;
        // A lease that stood still for longer than its holder may take to renew it: watched closely until that is clear.
        let every = if slow && plan.stands_still { timing.look } else { every };
        let regular = now + if plan.more { LEAVE_ROOM } else { every };
        // One that looks rarely would look at the end of every lease's patience, which is renewed long before.
        let due = plan.due.filter(|due| every <= timing.watched_gap || *due <= now + timing.watched_gap);
        self.view.next_look = due.map_or(regular, |due| regular.min(due.max(now + LEAVE_ROOM)));
        if let Some(corrected) = self.view.corrected {
            self.view.next_look = self.view.next_look.min(corrected);
        }
        if std::mem::take(&mut self.view.look_again) {
            self.view.next_look = now;
        }
    }

    /// One that is new tells the first in rank, who may be looking rarely at a large table.
    fn announce(&mut self, first: Option<WorkerId>) {
        if std::mem::replace(&mut self.view.announced, true) {
            return;
        }
        if let Some(first) = first.filter(|first| *first != self.worker.me.worker) {
            self.waking.add(first, Wake::Look);
        }
    }

    fn act(&mut self, plan: Plan, now: Instant) {
        if !plan.take.is_empty() {
            self.view.took = Some(now);
        }
        if plan.take.len() > AT_ONCE {
            self.view.look_within(LEAVE_ROOM);
        }
        for lease in plan.take.into_iter().take(AT_ONCE) {
            self.take(lease);
        }
        for (shard, to) in plan.give {
            self.give(&shard, to);
        }
        let without_room = plan.no_room.len();
        let first = self.worker.shared.in_line.load(Ordering::Relaxed) <= 1;
        if first && std::mem::replace(&mut self.view.without_room, without_room) != without_room {
            self.report(&Event::NoRoom { shards: without_room });
        }
        if self.placing {
            // What is under way shows in the next look, or is planned again.
            return;
        }
        self.waking.note(&plan.wake, now);
        if plan.offer.is_empty() && plan.initiate.is_empty() {
            for (worker, wakes) in plan.wake {
                self.waking.add_all(&worker, wakes);
            }
            return;
        }
        self.placing = true;
        let shared = Arc::clone(&self.worker.shared);
        self.spawn(Box::pin(async move {
            write_all(&shared, plan.offer, plan.initiate).await;
            wake(&shared, plan.wake).await;
            Ended::Placed
        }));
    }

    pub(super) fn take(&mut self, lease: Lease) {
        if !self.taking.insert(lease.shard.clone()) {
            return;
        }
        let shared = Arc::clone(&self.worker.shared);
        self.spawn(Box::pin(async {
            let taken = take::take(shared, lease.clone()).await;
            Ended::Take(Box::new(lease), taken)
        }));
    }

    /// The leader removes rows that nobody has kept for a day.
    fn forget(&mut self, wall: Timestamp) {
        if self.view.memory.is_none() {
            return;
        }
        let old = |row: &&Member| wall.since(row.reported) > FORGOTTEN && row.worker != self.worker.me.worker;
        let mut old: Vec<Member> = self.view.roster.rows().filter(old).cloned().collect();
        if old.is_empty() {
            return;
        }
        let living = self.living();
        old.retain(|row| !living.has(&row.worker));
        let shared = Arc::clone(&self.worker.shared);
        self.spawn(Box::pin(async move {
            for row in old {
                // It is seen again at the next look if it could not be removed.
                drop(within(shared.tenures.timing.attempt, shared.tenures.store.remove_member(&row)).await);
            }
            Ended::Done
        }));
    }

    /// Each row once, until it is repaired.
    fn report_unreadable(&mut self, listing: &Listing) {
        let known = std::mem::take(&mut self.view.unreadable);
        for (key, problem) in &listing.unreadable {
            if !known.contains(key) {
                self.report(&Event::LeaseUnreadable { key: key.clone(), problem: problem.clone() });
            }
            self.view.unreadable.insert(key.clone());
        }
    }
}

/// Makes offers and asks for moves. What is refused was decided on an old look, and shows in the next.
async fn write_all(shared: &WorkerContext, offers: Vec<(Lease, WorkerId)>, moves: Vec<(Lease, WorkerId)>) {
    let offers: Vec<_> = offers.into_iter().map(|(lease, to)| offer(shared, lease, to)).collect();
    let moves: Vec<_> = moves.into_iter().map(|(lease, to)| initiate(shared, lease, to)).collect();
    let offers = stream::iter(offers).buffer_unordered(AT_ONCE).collect::<Vec<()>>();
    let moves = stream::iter(moves).buffer_unordered(AT_ONCE).collect::<Vec<()>>();
    tokio::join!(offers, moves);
}

/// Names the worker that is to begin to hold a lease that nobody holds.
pub(super) async fn offer(shared: &WorkerContext, seen: Lease, to: WorkerId) {
    let tenures = &shared.tenures;
    let shard = seen.shard.clone();
    let write = LeaseWrite {
        seen,
        by: shared.worker.clone(),
        stamp: Stamp::offered(shared.instance, shared.next_tenure(), 1),
        now: tenures.wall.now(),
        action: LeaseAction::Offer { to: to.clone() },
    };
    match within(tenures.timing.attempt, tenures.store.write(&write)).await {
        Ok(WriteOutcome::Applied(_)) => tenures.reporter.emit(&Event::LeaseOffered { shard, to }),
        Ok(WriteOutcome::Refused(_)) => {}
        Err(error) => failed(shared, shard, &error),
    }
}

async fn initiate(shared: &WorkerContext, seen: Lease, to: WorkerId) {
    let tenures = &shared.tenures;
    match within(tenures.timing.attempt, tenures.store.initiate(&seen, &to)).await {
        Ok(WriteOutcome::Applied(_)) => {
            let (shard, from) = (seen.shard, seen.owner);
            tenures.reporter.emit(&Event::MoveAsked { shard, from, to });
        }
        Ok(WriteOutcome::Refused(_)) => {}
        Err(error) => failed(shared, seen.shard, &error),
    }
}

fn failed(shared: &WorkerContext, shard: ShardKey, error: &StoreError) {
    shared.tenures.reporter.emit(&Event::LeaseWriteFailed { shard, error: Chain(error).to_string() });
}
