//! Gives up what is not gone on with, so that another worker picks it up.

use std::sync::Arc;

use tokio::time::Instant;

use crate::decide::fleet;
use crate::error::Chain;
use crate::event::Event;
use crate::tenure::{Tenure, WriteFailure};
use crate::worker::look::LEAVE_ROOM;
use crate::worker::run::{Ended, Running};

impl Running {
    /// Passes the lease of a stalled shard to the worker that should have it, and leaves the shard to others for a failover
    /// time. Waits for nothing that the shard's task does: it may be the one that hangs.
    pub(super) fn give_up(&mut self, tenure: Arc<Tenure>) {
        if tenure.is_over() {
            return;
        }
        let shard = tenure.shard().clone();
        self.avoided.insert(shard.clone(), Instant::now() + self.worker.timing.failover);
        let absent = self.view.distrusted.at(Instant::now());
        let to = fleet::heirs(&self.sight(), &[shard.clone()].into(), &absent).remove(&shard);
        let reporter = Arc::clone(&self.worker.shared.tenures.reporter);
        self.spawn(Box::pin(async move {
            // What cannot be passed on runs out.
            if let Err(WriteFailure::Store(error)) = tenure.give_up(to).await {
                reporter.emit(&Event::LeaseWriteFailed { shard, error: Chain(&error).to_string() });
            }
            Ended::GaveUp(tenure)
        }));
    }

    /// The lease of a stalled shard is given up. Its next owner begins now, whatever becomes of the task here.
    pub(super) fn gave_up(&mut self, tenure: Arc<Tenure>) {
        self.note_passed(&tenure);
        self.view.look_within(LEAVE_ROOM);
        // What a processor has to let go of its shard.
        let timing = self.worker.timing;
        let until = Instant::now() + timing.failover + timing.attempt;
        self.spawn(Box::pin(async move {
            tokio::time::sleep_until(until).await;
            Ended::Overdue(tenure)
        }));
    }

    /// A task whose shard was given up may hang for ever. It can do no harm, and must not keep this worker from the shard.
    pub(super) fn overdue(&mut self, tenure: &Arc<Tenure>) {
        if self.held.tenure(tenure.shard()).is_some_and(|held| Arc::ptr_eq(&held, tenure)) {
            self.shard_ended(tenure.shard());
        }
    }
}
