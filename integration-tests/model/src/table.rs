//! The table: the condition of each write and what it does. A test compares both with the library's table in memory.

use crate::lease::{Act, Lease, Stamp, Write};
use crate::rules::Rules;

/// Whether the condition of a write holds. `finished`: the end of the shard is committed.
pub(crate) fn admits(rules: &Rules, lease: Option<&Lease>, finished: bool, write: &Write) -> bool {
    let Some(lease) = lease else { return matches!(write.act, Act::Create { .. }) };
    let same_version = write.behind == 0;
    let is = |owner, checkpoint_owner| lease.owner == owner && lease.checkpoint_owner == checkpoint_owner;
    match write.act {
        Act::Create { .. } => false,
        Act::Claim => {
            let no_hand_off = lease.checkpoint_owner.is_none() || !rules.claim_tests_hand_off;
            same_version && lease.owner == Some(write.by) && no_hand_off
        }
        Act::Take { owner, checkpoint_owner } => {
            (same_version || !rules.take_tests_version) && is(owner, checkpoint_owner)
        }
        Act::Offer { owner, checkpoint_owner, .. } => same_version && is(owner, checkpoint_owner),
        Act::Renew | Act::Commit { .. } | Act::Pass { .. } => {
            (same_version || !rules.commit_tests_version) && lease.holder() == Some(write.by)
        }
        Act::Initiate { owner, .. } => is(Some(owner), None) && !finished,
    }
}

/// Whether a write that is applied moves the version.
pub(crate) fn moves_version(rules: &Rules, act: Act) -> bool {
    match act {
        Act::Initiate { .. } => false,
        Act::Take { .. } => rules.take_moves_version,
        _ => true,
    }
}

/// The lease after a write that was applied; the version's move is seen to by who keeps count of it.
pub(crate) fn written(lease: Option<Lease>, write: &Write) -> Lease {
    let before = lease.unwrap_or(Lease::NEW);
    let stamped = Lease { stamp: write.stamp, silent: 0, ..before };
    match write.act {
        Act::Create { keep } => {
            let owner = keep.then_some(write.by);
            Lease { owner, stamp: if keep { write.stamp } else { Stamp::NOBODY }, ..Lease::NEW }
        }
        Act::Claim => stamped,
        Act::Take { .. } => Lease { owner: Some(write.by), checkpoint_owner: None, ..stamped },
        Act::Renew => stamped,
        Act::Commit { at } => Lease { at, ..stamped },
        Act::Pass { to, at } => Lease { owner: to, checkpoint_owner: None, at: at.unwrap_or(before.at), ..stamped },
        Act::Offer { to, .. } => Lease { owner: Some(to), checkpoint_owner: None, ..stamped },
        Act::Initiate { owner, to } => Lease { owner: Some(to), checkpoint_owner: Some(owner), ..before },
    }
}
