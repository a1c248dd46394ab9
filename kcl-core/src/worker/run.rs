//! Runs a worker: the only place that starts tasks. All of them are in one set, and end with it.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::decide::cell::Cell;
use crate::decide::observe::Observations;
use crate::error::{Chain, StoreError, WorkerError};
use crate::event::{Event, Look};
use crate::ids::{ShardKey, WorkerId};
use crate::lease::{EndReason, Lease};
use crate::retry::Backoff;
use crate::shard_task::{self, Command, News};
use crate::store::Listing;
use crate::tenure::Tenure;
use crate::worker::handle::Stop;
use crate::worker::held::Held;
use crate::worker::look::LEAVE_ROOM;
use crate::worker::reconcile::Reconciler;
use crate::worker::take::Taken;
use crate::worker::{Worker, leave, renew};

/// How long the work of a shutdown may last beyond the moment that processors were given: for writing it down.
const WRITE_DOWN: Duration = Duration::from_secs(5);

/// How often in a row the lease table may be gone, or refuse this worker, before a worker that holds nothing gives up. It
/// could make the table only at its start.
const HOPELESS: u32 = 10;

/// What a task of the worker came to.
pub(super) enum Ended {
    /// The life of a shard under one ownership.
    Shard(ShardKey),
    /// An attempt to take a lease that was seen like this.
    Take(Box<Lease>, Taken),
    /// A look at the lease table.
    Look(Result<Listing, StoreError>),
    /// A loop that should not end.
    Loop(&'static str),
}

pub(super) struct Running {
    pub(super) worker: Worker,
    pub(super) held: Arc<Held>,
    tasks: JoinSet<Ended>,
    pub(super) observations: Observations,
    pub(super) taking: BTreeSet<ShardKey>,
    pub(super) looking: bool,
    /// Something changed while the table was being read: what was read may not have it.
    pub(super) look_again: bool,
    pub(super) next_look: Instant,
    /// When leases were last set out for.
    pub(super) took: Option<Instant>,
    pub(super) look_backoff: Backoff,
    pub(super) unreadable: BTreeSet<String>,
    reconcile: Arc<Notify>,
    changed: Arc<Notify>,
}

/// Runs until told to stop.
pub(super) async fn run(worker: Worker) -> Result<(), WorkerError> {
    let mut stops = worker.handle.stops();
    let prepared = tokio::select! {
        biased;
        _ = stopped(&mut stops) => return Ok(()),
        prepared = prepare(&worker) => prepared,
    };
    prepared?;
    let mut running = Running::new(worker);
    running.report(&Event::WorkerStarted);
    running.start_loops();
    let ended = running.work(&mut stops).await;
    let by = match ended {
        Ok(by) => by,
        Err(error) => {
            // What this worker holds is in good order: others take over at once.
            running.stop(Instant::now() + WRITE_DOWN, &mut stops).await;
            return Err(error);
        }
    };
    if let Some(by) = by {
        running.report(&Event::ShutdownRequested);
        running.stop(by, &mut stops).await;
    }
    Ok(())
}

/// Waits until the worker is told to stop; `Some` for in good order, until then.
async fn stopped(stops: &mut watch::Receiver<Stop>) -> Option<Instant> {
    // The sender lives as long as the worker does.
    match stops.wait_for(|stop| *stop != Stop::No).await.map(|stop| *stop) {
        Ok(Stop::By(by)) => Some(by),
        Ok(Stop::No | Stop::Now) | Err(_) => None,
    }
}

/// Waits until the worker is told to stop at once.
async fn aborted(stops: &mut watch::Receiver<Stop>) {
    drop(stops.wait_for(|stop| *stop == Stop::Now).await);
}

/// Makes the lease store ready; what can pass is waited for.
async fn prepare(worker: &Worker) -> Result<(), WorkerError> {
    let tenures = &worker.shared.tenures;
    let mut backoff = Backoff::look();
    loop {
        match tenures.store.prepare().await {
            Ok(()) => return Ok(()),
            Err(error) if error.is_transient() => {
                let (attempt, pause) = backoff.next();
                let error = Chain(&error).to_string();
                tenures.reporter.emit(&Event::LookFailed { what: Look::Leases, attempt, error });
                tokio::time::sleep(pause).await;
            }
            Err(source) => return Err(WorkerError::Store { worker: worker.me.worker.clone(), source }),
        }
    }
}

impl Running {
    fn new(worker: Worker) -> Self {
        let next_look = Instant::now() + worker.timing.failover;
        Self {
            held: worker.handle.held(),
            worker,
            tasks: JoinSet::new(),
            observations: Observations::default(),
            taking: BTreeSet::new(),
            looking: false,
            look_again: false,
            // The first comparison of shards and leases asks for it: a worker of another stream's application takes nothing.
            next_look,
            took: None,
            look_backoff: Backoff::look(),
            unreadable: BTreeSet::new(),
            reconcile: Arc::new(Notify::new()),
            changed: Arc::new(Notify::new()),
        }
    }

