//! One ownership of one shard: the only way to write to its lease while it is held, and the word on whether it still is.

mod heir;
mod renewal;
mod stall;
mod vitals;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::decide::cell::{Cell, Verdict};
use crate::decide::load::LoadMeter;
use crate::decide::progress::{Progress, Refusal};
use crate::decide::timing::Timing;
use crate::decide::vitals::Limits;
use crate::error::{Chain, CheckpointError, StoreError, StoreErrorKind};
use crate::event::Event;
use crate::ids::{ShardId, ShardKey};
use crate::lease::{EndReason, Epoch, Lease};
use crate::position::Position;
use crate::report::Reporter;
use crate::retry::Backoff;
use crate::store::{LeaseAction, LeaseStore, LeaseWrite, WriteOutcome, within};
use crate::time::{Timestamp, WallClock};

pub(crate) use heir::{Heir, Passed};
pub(crate) use renewal::Renewal;

/// What all tenures of a worker share.
#[derive(Debug)]
pub(crate) struct TenureContext {
    pub(crate) store: Arc<dyn LeaseStore>,
    pub(crate) timing: Timing,
    /// How long a shard may stand still.
    pub(crate) limits: Limits,
    pub(crate) wall: WallClock,
    pub(crate) reporter: Arc<Reporter>,
    /// Wakes the one who renews: a lease is due before its time, or there is one more.
    pub(crate) renew_now: Notify,
    /// Wakes the worker: the holder of a lease was asked to give it away.
    pub(crate) asked: Notify,
}

/// One ownership of one shard, from the write that began it to its end. Never revived: the next one is another.
///
/// All writes go through one cell, one at a time: renewals and commits both move the lease's version, and two copies of
/// it would fence each other.
#[derive(Debug)]
pub(crate) struct Tenure {
    context: Arc<TenureContext>,
    shard: ShardKey,
    epoch: Epoch,
    /// The lease as the first write gave it: where to start.
    start: Lease,
    cell: tokio::sync::Mutex<Cell>,
    /// Until when the shard may be read.
    deadline: watch::Sender<Instant>,
    /// When to renew next.
    due: Mutex<Instant>,
    over: CancellationToken,
    reason: OnceLock<EndReason>,
    latest_since: OnceLock<Timestamp>,
    /// Who gets the lease when it is given away.
    heir: watch::Sender<Heir>,
    passed: OnceLock<Passed>,
    cut_off: OnceLock<()>,
    /// What the shard's tasks are about.
    tasks: Mutex<vitals::Tasks>,
    /// The lease was given up, or nothing more is tried.
    laid_down: CancellationToken,
    work: Mutex<Work>,
    /// All of the shard is done, something was committed, or the store refused to.
    marked: Notify,
}

/// How far the processor is. A new processor in the same tenure gets a new generation, and what an earlier one still
/// says is not heard.
#[derive(Debug)]
struct Work {
    generation: u64,
    progress: Progress,
    load: LoadMeter,
    /// How often the store said that it will not do a write, and what it said last.
    refusals: u64,
    refusal: Option<(StoreErrorKind, String)>,
}

/// A write that was not applied, or not known to be.
#[derive(Debug)]
pub(crate) enum WriteFailure {
    /// The tenure is over.
    Over,
    /// The store will not do it; the lease is still held.
    Store(StoreError),
}

