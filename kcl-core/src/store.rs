//! Where leases are kept: the contract between the worker and a lease table.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::StoreError;
use crate::ids::{ShardKey, WorkerId};
use crate::lease::{Instance, Lease};
use crate::member::{LeaderLock, LockWrite, Member, MemberReport, Wake};
use crate::shard::HashKeyRange;
use crate::time::Timestamp;

pub use crate::lease::{LeaseAction, LeaseWrite, WriteOutcome};

/// A table of leases.
///
/// # What an implementation promises
/// * Each write is atomic and conditional: it is applied if the lease still is as [`LeaseWrite::seen`] says, and otherwise
///   answered by [`WriteOutcome::Refused`] with the lease as it is. Losing a race is an answer, not an error.
/// * A write that is applied sets the lease's [`Stamp`](crate::lease::Stamp) to [`LeaseWrite::stamp`] and moves its version by one. The same
///   write may be sent again after its answer was lost: it is then refused, and the stamp of the lease that comes with
///   the refusal tells the worker that the first one was applied. A store never retries a write by itself.
/// * Reads may be out of date. No write relies on one.
/// * What it does not know in a stored lease, it keeps.
///
/// The suite in `testing::conformance` (feature `test-util`) checks all of this.
///
/// # Cancel safety
/// Dropping the future of a write leaves it unknown whether the write was applied, as a lost answer does.
#[async_trait]
pub trait LeaseStore: MemberStore {
    /// Makes the store ready for reading and writing: creates it if it may, waits until it can be used.
    ///
    /// # Errors
    /// If it is not there and may not be made, is something else, or cannot be reached.
    async fn prepare(&self) -> Result<(), StoreError>;

    /// Everything that the store holds: leases, rows of workers, the leader lock. May be out of date.
    ///
    /// # Errors
    /// If it could not be read. A lease that is there but cannot be understood is no error: see [`Listing::unreadable`].
    async fn list(&self) -> Result<Listing, StoreError>;

    /// The keys of the leases that name this worker as their owner, if the store has a cheap way to find them. May be
    /// out of date or incomplete: a hint where to look, never a decision.
    ///
    /// # Errors
    /// If they could not be read.
    async fn list_owned(&self, owner: &WorkerId) -> Result<Option<Vec<ShardKey>>, StoreError> {
        let _ = owner;
        Ok(None)
    }

    /// One lease as it is now, or `None`. Never out of date.
    ///
    /// # Errors
    /// If it could not be read or understood.
    async fn get(&self, shard: &ShardKey) -> Result<Option<Lease>, StoreError>;

    /// Adds a lease as it is given, unless the shard has one. Answers [`WriteOutcome::Refused`] with that one if so.
    ///
    /// A lease with an owner begins a tenure of that owner, as [`LeaseAction::Claim`] does, and carries a stamp.
    ///
    /// # Errors
    /// If it is not known whether the lease was added.
    async fn create(&self, new: &Lease) -> Result<WriteOutcome, StoreError>;

    /// Changes a lease.
    ///
    /// # Errors
    /// If it is not known whether the write was applied, or it was not for another reason than its condition.
    async fn write(&self, write: &LeaseWrite) -> Result<WriteOutcome, StoreError>;

    /// Renews many leases of one holder at once: all writes are [`LeaseAction::Renew`]. One outcome for each, in order.
    ///
    /// Each outcome stands for itself: a renewal that is not answered within `limit` is one whose fate is not known, and
    /// costs the others nothing.
    async fn renew(&self, renewals: &[LeaseWrite], limit: Duration) -> Vec<Result<WriteOutcome, StoreError>> {
        futures_util::future::join_all(renewals.iter().map(|renewal| within(limit, self.write(renewal)))).await
    }

    /// Asks the holder of a lease to give it to another worker: `to` becomes its owner, and the holder as seen its
    /// checkpoint owner. Condition: the owner is as seen, no hand-off is under way, the shard is not finished.
    ///
    /// The one write that leaves version and stamp as they are, so that the holder's own writes go on.
    ///
    /// # Errors
    /// If it is not known whether the write was applied.
    async fn initiate(&self, seen: &Lease, to: &WorkerId) -> Result<WriteOutcome, StoreError>;

