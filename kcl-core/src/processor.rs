//! The user's side: what handles the records of one shard.

use async_trait::async_trait;

use crate::checkpointer::Checkpointer;
use crate::error::Failure;
use crate::ids::{ShardId, ShardKey, WorkerId};
use crate::lease::{Epoch, PendingCheckpoint};
use crate::position::Position;
use crate::record::Batch;
use crate::shard::HashKeyRange;

/// Handles the records of one shard. The worker makes one for each shard that it holds, from the factory given to it.
///
/// # Guarantees
/// * Every record of the shard is given to a processor at least once, in order, after all records of the shard's parents
///   were done. Calls to one processor never overlap.
/// * `initialize` comes first. Then `process_records`, batch by batch. Then at most one of `shard_ended`,
///   `shutdown_requested`, `lease_lost` succeeds as the last call; `lease_lost` may still follow one of the other two.
/// * `Ok(())` from `process_records` means that the batch's records are done, unless
///   [`acknowledgement`](Self::acknowledgement) says otherwise. Only what is done is ever committed. It is committed with
///   the lease's next renewal, when the processor asks for it, and when the worker stops.
/// * After an error the same call is made again after a pause, with the same batch. After a panic a new processor is made
///   and begins at the last commit. In neither case is a record skipped, a commit moved, or the lease given up.
///
/// # Cancel safety
/// The future of a call is dropped if the lease is lost or given up while it runs, or if the time to stop runs out. What it
/// had begun is then not committed, and the next owner of the shard gets the records again. How long a call may last is for
/// the application to say ([`handler_may_take`](crate::WorkerBuilder::handler_may_take)); by default it may for ever.
#[async_trait]
pub trait RecordProcessor: Send + 'static {
    /// When records count as done. Asked once, after `initialize`.
    fn acknowledgement(&self) -> Acknowledgement {
        Acknowledgement::OnReturn
    }

    /// Prepares for the shard.
    async fn initialize(&mut self, shard: &ShardContext) -> Result<(), Failure> {
        let _ = shard;
        Ok(())
    }

    /// Handles some records. There is at least one.
    async fn process_records(&mut self, batch: Batch, checkpointer: &Checkpointer) -> Result<(), Failure>;

    /// The shard has ended, and all its records were delivered. After `Ok(())` the worker commits the end as soon as all
    /// records are done; the shards that follow can then be read.
    async fn shard_ended(&mut self, checkpointer: &Checkpointer) -> Result<(), Failure> {
        let _ = checkpointer;
        Ok(())
    }

    /// The worker stops, or gives the shard away: to another worker that should have it, or because its stream was removed.
    /// Finish what is in flight if you can do so in the time that is left (of a stop what `shutdown` gives, else 10 s from the
    /// moment on at which it was asked); the worker then commits what is done.
    async fn shutdown_requested(&mut self, checkpointer: &Checkpointer) -> Result<(), Failure> {
        let _ = checkpointer;
        Ok(())
    }

    /// The shard is another worker's now, or will be. Nothing can be committed any more: release what you hold.
    async fn lease_lost(&mut self) {}
}

#[async_trait]
impl RecordProcessor for Box<dyn RecordProcessor> {
    fn acknowledgement(&self) -> Acknowledgement {
        (**self).acknowledgement()
    }

    async fn initialize(&mut self, shard: &ShardContext) -> Result<(), Failure> {
        (**self).initialize(shard).await
    }

    async fn process_records(&mut self, batch: Batch, checkpointer: &Checkpointer) -> Result<(), Failure> {
        (**self).process_records(batch, checkpointer).await
    }

    async fn shard_ended(&mut self, checkpointer: &Checkpointer) -> Result<(), Failure> {
        (**self).shard_ended(checkpointer).await
    }

    async fn shutdown_requested(&mut self, checkpointer: &Checkpointer) -> Result<(), Failure> {
        (**self).shutdown_requested(checkpointer).await
    }

    async fn lease_lost(&mut self) {
        (**self).lease_lost().await;
    }
}

/// When records count as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Acknowledgement {
    /// When `process_records` returns `Ok(())`. The default.
    #[default]
    OnReturn,
    /// When the processor says so by [`Checkpointer::done`]: it keeps work in flight after `process_records` returned.
    Explicit,
}

/// What a factory is told of the shard that it makes a processor for.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ShardContext {
    /// The shard.
    pub shard: ShardKey,
    /// This worker.
    pub worker: WorkerId,
    /// The ownership's number: greater than that of every owner of the shard before.
    pub epoch: Epoch,
    /// What is done of the shard; records after this will come.
    pub start: Position,
    /// A checkpoint that an earlier owner prepared and did not commit, with what it stored beside it. Records still come
    /// from `start` on.
    pub pending: Option<PendingCheckpoint>,
    /// The shard's hash keys, where known.
    pub hash_range: Option<HashKeyRange>,
    /// The shards that this one was made of.
    pub parents: Vec<ShardId>,
}

/// Makes a processor for a shard.
pub(crate) type Factory = dyn Fn(ShardContext) -> Box<dyn RecordProcessor> + Send + Sync;
