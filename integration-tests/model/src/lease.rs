//! The words of the model: a lease as the table holds it, and the writes to it.
//!
//! A version is a number that only grows. Whoever rests on one keeps how many writes it is *behind* the table instead, and
//! "three or more" is one value; so numbers do not grow with the length of a history, and histories need no bound.

/// The name of a worker. Two processes may use the same.
pub(crate) type Id = u8;

/// The name of no worker.
pub(crate) const ABSENT: Id = 3;

/// What a write that rests on an older version than the table's can still learn: one step, two, or more.
pub(crate) const FAR_BEHIND: u8 = 3;

/// A lease. Its version is not here: see the head of this file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Lease {
    pub(crate) owner: Option<Id>,
    /// The old owner, while it is asked to give the lease to `owner`.
    pub(crate) checkpoint_owner: Option<Id>,
    /// How far the shard is committed. The last position of a shard that has children is its end.
    pub(crate) at: u8,
    pub(crate) stamp: Stamp,
    /// For how many ticks the version has stood still: what an observer that looks all the time knows.
    pub(crate) silent: u8,
    /// The owners before the last write, where reads may be out of date.
    pub(crate) before: Option<(Option<Id>, Option<Id>)>,
    /// For the invariants only: the tenure that holds the lease, as the writes that were applied tell.
    pub(crate) holds: u8,
    /// For the invariants only: up to where somebody has processed the shard.
    pub(crate) processed: u8,
}

/// The name of one logical write. Tenure 0 is nobody who is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Stamp {
    pub(crate) tenure: u8,
    pub(crate) write: u8,
    /// Whether the write left somebody holding the lease.
    pub(crate) held: bool,
}

impl Stamp {
    pub(crate) const NOBODY: Self = Self { tenure: 0, write: 0, held: false };
}

/// A write on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Write {
    pub(crate) by: Id,
    pub(crate) act: Act,
    pub(crate) stamp: Stamp,
    /// How many writes the table is ahead of the version that this one rests on.
    pub(crate) behind: u8,
}

/// What a write does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Act {
    /// The owner begins.
    Claim,
    /// Anybody begins, the owners being as seen.
    Take {
        owner: Option<Id>,
        checkpoint_owner: Option<Id>,
    },
    /// The lease of a child is made; `keep`: its maker begins to hold it.
    Create {
        keep: bool,
    },
    Renew,
    Commit {
        at: u8,
    },
    /// The holder gives the lease away, with a last commit if there is something to commit.
    Pass {
        to: Option<Id>,
        at: Option<u8>,
    },
    /// A lease that nobody holds is given to somebody, the owners being as seen.
    Offer {
        owner: Option<Id>,
        checkpoint_owner: Option<Id>,
        to: Id,
    },
    /// The leader asks the holder to give the lease to somebody. It rests on the owner, not on the version.
    Initiate {
        owner: Id,
        to: Id,
    },
}

/// Where a lease is between its owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Free,
    Named(Id),
    Held(Id),
    Moving { from: Id, to: Id },
}

impl Lease {
    pub(crate) const NEW: Self = Self {
        owner: None,
        checkpoint_owner: None,
        at: 0,
        stamp: Stamp::NOBODY,
        silent: 0,
        before: None,
        holds: 0,
        processed: 0,
    };

    /// Who may read and commit now.
    pub(crate) fn holder(&self) -> Option<Id> {
        self.checkpoint_owner.or(self.owner)
    }

    pub(crate) fn standing(&self) -> Standing {
        match (self.owner, self.checkpoint_owner) {
            (None, None) => Standing::Free,
            (Some(to), Some(from)) if to != from => Standing::Moving { from, to },
            (_, Some(holder)) => Standing::Held(holder),
            (Some(owner), None) if self.stamp.held => Standing::Held(owner),
            (Some(owner), None) => Standing::Named(owner),
        }
    }
}

impl Write {
    /// What is planned for a lease that the planner does not hold. Nobody waits for its answer.
    pub(crate) fn planned(act: Act) -> Self {
        Self { by: ABSENT, act, stamp: Stamp::NOBODY, behind: 0 }
    }
}

impl Act {
    /// Whether it begins a tenure.
    pub(crate) fn begins(self) -> bool {
        matches!(self, Self::Claim | Self::Take { .. } | Self::Create { keep: true })
    }

    /// Whether it is a write of somebody who holds the lease already.
    pub(crate) fn is_holders(self) -> bool {
        matches!(self, Self::Renew | Self::Commit { .. } | Self::Pass { .. })
    }

    /// The position that it commits.
    pub(crate) fn commits(self) -> Option<u8> {
        match self {
            Self::Commit { at } => Some(at),
            Self::Pass { at, .. } => at,
            _ => None,
        }
    }
}
