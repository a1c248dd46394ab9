//! Where leases are kept: the contract between the worker and a lease table.

use std::fmt;

use async_trait::async_trait;

use crate::error::StoreError;
use crate::ids::{ShardKey, WorkerId};
use crate::lease::{Lease, Stamp};
use crate::position::Position;
use crate::time::Timestamp;

/// A table of leases.
///
/// # What an implementation promises
/// * Each write is atomic and conditional: it is applied if the lease still is as [`LeaseWrite::seen`] says, and otherwise
///   answered by [`WriteOutcome::Refused`] with the lease as it is. Losing a race is an answer, not an error.
/// * A write that is applied sets the lease's [`Stamp`] to [`LeaseWrite::stamp`] and moves its version by one. The same
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
    /// Each outcome stands for itself: leases are renewed although others could not be.
    async fn renew(&self, renewals: &[LeaseWrite]) -> Vec<Result<WriteOutcome, StoreError>> {
        futures_util::future::join_all(renewals.iter().map(|renewal| self.write(renewal))).await
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

/// One logical write to a lease.
#[derive(Debug, Clone, PartialEq)]
pub struct LeaseWrite {
    /// The lease as the writer last saw it; the condition is made from it.
    pub seen: Lease,
    /// Who writes.
    pub by: WorkerId,
    /// The write's name.
    pub stamp: Stamp,
    /// The time by the writer's wall clock; it becomes the lease's [`Lease::born`] if a claim or take finds none.
    pub now: Timestamp,
    /// What is changed.
    pub action: LeaseAction,
}

/// What a write does, and its condition beside the version. `n` is the version, "holder" is
/// [`Lease::holder`].
#[derive(Debug, Clone, PartialEq)]
pub enum LeaseAction {
    /// Begin to hold a lease that names the writer and nobody holds. Condition: owner is the writer, no hand-off is
    /// under way.
    Claim,
    /// Begin to hold a lease that is free, or whose holder is dead. Condition: both owners are as seen. Counts an
    /// owner switch.
    Take,
    /// Stay alive. Condition: the writer is the holder.
    Renew {
        /// What was processed lately, in KiB/s, if known.
        throughput_kbps: Option<f64>,
    },
    /// Commit a position, and stay alive. Condition: the writer is the holder. Drops a prepared checkpoint and sets
    /// owner switches to zero.
    Checkpoint {
        /// The position.
        position: Position,
        /// What was processed lately, in KiB/s, if known.
        throughput_kbps: Option<f64>,
        /// The children of a shard that has ended, if they are known now.
        children: Vec<crate::ids::ShardId>,
    },
    /// Stop holding the lease, with a last commit if there is one; nobody holds it then. Condition: the writer is the
    /// holder.
    Free {
        /// The last commit.
        checkpoint: Option<Position>,
    },
    /// Move the position of a lease that nobody holds, in any direction; it may re-open a finished shard. Condition:
    /// both owners are absent, as seen. Drops a prepared checkpoint.
    Reset {
        /// The new position.
        position: Position,
        /// The time that goes with it.
        start: Option<Timestamp>,
    },
}

/// The store's answer to a write.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum WriteOutcome {
    /// Done. The lease as it is now; as it was before, for a removal.
    Applied(Lease),
    /// The condition did not hold. The lease as it is, or `None` if there is none.
    Refused(Option<Lease>),
}
