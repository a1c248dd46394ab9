//! Makes an application that has been running start again at another position.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::decide::cell::Cell;
use crate::decide::observe::Observations;
use crate::decide::reconcile::Graph;
use crate::decide::replay::{self, Begin, Change};
use crate::decide::timing::{Timing, check_failover};
use crate::error::{ConfigError, SourceError, StoreError};
use crate::ids::{ShardKey, WorkerId};
use crate::lease::{Instance, Lease, Stamp};
use crate::position::{InitialPosition, Position, SequenceNumber};
use crate::retrieval::{Retrieval, WhichShards};
use crate::store::{LeaseAction, LeaseStore, LeaseWrite, WriteOutcome};
use crate::time::WallClock;

/// Where to start again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResetTo {
    /// At a position of the whole stream.
    Stream(InitialPosition),
    /// After these records, each in its own shard; the shards that follow are read again from their beginning, other
    /// shards are left as they are.
    Records(BTreeMap<ShardKey, SequenceNumber>),
}

/// What a reset did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ResetReport {
    /// The shards whose position was moved, and the new one; shards that had no lease any more got one.
    pub moved: Vec<(ShardKey, Position)>,
}

/// Why a reset was not done, or not completed. Running it again is safe, and does what is missing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResetError {
    /// A worker is alive. Nothing was changed.
    #[error("shard {shard} is held by worker {worker}, which is alive; stop all workers of the application first")]
    OwnerAlive {
        /// The shard.
        shard: ShardKey,
        /// Its owner.
        worker: WorkerId,
    },
    /// A worker was started meanwhile and took a lease.
    #[error("shard {shard} was taken by a worker meanwhile; stop all workers and run the reset again")]
    Interrupted {
        /// The shard.
        shard: ShardKey,
    },
    /// A record was named of a shard that the stream does not have.
    #[error("the stream has no shard {shard}")]
    NoSuchShard {
        /// The shard.
        shard: ShardKey,
    },
    /// The failover time cannot be the application's. Nothing was changed.
    #[error("nothing was reset")]
    Setting(#[from] ConfigError),
    /// The lease store failed.
    #[error("the lease store cannot be used")]
    Store(#[from] StoreError),
    /// The stream failed.
    #[error("the stream cannot be listed")]
    Source(#[from] SourceError),
}

/// Rewrites the positions of an application on one stream.
///
/// No worker of the application may be running: the lease table is watched for as long as `failover`, the application's
/// failover time, if any lease names an owner. Leases of dead workers are freed.
///
/// Finished shards from which reading begins again, or that follow such a one, are re-opened as long as the stream still
/// has them; if their leases were removed, they get new ones. Parents are still read before their children. Leases of an
/// earlier stream of the same name are removed.
///
/// # Errors
/// See [`ResetError`].
///
/// # Cancel safety
/// Dropping the future leaves some leases moved and others not; run it again.
pub async fn reset(
    store: &dyn LeaseStore,
    retrieval: &dyn Retrieval,
    to: &ResetTo,
    failover: Duration,
) -> Result<ResetReport, ResetError> {
    check_failover("failover", failover)?;
    store.prepare().await?;
    let mut leases = without_owners(store, retrieval, failover).await?;
    let mut writer = Writer::new(store);
    let stream = retrieval.stream();
    let shards = retrieval.list_shards(WhichShards::All).await?.shards;
    let created = retrieval.created().await?;
    if Graph::new(stream, &shards, &leases, created).is_recreated() {
        // They are of a stream that is no more: the new one begins without them.
        for lease in leases.drain(..) {
            writer.remove(lease).await?;
        }
    }
    let changes = match to {
        ResetTo::Stream(position) => {
            let open = retrieval.list_shards(WhichShards::OpenAt(*position)).await?;
            let (position, start) = position.resolve(open.service_time);
            replay::plan(stream, &shards, &leases, created, &Begin::Stream { open: &open.shards, position, start })
        }
        ResetTo::Records(records) => {
            let missing = records.keys().find(|key| !shards.iter().any(|shard| shard.id == key.shard));
            if let Some(shard) = missing {
                return Err(ResetError::NoSuchShard { shard: shard.clone() });
            }
            replay::plan(stream, &shards, &leases, created, &Begin::Records(records))
        }
    };
    let mut report = ResetReport::default();
    for change in changes {
        report.moved.push(writer.apply(change).await?);
    }
    Ok(report)
}

/// The stream's leases, once no owner is left: alive ones are an error, dead ones are removed.
async fn without_owners(
    store: &dyn LeaseStore,
    retrieval: &dyn Retrieval,
    failover: Duration,
) -> Result<Vec<Lease>, ResetError> {
    let timing = Timing::new(failover);
    let mut observations = Observations::default();
    let mut writer = Writer::new(store);
    loop {
        let mut leases = store.list().await?.leases;
        leases.retain(|lease| lease.shard.stream == *retrieval.stream());
        observations.look(&leases, Instant::now(), &timing);
        let owned = leases.iter().filter_map(|lease| lease.holder().map(|owner| (lease, owner)));
        let mut waiting = false;
        for (lease, owner) in owned {
            if observations.has_beaten(&lease.shard) {
                return Err(ResetError::OwnerAlive { shard: lease.shard.clone(), worker: owner.clone() });
            }
            waiting = true;
            if observations.is_silent(lease, &timing) {
                writer.free(lease).await?;
            }
        }
        if !waiting {
            return Ok(leases);
        }
        tokio::time::sleep(timing.look).await;
    }
}

/// Writes to leases under a name of its own.
struct Writer<'a> {
    store: &'a dyn LeaseStore,
    me: WorkerId,
    instance: Instance,
    tenure: u64,
}

impl<'a> Writer<'a> {
    fn new(store: &'a dyn LeaseStore) -> Self {
        let instance = Instance::new(fastrand::u64(..));
        Self { store, me: WorkerId::new(format!("reset:{instance}")), instance, tenure: 0 }
    }

    async fn apply(&mut self, change: Change) -> Result<(ShardKey, Position), ResetError> {
        match change {
            Change::Create(lease) => {
                let at = (lease.shard.clone(), lease.checkpoint.clone());
                match self.store.create(&lease).await? {
                    WriteOutcome::Applied(_) => Ok(at),
                    WriteOutcome::Refused(_) => Err(ResetError::Interrupted { shard: lease.shard }),
                }
            }
            Change::Move { seen, to, start } => {
                let at = (seen.shard.clone(), to.clone());
                self.tenure += 1;
                let stamp = Stamp::offered(self.instance, self.tenure, 1);
                self.write(seen, stamp, LeaseAction::Reset { position: to, start }).await?;
                Ok(at)
            }
        }
    }

    /// Removes a lease, finished or not.
    async fn remove(&mut self, seen: Lease) -> Result<(), ResetError> {
        self.tenure += 1;
        let (stamp, end) = (Stamp::offered(self.instance, self.tenure, 1), Position::ShardEnd);
        let finished = self.write(seen, stamp, LeaseAction::Reset { position: end, start: None }).await?;
        match self.store.delete(&finished).await? {
            WriteOutcome::Applied(_) => Ok(()),
            WriteOutcome::Refused(_) => Err(ResetError::Interrupted { shard: finished.shard }),
        }
    }

    /// Takes a dead worker's lease and gives it back: whatever that worker still sends is refused then.
    async fn free(&mut self, seen: &Lease) -> Result<(), ResetError> {
        self.tenure += 1;
        let held = self.write(seen.clone(), Cell::first_stamp(self.instance, self.tenure), LeaseAction::Take).await?;
        let stamp = Stamp::offered(self.instance, self.tenure, 2);
        self.write(held, stamp, LeaseAction::Pass { to: None, checkpoint: None }).await?;
        Ok(())
    }

    async fn write(&self, seen: Lease, stamp: Stamp, action: LeaseAction) -> Result<Lease, ResetError> {
        let shard = seen.shard.clone();
        let now = WallClock::system().now();
        let write = LeaseWrite { seen, by: self.me.clone(), stamp, now, action };
        match self.store.write(&write).await? {
            WriteOutcome::Applied(lease) => Ok(lease),
            WriteOutcome::Refused(Some(lease)) if lease.stamp.as_ref() == Some(&write.stamp) => Ok(lease),
            WriteOutcome::Refused(_) => Err(ResetError::Interrupted { shard }),
        }
    }
}
