//! Waking others, and being woken.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::decide::standing::{Standing, standing};
use crate::error::StoreError;
use crate::ids::{ShardKey, WorkerId};
use crate::lease::{Lease, Version};
use crate::member::Wake;
use crate::shard_task::WorkerContext;
use crate::store::within;
use crate::worker::run::{Ended, Running};

/// What is to be told to one worker at about the same time is told at once.
const TOGETHER: Duration = Duration::from_millis(10);

/// Beyond this number of leases it is cheaper to look at the whole table.
const ONE_BY_ONE: usize = 16;

/// A hint is read within half a second, and acted on in no time.
const ACTED_ON: Duration = Duration::from_millis(1_200);

/// Hints that are to be given, and those that were.
#[derive(Debug, Default)]
pub(super) struct Waking {
    pending: BTreeMap<WorkerId, Vec<Wake>>,
    send_at: Option<Instant>,
    /// For which version of each lease one was given, and when.
    given: BTreeMap<ShardKey, (Version, Instant)>,
}

impl Waking {
    pub(super) fn add(&mut self, worker: WorkerId, wake: Wake) {
        self.pending.entry(worker).or_default().push(wake);
        self.send_at.get_or_insert_with(|| Instant::now() + TOGETHER);
    }

    pub(super) fn add_all(&mut self, worker: &WorkerId, wakes: Vec<Wake>) {
        for wake in wakes {
            self.add(worker.clone(), wake);
        }
    }

    /// Waits until it is time to send. Cancel safe.
    pub(super) async fn due(&self) {
        match self.send_at {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    pub(super) fn take(&mut self) -> BTreeMap<WorkerId, Vec<Wake>> {
        self.send_at = None;
        std::mem::take(&mut self.pending)
    }

    /// The versions of leases for which hints were given.
    pub(super) fn known(&self) -> BTreeMap<ShardKey, Version> {
        self.given.iter().map(|(shard, (version, _))| (shard.clone(), *version)).collect()
    }

    pub(super) fn note(&mut self, wakes: &BTreeMap<WorkerId, Vec<Wake>>, now: Instant) {
        for wake in wakes.values().flatten() {
            if let Wake::Lease(shard, version) = wake {
                self.given.insert(shard.clone(), (*version, now));
            }
        }
    }

    /// Forgets leases that are gone, and hints that should have been acted on: they may be lost, and are given again.
    pub(super) fn retain(&mut self, now: Instant, is_there: impl Fn(&ShardKey) -> bool) {
        self.given.retain(|shard, (_, given)| is_there(shard) && now < *given + ACTED_ON);
    }
}

/// Gives hints. One that is lost is given again by the first in rank.
pub(super) async fn wake(shared: &WorkerContext, wakes: BTreeMap<WorkerId, Vec<Wake>>) {
    for (worker, wakes) in wakes {
        drop(within(shared.tenures.timing.attempt, shared.tenures.store.wake(&worker, &wakes)).await);
    }
}

impl Running {
    pub(super) fn send_wakes(&mut self) {
        let wakes = self.waking.take();
        self.waking.note(&wakes, Instant::now());
        let shared = Arc::clone(&self.worker.shared);
        self.spawn(Box::pin(async move {
            wake(&shared, wakes).await;
            Ended::Done
        }));
    }

    /// Looks at what this worker was woken for.
    pub(super) fn woken(&mut self, wakes: Vec<Wake>) {
        if wakes.len() > ONE_BY_ONE || wakes.contains(&Wake::Look) {
            return self.look_now();
        }
        for wake in wakes {
            let Wake::Lease(shard, _) = wake else { continue };
            let (store, limit) = (Arc::clone(&self.worker.shared.tenures.store), self.worker.timing.attempt);
            self.spawn(Box::pin(async move { Ended::LookAtOne(Box::new(within(limit, store.get(&shard)).await)) }));
        }
    }

    pub(super) fn looked_at_one(&mut self, lease: Result<Option<Lease>, StoreError>) {
        let lease = match lease {
            Ok(Some(lease)) if !lease.is_finished() => lease,
            Ok(_) => return,
            Err(_) => return self.look_now(),
        };
        if !self.reading.taken().contains(&lease.shard.stream) {
            // Somebody takes this worker for one that reads the stream. Unclaimed, it goes elsewhere.
            return;
        }
        let me = &self.worker.me.worker;
        let held = self.held.tenure(&lease.shard).is_some();
        match standing(&lease, &self.view.roster, &self.view.observations) {
            Standing::Moving { from, to } if from == me && held => {
                let to = to.clone();
                self.give(&lease.shard, to);
            }
            Standing::Named(named) | Standing::Held(named) if named == me && !held => self.take(lease),
            // Between two looks at the whole table: that one decides.
            Standing::Moving { from, .. } if from == me => self.look_now(),
            _ => {}
        }
    }
}
