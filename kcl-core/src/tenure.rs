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
use crate::event::Event;
use crate::ids::{ShardId, ShardKey};
use crate::lease::{EndReason, Epoch, Lease};
use crate::position::Position;
use crate::report::Reporter;
use crate::retry::Backoff;
use crate::store::{LeaseAction, LeaseStore, LeaseWrite, WriteOutcome};
use crate::time::{Timestamp, WallClock};

/// What all tenures of a worker share.
#[derive(Debug)]
pub(crate) struct TenureContext {
    pub(crate) store: Arc<dyn LeaseStore>,
    pub(crate) timing: Timing,
    pub(crate) wall: WallClock,
    pub(crate) reporter: Arc<Reporter>,
    /// Wakes the one who renews: a lease is due before its time, or there is one more.
    pub(crate) renew_now: Notify,
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
    throughput: Throughput,
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

/// A renewal under way. The cell is locked until it is resolved.
pub(crate) struct Renewal<'a> {
    tenure: &'a Tenure,
    cell: tokio::sync::MutexGuard<'a, Cell>,
    pub(crate) write: LeaseWrite,
    first_sent: Instant,
}

impl Work {
    /// The write that commits this position.
    fn commit(&mut self, position: Position) -> LeaseAction {
        let throughput_kbps = self.throughput.sample(Instant::now());
        LeaseAction::Checkpoint { position, throughput_kbps, children: Vec::new() }
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
            work: Mutex::new(Work {
                generation: 0,
                progress: Progress::new(lease.checkpoint.clone()),
                throughput: Throughput::new(sent, lease.throughput_kbps),
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
    /// It only asks for the renewal to be made now, and waits for it: a future of user code that is begun and then not
    /// polled must not hold what renewals need.
    ///
    /// Cancel safe: a commit whose future is dropped may be made or not.
    pub(crate) async fn commit(&self, generation: u64) -> Result<Position, CheckpointError> {
        let (wanted, failures) = {
            self.mark(generation, |_| ())?;
            let work = lock(&self.work);
            (work.progress.to_commit(), work.refusals)
        };
        loop {
            let mut marked = std::pin::pin!(self.marked.notified());
            marked.as_mut().enable();
            let committed = self.mark(generation, |progress| progress.committed().clone())?;
            if wanted.as_ref().is_none_or(|wanted| committed >= *wanted) {
                return Ok(committed);
            }
            if let Some(source) = self.refusal_since(failures) {
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
                return Ok(None);
            }
            let throughput_kbps = work.throughput.sample(Instant::now());
            let (position, children) = (Position::ShardEnd, children.to_vec());
            Ok(Some(LeaseAction::Checkpoint { position, throughput_kbps, children }))
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
            Ok(Some(work.commit(position.clone())))
        })
        .await
    }

    /// Gives the lease back, with a last commit of what is done. The tenure is over then, whatever the store says.
    pub(crate) async fn free(&self) -> Result<(), WriteFailure> {
        let result = self.write(|work| Ok(Some(LeaseAction::Free { checkpoint: work.progress.to_commit() }))).await;
        self.end(EndReason::Released);
        result
    }

    /// Notes what a write committed, while the cell is still locked.
    fn applied(&self, action: LeaseAction) {
        if let LeaseAction::Checkpoint { position, .. } | LeaseAction::Free { checkpoint: Some(position) } = action {
            self.committed(position);
        }
    }

    fn committed(&self, position: Position) {
        lock(&self.work).progress.commit(position.clone());
        self.marked.notify_waiters();
        self.context.reporter.emit(&Event::Checkpointed { shard: self.shard.clone(), position });
    }

    /// Writes what `choose` says, until that is done. It is asked when the write's turn has come, and again whenever what
    /// was known of the lease turns out to be out of date: a position that was chosen before could move a commit back.
    async fn write(
        &self,
        mut choose: impl FnMut(&mut Work) -> Result<Option<LeaseAction>, WriteFailure> + Send,
    ) -> Result<(), WriteFailure> {
        let mut cell = tokio::select! {
            biased;
            () = self.ended() => return Err(WriteFailure::Over),
            cell = self.cell.lock() => cell,
        };
        'anew: loop {
            let Some(action) = choose(&mut lock(&self.work))? else { return Ok(()) };
            let first_sent = Instant::now();
            let write = cell.begin(action, first_sent, self.context.wall.now());
            let mut backoff = Backoff::lease_write(self.context.timing.attempt);
            loop {
                let answer = tokio::select! {
                    biased;
                    () = self.ended() => return Err(WriteFailure::Over),
                    answer = self.attempt(&write) => answer,
                };
                match self.learn(&mut cell, &write, first_sent, answer) {
                    Verdict::Applied | Verdict::Over { applied: true } => {
                        self.applied(write.action);
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
        tokio::time::timeout(limit, self.context.store.write(write))
            .await
            .unwrap_or_else(|_| Err(StoreError::no_answer(limit)))
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
            }
            Verdict::Repeat(error) | Verdict::Failed(error) => {
                // What was not answered took its time already; what was refused is not asked for again at once.
                let unanswered = error.kind() == StoreErrorKind::Unavailable;
                let pause = if unanswered { Duration::ZERO } else { timing.attempt / 2 };
                *lock(&self.due) = Instant::now() + pause;
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
            match work.progress.to_commit() {
                Some(position) => work.commit(position),
                None => LeaseAction::Renew { throughput_kbps: work.throughput.sample(first_sent) },
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
            (Verdict::Applied | Verdict::Over { applied: true }, action) => self.tenure.applied(action),
            // An earlier write turned out to be applied, which renewed the lease. What is still to be committed is, now.
            (Verdict::Again, _) if self.tenure.progress().to_commit().is_some() => {
                *lock(&self.tenure.due) = Instant::now();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::progress::Progress;
    use crate::ids::StreamId;
    use crate::lease::Instance;
    use crate::memory::InMemoryLeases;
    use crate::position::SequenceNumber;
    use crate::testing::faulty::{Call, Fault, Faulty};

    fn at(n: u64) -> Position {
        Position::at(SequenceNumber::parse(&n.to_string()).expect("digits"))
    }

    fn key() -> ShardKey {
        ShardKey::new(StreamId::named("s"), "shardId-0")
    }

    /// A worker `me` that holds the only lease of a table.
    async fn held(store: Arc<dyn LeaseStore>, table: &InMemoryLeases) -> Arc<Tenure> {
        let _ = table.create(&Lease::new(key(), Position::TrimHorizon, None)).await.expect("in memory");
        take(store, table, "me", 1).await
    }

    async fn take(store: Arc<dyn LeaseStore>, table: &InMemoryLeases, me: &str, tenure: u64) -> Arc<Tenure> {
        let instance = Instance::new(1);
        let write = LeaseWrite {
            seen: table.get(&key()).await.expect("in memory").expect("a lease"),
            by: me.into(),
            stamp: Cell::first_stamp(instance, tenure),
            now: Timestamp::from_millis(1000),
            action: LeaseAction::Take,
        };
        let WriteOutcome::Applied(lease) = table.write(&write).await.expect("in memory") else {
            panic!("nobody else writes")
        };
        let context = TenureContext {
            store,
            timing: Timing::new(Duration::from_secs(10)),
            wall: WallClock::new(|| Timestamp::from_millis(1000)),
            reporter: Arc::new(Reporter::new("app".into(), me.into(), Vec::new())),
            renew_now: Notify::new(),
        };
        let cell = Cell::new(me.into(), instance, tenure, lease, Instant::now());
        Arc::new(Tenure::new(Arc::new(context), cell, 0.0))
    }

    /// Commits, while somebody renews.
    async fn commit(tenure: &Tenure, generation: u64) -> Result<Position, CheckpointError> {
        let renewals = async {
            loop {
                tenure.context.renew_now.notified().await;
                while tenure.due() <= Instant::now()
                    && let Some(renewal) = tenure.begin_renewal()
                {
                    renewal.send().await;
                }
            }
        };
        tokio::select! {
            committed = tenure.commit(generation) => committed,
            () = renewals => unreachable!("for ever"),
        }
    }

    fn work(tenure: &Tenure, to: u64) -> u64 {
        let (generation, _) = tenure.new_generation();
        tenure.mark(generation, |progress| progress.deliver(Some(at(to)), at(to))).expect("held");
        tenure.mark(generation, Progress::all_done).expect("held");
        generation
    }

    async fn stored(table: &InMemoryLeases) -> Lease {
        table.get(&key()).await.expect("in memory").expect("a lease")
    }

    #[tokio::test(start_paused = true)]
    async fn renewals_and_commits_at_once_do_not_fence_each_other() {
        let table = InMemoryLeases::new();
        let tenure = held(Arc::new(table.clone()), &table).await;
        let (generation, _) = tenure.new_generation();
        let commits = async {
            for n in 1..=100 {
                tenure.mark(generation, |progress| progress.deliver(Some(at(n)), at(n))).expect("held");
                tenure.mark(generation, Progress::all_done).expect("held");
                assert_eq!(commit(&tenure, generation).await.expect("held"), at(n));
            }
        };
        let renewals = async {
            for _ in 0..100 {
                if let Some(renewal) = tenure.begin_renewal() {
                    renewal.send().await;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(commits, renewals);
        assert!(!tenure.is_over());
        assert_eq!(stored(&table).await.checkpoint, at(100));
    }

    #[tokio::test(start_paused = true)]
    async fn a_tenure_that_is_not_renewed_ends_before_anybody_may_take_the_lease() {
        let table = InMemoryLeases::new();
        let tenure = held(Arc::new(table.clone()), &table).await;
        let began = Instant::now();
        tenure.ended().await;
        assert_eq!((began.elapsed(), tenure.end_reason()), (Duration::from_millis(9500), Some(EndReason::Expired)));
        assert!(tenure.begin_renewal().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_commit_survives_answers_that_are_lost() {
        let table = InMemoryLeases::new();
        let lost = |call: &Call<'_>| {
            if call.number < 3 { Fault::AnswerLost(Duration::from_millis(100)) } else { Fault::None }
        };
        let tenure = held(Arc::new(Faulty::new(table.clone(), lost)), &table).await;
        let generation = work(&tenure, 7);
        assert_eq!(commit(&tenure, generation).await.expect("recognised by its stamp"), at(7));
        assert_eq!(stored(&table).await.version.number(), 2, "taken, and committed once");
    }

    #[tokio::test(start_paused = true)]
    async fn a_commit_whose_answer_is_lost_while_a_new_processor_starts_is_not_moved_back() {
        let table = InMemoryLeases::new();
        let lost = |call: &Call<'_>| {
            if call.number == 0 { Fault::AnswerLost(Duration::from_millis(100)) } else { Fault::None }
        };
        let tenure = held(Arc::new(Faulty::new(table.clone(), lost)), &table).await;
        work(&tenure, 7);
        tenure.begin_renewal().expect("free").send().await;
        let generation = work(&tenure, 5);
        assert_eq!(stored(&table).await.checkpoint, at(7));
        tenure.begin_renewal().expect("free").send().await;
        assert_eq!(commit(&tenure, generation).await.expect("held"), at(7), "committed before, and found out now");
        assert_eq!(stored(&table).await.checkpoint, at(7));
        assert_eq!(tenure.new_generation().1, at(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_commit_that_finds_a_later_one_made_does_not_move_it_back() {
        let table = InMemoryLeases::new();
        let lost = |call: &Call<'_>| {
            if call.number == 0 { Fault::AnswerLost(Duration::from_millis(100)) } else { Fault::None }
        };
        let tenure = held(Arc::new(Faulty::new(table.clone(), lost)), &table).await;
        work(&tenure, 7);
        tenure.begin_renewal().expect("free").send().await;
        let generation = work(&tenure, 5);
        assert_eq!(commit(&tenure, generation).await.expect("held"), at(7));
        assert_eq!(stored(&table).await.checkpoint, at(7));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_done_behind_a_rewind_is_not_committed_over_it() {
        let table = InMemoryLeases::new();
        let tenure = held(Arc::new(table.clone()), &table).await;
        let former = work(&tenure, 7);
        tenure.rewind(&at(3)).await.expect("held");
        assert!(matches!(commit(&tenure, former).await, Err(CheckpointError::LeaseLost { .. })));
        tenure.begin_renewal().expect("free").send().await;
        assert_eq!(stored(&table).await.checkpoint, at(3));
        assert_eq!(tenure.new_generation().1, at(3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_never_answers_costs_the_lease_and_not_the_worker() {
        let table = InMemoryLeases::new();
        let tenure = held(Arc::new(Faulty::new(table.clone(), |_: &Call<'_>| Fault::Hangs)), &table).await;
        let generation = work(&tenure, 7);
        let began = Instant::now();
        let committed = commit(&tenure, generation).await;
        assert!(matches!(committed, Err(CheckpointError::LeaseLost { .. })), "{committed:?}");
        assert_eq!(began.elapsed(), Duration::from_millis(9500));
    }

    #[tokio::test(start_paused = true)]
    async fn a_commit_that_is_begun_and_never_polled_again_does_not_keep_the_lease_from_being_renewed() {
        let table = InMemoryLeases::new();
        let tenure = held(Arc::new(table.clone()), &table).await;
        let generation = work(&tenure, 7);
        let mut begun = std::pin::pin!(tenure.commit(generation));
        assert!(futures_util::poll!(begun.as_mut()).is_pending());
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_secs(7)).await;
            tenure.begin_renewal().expect("free").send().await;
        }
        assert!(!tenure.is_over());
        assert_eq!(begun.await.expect("held"), at(7));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_committed_after_the_lease_was_taken_nor_when_it_is_held_again() {
        let table = InMemoryLeases::new();
        let store: Arc<dyn LeaseStore> = Arc::new(table.clone());
        let first = held(Arc::clone(&store), &table).await;
        let generation = work(&first, 7);
        let _other = take(Arc::clone(&store), &table, "other", 1).await;
        let again = take(store, &table, "me", 2).await;
        assert!(matches!(commit(&first, generation).await, Err(CheckpointError::LeaseLost { .. })));
        assert_eq!(first.end_reason(), Some(EndReason::Taken));
        assert!(again.epoch() > first.epoch());
        assert_eq!(stored(&table).await.checkpoint, Position::TrimHorizon);
        assert!(!again.is_over());
    }

    #[tokio::test(start_paused = true)]
    async fn giving_a_lease_back_commits_what_is_done() {
        let table = InMemoryLeases::new();
        let tenure = held(Arc::new(table.clone()), &table).await;
        work(&tenure, 7);
        tenure.free().await.expect("held");
        let lease = stored(&table).await;
        assert_eq!((lease.checkpoint, lease.owner), (at(7), None));
        assert_eq!(tenure.end_reason(), Some(EndReason::Released));
    }

    #[tokio::test(start_paused = true)]
    async fn a_former_processor_of_the_same_tenure_is_not_heard() {
        let table = InMemoryLeases::new();
        let tenure = held(Arc::new(table.clone()), &table).await;
        let former = work(&tenure, 7);
        let (generation, start) = tenure.new_generation();
        assert_eq!(start, Position::TrimHorizon, "what was done and not committed is done again");
        assert!(matches!(commit(&tenure, former).await, Err(CheckpointError::LeaseLost { .. })));
        assert_eq!(commit(&tenure, generation).await.expect("held"), Position::TrimHorizon);
    }
}