    pub(super) fn report(&self, event: &Event) {
        self.worker.shared.tenures.reporter.emit(event);
    }

    pub(super) fn spawn(&mut self, task: Pin<Box<dyn Future<Output = Ended> + Send>>) {
        self.tasks.spawn(task);
    }

    fn start_loops(&mut self) {
        let shared = &self.worker.shared;
        let renewals = renew::run(Arc::clone(&shared.tenures), Arc::clone(&self.held));
        let reconciler = Reconciler {
            shared: Arc::clone(shared),
            initial: self.worker.initial,
            asked: Arc::clone(&self.reconcile),
            changed: Arc::clone(&self.changed),
            news: shared.news.clone(),
        };
        self.spawn(Box::pin(async {
            renewals.await;
            Ended::Loop("renewal")
        }));
        self.spawn(Box::pin(async {
            reconciler.run().await;
            Ended::Loop("comparison of shards and leases")
        }));
    }

    /// Works until told to stop: until then, or at once.
    async fn work(&mut self, stops: &mut watch::Receiver<Stop>) -> Result<Option<Instant>, WorkerError> {
        loop {
            let changed = Arc::clone(&self.changed);
            tokio::select! {
                biased;
                by = stopped(stops) => return Ok(by),
                Some(news) = self.worker.news.recv() => self.hear(news)?,
                Some(ended) = self.tasks.join_next() => self.ended(ended)?,
                () = changed.notified() => self.look_now(),
                () = tokio::time::sleep_until(self.next_look), if !self.looking => self.look(),
            }
        }
    }

    fn look_now(&mut self) {
        self.look_again = self.looking;
        self.next_look = Instant::now();
    }

    fn hear(&mut self, news: News) -> Result<(), WorkerError> {
        match news {
            News::Began(cell) => self.begin(*cell, None),
            News::Reconcile => self.reconcile.notify_one(),
            News::Fatal(error) => return Err(error),
        }
        Ok(())
    }

    fn ended(&mut self, ended: Result<Ended, tokio::task::JoinError>) -> Result<(), WorkerError> {
        match ended {
            Ok(Ended::Shard(shard)) => self.shard_ended(&shard),
            Ok(Ended::Take(seen, taken)) => {
                self.taking.remove(&seen.shard);
                self.took(&seen, taken);
            }
            Ok(Ended::Look(Ok(listing))) => return self.looked(&listing),
            Ok(Ended::Look(Err(error))) => {
                self.looking = false;
                let (attempt, pause) = self.look_backoff.next();
                self.next_look = Instant::now() + pause;
                self.report(&Event::LookFailed { what: Look::Leases, attempt, error: Chain(&error).to_string() });
                if !error.is_transient() && self.held.is_empty() && attempt >= HOPELESS {
                    return Err(WorkerError::Store { worker: self.worker.me.worker.clone(), source: error });
                }
            }
            Ok(Ended::Loop(what)) => return self.broken(what),
            Err(error) => return self.broken(&error.to_string()),
        }
        Ok(())
    }

    fn took(&mut self, seen: &Lease, taken: Taken) {
        let pause = match taken {
            Taken::Ours(cell) => {
                let from = seen.holder().filter(|holder| **holder != self.worker.me.worker).cloned();
                return self.begin(*cell, from);
            }
            // What is left is decided on a fresh look, before others have decided on theirs.
            Taken::Theirs => LEAVE_ROOM / 4,
            Taken::Unknown => LEAVE_ROOM,
        };
        self.next_look = self.next_look.min(Instant::now() + pause);
        self.look_again |= self.looking;
    }

