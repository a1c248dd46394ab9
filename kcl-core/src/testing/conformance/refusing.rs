//! The conditions of writes, in every state of a lease.

use super::{Subject, checkpoint, pass, refused, renew, worker, write};
use crate::ids::WorkerId;
use crate::lease::Lease;
use crate::position::Position;
use crate::store::{LeaseAction, LeaseWrite};

/// Whom a lease names, from the writer's point of view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Nobody,
    Me,
    Other,
}

impl Who {
    const ALL: [Self; 3] = [Self::Nobody, Self::Me, Self::Other];

    fn id(self) -> Option<WorkerId> {
        match self {
            Self::Nobody => None,
            Self::Me => Some(worker("me")),
            Self::Other => Some(worker("other")),
        }
    }
}

/// Each action is applied exactly in the states of a lease that it is made for, and only at the version seen. A refused
/// write answers with the lease as it is, and leaves it so.
pub async fn each_condition_holds_in_every_state(subject: &Subject) {
    let mut number = 0;
    for action in actions() {
        for owner in Who::ALL {
            for checkpoint_owner in Who::ALL {
                let lease = subject.stored(&lease_of(subject, number, owner, checkpoint_owner)).await;
                number += 1;
                let ahead = Lease { version: lease.version.next(), ..lease.clone() };
                check_refused(subject, &write(&ahead, &worker("me"), action.clone()), &lease).await;
                let write = write(&lease, &worker("me"), action.clone());
                if may(&action, owner, checkpoint_owner) {
                    subject.change(&write).await;
                } else {
                    check_refused(subject, &write, &lease).await;
                }
            }
        }
    }
}

fn actions() -> [LeaseAction; 9] {
    let position = Position::Latest;
    [
        LeaseAction::Claim,
        LeaseAction::Take,
        renew(),
        checkpoint(position.clone()),
        pass(None, None),
        pass(None, Some(position.clone())),
        pass(Some(&worker("next")), Some(position.clone())),
        LeaseAction::Offer { to: worker("next") },
        LeaseAction::Reset { position, start: None },
    ]
}

/// The promise: which writes are applied to a lease that still is as it was seen.
fn may(action: &LeaseAction, owner: Who, checkpoint_owner: Who) -> bool {
    let holder = if checkpoint_owner == Who::Nobody { owner } else { checkpoint_owner };
    match action {
        LeaseAction::Claim => owner == Who::Me && checkpoint_owner == Who::Nobody,
        LeaseAction::Take | LeaseAction::Offer { .. } => true,
        LeaseAction::Renew { .. } | LeaseAction::Checkpoint { .. } | LeaseAction::Pass { .. } => holder == Who::Me,
        LeaseAction::Reset { .. } => owner == Who::Nobody && checkpoint_owner == Who::Nobody,
    }
}

/// A take or an offer is refused if either owner changed, although the version did not: a hand-off begins without moving
/// it.
pub async fn a_take_and_an_offer_need_both_owners_as_seen(subject: &Subject) {
    let mut number = 0;
    for owner in Who::ALL {
        for checkpoint_owner in Who::ALL {
            let lease = subject.stored(&lease_of(subject, number, owner, checkpoint_owner)).await;
            number += 1;
            for seen_owner in Who::ALL {
                for seen_checkpoint_owner in Who::ALL {
                    if (seen_owner, seen_checkpoint_owner) == (owner, checkpoint_owner) {
                        continue;
                    }
                    let seen =
                        Lease { owner: seen_owner.id(), checkpoint_owner: seen_checkpoint_owner.id(), ..lease.clone() };
                    for action in [LeaseAction::Take, LeaseAction::Offer { to: worker("next") }] {
                        check_refused(subject, &write(&seen, &worker("me"), action), &lease).await;
                    }
                }
            }
        }
    }
}

/// No write makes a lease: only a create does.
pub async fn a_missing_lease_refuses_every_write(subject: &Subject) {
    let me = worker("me");
    for action in actions() {
        for seen in [subject.lease(0), Lease { owner: Some(me.clone()), ..subject.lease(0) }] {
            assert_eq!(refused(subject.write(&write(&seen, &me, action.clone())).await), None, "{action:?}");
        }
    }
    assert_eq!(subject.read(&subject.shard(0)).await, None);
}

fn lease_of(subject: &Subject, number: usize, owner: Who, checkpoint_owner: Who) -> Lease {
    Lease { owner: owner.id(), checkpoint_owner: checkpoint_owner.id(), ..subject.lease(number) }
}

async fn check_refused(subject: &Subject, write: &LeaseWrite, lease: &Lease) {
    let shown = refused(subject.write(write).await);
    assert_eq!(shown.as_ref(), Some(lease), "a refusal shows the lease as it is: {write:?}");
    assert_eq!(subject.read(&lease.shard).await.as_ref(), Some(lease), "a refused write changes nothing: {write:?}");
}
