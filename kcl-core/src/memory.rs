//! Leases in the memory of one process: for tests, for trying things out, and as the reference of what a
//! [`LeaseStore`] does.

mod members;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::error::StoreError;
use crate::ids::{ShardId, ShardKey, WorkerId};
use crate::lease::{Heartbeat, Lease, Load};
use crate::member::{LeaderLock, Member};
use crate::position::Position;
use crate::shard::HashKeyRange;
use crate::store::{LeaseAction, LeaseStore, LeaseWrite, Listing, WriteOutcome};
use crate::time::Timestamp;

/// A table of leases that lives as long as the process.
///
/// A clone is the same table, so that several workers of one process can share it. Progress is gone when the process
/// ends: the next one starts at the application's initial position.
#[derive(Debug, Clone, Default)]
pub struct InMemoryLeases {
    table: Arc<Mutex<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    leases: BTreeMap<ShardKey, Lease>,
    members: BTreeMap<WorkerId, Member>,
    lock: Option<LeaderLock>,
}

impl InMemoryLeases {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Whatever changes a row cannot panic on the way, so a panic elsewhere cannot have left a half-written one.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl LeaseStore for InMemoryLeases {
    async fn prepare(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn list(&self) -> Result<Listing, StoreError> {
        let table = self.table();
        Ok(Listing {
            leases: table.leases.values().cloned().collect(),
            unreadable: Vec::new(),
            members: table.members.values().cloned().collect(),
            lock: table.lock.clone(),
            read_units: 0.0,
        })
    }

    async fn list_owned(&self, owner: &WorkerId) -> Result<Option<Vec<ShardKey>>, StoreError> {
        let table = self.table();
        let owned = table.leases.values().filter(|lease| lease.owner.as_ref() == Some(owner));
        Ok(Some(owned.map(|lease| lease.shard.clone()).collect()))
    }

    async fn get(&self, shard: &ShardKey) -> Result<Option<Lease>, StoreError> {
        Ok(self.table().leases.get(shard).cloned())
    }

    async fn create(&self, new: &Lease) -> Result<WriteOutcome, StoreError> {
        let mut table = self.table();
        if let Some(present) = table.leases.get(&new.shard) {
            return Ok(WriteOutcome::Refused(Some(present.clone())));
        }
        let stored = Lease { heartbeat: heartbeat(new), ..new.clone() };
        table.leases.insert(new.shard.clone(), stored.clone());
        Ok(WriteOutcome::Applied(stored))
    }

    async fn write(&self, write: &LeaseWrite) -> Result<WriteOutcome, StoreError> {
        let mut table = self.table();
        let Some(lease) = table.leases.get_mut(&write.seen.shard) else {
            return Ok(WriteOutcome::Refused(None));
        };
        if !admits(lease, write) {
            return Ok(WriteOutcome::Refused(Some(lease.clone())));
        }
        *lease = written(lease.clone(), write);
        Ok(WriteOutcome::Applied(lease.clone()))
    }

    async fn initiate(&self, seen: &Lease, to: &WorkerId) -> Result<WriteOutcome, StoreError> {
        let mut table = self.table();
        let Some(lease) = table.leases.get_mut(&seen.shard) else {
            return Ok(WriteOutcome::Refused(None));
        };
        let can_be_asked = lease.owner.is_some() && lease.checkpoint_owner.is_none() && !lease.is_finished();
        if !can_be_asked || lease.owner != seen.owner || lease.owner.as_ref() == Some(to) {
            return Ok(WriteOutcome::Refused(Some(lease.clone())));
        }
        lease.checkpoint_owner = lease.owner.replace(to.clone());
        Ok(WriteOutcome::Applied(lease.clone()))
    }

    async fn note_hash_range(&self, shard: &ShardKey, range: HashKeyRange) -> Result<(), StoreError> {
        if let Some(lease) = self.table().leases.get_mut(shard) {
            lease.hash_range.get_or_insert(range);
        }
        Ok(())
    }

    async fn delete(&self, seen: &Lease) -> Result<WriteOutcome, StoreError> {
        let mut table = self.table();
        match table.leases.get(&seen.shard) {
            None => Ok(WriteOutcome::Applied(seen.clone())),
            Some(lease) if lease.version == seen.version && lease.is_finished() => {
                let removed = lease.clone();
                table.leases.remove(&seen.shard);
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
            LeaseAction::Take | LeaseAction::Offer { .. } => {
                owner == seen.owner.as_ref() && checkpoint_owner == seen.checkpoint_owner.as_ref()
            }
            LeaseAction::Renew { .. } | LeaseAction::Checkpoint { .. } | LeaseAction::Pass { .. } => {
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
            name(&mut lease, &write.by);
        }
        LeaseAction::Renew { load } => measure(&mut lease, *load),
        LeaseAction::Checkpoint { position, load, children } => {
            commit(&mut lease, position);
            measure(&mut lease, *load);
            if !children.is_empty() {
                lease.children = sorted(children);
            }
        }
        LeaseAction::Pass { to, checkpoint } => {
            if let Some(position) = checkpoint {
                commit(&mut lease, position);
            }
            lease.owner.clone_from(to);
            lease.checkpoint_owner = None;
            if to.as_ref().is_some_and(|to| *to != write.by) {
                lease.owner_switches += 1;
            }
        }
        LeaseAction::Offer { to } => name(&mut lease, to),
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

/// Makes a worker the one owner.
fn name(lease: &mut Lease, worker: &WorkerId) {
    lease.owner = Some(worker.clone());
    lease.checkpoint_owner = None;
    lease.owner_switches += 1;
}

fn commit(lease: &mut Lease, position: &Position) {
    lease.checkpoint = position.clone();
    lease.pending = None;
    lease.owner_switches = 0;
}

fn measure(lease: &mut Lease, load: Load) {
    lease.load = Load { kbps: load.kbps.or(lease.load.kbps), busy: load.busy.or(lease.load.busy) };
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