    /// A loop that is told to end by news has said why; else something of our own is broken.
    fn broken(&mut self, what: &str) -> Result<(), WorkerError> {
        while let Ok(news) = self.worker.news.try_recv() {
            self.hear(news)?;
        }
        Err(WorkerError::Internal { worker: self.worker.me.worker.clone(), what: what.to_owned() })
    }

    fn begin(&mut self, cell: Cell, from: Option<WorkerId>) {
        let tenure = Tenure::new(Arc::clone(&self.worker.shared.tenures), cell, self.worker.phases.f64());
        let tenure = Arc::new(tenure);
        let shard = tenure.shard().clone();
        if let Some(held) = self.held.tenure(&shard) {
            // Two at once must not be. The earlier one is over with the write that began the later; the lease names this
            // worker, and is taken anew when the earlier one's task has ended.
            if tenure.start().version > held.start().version {
                held.end(EndReason::Taken);
            }
            return;
        }
        let (epoch, checkpoint) = (tenure.epoch(), tenure.start().checkpoint.clone());
        self.report(&Event::LeaseTaken { shard: shard.clone(), epoch, from, checkpoint });
        let inbox = self.held.add(Arc::clone(&tenure));
        self.worker.shared.tenures.renew_now.notify_one();
        let span = self.worker.shared.tenures.reporter.shard_span(&shard, epoch);
        let life = shard_task::run(Arc::clone(&self.worker.shared), tenure, inbox).instrument(span);
        self.spawn(Box::pin(async {
            life.await;
            Ended::Shard(shard)
        }));
    }

    fn shard_ended(&mut self, shard: &ShardKey) {
        if let Some(tenure) = self.held.remove(shard) {
            let reason = tenure.end_reason().unwrap_or(EndReason::Released);
            self.report(&Event::LeaseEnded { shard: shard.clone(), reason });
        }
        self.next_look = self.next_look.min(Instant::now() + LEAVE_ROOM);
    }

    /// Stops all shards in good order, until then at the latest, or until told to stop at once.
    async fn stop(&mut self, by: Instant, stops: &mut watch::Receiver<Stop>) {
        let mut by = by;
        let mut aborts = stops.clone();
        self.held.command_all(&Command::Stop(by));
        while !self.held.is_empty() || !self.taking.is_empty() {
            tokio::select! {
                biased;
                () = aborted(&mut aborts) => return,
                _ = stops.changed() => if let Stop::By(earlier) = *stops.borrow_and_update() {
                    by = by.min(earlier);
                    self.held.command_all(&Command::Stop(by));
                },
                () = tokio::time::sleep_until(by + WRITE_DOWN) => return,
                Some(ended) = self.tasks.join_next() => {
                    if ended.is_err() {
                        // A task that panicked ended its shard, and cannot say so.
                        self.held.remove_over();
                    }
                    // What was being taken, or made for a child, is given back at once.
                    if let Ok(Ended::Shard(_) | Ended::Take(..)) = &ended
                        && self.ended(ended).is_ok()
                    {
                        self.begin_what_was_made();
                        self.held.command_all(&Command::Stop(by));
                    }
                }
            }
        }
        tokio::select! {
            biased;
            () = aborted(&mut aborts) => {}
            () = self.leave(by) => {}
        }
    }

    /// Gives back what this worker took without knowing. What cannot be given back now expires.
    async fn leave(&self, by: Instant) {
        let left = tokio::time::timeout_at(by + WRITE_DOWN, leave::give_back_the_rest(&self.worker.shared)).await;
        if let Ok(Err(error)) = left {
            self.report(&Event::LookFailed { what: Look::Leases, attempt: 1, error: Chain(&error).to_string() });
        }
    }

    fn begin_what_was_made(&mut self) {
        while let Ok(news) = self.worker.news.try_recv() {
            if let News::Began(cell) = news {
                self.begin(*cell, None);
            }
        }
    }
}
