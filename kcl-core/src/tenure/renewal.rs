//! Renewals, which also commit what is done.

use tokio::time::Instant;

use super::{Tenure, lock};
use crate::decide::cell::{Cell, Verdict};
use crate::error::StoreError;
use crate::store::{LeaseAction, LeaseWrite, WriteOutcome};

/// A renewal under way. The cell is locked until it is resolved.
pub(crate) struct Renewal<'a> {
    tenure: &'a Tenure,
    cell: tokio::sync::MutexGuard<'a, Cell>,
    pub(crate) write: LeaseWrite,
    first_sent: Instant,
}

impl Tenure {
    /// When to renew next.
    pub(crate) fn due(&self) -> Instant {
        *lock(&self.due)
    }

    /// Begins a renewal, which commits what is done if anything is. `None` if a write is under way, which renews as
    /// well, or the tenure is over.
    pub(crate) fn begin_renewal(&self) -> Option<Renewal<'_>> {
        if self.is_over() {
            return None;
        }
        let mut cell = self.cell.try_lock().ok()?;
        let first_sent = Instant::now();
        let action = {
            let mut work = lock(&self.work);
            match work.progress.to_commit() {
                Some(position) => work.commit(position),
                None => LeaseAction::Renew { load: work.load.sample(first_sent) },
            }
        };
        let write = cell.begin(action, first_sent, self.context.wall.now());
        Some(Renewal { tenure: self, cell, write, first_sent })
    }
}

impl Renewal<'_> {
    /// Sends the renewal by itself and takes the answer.
    pub(crate) async fn send(self) {
        let answer = self.tenure.attempt(&self.write).await;
        self.resolve(answer);
    }

    /// Takes the answer.
    pub(crate) fn resolve(mut self, answer: Result<WriteOutcome, StoreError>) {
        let verdict = self.tenure.learn(&mut self.cell, &self.write, self.first_sent, answer);
        match verdict {
            Verdict::Applied | Verdict::Over { applied: true } => self.tenure.applied(self.write),
            // An earlier write turned out to be applied, which renewed the lease. What is still to be committed is, now.
            Verdict::Again if self.tenure.progress().to_commit().is_some() => {
                *lock(&self.tenure.due) = Instant::now();
            }
            _ => {}
        }
    }
}