    /// Notes the hash keys of a shard whose lease does not tell them. Leaves everything else as it is. A lease that is
    /// gone needs none.
    ///
    /// # Errors
    /// If it is not known whether they were noted.
    async fn note_hash_range(&self, shard: &ShardKey, range: HashKeyRange) -> Result<(), StoreError>;

    /// Removes a finished lease that is still at the version seen. A lease that is gone already counts as removed.
    ///
    /// # Errors
    /// If it is not known whether it was removed.
    async fn delete(&self, seen: &Lease) -> Result<WriteOutcome, StoreError>;
}

/// The rows of workers, and the leader lock: what a fleet knows of itself. It lives where the leases do.
///
/// A row is a process's until another process reports under the same worker id; what the earlier one still writes is
/// refused then.
#[async_trait]
pub trait MemberStore: fmt::Debug + Send + Sync + 'static {
    /// Writes a worker's row. Answers whether its condition held ([`MemberReport::over`]).
    ///
    /// # Errors
    /// If it is not known whether it was written.
    async fn report(&self, report: &MemberReport) -> Result<bool, StoreError>;

    /// One worker's row, or `None`. May be out of date, unless `consistent`.
    ///
    /// # Errors
    /// If it could not be read.
    async fn member(&self, worker: &WorkerId, consistent: bool) -> Result<Option<Member>, StoreError>;

    /// Wakes a worker of this library that is not leaving. Answers whether it could be woken. More hints than its row has
    /// room for become one [`Wake::Look`].
    ///
    /// # Errors
    /// If it is not known whether it was woken.
    async fn wake(&self, worker: &WorkerId, wakes: &[Wake]) -> Result<bool, StoreError>;

    /// Removes hints that were read.
    ///
    /// # Errors
    /// If it is not known whether they were removed.
    async fn consume(&self, worker: &WorkerId, wakes: &[Wake]) -> Result<(), StoreError>;

    /// Marks a worker's row as leaving, and as too old for anybody to be given leases. Answers whether the row was this
    /// process's.
    ///
    /// # Errors
    /// If it is not known whether it was marked.
    async fn resign(&self, worker: &WorkerId, instance: Instance, now: Timestamp) -> Result<bool, StoreError>;

    /// Removes a row, if it still is as it was seen: of the same process, and of the same report for a worker of another
    /// library. A row that is gone counts as removed.
    ///
    /// # Errors
    /// If it is not known whether it was removed.
    async fn remove_member(&self, seen: &Member) -> Result<(), StoreError>;

    /// The leader lock. Never out of date.
    ///
    /// # Errors
    /// If it could not be read.
    async fn leader(&self) -> Result<Option<LeaderLock>, StoreError>;

    /// Writes the leader lock. Answers whether the condition held.
    ///
    /// # Errors
    /// If it is not known whether it was written.
    async fn lock(&self, write: &LockWrite) -> Result<bool, StoreError>;
}

/// All that a store holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Listing {
    /// The leases, ordered by shard.
    pub leases: Vec<Lease>,
    /// What looks like a lease, a worker's row or the leader lock, and cannot be understood: its key and the reason.
    pub unreadable: Vec<(String, String)>,
    /// The rows of workers, ordered by worker.
    pub members: Vec<Member>,
    /// The leader lock.
    pub lock: Option<LeaderLock>,
    /// What reading all this cost, in DynamoDB's read units; 0 if it costs nothing.
    pub read_units: f64,
}

/// The answer to a request, or an error if none comes within `limit`.
pub(crate) async fn within<T>(
    limit: Duration,
    request: impl Future<Output = Result<T, StoreError>> + Send,
) -> Result<T, StoreError> {
    tokio::time::timeout(limit, request).await.unwrap_or_else(|_| Err(StoreError::no_answer(limit)))
}
