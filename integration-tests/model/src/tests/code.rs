//! The model's words in the library's.

use kcl_core::ids::{ShardKey, StreamId, WorkerId};
use kcl_core::lease::{self, Instance, LeaseAction, Load, Version};
use kcl_core::position::{Position, SequenceNumber};

use crate::lease::{Act, Id, Lease, Stamp};

/// The version that the table is at.
pub(super) const NOW: u64 = 5;

/// The positions of a shard that has children: one record, then the end.
pub(super) const END: u8 = 2;

pub(super) fn worker(id: Id) -> WorkerId {
    WorkerId::new(id.to_string())
}

pub(super) fn position(at: u8) -> Position {
    match at {
        0 => Position::TrimHorizon,
        END => Position::ShardEnd,
        _ => Position::at(SequenceNumber::parse(&at.to_string()).expect("digits")),
    }
}

pub(super) fn stamp(stamp: Stamp) -> lease::Stamp {
    let (process, tenure, write) = (Instance::new(1), u64::from(stamp.tenure), u64::from(stamp.write));
    let name = if stamp.held { lease::Stamp::held } else { lease::Stamp::offered };
    name(process, tenure, write)
}

/// A lease at the version now.
pub(super) fn lease(lease: &Lease) -> lease::Lease {
    let shard = ShardKey::new(StreamId::named("s"), "0");
    let mut row = lease::Lease::new(shard, position(lease.at), None);
    row.version = Version::new(NOW);
    row.owner = lease.owner.map(worker);
    row.checkpoint_owner = lease.checkpoint_owner.map(worker);
    row.stamp = Some(stamp(lease.stamp));
    row
}

/// The same action. A creation and a move are requests of their own.
pub(super) fn action(act: Act) -> Option<LeaseAction> {
    let load = Load::default();
    Some(match act {
        Act::Claim => LeaseAction::Claim,
        Act::Take { .. } => LeaseAction::Take,
        Act::Renew => LeaseAction::Renew { load },
        Act::Commit { at } => LeaseAction::Checkpoint { position: position(at), load, children: Vec::new() },
        Act::Pass { to, at } => LeaseAction::Pass { to: to.map(worker), checkpoint: at.map(position) },
        Act::Offer { to, .. } => LeaseAction::Offer { to: worker(to) },
        Act::Create { .. } | Act::Initiate { .. } => return None,
    })
}

/// All that the two owners of a lease can be, among three workers.
pub(super) fn owners() -> impl Iterator<Item = (Option<Id>, Option<Id>)> {
    let who = [None, Some(0), Some(1), Some(2)];
    who.into_iter().flat_map(move |owner| who.into_iter().map(move |checkpoint_owner| (owner, checkpoint_owner)))
}
