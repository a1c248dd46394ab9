//! What the two owners of a lease say of it.

use crate::decide::observe::Observations;
use crate::decide::roster::Roster;
use crate::ids::WorkerId;
use crate::lease::{Lease, Stamp};

/// Where a lease is between its owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'a> {
    /// Nobody holds it, and nobody is named.
    Free,
    /// Nobody holds it; this worker is to begin.
    Named(&'a WorkerId),
    /// This worker holds it.
    Held(&'a WorkerId),
    /// The first holds it, and is asked to give it to the second.
    Moving {
        /// The holder.
        from: &'a WorkerId,
        /// The receiver.
        to: &'a WorkerId,
    },
}

/// Reads a lease.
///
/// A lease that names a worker without a hand-off is held by it, except if that worker has not begun: the last write was
/// an offer, or was made by another process than the one that keeps the worker's row. A Java worker begins without a
/// write, and leaves the offer's stamp in place: it has begun once its renewals were seen. A row of which a Java worker
/// left half a hand-off, with both owners the same or only the old one, is held by that one.
#[must_use]
pub fn standing<'a>(lease: &'a Lease, roster: &Roster, seen: &Observations) -> Standing<'a> {
    match (&lease.owner, &lease.checkpoint_owner) {
        (None, None) => Standing::Free,
        (Some(to), Some(from)) if to != from => Standing::Moving { from, to },
        (_, Some(holder)) => Standing::Held(holder),
        (Some(owner), None) if has_begun(lease, owner, roster, seen) => Standing::Held(owner),
        (Some(owner), None) => Standing::Named(owner),
    }
}

fn has_begun(lease: &Lease, owner: &WorkerId, roster: &Roster, seen: &Observations) -> bool {
    let instance = roster.row(owner).and_then(|row| row.instance);
    match (instance, &lease.stamp) {
        (Some(instance), Some(stamp)) => stamp.is_held() && stamp.is_by(instance),
        // Assigned to a worker of this library by one of another.
        (Some(_), None) => false,
        (None, stamp) => stamp.as_ref().is_none_or(Stamp::is_held) || seen.is_foreign(&lease.shard),
    }
}
