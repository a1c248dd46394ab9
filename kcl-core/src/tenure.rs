//! One ownership of one shard: the only way to write to its lease while it is held, and the word on whether it still is.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::decide::cell::{Cell, Verdict};
use crate::decide::progress::{Progress, Refusal};
use crate::decide::throughput::Throughput;
use crate::decide::timing::Timing;
use crate::error::{Chain, CheckpointError, StoreError, StoreErrorKind};
use crate::event::{EndReason, Event};
use crate::ids::{ShardId, ShardKey};
use crate::lease::{Epoch, Lease};
use crate::position::Position;
use crate::report::Reporter;
use crate::retry::Backoff;
use crate::store::{LeaseAction, LeaseStore, LeaseWrite, WriteOutcome};
use crate::time::WallClock;

/// What all tenures of a worker share.
#[derive(Debug)]
pub(crate) struct TenureContext {
    pub(crate) store: Arc<dyn LeaseStore>,
    pub(crate) timing: Timing,
    pub(crate) wall: WallClock,
    pub(crate) reporter: Arc<Reporter>,
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
    work: Mutex<Work>,
    /// Something was marked as done.
    marked: Notify,
}

/// How far the processor is. A new processor in the same tenure gets a new generation, and what an earlier one still
/// says is not heard.
#[derive(Debug)]
struct Work {
    generation: u64,
    progress: Progress,
    throughput: Throughput,
}

/// A write that was not applied, or not known to be.
#[derive(Debug)]
pub(crate) enum WriteFailure {
    /// The tenure is over.
    Over,
    /// The store will not do it; the lease is still held.
    Store(StoreError),
}

