//! Writes to a lease, as data: what is changed, on which condition, and what came of it.

use crate::ids::{ShardId, WorkerId};
use crate::lease::{Lease, Stamp};
use crate::position::Position;
use crate::time::Timestamp;

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
        /// What the shard's processor did lately.
        load: Load,
    },
    /// Commit a position, and stay alive. Condition: the writer is the holder. Drops a prepared checkpoint and sets
    /// owner switches to zero.
    Checkpoint {
        /// The position.
        position: Position,
        /// What the shard's processor did lately.
        load: Load,
        /// The children of a shard that has ended, if they are known now.
        children: Vec<ShardId>,
    },
    /// Stop holding the lease, with a last commit if there is one; nobody holds it then. Condition: the writer is the
    /// holder. Counts an owner switch if it names another worker.
    Pass {
        /// Who is to begin to hold it; `None` leaves it free.
        to: Option<WorkerId>,
        /// The last commit.
        checkpoint: Option<Position>,
    },
    /// Name the worker that is to begin to hold a lease that nobody holds: it is free, its holder is dead, or who was
    /// named does not come. Condition: both owners are as seen. Counts an owner switch.
    Offer {
        /// Who.
        to: WorkerId,
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

/// How much work a shard is, as its owner measures it. What is not known is left as it was.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Load {
    /// What was processed lately, in KiB/s.
    pub kbps: Option<f64>,
    /// For which part of the time the processor was busy, 0 to 1.
    pub busy: Option<f64>,
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
