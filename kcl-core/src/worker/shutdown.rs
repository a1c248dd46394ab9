//! A stop in good order: what is in hand is finished and committed, every lease is passed to the worker that should have
//! it, and nothing in the table names this worker any more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::decide::fleet;
use crate::error::{Chain, StoreError};
use crate::event::{Event, Look};
use crate::ids::{ShardKey, WorkerId};
use crate::lease::{EndReason, Lease, Stamp};
use crate::shard_task::{Command, WorkerContext};
use crate::store::{LeaseAction, LeaseWrite, Listing, WriteOutcome, within};
use crate::tenure::{Heir, Tenure};
use crate::worker::handle::Stop;
use crate::worker::look::offer;
use crate::worker::membership::remove_row;
use crate::worker::run::{Ended, Running, WRITE_DOWN};

/// How long a worker that stops waits for others to begin with what it passed to them, before it offers that to others
/// still; and how often it looks.
const CLAIMED_WITHIN: Duration = Duration::from_secs(1);
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// What came of the shards that a worker held when it was told to stop.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Their processors finished what was in their hands in time, and it was committed.
    pub drained: Vec<ShardKey>,
    /// Their processors were cut off: what was in their hands is delivered again by the next owner.
    pub cut_off: Vec<ShardKey>,
    /// They were passed to these workers.
    pub passed: BTreeMap<ShardKey, WorkerId>,
    /// Of these, those whose new owners were seen to have begun, before this worker went.
    pub claimed: BTreeSet<ShardKey>,
    /// They were left free, since no other worker could have them: whoever starts next begins at once.
    pub freed: Vec<ShardKey>,
    /// They could not be given away: their leases name this worker until the failover time is over.
    pub left: Vec<ShardKey>,
}

impl ShutdownReport {
    pub(super) fn event(&self) -> Event {
        let (passed, freed) = (self.passed.len(), self.freed.len());
        Event::WorkerStopped { passed, freed, cut_off: self.cut_off.len(), left: self.left.len() }
    }

    fn note(&mut self, tenure: &Tenure) {
        let shard = tenure.shard().clone();
        match tenure.passed().map(|passed| passed.to.clone()) {
            _ if tenure.end_reason() == Some(EndReason::Finished) => {}
            Some(Some(to)) => drop(self.passed.insert(shard.clone(), to)),
            Some(None) => self.freed.push(shard.clone()),
            // Somebody else has it: it is not this worker's to give.
            None if tenure.end_reason() == Some(EndReason::Taken) => return,
            None => self.left.push(shard.clone()),
        }
        if tenure.was_cut_off() { self.cut_off.push(shard) } else { self.drained.push(shard) }
    }
}

impl Running {
    /// What is left behind when a worker ends at once.
    pub(super) fn cut_short(&self) -> ShutdownReport {
        let keys: Vec<_> = self.held.keys().into_iter().collect();
        ShutdownReport { cut_off: keys.clone(), left: keys, ..ShutdownReport::default() }
    }

