//! Giving a lease away: to whom, and the write that does it.

use super::{Tenure, WriteFailure};
use crate::ids::WorkerId;
use crate::lease::{EndReason, Version};
use crate::store::LeaseAction;

/// Who gets a lease when its holder gives it away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heir {
    /// Nobody in particular: it is left free.
    Nobody,
    /// That is being found out.
    Undecided,
    /// This worker.
    Worker(WorkerId),
    /// This worker: the lease itself says so.
    Asked(WorkerId),
}

/// What became of a lease that was given away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passed {
    /// Who is to begin to hold it; `None` if it was left free.
    pub(crate) to: Option<WorkerId>,
    /// The version that it has with that.
    pub(crate) version: Version,
}

impl Tenure {
    /// Decides who gets the lease, unless the lease itself says that.
    pub(crate) fn set_heir(&self, heir: Heir) {
        self.heir.send_if_modified(|now| {
            let changes = !matches!(now, Heir::Asked(_)) && *now != heir;
            if changes {
                *now = heir;
            }
            changes
        });
    }

    /// The holder was asked to give the lease to somebody, or is not any more.
    pub(super) fn hear(&self, asked_for: Option<&WorkerId>) {
        let changed = self.heir.send_if_modified(|now| {
            let next = match (&*now, asked_for) {
                (_, Some(to)) => Heir::Asked(to.clone()),
                (Heir::Asked(_), None) => Heir::Nobody,
                _ => return false,
            };
            let changes = *now != next;
            *now = next;
            changes
        });
        if changed {
            self.context.asked.notify_one();
        }
    }

    /// To whom the holder was asked to give the lease.
    pub(crate) fn asked_for(&self) -> Option<WorkerId> {
        match &*self.heir.borrow() {
            Heir::Asked(to) => Some(to.clone()),
            _ => None,
        }
    }

    /// Waits until it is decided who gets the lease. Cancel safe.
    pub(crate) async fn heir(&self) -> Option<WorkerId> {
        let mut heirs = self.heir.subscribe();
        let decided = heirs.wait_for(|heir| *heir != Heir::Undecided).await;
        // The sender lives as long as this tenure does.
        decided.ok().and_then(|heir| heir.worker())
    }

    /// Gives the lease away, with a last commit of what is done. The tenure is over then, whatever the store says.
    pub(crate) async fn pass(&self, to: Option<WorkerId>) -> Result<(), WriteFailure> {
        let result = self
            .write_knowing(|work, cell| {
                let to = cell.asked_for().cloned().or_else(|| to.clone());
                Some(LeaseAction::Pass { to, checkpoint: work.progress.to_commit() })
            })
            .await;
        self.end(EndReason::Released);
        result
    }

    pub(super) fn note_passed(&self, to: Option<WorkerId>, version: Version) {
        // A tenure is passed on once.
        drop(self.passed.set(Passed { to, version }));
    }

    /// A call of the processor was cut off before the lease was given away.
    pub(crate) fn note_cut_off(&self) {
        // Once is enough.
        let _ = self.cut_off.set(());
    }

    pub(crate) fn was_cut_off(&self) -> bool {
        self.cut_off.get().is_some()
    }

    /// What became of the lease, once it was given away.
    pub(crate) fn passed(&self) -> Option<&Passed> {
        self.passed.get()
    }
}

impl Heir {
    fn worker(&self) -> Option<WorkerId> {
        match self {
            Self::Worker(worker) | Self::Asked(worker) => Some(worker.clone()),
            Self::Nobody | Self::Undecided => None,
        }
    }
}
