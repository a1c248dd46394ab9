//! Runs a worker: the only place that starts tasks. All of them are in one set, and end with it.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::decide::cell::Cell;
use crate::error::{Chain, StoreError, WorkerError};
use crate::event::{Event, Look};
use crate::ids::{ShardKey, StreamId, WorkerId};
use crate::lease::{EndReason, Epoch, Lease};
use crate::retry::Backoff;
use crate::shard_task::{self, News, Recreated};
use crate::store::Listing;
use crate::tenure::Tenure;
use crate::worker::handle::Stop;
use crate::worker::held::Held;
use crate::worker::lead::{Lock, Wrote};
use crate::worker::look::{LEAVE_ROOM, View};
use crate::worker::membership::{Membership, remove_row};
use crate::worker::shutdown::ShutdownReport;
use crate::worker::streams::Reading;
use crate::worker::take::Taken;
use crate::worker::wake::Waking;
use crate::worker::{Worker, renew};

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
    /// A look at one lease.
    LookAtOne(Box<Result<Option<Lease>, StoreError>>),
    /// A write to the leader lock.
    Lock(Wrote),
    /// The lease of a stalled shard was given up.
    GaveUp(Arc<Tenure>),
    /// The task of such a shard has had the time to end.
    Overdue(Arc<Tenure>),
    /// What was offered, and asked to be passed on, was written.
    Placed,
    /// What needs no answer was done.
    Done,
    /// A loop that should not end.
    Loop(&'static str),
}

pub(super) struct Running {
    pub(super) worker: Worker,
    pub(super) held: Arc<Held>,
    pub(super) tasks: JoinSet<Ended>,
    pub(super) view: View,
    pub(super) lock: Lock,
    pub(super) waking: Waking,
    pub(super) taking: BTreeSet<ShardKey>,
    /// Shards that this worker gave up, and until when it leaves them to others.
    pub(super) avoided: BTreeMap<ShardKey, Instant>,
    /// Keeps the worker's row.
    pub(super) membership: Option<AbortHandle>,
    /// The ownerships that were told to stop, when the worker stops.
    pub(super) told: BTreeSet<(ShardKey, Epoch)>,
    /// Offers and requests to pass leases on are under way.
    pub(super) placing: bool,
    /// A worker that stops knows who gets its shards.
    pub(super) heirs_decided: bool,
    pub(super) reading: Reading,
    pub(super) changed: Arc<Notify>,
}

/// Runs until told to stop.
pub(super) async fn run(mut worker: Worker) -> Result<ShutdownReport, WorkerError> {
    let mut stops = worker.handle.stops();
    let gauge = worker.gauge.take().unwrap_or_else(|| crate::utilization::Gauge::new(|| None));
    let mut membership = Membership::new(Arc::clone(&worker.shared), worker.me.clone(), gauge);
    let prepared = tokio::select! {
        biased;
        by = stopped(&mut stops) => {
            if by.is_some() {
                // It may be joining the fleet: others would offer it shards.
                remove_row(&worker.shared, &worker.me).await;
            }
            return Ok(ShutdownReport::default());
        }
        prepared = prepare(&worker, &mut membership) => prepared,
    };
    prepared?;
    let mut running = Running::new(worker);
    running.report(&Event::WorkerStarted);
    running.start_loops(membership);
    match running.work(&mut stops).await {
        Ok(Some(by)) => {
            running.report(&Event::ShutdownRequested);
            let report = running.stop(by, &mut stops).await;
            running.report(&report.event());
            Ok(report)
        }
        Ok(None) => Ok(running.cut_short()),
        Err(error @ WorkerError::DuplicateWorker { .. }) => {
            // The table is the other process's to write.
            running.lose_everything().await;
            Err(error)
        }
        Err(error) => {
            // What this worker holds is in good order: others take over at once.
            running.stop(Instant::now() + WRITE_DOWN, &mut stops).await;
            Err(error)
        }
    }
}

/// Waits until the worker is told to stop; `Some` for in good order, until then.
async fn stopped(stops: &mut watch::Receiver<Stop>) -> Option<Instant> {
    // The sender lives as long as the worker does.
    match stops.wait_for(|stop| *stop != Stop::No).await.map(|stop| *stop) {
        Ok(Stop::By(by)) => Some(by),
        Ok(Stop::No | Stop::Now) | Err(_) => None,
    }
}

