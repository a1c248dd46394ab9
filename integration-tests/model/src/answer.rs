//! What an answer means to the one who wrote. A test compares this with the library's cell.
//!
//! The cell has one write under way at a time, and what it rests on does not change meanwhile: so the meaning is settled
//! when the write reaches the table, and the answer carries it.

use crate::lease::{Act, Id, Lease, Write};
use crate::rules::Rules;

/// What the answer to a write says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Answer {
    /// The writer holds the lease, from this position on.
    Began { at: u8, asked: Option<Id> },
    /// Nothing came of it.
    Refused,
    /// The holder's write was applied, and it still holds the lease.
    Applied { asked: Option<Id> },
    /// It was not, but the lease is still held: an earlier write of the tenure was applied.
    Again { found: u8, asked: Option<Id> },
    /// The tenure is over; `applied`: this write was applied before that.
    Over { applied: bool },
}

/// The answer to a write that was, or was not, applied to what is now `lease`. `write.behind` is as it was before.
pub(crate) fn read(rules: &Rules, write: &Write, applied: bool, lease: &Lease) -> Answer {
    let same_tenure = write.stamp.tenure != 0 && lease.stamp.tenure == write.stamp.tenure;
    let is_mine = same_tenure && (lease.stamp.write == write.stamp.write || !rules.stamp_per_write);
    let one_step_on = write.behind == 1 && lease.holder() == Some(write.by);
    let asked = lease.owner.filter(|owner| lease.checkpoint_owner == Some(write.by) && *owner != write.by);
    let known = applied || is_mine;
    match write.act {
        act if act.begins() && (applied || (is_mine && one_step_on)) => Answer::Began { at: lease.at, asked },
        Act::Renew | Act::Commit { .. } if applied => Answer::Applied { asked },
        Act::Renew | Act::Commit { .. } if known && one_step_on => Answer::Applied { asked },
        Act::Renew | Act::Commit { .. } | Act::Pass { .. } if known => Answer::Over { applied: true },
        act if act.is_holders() && same_tenure && one_step_on => Answer::Again { found: lease.at, asked },
        act if act.is_holders() => Answer::Over { applied: false },
        _ => Answer::Refused,
    }
}

impl Answer {
    /// The same among workers with other names.
    pub(crate) fn renamed(self, id: impl Fn(Id) -> Id) -> Self {
        match self {
            Self::Began { at, asked } => Self::Began { at, asked: asked.map(id) },
            Self::Applied { asked } => Self::Applied { asked: asked.map(id) },
            Self::Again { found, asked } => Self::Again { found, asked: asked.map(id) },
            Self::Refused | Self::Over { .. } => self,
        }
    }
}
