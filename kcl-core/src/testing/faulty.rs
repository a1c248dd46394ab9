//! A store that fails as it is told.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::error::{StoreError, StoreErrorKind};
use crate::ids::{ShardKey, WorkerId};
use crate::lease::{Instance, Lease};
use crate::member::{LeaderLock, LockWrite, Member, MemberReport, Wake};
use crate::shard::HashKeyRange;
use crate::store::{LeaseStore, LeaseWrite, Listing, MemberStore, WriteOutcome};
use crate::time::Timestamp;

/// Puts faults between a caller and a [`LeaseStore`].
///
/// For each request a function decides what happens to it; it sees the request and how many came before. Times pass on
/// tokio's clock. A `renew` of many leases is one request for each of them.
pub struct Faulty<S> {
    inner: S,
    decide: Box<dyn Fn(&Call<'_>) -> Fault + Send + Sync>,
    calls: AtomicU64,
    /// Writes that are still on their way although their callers were told that they failed.
    late: Mutex<Vec<Late>>,
}

/// A request on its way to the store.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// How many requests came before it.
    pub number: u64,
    /// What is asked.
    pub operation: Operation<'a>,
}

/// What is asked of the store, with its argument.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "each is the method of LeaseStore or MemberStore of that name")]
pub enum Operation<'a> {
    Prepare,
    List,
    ListOwned(&'a WorkerId),
    Get(&'a ShardKey),
    Create(&'a Lease),
    Write(&'a LeaseWrite),
    Initiate(&'a Lease, &'a WorkerId),
    NoteHashRange(&'a ShardKey, HashKeyRange),
    Delete(&'a Lease),
    Report(&'a MemberReport),
    Member(&'a WorkerId),
    Wake(&'a WorkerId, &'a [Wake]),
    Consume(&'a WorkerId, &'a [Wake]),
    Resign(&'a WorkerId, Instance, Timestamp),
    RemoveMember(&'a Member),
    Leader,
    Lock(&'a LockWrite),
}

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: it is answered as it should be.
    None,
    /// It is not applied, and answered with [`StoreErrorKind::Throttled`].
    Throttled,
    /// It never arrives. The caller is told [`StoreErrorKind::Unavailable`] after this time.
    RequestLost(Duration),
    /// It is applied. The caller is told [`StoreErrorKind::Unavailable`] after this time.
    AnswerLost(Duration),
    /// The caller is told [`StoreErrorKind::Unavailable`] at once, and a write is applied (if its condition holds then)
    /// just before the next request.
    Late,
    /// It arrives after this time, and is answered.
    Delayed(Duration),
    /// It arrives twice, and the second answer is given.
    Twice,
    /// It never arrives and is never answered.
    Hangs,
    /// It is applied and never answered.
    AppliedThenHangs,
}

enum Late {
    Create(Lease),
    Write(LeaseWrite),
    Initiate(Lease, WorkerId),
    NoteHashRange(ShardKey, HashKeyRange),
    Delete(Lease),
    Report(MemberReport),
    Wake(WorkerId, Vec<Wake>),
    Consume(WorkerId, Vec<Wake>),
    Resign(WorkerId, Instance, Timestamp),
    RemoveMember(Member),
    Lock(LockWrite),
}

impl<S: LeaseStore> Faulty<S> {
    /// A store in front of `inner` that does to each request what `decide` says.
    pub fn new(inner: S, decide: impl Fn(&Call<'_>) -> Fault + Send + Sync + 'static) -> Self {
        Self { inner, decide: Box::new(decide), calls: AtomicU64::new(0), late: Mutex::default() }
    }

    /// The store behind it, to be asked without faults.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// How many requests were made.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    async fn pass<T, F>(&self, operation: Operation<'_>, request: impl Fn() -> F + Send + Sync) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>> + Send,
        T: Send,
    {
        self.deliver_late().await;
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        match (self.decide)(&Call { number, operation }) {
            Fault::None => request().await,
            Fault::Throttled => Err(StoreError::new(StoreErrorKind::Throttled, "throttled by the test")),
            Fault::RequestLost(after) => {
                tokio::time::sleep(after).await;
                Err(unanswered())
            }
            Fault::AnswerLost(after) => {
                request().await?;
                tokio::time::sleep(after).await;
                Err(unanswered())
            }
            Fault::Late => {
                self.late().extend(Late::new(operation));
                Err(unanswered())
            }
            Fault::Delayed(by) => {
                tokio::time::sleep(by).await;
                request().await
            }
            Fault::Twice => {
                request().await?;
                request().await
            }
            Fault::Hangs => std::future::pending().await,
            Fault::AppliedThenHangs => {
                request().await?;
                std::future::pending().await
            }
        }
    }

    fn late(&self) -> std::sync::MutexGuard<'_, Vec<Late>> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn deliver_late(&self) {
        let arrived = std::mem::take(&mut *self.late());
        for late in arrived {
            // Nobody waits for the answer any more.
            let _ = late.arrive(&self.inner).await;
        }
    }
}

impl Late {
    fn new(operation: Operation<'_>) -> Option<Self> {
        match operation {
            Operation::Create(new) => Some(Self::Create(new.clone())),
            Operation::Write(write) => Some(Self::Write(write.clone())),
            Operation::Initiate(seen, to) => Some(Self::Initiate(seen.clone(), to.clone())),
            Operation::NoteHashRange(shard, range) => Some(Self::NoteHashRange(shard.clone(), range)),
            Operation::Delete(seen) => Some(Self::Delete(seen.clone())),
            Operation::Report(report) => Some(Self::Report(report.clone())),
            Operation::Wake(worker, wakes) => Some(Self::Wake(worker.clone(), wakes.to_vec())),
            Operation::Consume(worker, wakes) => Some(Self::Consume(worker.clone(), wakes.to_vec())),
            Operation::Resign(worker, instance, now) => Some(Self::Resign(worker.clone(), instance, now)),
            Operation::RemoveMember(seen) => Some(Self::RemoveMember(seen.clone())),
            Operation::Lock(write) => Some(Self::Lock(write.clone())),
            Operation::Prepare
            | Operation::List
            | Operation::ListOwned(_)
            | Operation::Get(_)
            | Operation::Member(_)
            | Operation::Leader => None,
        }
    }

    async fn arrive(self, store: &impl LeaseStore) -> Result<(), StoreError> {
        match self {
            Self::Create(new) => store.create(&new).await.map(drop),
            Self::Write(write) => store.write(&write).await.map(drop),
            Self::Initiate(seen, to) => store.initiate(&seen, &to).await.map(drop),
            Self::NoteHashRange(shard, range) => store.note_hash_range(&shard, range).await,
            Self::Delete(seen) => store.delete(&seen).await.map(drop),
            Self::Report(report) => store.report(&report).await.map(drop),
            Self::Wake(worker, wakes) => store.wake(&worker, &wakes).await.map(drop),
            Self::Consume(worker, wakes) => store.consume(&worker, &wakes).await,
            Self::Resign(worker, instance, now) => store.resign(&worker, instance, now).await.map(drop),
            Self::RemoveMember(seen) => store.remove_member(&seen).await,
            Self::Lock(write) => store.lock(&write).await.map(drop),
        }
    }
}

fn unanswered() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "no answer, by the test's will")
}

impl<S: fmt::Debug> fmt::Debug for Faulty<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").field("inner", &self.inner).field("calls", &self.calls).finish_non_exhaustive()
    }
}

#[async_trait]
impl<S: LeaseStore> LeaseStore for Faulty<S> {
    async fn prepare(&self) -> Result<(), StoreError> {
        self.pass(Operation::Prepare, || self.inner.prepare()).await
    }

    async fn list(&self) -> Result<Listing, StoreError> {
        self.pass(Operation::List, || self.inner.list()).await
    }

    async fn list_owned(&self, owner: &WorkerId) -> Result<Option<Vec<ShardKey>>, StoreError> {
        self.pass(Operation::ListOwned(owner), || self.inner.list_owned(owner)).await
    }

    async fn get(&self, shard: &ShardKey) -> Result<Option<Lease>, StoreError> {
        self.pass(Operation::Get(shard), || self.inner.get(shard)).await
    }

    async fn create(&self, new: &Lease) -> Result<WriteOutcome, StoreError> {
        self.pass(Operation::Create(new), || self.inner.create(new)).await
    }

    async fn write(&self, write: &LeaseWrite) -> Result<WriteOutcome, StoreError> {
        self.pass(Operation::Write(write), || self.inner.write(write)).await
    }

    async fn initiate(&self, seen: &Lease, to: &WorkerId) -> Result<WriteOutcome, StoreError> {
        self.pass(Operation::Initiate(seen, to), || self.inner.initiate(seen, to)).await
    }

    async fn note_hash_range(&self, shard: &ShardKey, range: HashKeyRange) -> Result<(), StoreError> {
        self.pass(Operation::NoteHashRange(shard, range), || self.inner.note_hash_range(shard, range)).await
    }

    async fn delete(&self, seen: &Lease) -> Result<WriteOutcome, StoreError> {
        self.pass(Operation::Delete(seen), || self.inner.delete(seen)).await
    }
}

#[async_trait]
impl<S: LeaseStore> MemberStore for Faulty<S> {
    async fn report(&self, report: &MemberReport) -> Result<bool, StoreError> {
        self.pass(Operation::Report(report), || self.inner.report(report)).await
    }

    async fn member(&self, worker: &WorkerId, consistent: bool) -> Result<Option<Member>, StoreError> {
        self.pass(Operation::Member(worker), || self.inner.member(worker, consistent)).await
    }

    async fn wake(&self, worker: &WorkerId, wakes: &[Wake]) -> Result<bool, StoreError> {
        self.pass(Operation::Wake(worker, wakes), || self.inner.wake(worker, wakes)).await
    }

    async fn consume(&self, worker: &WorkerId, wakes: &[Wake]) -> Result<(), StoreError> {
        self.pass(Operation::Consume(worker, wakes), || self.inner.consume(worker, wakes)).await
    }

    async fn resign(&self, worker: &WorkerId, instance: Instance, now: Timestamp) -> Result<bool, StoreError> {
        self.pass(Operation::Resign(worker, instance, now), || self.inner.resign(worker, instance, now)).await
    }

    async fn remove_member(&self, seen: &Member) -> Result<(), StoreError> {
        self.pass(Operation::RemoveMember(seen), || self.inner.remove_member(seen)).await
    }

    async fn leader(&self) -> Result<Option<LeaderLock>, StoreError> {
        self.pass(Operation::Leader, || self.inner.leader()).await
    }

    async fn lock(&self, write: &LockWrite) -> Result<bool, StoreError> {
        self.pass(Operation::Lock(write), || self.inner.lock(write)).await
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::ids::StreamId;
    use crate::memory::InMemoryLeases;
    use crate::position::Position;

    const SECOND: Duration = Duration::from_secs(1);
    const NO_TIME: Duration = Duration::ZERO;
    const MINUTE: Duration = Duration::from_mins(1);

    fn lease() -> Lease {
        Lease::new(ShardKey::new(StreamId::named("orders"), "shardId-0"), Position::TrimHorizon, None)
    }

    /// What a create meets under `fault`: the kind of its error, how long it took, whether it was applied when it
    /// was answered, and whether it was after the next request.
    async fn create_under(fault: Fault) -> (Option<StoreErrorKind>, Duration, bool, bool) {
        let store = Faulty::new(InMemoryLeases::new(), move |call| match call.number {
            0 => fault,
            _ => Fault::None,
        });
        let began = Instant::now();
        let answer = tokio::time::timeout(MINUTE, store.create(&lease())).await;
        let took = began.elapsed();
        let kind = answer.ok().and_then(Result::err).map(|error| error.kind());
        let shard = lease().shard;
        let at_once = store.inner().get(&shard).await.expect("memory answers").is_some();
        let later = store.get(&shard).await.expect("no second fault").is_some();
        (kind, took, at_once, later)
    }

    #[tokio::test(start_paused = true)]
    async fn each_fault_does_what_it_says() {
        use StoreErrorKind::{Throttled, Unavailable};
        for (fault, expected) in [
            (Fault::None, (None, NO_TIME, true, true)),
            (Fault::Throttled, (Some(Throttled), NO_TIME, false, false)),
            (Fault::RequestLost(SECOND), (Some(Unavailable), SECOND, false, false)),
            (Fault::AnswerLost(SECOND), (Some(Unavailable), SECOND, true, true)),
            (Fault::Late, (Some(Unavailable), NO_TIME, false, true)),
            (Fault::Delayed(SECOND), (None, SECOND, true, true)),
            (Fault::Twice, (None, NO_TIME, true, true)),
            (Fault::Hangs, (None, MINUTE, false, false)),
            (Fault::AppliedThenHangs, (None, MINUTE, true, true)),
        ] {
            assert_eq!(create_under(fault).await, expected, "{fault:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_second_of_two_requests_is_answered() {
        let store = Faulty::new(InMemoryLeases::new(), |_| Fault::Twice);
        let answer = store.create(&lease()).await.expect("answered");
        assert!(matches!(answer, WriteOutcome::Refused(Some(_))), "{answer:?}");
    }
}