    /// Ends every ownership at once, and lets processors know.
    pub(super) async fn lose_everything(&mut self) {
        let until = Instant::now() + WRITE_DOWN;
        while !self.held.is_empty() {
            for tenure in self.held.tenures() {
                tenure.end(EndReason::Taken);
            }
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(until) => return,
                Some(ended) = self.tasks.join_next() => match ended {
                    Ok(Ended::Shard(shard)) => drop(self.ended(Ok(Ended::Shard(shard)))),
                    Ok(_) => {}
                    Err(_) => self.held.remove_all_over(),
                }
            }
        }
    }

    /// Stops all shards in good order, until then at the latest, or until told to stop at once.
    pub(super) async fn stop(&mut self, by: Instant, stops: &mut watch::Receiver<Stop>) -> ShutdownReport {
        let mut report = ShutdownReport::default();
        let mut aborts = stops.clone();
        let drained = tokio::select! {
            biased;
            () = aborted(&mut aborts) => None,
            by = self.drain(by, stops, &mut report) => Some(by),
        };
        let Some(by) = drained else {
            for tenure in self.held.tenures() {
                report.cut_off.push(tenure.shard().clone());
                report.left.push(tenure.shard().clone());
            }
            return report;
        };
        tokio::select! {
            biased;
            () = aborted(&mut aborts) => {}
            () = self.leave(by, &mut report) => {}
        }
        report
    }

    /// Lets processors finish and passes their leases on. Answers until when all must be over.
    async fn drain(&mut self, by: Instant, stops: &mut watch::Receiver<Stop>, report: &mut ShutdownReport) -> Instant {
        let mut by = by;
        self.resign();
        self.stop_all(by);
        while !self.held.is_empty() || !self.taking.is_empty() {
            tokio::select! {
                biased;
                changed = stops.changed() => if let (Ok(()), Stop::By(earlier)) = (changed, *stops.borrow_and_update()) {
                    by = by.min(earlier);
                    self.stop_all(by);
                },
                () = tokio::time::sleep_until(by + WRITE_DOWN) => break,
                () = self.waking.due() => self.send_wakes(),
                Some(news) = self.worker.news.recv() => {
                    self.hear_last(news);
                    self.stop_all(by);
                }
                Some(ended) = self.tasks.join_next() => self.drained(ended, by, report),
            }
        }
        for tenure in self.held.tenures() {
            report.note(&tenure);
        }
        by
    }

    fn drained(&mut self, ended: Result<Ended, tokio::task::JoinError>, by: Instant, report: &mut ShutdownReport) {
        match ended {
            Ok(Ended::Shard(shard)) => {
                if let Some(tenure) = self.held.tenure(&shard) {
                    report.note(&tenure);
                }
                // What was made for a child of it is given away at once.
                drop(self.ended(Ok(Ended::Shard(shard))));
                self.begin_what_was_made();
                self.stop_all(by);
            }
            // What was being taken is given away too.
            Ok(Ended::Take(seen, taken)) => {
                drop(self.ended(Ok(Ended::Take(seen, taken))));
                self.stop_all(by);
            }
            Ok(Ended::Look(listing)) => self.decide_heirs(listing),
            Ok(ended @ Ended::Overdue(_)) => drop(self.ended(Ok(ended))),
            Ok(Ended::Lock(wrote)) => self.wrote_lock(wrote),
            Ok(Ended::GaveUp(tenure)) => self.gave_up(tenure),
            Ok(_) => {}
            // The worker's row is kept no more.
            Err(error) if error.is_cancelled() => {}
            // A task that panicked ended its shard, and cannot say so.
            Err(_) => self.held.remove_all_over(),
        }
    }

    /// Tells the fleet that this worker goes, and looks who can have its shards.
    fn resign(&mut self) {
        // One more report would make the row a living worker's again.
        if let Some(membership) = self.membership.take() {
            membership.abort();
        }
        let shared = Arc::clone(&self.worker.shared);
        let me = self.worker.me.clone();
        self.spawn(Box::pin(async move {
            let tenures = &shared.tenures;
            let resign = tenures.store.resign(&me.worker, me.instance, tenures.wall.now());
            // If it cannot be told, others find out by the silence of the row.
            drop(within(tenures.timing.attempt, resign).await);
            Ended::Done
        }));
        let (store, limit) = (Arc::clone(&self.worker.shared.tenures.store), self.worker.timing.attempt);
        self.view.looking = true;
        self.spawn(Box::pin(async move { Ended::Look(within(limit, store.list()).await) }));
        self.heirs_decided = false;
    }

    /// Tells all shards to stop until then. Who gets those that were not told before is decided now, or with the others.
    fn stop_all(&mut self, by: Instant) {
        let new: Vec<_> = self
            .held
            .tenures()
            .into_iter()
            .filter(|tenure| self.told.insert((tenure.shard().clone(), tenure.epoch())))
            .collect();
        if self.heirs_decided {
            self.set_heirs(&new);
        } else {
            for tenure in &new {
                tenure.set_heir(Heir::Undecided);
            }
        }
        self.held.command_all(&Command::Stop(by));
    }

    /// Who gets what, as the table is now; if it cannot be read, as it was seen last.
    fn decide_heirs(&mut self, listing: Result<Listing, StoreError>) {
        match listing {
            Ok(listing) => {
                let wall = self.worker.shared.tenures.wall.now();
                self.view.take_in(listing, wall, &self.worker.timing);
            }
            Err(error) => {
                let error = Chain(&error).to_string();
                self.report(&Event::LookFailed { what: Look::Leases, attempt: 1, error });
            }
        }
        self.heirs_decided = true;
        self.set_heirs(&self.held.tenures());
    }

    fn set_heirs(&self, tenures: &[Arc<Tenure>]) {
        if tenures.is_empty() {
            return;
        }
        let shards = tenures.iter().map(|tenure| tenure.shard().clone()).collect();
        let absent = self.view.distrusted.at(Instant::now());
        let mut heirs = fleet::heirs(&self.sight(), &shards, &absent);
        for tenure in tenures {
            tenure.set_heir(heirs.remove(tenure.shard()).map_or(Heir::Nobody, Heir::Worker));
        }
    }

    /// The rest: what it took without knowing, hints, the lock, its row.
    async fn leave(&mut self, by: Instant, report: &mut ShutdownReport) {
        let last = by.max(Instant::now()) + WRITE_DOWN;
        self.send_wakes();
        let rest = async {
            let rest = give_back_the_rest(&self.worker.shared).await;
            (rest, self.wait_for_claims(report).await)
        };
        // What cannot be given back now expires.
        if let Ok((Err(error), ())) = tokio::time::timeout_at(last, rest).await {
            self.report(&Event::LookFailed { what: Look::Leases, attempt: 1, error: Chain(&error).to_string() });
        }
        self.release_lock().await;
        remove_row(&self.worker.shared, &self.worker.me).await;
    }

    /// Waits until those who were passed leases have begun, and offers what they do not begin with to others.
    async fn wait_for_claims(&self, report: &mut ShutdownReport) {
        let ours = |to: &WorkerId| self.view.roster.row(to).is_some_and(|row| row.instance.is_some());
        let mut waiting: BTreeMap<_, _> = report.passed.iter().filter(|(_, to)| ours(to)).collect();
        let until = Instant::now() + CLAIMED_WITHIN;
        let store = &self.worker.shared.tenures.store;
        let mut unclaimed: BTreeMap<ShardKey, Lease> = BTreeMap::new();
        while !waiting.is_empty() && Instant::now() < until {
            tokio::time::sleep(ASK_AGAIN).await;
            for shard in waiting.keys().copied().cloned().collect::<Vec<_>>() {
                let Ok(lease) = store.get(&shard).await else { continue };
                let me = self.worker.me.instance;
                let still_mine = |lease: &Lease| lease.stamp.as_ref().is_some_and(|stamp| stamp.is_by(me));
                if let Some(lease) = lease.filter(still_mine) {
                    unclaimed.insert(shard, lease);
                } else {
                    waiting.remove(&shard);
                    unclaimed.remove(&shard);
                    report.claimed.insert(shard);
                }
            }
        }
        let mut absent: BTreeSet<WorkerId> = unclaimed.values().filter_map(|lease| lease.owner.clone()).collect();
        absent.append(&mut self.view.distrusted.at(Instant::now()));
        let heirs = fleet::heirs(&self.sight(), &unclaimed.keys().cloned().collect(), &absent);
        for (shard, to) in heirs {
            if let Some(lease) = unclaimed.remove(&shard) {
                offer(&self.worker.shared, lease, to.clone()).await;
                report.passed.insert(shard, to);
            }
        }
    }
}

