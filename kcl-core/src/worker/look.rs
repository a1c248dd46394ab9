//! Looks at the lease table, and takes what this worker should have.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::decide::share;
use crate::error::{StoreError, WorkerError};
use crate::event::Event;
use crate::store::Listing;
use crate::worker::run::{Ended, Running};
use crate::worker::take;

/// The pause before the rest of the free leases is taken, when other workers may be starting at the same moment; and the
/// shortest between two looks.
pub(super) const LEAVE_ROOM: Duration = Duration::from_millis(100);

impl Running {
    pub(super) fn look(&mut self) {
        self.looking = true;
        let store = Arc::clone(&self.worker.shared.tenures.store);
        // The store's own deadline is for its own sake; a look that takes longer than this is not worth waiting for.
        let limit = self.worker.timing.watched_gap;
        self.spawn(Box::pin(async move {
            let listed = tokio::time::timeout(limit, store.list()).await;
            Ended::Look(listed.unwrap_or_else(|_| Err(StoreError::no_answer(limit))))
        }));
    }

    pub(super) fn looked(&mut self, listing: &Listing) -> Result<(), WorkerError> {
        let now = Instant::now();
        let timing = self.worker.timing;
        self.looking = false;
        self.look_backoff.reset();
        self.report_unreadable(listing);
        self.worker.shared.tenures.reporter.looked(&listing.leases);
        self.observations.look(&listing.leases, now, &timing);

        let busy: BTreeSet<_> = self.held.keys().union(&self.taking).cloned().collect();
        let just_took = self.took.is_some_and(|took| now < took + LEAVE_ROOM);
        let plan = share::plan(&listing.leases, &busy, &self.worker.me, &self.observations, &timing, just_took);
        if let Some(shard) = plan.twin {
            return Err(WorkerError::DuplicateWorker { worker: self.worker.me.worker.clone(), shard });
        }
        if !plan.take.is_empty() {
            self.took = Some(now);
        }
        for lease in plan.take {
            self.taking.insert(lease.shard.clone());
            let shared = Arc::clone(&self.worker.shared);
            self.spawn(Box::pin(async {
                let taken = take::take(shared, lease.clone()).await;
                Ended::Take(Box::new(lease), taken)
            }));
        }
        let others = listing.leases.iter().map(|lease| &lease.shard).filter(|shard| !busy.contains(*shard));
        let silence = self.observations.next_silence(others, &timing);
        let regular = now + if plan.more { LEAVE_ROOM } else { timing.look };
        if std::mem::take(&mut self.look_again) {
            self.next_look = now;
            return Ok(());
        }
        self.next_look = silence.map_or(regular, |silence| regular.min(silence.max(now + LEAVE_ROOM)));
        Ok(())
    }

    /// Each row once, until it is repaired.
    fn report_unreadable(&mut self, listing: &Listing) {
        let known = std::mem::take(&mut self.unreadable);
        for (key, problem) in &listing.unreadable {
            if !known.contains(key) {
                self.report(&Event::LeaseUnreadable { key: key.clone(), problem: problem.clone() });
            }
            self.unreadable.insert(key.clone());
        }
    }
}
