//! Where leases are kept: the contract between the worker and a lease table.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::StoreError;
use crate::ids::{ShardKey, WorkerId};
use crate::lease::Lease;

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
pub trait LeaseStore: fmt::Debug + Send + Sync + 'static {
    /// Makes the store ready for reading and writing: creates it if it may, waits until it can be used.
    ///
    /// # Errors
    /// If it is not there and may not be made, is something else, or cannot be reached.
    async fn prepare(&self) -> Result<(), StoreError>;

    /// All leases. May be out of date.
    ///
    /// # Errors
    /// If they could not be read. A lease that is there but cannot be understood is no error: see [`Listing::unreadable`].
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
        let renew = |renewal| async move {
            let answer = tokio::time::timeout(limit, self.write(renewal)).await;
            answer.unwrap_or_else(|_| Err(StoreError::no_answer(limit)))
        };
        futures_util::future::join_all(renewals.iter().map(renew)).await
    }

    /// Removes a finished lease that is still at the version seen. A lease that is gone already counts as removed.
    ///
    /// # Errors
    /// If it is not known whether it was removed.
    async fn delete(&self, seen: &Lease) -> Result<WriteOutcome, StoreError>;
}

/// All leases that a store holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Listing {
    /// The leases, ordered by shard.
    pub leases: Vec<Lease>,
    /// What looks like a lease and cannot be understood: its key and the reason.
    pub unreadable: Vec<(String, String)>,
}