impl Work {
    /// The write that commits this position.
    fn commit(&mut self, position: Position) -> LeaseAction {
        let load = self.load.sample(Instant::now());
        LeaseAction::Checkpoint { position, load, children: Vec::new() }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that panics is called with one of these locks held, so what they guard is whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tenure {
    /// A tenure whose first write, sent at `sent`, was answered with this cell. `phase` in `0..1` spreads renewals.
    pub(crate) fn new(context: Arc<TenureContext>, cell: Cell, phase: f64) -> Self {
        let lease = cell.lease().clone();
        let sent = cell.sent();
        let timing = context.timing;
        Self {
            shard: lease.shard.clone(),
            epoch: lease.epoch(),
            deadline: watch::Sender::new(sent + timing.deadline),
            due: Mutex::new(sent + timing.renew_after.mul_f64(phase.mul_add(0.5, 0.5))),
            over: CancellationToken::new(),
            reason: OnceLock::new(),
            latest_since: OnceLock::new(),
            heir: watch::Sender::new(Heir::Nobody),
            passed: OnceLock::new(),
            cut_off: OnceLock::new(),
            tasks: Mutex::new(vitals::Tasks::new(sent)),
            laid_down: CancellationToken::new(),
            work: Mutex::new(Work {
                generation: 0,
                progress: Progress::new(lease.checkpoint.clone()),
                load: LoadMeter::new(sent, lease.load),
                refusals: 0,
                refusal: None,
            }),
            marked: Notify::new(),
            cell: tokio::sync::Mutex::new(cell),
            start: lease,
            context,
        }
    }

    pub(crate) fn shard(&self) -> &ShardKey {
        &self.shard
    }

    #[cfg(test)]
    pub(crate) fn context(&self) -> &Arc<TenureContext> {
        &self.context
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The lease as it was when the tenure began.
    pub(crate) fn start(&self) -> &Lease {
        &self.start
    }

    /// The moment from which on a lease at LATEST is read that does not say it itself: the first that was asked for in
    /// this tenure. A position that moved with each new processor would skip what arrived in between.
    pub(crate) fn latest_since(&self) -> &OnceLock<Timestamp> {
        &self.latest_since
    }

    /// Whether the shard must not be read, nor anything committed, any more. Asks the clock: a process that was frozen
    /// finds out here, before its timers tell it.
    pub(crate) fn is_over(&self) -> bool {
        if Instant::now() >= *self.deadline.borrow() {
            self.end(EndReason::Expired);
        }
        self.over.is_cancelled()
    }

    /// How the tenure ended.
    pub(crate) fn end_reason(&self) -> Option<EndReason> {
        self.reason.get().copied()
    }

    /// Ends the tenure. The first reason stands.
    pub(crate) fn end(&self, reason: EndReason) {
        if self.reason.set(reason).is_ok() {
            self.over.cancel();
        }
    }

    /// Waits until the tenure is over: lost, given up, or not renewed in time. Cancel safe.
    pub(crate) async fn ended(&self) {
        let mut deadline = self.deadline.subscribe();
        loop {
            let until = *deadline.borrow_and_update();
            tokio::select! {
                biased;
                () = self.over.cancelled() => return,
                () = tokio::time::sleep_until(until) => {
                    if *self.deadline.borrow() <= Instant::now() {
                        self.end(EndReason::Expired);
                        return;
                    }
                }
                _ = deadline.changed() => {}
            }
        }
    }

    // ---- work ----

    /// A new processor starts, at what is committed. Answers its generation and that position.
    pub(crate) fn new_generation(&self) -> (u64, Position) {
        let mut work = lock(&self.work);
        work.generation += 1;
        work.progress = Progress::new(work.progress.committed().clone());
        (work.generation, work.progress.committed().clone())
    }

    /// Changes the marks of a processor that is still the one at work.
    pub(crate) fn mark<R>(&self, generation: u64, mark: impl FnOnce(&mut Progress) -> R) -> Result<R, CheckpointError> {
        let mut work = lock(&self.work);
        if work.generation != generation || self.is_over() {
            return Err(self.lost());
        }
        let complete = work.progress.is_complete();
        let result = mark(&mut work.progress);
        let completed = work.progress.is_complete() && !complete;
        drop(work);
        if completed {
            self.marked.notify_waiters();
        }
        Ok(result)
    }

    /// Waits until the shard has ended and all of it is done. Cancel safe.
    pub(crate) async fn completed(&self) {
        loop {
            let mut marked = std::pin::pin!(self.marked.notified());
            marked.as_mut().enable();
            if self.progress().is_complete() {
                return;
            }
            marked.await;
        }
    }

    /// Reads the marks.
    pub(crate) fn progress(&self) -> Progress {
        lock(&self.work).progress.clone()
    }

    /// These bytes were processed, and it took so long.
    pub(crate) fn processed(&self, bytes: usize, took: Duration) {
        lock(&self.work).load.add(bytes, took);
    }

    pub(crate) fn lost(&self) -> CheckpointError {
        CheckpointError::LeaseLost { shard: self.shard.clone() }
    }

    pub(crate) fn refused(&self, asked: &Position, refusal: Refusal) -> CheckpointError {
        let (shard, asked) = (self.shard.clone(), asked.clone());
        match refusal {
            Refusal::Ahead(limit) => CheckpointError::Ahead { shard, asked, limit },
            Refusal::Behind(committed) => CheckpointError::Behind { shard, asked, committed },
        }
    }

    // ---- writes ----

    /// Commits what a processor has done so far. Answers what is committed then.
    ///
    /// It only asks for the renewal to be made now, and waits for it: a future of user code that is begun and then not
    /// polled must not hold what renewals need.
    ///
    /// Cancel safe: a commit whose future is dropped may be made or not.
    pub(crate) async fn commit(&self, generation: u64) -> Result<Position, CheckpointError> {
        let refusals = lock(&self.work).refusals;
        let wanted = self.mark(generation, |progress| progress.to_commit())?;
        loop {
            let mut marked = std::pin::pin!(self.marked.notified());
            marked.as_mut().enable();
            let committed = self.mark(generation, |progress| progress.committed().clone())?;
            if wanted.as_ref().is_none_or(|wanted| committed >= *wanted) {
                return Ok(committed);
            }
            if let Some(source) = self.refusal_since(refusals) {
                return Err(CheckpointError::Store { shard: self.shard.clone(), source });
            }
            *lock(&self.due) = Instant::now();
            self.context.renew_now.notify_one();
            tokio::select! {
                biased;
                () = self.ended() => return Err(self.lost()),
                () = marked => {}
            }
        }
    }

    /// Why the store refused a write, if it did so more often than that.
    fn refusal_since(&self, refusals: u64) -> Option<StoreError> {
        let work = lock(&self.work);
        let (kind, message) = work.refusal.clone()?;
        (work.refusals > refusals).then(|| StoreError::new(kind, message))
    }

    /// Commits the end of the shard, and names the shards that follow.
    pub(crate) async fn commit_end(&self, children: &[ShardId]) -> Result<(), WriteFailure> {
        self.write(|work| {
            if *work.progress.committed() == Position::ShardEnd {
                return None;
            }
            let load = work.load.sample(Instant::now());
            let (position, children) = (Position::ShardEnd, children.to_vec());
            Some(LeaseAction::Checkpoint { position, load, children })
        })
        .await
    }

    /// Commits a position, forwards or back, and begins a generation there: what earlier processors still say is not
    /// heard from the moment on at which this is called.
    pub(crate) async fn rewind(&self, position: &Position) -> Result<(), WriteFailure> {
        lock(&self.work).generation += 1;
        self.write(|work| {
            // Before it is written: what was done beyond must not be committed by the next renewal.
            work.progress = Progress::new(position.clone());
            Some(work.commit(position.clone()))
        })
        .await
    }

    /// Notes what a write did, while the cell is still locked.
    fn applied(&self, write: LeaseWrite) {
        let version = write.seen.version.next();
        match write.action {
            LeaseAction::Checkpoint { position, .. } => self.committed(position),
            LeaseAction::Pass { to, checkpoint } => {
                if let Some(position) = checkpoint {
                    self.committed(position);
                }
                self.note_passed(to, version);
            }
            _ => {}
        }
    }

    fn committed(&self, position: Position) {
        lock(&self.work).progress.commit(position.clone());
        self.marked.notify_waiters();
        self.context.reporter.emit(&Event::Checkpointed { shard: self.shard.clone(), position });
    }

    /// Writes what `choose` says, until that is done. It is asked when the write's turn has come, and again whenever what
    /// was known of the lease turns out to be out of date: a position that was chosen before could move a commit back.
    async fn write(&self, mut choose: impl FnMut(&mut Work) -> Option<LeaseAction> + Send) -> Result<(), WriteFailure> {
        self.write_knowing(|work, _| choose(work)).await
    }

    /// As [`write`](Self::write); `choose` is told the lease as it is known then.
    async fn write_knowing(
        &self,
        choose: impl FnMut(&mut Work, &Cell) -> Option<LeaseAction> + Send,
    ) -> Result<(), WriteFailure> {
        tokio::select! {
            biased;
            () = self.ended() => Err(WriteFailure::Over),
            written = self.write_out(choose) => written,
        }
    }

    /// As [`write_knowing`](Self::write_knowing), whether or not the tenure is over.
    async fn write_out(
        &self,
        mut choose: impl FnMut(&mut Work, &Cell) -> Option<LeaseAction> + Send,
    ) -> Result<(), WriteFailure> {
        let mut cell = self.cell.lock().await;
        'anew: loop {
            let Some(action) = choose(&mut lock(&self.work), &cell) else { return Ok(()) };
            let first_sent = Instant::now();
            let write = cell.begin(action, first_sent, self.context.wall.now());
            let mut backoff = Backoff::lease_write(self.context.timing.attempt);
            loop {
                let answer = self.attempt(&write).await;
                match self.learn(&mut cell, &write, first_sent, answer) {
                    Verdict::Applied | Verdict::Over { applied: true } => {
                        self.applied(write);
                        return Ok(());
                    }
                    Verdict::Over { applied: false } => return Err(WriteFailure::Over),
                    Verdict::Again => continue 'anew,
                    Verdict::Failed(error) => return Err(WriteFailure::Store(error)),
                    Verdict::Repeat(_) => {
                        let (_, pause) = backoff.next();
                        tokio::time::sleep(pause).await;
                    }
                }
            }
        }
    }

    async fn attempt(&self, write: &LeaseWrite) -> Result<WriteOutcome, StoreError> {
        let limit = self.context.timing.attempt;
        within(limit, self.context.store.write(write)).await
    }

    fn learn(
        &self,
        cell: &mut Cell,
        write: &LeaseWrite,
        first_sent: Instant,
        answer: Result<WriteOutcome, StoreError>,
    ) -> Verdict {
        let verdict = cell.resolve(write, first_sent, answer);
        let timing = self.context.timing;
        match &verdict {
            Verdict::Applied | Verdict::Again => {
                self.deadline.send_replace(cell.sent() + timing.deadline);
                *lock(&self.due) = cell.sent() + timing.renew_after;
                lock(&self.work).progress.found(&cell.lease().checkpoint);
                self.marked.notify_waiters();
                self.hear(cell.asked_for());
            }
            Verdict::Repeat(error) | Verdict::Failed(error) => {
                // What was not answered mostly took its time already, but a connection that cannot be made fails at once.
                let now = Instant::now();
                let unanswered = error.kind() == StoreErrorKind::Unavailable;
                let failed = if unanswered { first_sent } else { now };
                *lock(&self.due) = now.max(failed + timing.repeat);
                if let Verdict::Failed(error) = &verdict {
                    let mut work = lock(&self.work);
                    work.refusals += 1;
                    work.refusal = Some((error.kind(), Chain(error).to_string()));
                    drop(work);
                    self.marked.notify_waiters();
                }
                self.context
                    .reporter
                    .emit(&Event::LeaseWriteFailed { shard: self.shard.clone(), error: Chain(error).to_string() });
            }
            Verdict::Over { .. } => {}
        }
        if let Some(reason) = cell.over() {
            self.end(reason);
        }
        verdict
    }
}

#[cfg(test)]
pub(crate) mod tests;