/// Makes the lease store ready, and joins the fleet; what can pass is waited for.
async fn prepare(worker: &Worker, membership: &mut Membership) -> Result<(), WorkerError> {
    let tenures = &worker.shared.tenures;
    let mut backoff = Backoff::look();
    loop {
        match tenures.store.prepare().await {
            Ok(()) => return membership.join().await,
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
    pub(super) fn new(worker: Worker) -> Self {
        Self {
            held: worker.handle.held(),
            // The first comparison of shards and leases asks for it: a worker of another stream's application takes nothing.
            view: View::new(Instant::now() + worker.timing.failover),
            worker,
            lock: Lock::default(),
            membership: None,
            told: BTreeSet::new(),
            placing: false,
            heirs_decided: false,
            tasks: JoinSet::new(),
            waking: Waking::default(),
            taking: BTreeSet::new(),
            avoided: BTreeMap::new(),
            reading: Reading::default(),
            changed: Arc::new(Notify::new()),
        }
    }

    pub(super) fn report(&self, event: &Event) {
        self.worker.shared.tenures.reporter.emit(event);
    }

    pub(super) fn spawn(&mut self, task: Pin<Box<dyn Future<Output = Ended> + Send>>) {
        self.spawn_abortable(task);
    }

    /// As [`spawn`](Self::spawn), for what may have to be ended before the worker is.
    pub(super) fn spawn_abortable(&mut self, task: impl Future<Output = Ended> + Send + 'static) -> AbortHandle {
        #[cfg(feature = "test-util")]
        if let Some(standstill) = self.worker.standstill.clone() {
            return self.tasks.spawn(async move { standstill.hold(task).await });
        }
        self.tasks.spawn(task)
    }

    fn start_loops(&mut self, membership: Membership) {
        let shared = &self.worker.shared;
        let renewals = renew::run(Arc::clone(&shared.tenures), Arc::clone(&self.held), shared.news.clone());
        self.spawn(Box::pin(async {
            renewals.await;
            Ended::Loop("renewal")
        }));
        self.membership = Some(self.spawn_abortable(async {
            membership.run().await;
            Ended::Loop("membership")
        }));
        self.follow_streams();
    }

    /// Works until told to stop: until then, or at once.
    async fn work(&mut self, stops: &mut watch::Receiver<Stop>) -> Result<Option<Instant>, WorkerError> {
        let tenures = Arc::clone(&self.worker.shared.tenures);
        let mut streams = self.worker.streams.follow();
        loop {
            let changed = Arc::clone(&self.changed);
            tokio::select! {
                biased;
                by = stopped(stops) => return Ok(by),
                Some(news) = self.worker.news.recv() => self.hear(news)?,
                Some(ended) = self.tasks.join_next() => self.ended(ended)?,
                () = tenures.asked.notified() => self.give_what_is_asked_for(),
                Ok(()) = streams.changed() => self.follow_streams(),
                () = changed.notified() => self.look_now(),
                () = tokio::time::sleep_until(self.view.next_look), if !self.view.looking => self.look(),
                () = self.waking.due() => self.send_wakes(),
            }
        }
    }

    fn hear(&mut self, news: News) -> Result<(), WorkerError> {
        match news {
            News::Began(cell) => self.begin(*cell, None),
            News::Stalled(tenure) => self.give_up(tenure),
            News::Woken(wakes) => self.woken(wakes),
            News::Recreated(stream) => self.recreated(&stream)?,
            News::LetGo(stream) => self.start_over(&stream),
            News::Compared(stream) => self.compared(&stream),
            News::Fatal(error) => return Err(error),
        }
        Ok(())
    }

    pub(super) fn ended(&mut self, ended: Result<Ended, tokio::task::JoinError>) -> Result<(), WorkerError> {
        match ended {
            Ok(Ended::Shard(shard)) => self.shard_ended(&shard),
            Ok(Ended::Take(seen, taken)) => {
                self.taking.remove(&seen.shard);
                self.took(&seen, taken);
            }
            Ok(Ended::Look(Ok(listing))) => self.looked(listing),
            Ok(Ended::Look(Err(error))) => {
                let (attempt, pause) = self.view.failed();
                self.view.next_look = Instant::now() + pause;
                self.report(&Event::LookFailed { what: Look::Leases, attempt, error: Chain(&error).to_string() });
                if !error.is_transient() && self.held.is_empty() && attempt >= HOPELESS {
                    return Err(WorkerError::Store { worker: self.worker.me.worker.clone(), source: error });
                }
            }
            Ok(Ended::LookAtOne(lease)) => self.looked_at_one(*lease),
            Ok(Ended::Lock(wrote)) => self.wrote_lock(wrote),
            Ok(Ended::GaveUp(tenure)) => self.gave_up(tenure),
            Ok(Ended::Overdue(tenure)) => self.overdue(&tenure),
            Ok(Ended::Placed) => self.placing = false,
            Ok(Ended::Done) => {}
            Ok(Ended::Loop(what)) => return self.broken(what),
            // A stream was removed.
            Err(error) if error.is_cancelled() => {}
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
            Taken::Theirs(row) => {
                self.view.overtaken.note(seen.shard.clone(), row.map(|row| *row), Instant::now());
                LEAVE_ROOM / 4
            }
            Taken::Unknown => LEAVE_ROOM,
        };
        self.view.look_within(pause);
    }

    /// A loop that is told to end by news has said why; else something of our own is broken.
    fn broken(&mut self, what: &str) -> Result<(), WorkerError> {
        while let Ok(news) = self.worker.news.try_recv() {
            self.hear(news)?;
        }
        Err(WorkerError::Internal { worker: self.worker.me.worker.clone(), what: what.to_owned() })
    }

    pub(super) fn begin(&mut self, cell: Cell, from: Option<WorkerId>) {
        let tenure = Tenure::new(Arc::clone(&self.worker.shared.tenures), cell, self.worker.luck.f64());
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
        let Some(stream) = self.reading.of(&shard.stream).map(Arc::clone) else {
            // Removed while the lease was being taken.
            return self.spawn(Box::pin(async move {
                // What cannot be given back expires.
                drop(tenure.pass(None).await);
                Ended::Done
            }));
        };
        let (epoch, checkpoint) = (tenure.epoch(), tenure.start().checkpoint.clone());
        self.report(&Event::LeaseTaken { shard: shard.clone(), epoch, from, checkpoint });
        let inbox = self.held.add(Arc::clone(&tenure));
        self.worker.shared.tenures.renew_now.notify_one();
        let span = self.worker.shared.tenures.reporter.shard_span(&shard, epoch);
        let life = shard_task::run(stream, tenure, inbox).instrument(span);
        self.spawn(Box::pin(async {
            life.await;
            Ended::Shard(shard)
        }));
    }

    pub(super) fn shard_ended(&mut self, shard: &ShardKey) {
        if let Some(tenure) = self.held.remove_over(shard) {
            if tenure.end_reason() != Some(EndReason::Stalled) {
                self.note_passed(&tenure);
            }
            let reason = tenure.end_reason().unwrap_or(EndReason::Released);
            self.report(&Event::LeaseEnded { shard: shard.clone(), reason });
        }
        self.view.look_within(LEAVE_ROOM);
    }

    /// A stream is not the one that its leases were made for.
    fn recreated(&mut self, id: &StreamId) -> Result<(), WorkerError> {
        let Some(stream) = self.reading.of(id) else { return Ok(()) };
        match stream.recreated {
            Recreated::StartOver => {
                // What this worker remembers of when it was created may be of the earlier one. The comparison says what
                // follows.
                stream.doubtful.store(true, Ordering::Relaxed);
                stream.compare.notify_one();
                self.start_over(id);
                Ok(())
            }
            Recreated::Refuse if self.reading.ids().len() == 1 => {
                let (worker, stream) = (self.worker.me.worker.clone(), id.clone());
                Err(WorkerError::StreamRecreated { worker, stream })
            }
            Recreated::Refuse => {
                self.report(&Event::StreamRecreated { stream: id.clone() });
                self.refuse(id);
                Ok(())
            }
        }
    }

    /// What a worker that stops still acts on.
    pub(super) fn hear_last(&mut self, news: News) {
        match news {
            News::Began(cell) => self.begin(*cell, None),
            News::Stalled(tenure) => self.give_up(tenure),
            News::Woken(_) | News::Recreated(_) | News::LetGo(_) | News::Compared(_) | News::Fatal(_) => {}
        }
    }

    pub(super) fn begin_what_was_made(&mut self) {
        while let Ok(news) = self.worker.news.try_recv() {
            self.hear_last(news);
        }
    }
}

/// How long the work of a shutdown may last beyond the moment that processors were given: for writing it down.
pub(super) const WRITE_DOWN: Duration = Duration::from_secs(5);
