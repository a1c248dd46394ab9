//! The leader lock: written after a completed look and plan, so that it never shows a leader that does not lead.

use std::sync::Arc;

use tokio::time::Instant;

use crate::decide::balance::Memory;
use crate::decide::lead::{Duty, HeldLock, duty, lasts};
use crate::error::{Chain, StoreError};
use crate::event::{Event, Look};
use crate::lease::Lease;
use crate::member::{LeaderLock, LockWrite};
use crate::store::within;
use crate::worker::run::{Ended, Running};

/// What came of a write to the lock.
pub(super) struct Wrote {
    lock: LeaderLock,
    sent: Instant,
    answer: Result<bool, StoreError>,
}

/// The lock as this worker has it.
#[derive(Debug, Default)]
pub(super) struct Lock {
    held: Option<HeldLock>,
    writing: bool,
}

impl Running {
    /// Contends for the lock, or shows that this worker still leads.
    pub(super) fn keep_lock(&mut self, now: Instant) {
        if self.lock.writing {
            return;
        }
        let streams = self.reading.ids();
        let unread = |lease: &Lease| !lease.is_finished() && !streams.contains(&lease.shard.stream);
        if self.view.leases.iter().any(unread) {
            // Who balances places the leases of all streams. Not shown any more, the lock runs out.
            return self.cease_to_lead();
        }
        let me = &self.worker.me.worker;
        let duty = duty(me, self.lock.held.as_ref(), &self.view.roster, &self.living(), &self.worker.timing, now);
        let owner = me.clone();
        let new = |luck: &mut fastrand::Rng, lasts| {
            let version = uuid::Builder::from_random_bytes(luck.u128(..).to_be_bytes()).into_uuid().to_string();
            LeaderLock { owner, version, lasts, released: false }
        };
        let write = match duty {
            Duty::Nothing => return,
            Duty::Lost => return self.cease_to_lead(),
            Duty::Acquire(seen) => {
                LockWrite::Acquire { seen, new: new(&mut self.worker.luck, lasts(&self.worker.timing)) }
            }
            Duty::Beat => {
                let Some(held) = &self.lock.held else { return };
                let from = held.lock.version.clone();
                LockWrite::Beat { from, new: new(&mut self.worker.luck, lasts(&self.worker.timing)) }
            }
        };
        let (LockWrite::Acquire { new: lock, .. } | LockWrite::Beat { new: lock, .. }) = &write else { return };
        let lock = lock.clone();
        self.lock.writing = true;
        let (store, limit) = (Arc::clone(&self.worker.shared.tenures.store), self.worker.timing.attempt);
        self.spawn(Box::pin(async move {
            let sent = Instant::now();
            let answer = within(limit, store.lock(&write)).await;
            Ended::Lock(Wrote { lock, sent, answer })
        }));
    }

    pub(super) fn wrote_lock(&mut self, wrote: Wrote) {
        self.lock.writing = false;
        let Wrote { lock, sent, answer } = wrote;
        match answer {
            Ok(true) => {
                self.lock.held = Some(HeldLock { lock, sent });
                if self.view.memory.is_none() {
                    self.view.memory = Some(Memory::default());
                    self.report(&Event::Leading { now: true });
                    // A leader plans at once: what came together at the start is spread before it settles.
                    self.look_now();
                }
            }
            Ok(false) => self.cease_to_lead(),
            Err(error) => {
                // If it was written after all, it stands under this version, and holds until it expires.
                let error = Chain(&error).to_string();
                self.report(&Event::LookFailed { what: Look::Members, attempt: 1, error });
                self.cease_to_lead();
            }
        }
    }

    fn cease_to_lead(&mut self) {
        self.lock.held = None;
        if self.view.memory.take().is_some() {
            self.report(&Event::Leading { now: false });
        }
    }

    /// Gives the lock back, if this worker has it.
    pub(super) async fn release_lock(&mut self) {
        let Some(held) = self.lock.held.clone() else { return };
        self.cease_to_lead();
        let tenures = &self.worker.shared.tenures;
        let release = LockWrite::Release { held: held.lock };
        // If it is not given back, it expires.
        drop(within(tenures.timing.attempt, tenures.store.lock(&release)).await);
    }
}
