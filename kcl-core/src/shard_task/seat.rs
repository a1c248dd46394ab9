//! A processor in its place.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use crate::checkpointer::Checkpointer;
use crate::processor::{Acknowledgement, RecordProcessor, ShardContext};
use crate::shard_task::StreamContext;
use crate::shard_task::attend::panic_message;
use crate::tenure::Tenure;

/// A processor and what it holds on to.
pub(super) struct Seat {
    pub(super) processor: Box<dyn RecordProcessor>,
    pub(super) context: ShardContext,
    pub(super) checkpointer: Checkpointer,
    pub(super) generation: u64,
    pub(super) acknowledgement: Acknowledgement,
    /// `shard_ended` was accepted.
    pub(super) agreed_to_end: bool,
}

impl Seat {
    /// A new processor, that begins at what is committed. An error is what the factory's panic said.
    pub(super) fn new(shared: &StreamContext, tenure: &Arc<Tenure>) -> Result<Self, String> {
        let (generation, start) = tenure.new_generation();
        let lease = tenure.start();
        let context = ShardContext {
            shard: lease.shard.clone(),
            worker: shared.worker.clone(),
            epoch: tenure.epoch(),
            pending: lease.pending.clone().filter(|_| start == lease.checkpoint),
            start,
            hash_range: lease.hash_range,
            parents: lease.parents.clone(),
        };
        let made = std::panic::catch_unwind(AssertUnwindSafe(|| (shared.factory)(context.clone())));
        let processor = made.map_err(|panic| panic_message(panic.as_ref()))?;
        let checkpointer = Checkpointer::new(Arc::clone(tenure), generation);
        let acknowledgement = Acknowledgement::OnReturn;
        Ok(Self { processor, context, checkpointer, generation, acknowledgement, agreed_to_end: false })
    }
}
