//! What happened, in order: every delivery of every record, and the end of every shard.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kcl_core::async_trait;
use kcl_core::checkpointer::Checkpointer;
use kcl_core::error::Failure;
use kcl_core::event::Event;
use kcl_core::ids::{ShardId, WorkerId};
use kcl_core::lease::Epoch;
use kcl_core::position::Position;
use kcl_core::processor::{RecordProcessor, ShardContext};
use kcl_core::record::{Batch, Record};
use kcl_core::time::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::flights::row_of;

/// A record was given to a processor.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) worker: WorkerId,
    pub(crate) shard: ShardId,
    pub(crate) epoch: Epoch,
    pub(crate) row: usize,
    pub(crate) position: Position,
    pub(crate) aggregated: bool,
    pub(crate) arrival: Option<Timestamp>,
    pub(crate) at: Instant,
}

/// The pages of the ledger.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    /// The rows that are in the stream, and since when.
    pub(crate) put: BTreeMap<usize, Instant>,
    /// In the order in which they happened.
    pub(crate) deliveries: Vec<Delivery>,
    /// The rows that were delivered.
    pub(crate) seen: BTreeSet<usize>,
    /// How far each shard that is read is behind its tip.
    pub(crate) behind: BTreeMap<ShardId, Duration>,
    /// When the end of a shard was committed.
    pub(crate) ends: BTreeMap<ShardId, Instant>,
    /// Why a worker ended that was not told to.
    pub(crate) failure: Option<String>,
}

/// Shared by all workers, and watched by who waits for something.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<watch::Sender<Entries>>);

impl Ledger {
    /// Looks into the ledger.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Entries) -> T) -> T {
        look(&self.0.borrow())
    }

    /// Waits until the ledger says so. An error if a worker failed.
    pub(crate) async fn until(&self, enough: impl Fn(&Entries) -> bool + Send + Sync) -> Result<(), Failure> {
        let mut watched = self.0.subscribe();
        let entries = watched.wait_for(|entries| entries.failure.is_some() || enough(entries)).await?;
        entries.failure.clone().map_or(Ok(()), |failure| Err(failure.into()))
    }

    /// These rows are in the stream now.
    pub(crate) fn put(&self, rows: impl Iterator<Item = usize>) {
        let now = Instant::now();
        self.0.send_modify(|entries| entries.put.extend(rows.map(|row| (row, now))));
    }

    /// A worker ended that was not told to.
    pub(crate) fn failed(&self, why: String) {
        self.0.send_modify(|entries| entries.failure = Some(why));
    }

    /// Something happened in a worker.
    pub(crate) fn event(&self, event: &Event) {
        self.0.send_modify(|entries| match event {
            Event::Fetched { shard, behind: Some(behind), .. } => {
                entries.behind.insert(shard.shard.clone(), *behind);
            }
            Event::LeaseEnded { shard, .. } => {
                entries.behind.remove(&shard.shard);
            }
            Event::ShardFinished { shard, .. } => {
                entries.ends.insert(shard.shard.clone(), Instant::now());
            }
            _ => {}
        });
    }

    fn deliver(&self, context: &ShardContext, record: &Record) -> Result<(), Failure> {
        let delivery = Delivery {
            worker: context.worker.clone(),
            shard: context.shard.shard.clone(),
            epoch: context.epoch,
            row: row_of(record.data())?,
            position: record.position(),
            aggregated: record.is_aggregated(),
            arrival: record.arrival(),
            at: Instant::now(),
        };
        self.0.send_modify(|entries| {
            entries.seen.insert(delivery.row);
            entries.deliveries.push(delivery);
        });
        Ok(())
    }
}

/// The user's code: enters what it is given into the ledger.
pub(crate) struct Recorder {
    pub(crate) ledger: Ledger,
    pub(crate) context: ShardContext,
}

#[async_trait]
impl RecordProcessor for Recorder {
    async fn process_records(&mut self, batch: Batch, _: &Checkpointer) -> Result<(), Failure> {
        batch.into_iter().try_for_each(|record| self.ledger.deliver(&self.context, record))
    }
}
