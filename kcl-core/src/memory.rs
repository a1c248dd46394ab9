//! Leases in the memory of one process: for tests, for trying things out, and as the reference of what a
//! [`LeaseStore`] does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::error::StoreError;
use crate::ids::{ShardId, ShardKey, WorkerId};
use crate::lease::{Heartbeat, Lease};
use crate::position::Position;
use crate::store::{LeaseAction, LeaseStore, LeaseWrite, Listing, WriteOutcome};
use crate::time::Timestamp;

/// A table of leases that lives as long as the process.
///
/// A clone is the same table, so that several workers of one process can share it. Progress is gone when the process
/// ends: the next one starts at the application's initial position.
#[derive(Debug, Clone, Default)]
pub struct InMemoryLeases {
    table: Arc<Mutex<BTreeMap<ShardKey, Lease>>>,
}

impl InMemoryLeases {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<ShardKey, Lease>> {
        // A lease is replaced as a whole, so a panic elsewhere cannot have left a half-written one.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl LeaseStore for InMemoryLeases {
    async fn prepare(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn list(&self) -> Result<Listing, StoreError> {
        Ok(Listing { leases: self.table().values().cloned().collect(), unreadable: Vec::new() })
    }

    async fn list_owned(&self, owner: &WorkerId) -> Result<Option<Vec<ShardKey>>, StoreError> {
        let table = self.table();
        let owned = table.values().filter(|lease| lease.owner.as_ref() == Some(owner));
        Ok(Some(owned.map(|lease| lease.shard.clone()).collect()))
    }

    async fn get(&self, shard: &ShardKey) -> Result<Option<Lease>, StoreError> {
        Ok(self.table().get(shard).cloned())
    }

    async fn create(&self, new: &Lease) -> Result<WriteOutcome, StoreError> {
        let mut table = self.table();
        if let Some(present) = table.get(&new.shard) {
            return Ok(WriteOutcome::Refused(Some(present.clone())));
        }
        let stored = Lease { heartbeat: heartbeat(new), ..new.clone() };
        table.insert(new.shard.clone(), stored.clone());
        Ok(WriteOutcome::Applied(stored))
    }

    async fn write(&self, write: &LeaseWrite) -> Result<WriteOutcome, StoreError> {
        let mut table = self.table();
        let Some(lease) = table.get_mut(&write.seen.shard) else {
            return Ok(WriteOutcome::Refused(None));
        };
        if !admits(lease, write) {
            return Ok(WriteOutcome::Refused(Some(lease.clone())));
        }
        *lease = written(lease.clone(), write);
        Ok(WriteOutcome::Applied(lease.clone()))
    }

    async fn delete(&self, seen: &Lease) -> Result<WriteOutcome, StoreError> {
        let mut table = self.table();
        match table.get(&seen.shard) {
            None => Ok(WriteOutcome::Applied(seen.clone())),
            Some(lease) if lease.version == seen.version && lease.is_finished() => {
                let removed = lease.clone();
                table.remove(&seen.shard);
                Ok(WriteOutcome::Applied(removed))
            }
            Some(lease) => Ok(WriteOutcome::Refused(Some(lease.clone()))),
        }
    }
}

/// Whether the condition of `write` holds for the lease as it is.
fn admits(lease: &Lease, write: &LeaseWrite) -> bool {
    let (owner, checkpoint_owner) = (lease.owner.as_ref(), lease.checkpoint_owner.as_ref());
    let seen = &write.seen;
    lease.version == seen.version
        && match write.action {
            LeaseAction::Claim => owner == Some(&write.by) && checkpoint_owner.is_none(),
            LeaseAction::Take => owner == seen.owner.as_ref() && checkpoint_owner == seen.checkpoint_owner.as_ref(),
            LeaseAction::Renew { .. } | LeaseAction::Checkpoint { .. } | LeaseAction::Free { .. } => {
                lease.holder() == Some(&write.by)
            }
            LeaseAction::Reset { .. } => owner.is_none() && checkpoint_owner.is_none(),
        }
}

/// The lease after `write`.
fn written(mut lease: Lease, write: &LeaseWrite) -> Lease {
    lease.version = lease.version.next();
    lease.stamp = Some(write.stamp.clone());
    match &write.action {
        LeaseAction::Claim => begin(&mut lease, write.now),
        LeaseAction::Take => {
            begin(&mut lease, write.now);
            lease.owner = Some(write.by.clone());
            lease.checkpoint_owner = None;
            lease.owner_switches += 1;
        }
        LeaseAction::Renew { throughput_kbps } => measure(&mut lease, *throughput_kbps),
        LeaseAction::Checkpoint { position, throughput_kbps, children } => {
            commit(&mut lease, position);
            measure(&mut lease, *throughput_kbps);
            if !children.is_empty() {
                lease.children = sorted(children);
            }
        }
        LeaseAction::Free { checkpoint } => {
            if let Some(position) = checkpoint {
                commit(&mut lease, position);
            }
            lease.owner = None;
            lease.checkpoint_owner = None;
        }
        LeaseAction::Reset { position, start } => {
            lease.checkpoint = position.clone();
            lease.pending = None;
            lease.start = *start;
        }
    }
    lease.heartbeat = heartbeat(&lease);
    lease
}

fn begin(lease: &mut Lease, now: Timestamp) {
    lease.born.get_or_insert(now);
}

fn commit(lease: &mut Lease, position: &Position) {
    lease.checkpoint = position.clone();
    lease.pending = None;
    lease.owner_switches = 0;
}

fn measure(lease: &mut Lease, throughput_kbps: Option<f64>) {
    lease.throughput_kbps = throughput_kbps.or(lease.throughput_kbps);
}

fn sorted(shards: &[ShardId]) -> Vec<ShardId> {
    let mut shards = shards.to_vec();
    shards.sort_unstable();
    shards.dedup();
    shards
}

/// Every write of a holder changes the version.
fn heartbeat(lease: &Lease) -> Heartbeat {
    Heartbeat::new(format!("{} {}", lease.version, lease.holder().map_or("", WorkerId::as_str)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::StreamId;
    use crate::testing::conformance;

    fn stream() -> StreamId {
        StreamId::named("orders")
    }

    #[tokio::test(start_paused = true)]
    async fn leases_in_memory_keep_every_promise() {
        conformance::all(&stream(), || async { InMemoryLeases::new() }).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn leases_in_memory_keep_every_promise_on_several_threads() {
        conformance::all(&stream(), || async { InMemoryLeases::new() }).await;
    }

    #[tokio::test]
    async fn a_clone_is_the_same_table() {
        let (one, other) = (InMemoryLeases::new(), InMemoryLeases::new());
        let lease = Lease::new(ShardKey::new(stream(), "shardId-0"), Position::TrimHorizon, None);
        assert!(matches!(one.clone().create(&lease).await, Ok(WriteOutcome::Applied(_))));
        assert!(one.get(&lease.shard).await.expect("memory answers").is_some());
        assert!(other.get(&lease.shard).await.expect("memory answers").is_none());
    }
}
