//! Giving up a lease whose shard is not gone on with: without the shard's task, which may never answer.

use super::{Tenure, WriteFailure};
use crate::ids::WorkerId;
use crate::lease::EndReason;
use crate::store::LeaseAction;

impl Tenure {
    /// Ends the tenure as stalled and passes the lease on, with a last commit of what is done. Waits for the store only,
    /// and until the lease would run out at the longest; the tenure is over from the beginning, whatever the store says, so
    /// that nobody reads when the lease's next owner may.
    pub(crate) async fn give_up(&self, to: Option<WorkerId>) -> Result<(), WriteFailure> {
        self.end(EndReason::Stalled);
        let _laid_down = self.laid_down.clone().drop_guard();
        if self.end_reason() != Some(EndReason::Stalled) {
            return Err(WriteFailure::Over);
        }
        let until = *self.deadline.borrow();
        let pass = self.write_out(|work, cell| {
            let to = cell.asked_for().cloned().or_else(|| to.clone());
            Some(LeaseAction::Pass { to, checkpoint: work.progress.to_commit() })
        });
        tokio::time::timeout_at(until, pass).await.unwrap_or(Err(WriteFailure::Over))
    }

    /// Waits, if the tenure is over because it stalled, until its lease is given up. Cancel safe.
    pub(crate) async fn laid_down(&self) {
        if self.end_reason() == Some(EndReason::Stalled) {
            self.laid_down.cancelled().await;
        }
    }
}