/// Waits until the worker is told to stop at once.
async fn aborted(stops: &mut watch::Receiver<Stop>) {
    drop(stops.wait_for(|stop| *stop == Stop::Now).await);
}

/// Gives back what still names this worker and was last written by it: it took that without knowing, because the answer
/// came too late or never.
async fn give_back_the_rest(shared: &WorkerContext) -> Result<(), StoreError> {
    for shard in named(shared).await? {
        give_back(shared, &shard).await?;
    }
    Ok(())
}

/// The shards whose leases name this worker. The index of owners tells cheaply, once it is there.
async fn named(shared: &WorkerContext) -> Result<Vec<ShardKey>, StoreError> {
    let store = &shared.tenures.store;
    if let Some(owned) = store.list_owned(&shared.worker).await? {
        return Ok(owned);
    }
    let leases = store.list().await?.leases.into_iter();
    Ok(leases.filter(|lease| lease.holder() == Some(&shared.worker)).map(|lease| lease.shard).collect())
}

async fn give_back(shared: &WorkerContext, shard: &ShardKey) -> Result<(), StoreError> {
    let Some(seen) = shared.tenures.store.get(shard).await? else { return Ok(()) };
    // Or it was offered to this worker, who will not begin with it.
    let ours = seen.stamp.as_ref().is_none_or(|stamp| stamp.is_by(shared.instance) || !stamp.is_held());
    if seen.holder() != Some(&shared.worker) || !ours || seen.is_finished() {
        return Ok(());
    }
    // During a hand-over it is promised to somebody.
    let to = seen.owner.clone().filter(|owner| *owner != shared.worker);
    let write = LeaseWrite {
        seen,
        by: shared.worker.clone(),
        stamp: Stamp::offered(shared.instance, shared.next_tenure(), 1),
        now: shared.tenures.wall.now(),
        action: LeaseAction::Pass { to, checkpoint: None },
    };
    if let WriteOutcome::Applied(_) = shared.tenures.store.write(&write).await? {
        let event = Event::LeaseEnded { shard: shard.clone(), reason: EndReason::Released };
        shared.tenures.reporter.emit(&event);
    }
    Ok(())
}