/// A renewal under way. The cell is locked until it is resolved.
pub(crate) struct Renewal<'a> {
    tenure: &'a Tenure,
    cell: tokio::sync::MutexGuard<'a, Cell>,
    pub(crate) write: LeaseWrite,
    first_sent: Instant,
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
            work: Mutex::new(Work {
                generation: 0,
                progress: Progress::new(lease.checkpoint.clone()),
                throughput: Throughput::new(sent, lease.throughput_kbps),
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

    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The lease as it was when the tenure began.
    pub(crate) fn start(&self) -> &Lease {
        &self.start
    }

    /// Whether the shard must not be read, nor anything committed, any more. Asks the clock: a process that was frozen
    /// finds out here, before its timers tell it.
    pub(crate) fn is_over(&self) -> bool {
        self.over.is_cancelled() || Instant::now() >= *self.deadline.borrow()
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
        let result = mark(&mut work.progress);
        drop(work);
        self.marked.notify_waiters();
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

    /// These bytes were processed.
    pub(crate) fn processed(&self, bytes: usize) {
        lock(&self.work).throughput.add(bytes);
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
    /// Cancel safe: a commit whose future is dropped may be made or not.
    pub(crate) async fn commit(&self, generation: u64) -> Result<Position, CheckpointError> {
        let Some(position) = self.mark(generation, |progress| progress.to_commit())? else {
            return self.mark(generation, |progress| progress.committed().clone());
        };
        self.checkpoint(position.clone(), Vec::new()).await.map_err(|failure| match failure {
            WriteFailure::Over => self.lost(),
            WriteFailure::Store(source) => CheckpointError::Store { shard: self.shard.clone(), source },
        })?;
        Ok(position)
    }

    /// Writes a position, whatever the marks say.
    pub(crate) async fn checkpoint(&self, position: Position, children: Vec<ShardId>) -> Result<(), WriteFailure> {
        let throughput_kbps = lock(&self.work).throughput.sample(Instant::now());
        let action = LeaseAction::Checkpoint { position: position.clone(), throughput_kbps, children };
        self.write(action).await?;
        self.committed(position);
        Ok(())
    }

    /// Gives the lease back, with a last commit of what is done. The tenure is over then, whatever the store says.
    pub(crate) async fn free(&self) -> Result<(), WriteFailure> {
        let checkpoint = self.progress().to_commit();
        let result = self.write(LeaseAction::Free { checkpoint: checkpoint.clone() }).await;
        self.end(EndReason::Released);
        if result.is_ok() && let Some(position) = checkpoint {
            self.committed(position);
        }
        result
    }

    fn committed(&self, position: Position) {
        lock(&self.work).progress.commit(position.clone());
        self.context.reporter.emit(&Event::Checkpointed { shard: self.shard.clone(), position });
    }

    async fn write(&self, action: LeaseAction) -> Result<(), WriteFailure> {
        let mut cell = tokio::select! {
            biased;
            () = self.ended() => return Err(WriteFailure::Over),
            cell = self.cell.lock() => cell,
        };
        'anew: loop {
            let first_sent = Instant::now();
            let write = cell.begin(action.clone(), first_sent, self.context.wall.now());
            let mut backoff = Backoff::lease_write(self.context.timing.attempt);
            loop {
                let answer = tokio::select! {
                    biased;
                    () = self.ended() => return Err(WriteFailure::Over),
                    answer = self.attempt(&write) => answer,
                };
                match self.learn(&mut cell, &write, first_sent, answer) {
                    Verdict::Applied => return Ok(()),
                    Verdict::Over { applied: true } => return Ok(()),
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
        tokio::time::timeout(limit, self.context.store.write(write)).await.unwrap_or_else(|_| Err(no_answer(limit)))
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
            }
            Verdict::Repeat(error) | Verdict::Failed(error) => {
                *lock(&self.due) = Instant::now() + timing.attempt / 2;
                self.context.reporter.emit(&Event::LeaseWriteFailed {
                    shard: self.shard.clone(),
                    error: Chain(error).to_string(),
                });
            }
            Verdict::Over { .. } => {}
        }
        if let Some(reason) = cell.over() {
            self.end(reason);
        }
        verdict
    }

    /// When to renew next.
    pub(crate) fn due(&self) -> Instant {
        *lock(&self.due)
    }

    /// Begins a renewal, which commits what is done if anything is. `None` if a write is under way, which renews as
    /// well, or the tenure is over.
    pub(crate) fn begin_renewal(&self) -> Option<Renewal<'_>> {
        if self.is_over() {
            return None;
        }
        let mut cell = self.cell.try_lock().ok()?;
        let first_sent = Instant::now();
        let action = {
            let mut work = lock(&self.work);
            let throughput_kbps = work.throughput.sample(first_sent);
            match work.progress.to_commit() {
                Some(position) => LeaseAction::Checkpoint { position, throughput_kbps, children: Vec::new() },
                None => LeaseAction::Renew { throughput_kbps },
            }
        };
        let write = cell.begin(action, first_sent, self.context.wall.now());
        Some(Renewal { tenure: self, cell, write, first_sent })
    }
}

impl Renewal<'_> {
    /// Sends the renewal by itself and takes the answer.
    pub(crate) async fn send(self) {
        let answer = self.tenure.attempt(&self.write).await;
        self.resolve(answer);
    }

    /// Takes the answer.
    pub(crate) fn resolve(mut self, answer: Result<WriteOutcome, StoreError>) {
        let verdict = self.tenure.learn(&mut self.cell, &self.write, self.first_sent, answer);
        match (verdict, self.write.action) {
            (Verdict::Applied | Verdict::Over { applied: true }, LeaseAction::Checkpoint { position, .. }) => {
                self.tenure.committed(position);
            }
            // Held on, but this write is still to be made; if it was a commit, the sooner the better.
            (Verdict::Again, _) => *lock(&self.tenure.due) = Instant::now(),
            _ => {}
        }
    }
}

/// The error of a write that was not answered in time.
pub(crate) fn no_answer(limit: Duration) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, format!("the lease store did not answer within {limit:?}"))
}
