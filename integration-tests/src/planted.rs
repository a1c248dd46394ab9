//! Bugs planted on purpose, to see that they are found. They are made of what any user can put around the library, so
//! that the product has no switch for them.

use std::time::Duration;

use kcl_core::async_trait;
use kcl_core::checkpointer::Checkpointer;
use kcl_core::error::{Failure, StoreError};
use kcl_core::ids::{ShardKey, WorkerId};
use kcl_core::lease::{Instance, Lease};
use kcl_core::member::{LeaderLock, LockWrite, Member, MemberReport, Wake};
use kcl_core::processor::{Acknowledgement, RecordProcessor, ShardContext};
use kcl_core::record::Batch;
use kcl_core::shard::HashKeyRange;
use kcl_core::store::{LeaseStore, LeaseWrite, Listing, MemberStore, WriteOutcome};
use kcl_core::time::Timestamp;

/// A planted bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Planted {
    /// Records are committed before they are handled.
    CommitBeforeProcessing,
    /// Nobody knows of a shard's parents, so that nobody waits for them.
    SkipParentCheck,
}

impl std::fmt::Display for Planted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::CommitBeforeProcessing => "commit-before-processing",
            Self::SkipParentCheck => "skip-parent-check",
        })
    }
}

impl std::str::FromStr for Planted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::CommitBeforeProcessing, Self::SkipParentCheck]
            .into_iter()
            .find(|planted| planted.to_string() == text)
            .ok_or_else(|| format!("no bug is called `{text}`: commit-before-processing, skip-parent-check"))
    }
}

pub(crate) fn leases(store: impl LeaseStore, planted: Option<Planted>) -> Store {
    Store { inner: Box::new(store), hide_parents: planted == Some(Planted::SkipParentCheck) }
}

pub(crate) fn processor<P: RecordProcessor>(inner: P, planted: Option<Planted>) -> Processor<P> {
    Processor { inner, commit_first: planted == Some(Planted::CommitBeforeProcessing) }
}

/// A processor that may commit first.
#[derive(Debug)]
pub(crate) struct Processor<P> {
    inner: P,
    commit_first: bool,
}

#[async_trait]
impl<P: RecordProcessor> RecordProcessor for Processor<P> {
    fn acknowledgement(&self) -> Acknowledgement {
        self.inner.acknowledgement()
    }

    async fn initialize(&mut self, shard: &ShardContext) -> Result<(), Failure> {
        self.inner.initialize(shard).await
    }

    async fn process_records(&mut self, batch: Batch, checkpointer: &Checkpointer) -> Result<(), Failure> {
        if let Some(last) = batch.records().last().filter(|_| self.commit_first) {
            // A planted bug need not work every time.
            let _ = checkpointer.checkpoint_at(last).await;
        }
        self.inner.process_records(batch, checkpointer).await
    }

    async fn shard_ended(&mut self, checkpointer: &Checkpointer) -> Result<(), Failure> {
        self.inner.shard_ended(checkpointer).await
    }

    async fn shutdown_requested(&mut self, checkpointer: &Checkpointer) -> Result<(), Failure> {
        self.inner.shutdown_requested(checkpointer).await
    }

    async fn lease_lost(&mut self) {
        self.inner.lease_lost().await;
    }
}

/// A store that may hide parents.
#[derive(Debug)]
pub(crate) struct Store {
    inner: Box<dyn LeaseStore>,
    hide_parents: bool,
}

impl Store {
    fn shown(&self, lease: &mut Lease) {
        if self.hide_parents {
            lease.parents.clear();
        }
    }

    fn answer(&self, mut answer: WriteOutcome) -> WriteOutcome {
        if let WriteOutcome::Applied(lease) | WriteOutcome::Refused(Some(lease)) = &mut answer {
            self.shown(lease);
        }
        answer
    }
}

#[async_trait]
impl LeaseStore for Store {
    async fn prepare(&self) -> Result<(), StoreError> {
        self.inner.prepare().await
    }

    async fn list(&self) -> Result<Listing, StoreError> {
        let mut listing = self.inner.list().await?;
        listing.leases.iter_mut().for_each(|lease| self.shown(lease));
        Ok(listing)
    }

    async fn list_owned(&self, owner: &WorkerId) -> Result<Option<Vec<ShardKey>>, StoreError> {
        self.inner.list_owned(owner).await
    }

    async fn get(&self, shard: &ShardKey) -> Result<Option<Lease>, StoreError> {
        let mut lease = self.inner.get(shard).await?;
        if let Some(lease) = &mut lease {
            self.shown(lease);
        }
        Ok(lease)
    }

    async fn create(&self, new: &Lease) -> Result<WriteOutcome, StoreError> {
        self.inner.create(new).await.map(|answer| self.answer(answer))
    }

    async fn write(&self, write: &LeaseWrite) -> Result<WriteOutcome, StoreError> {
        self.inner.write(write).await.map(|answer| self.answer(answer))
    }

    async fn renew(&self, renewals: &[LeaseWrite], limit: Duration) -> Vec<Result<WriteOutcome, StoreError>> {
        let answers = self.inner.renew(renewals, limit).await;
        answers.into_iter().map(|answer| answer.map(|answer| self.answer(answer))).collect()
    }

    async fn initiate(&self, seen: &Lease, to: &WorkerId) -> Result<WriteOutcome, StoreError> {
        self.inner.initiate(seen, to).await.map(|answer| self.answer(answer))
    }

    async fn note_hash_range(&self, shard: &ShardKey, range: HashKeyRange) -> Result<(), StoreError> {
        self.inner.note_hash_range(shard, range).await
    }

    async fn delete(&self, seen: &Lease) -> Result<WriteOutcome, StoreError> {
        self.inner.delete(seen).await.map(|answer| self.answer(answer))
    }
}

#[async_trait]
impl MemberStore for Store {
    async fn report(&self, report: &MemberReport) -> Result<bool, StoreError> {
        self.inner.report(report).await
    }

    async fn member(&self, worker: &WorkerId, consistent: bool) -> Result<Option<Member>, StoreError> {
        self.inner.member(worker, consistent).await
    }

    async fn wake(&self, worker: &WorkerId, wakes: &[Wake]) -> Result<bool, StoreError> {
        self.inner.wake(worker, wakes).await
    }

    async fn consume(&self, worker: &WorkerId, wakes: &[Wake]) -> Result<(), StoreError> {
        self.inner.consume(worker, wakes).await
    }

    async fn resign(&self, worker: &WorkerId, instance: Instance, now: Timestamp) -> Result<bool, StoreError> {
        self.inner.resign(worker, instance, now).await
    }

    async fn remove_member(&self, seen: &Member) -> Result<(), StoreError> {
        self.inner.remove_member(seen).await
    }

    async fn leader(&self) -> Result<Option<LeaderLock>, StoreError> {
        self.inner.leader().await
    }

    async fn lock(&self, write: &LockWrite) -> Result<bool, StoreError> {
        self.inner.lock(write).await
    }
}
