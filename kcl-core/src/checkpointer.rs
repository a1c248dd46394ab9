//! How a processor says what is done, and commits it.

use std::fmt;
use std::sync::Arc;

use crate::error::CheckpointError;
use crate::ids::ShardKey;
use crate::lease::Epoch;
use crate::position::Position;
use crate::record::Record;
use crate::tenure::Tenure;

/// Commits what is done of one shard, under one ownership.
///
/// It is owned and cheap to clone: keep it, send it to other tasks. After the shard is lost, or another processor has
/// taken over in this worker, it is harmless: every call answers [`CheckpointError::LeaseLost`] and nothing is written.
///
/// Nothing here commits "whatever was delivered". What is committed is what is done, and done is what the processor says:
/// by returning from `process_records`, or by [`done`](Self::done) and [`checkpoint_at`](Self::checkpoint_at).
#[derive(Clone)]
pub struct Checkpointer {
    tenure: Arc<Tenure>,
    generation: u64,
}

impl Checkpointer {
    pub(crate) fn new(tenure: Arc<Tenure>, generation: u64) -> Self {
        Self { tenure, generation }
    }

    /// The shard.
    pub fn shard(&self) -> &ShardKey {
        self.tenure.shard()
    }

    /// The ownership's number, to fence former owners downstream.
    pub fn epoch(&self) -> Epoch {
        self.tenure.epoch()
    }

    /// Whether the shard is still this processor's, as far as is known now.
    pub fn is_held(&self) -> bool {
        self.tenure.mark(self.generation, |_| ()).is_ok()
    }

    /// Waits until the ownership is over. Cancel safe.
    pub async fn lost(&self) {
        self.tenure.ended().await;
    }

    /// Everything up to and including this record is done. Writes nothing: the next renewal of the lease commits it, or
    /// the next [`checkpoint`](Self::checkpoint).
    ///
    /// # Errors
    /// [`CheckpointError::Ahead`] if the record was not delivered, [`CheckpointError::LeaseLost`].
    pub fn done(&self, record: &Record) -> Result<(), CheckpointError> {
        let position = record.position();
        self.tenure
            .mark(self.generation, |progress| progress.done(&position))?
            .map_err(|refusal| self.tenure.refused(&position, refusal))
    }

    /// Commits everything that is done so far, now. Answers the position that is committed then.
    ///
    /// Inside `process_records` the batch in hand is not done yet, unless the processor said so of its records.
    ///
    /// # Errors
    /// [`CheckpointError::LeaseLost`], or [`CheckpointError::Store`] if the store refuses.
    ///
    /// # Cancel safety
    /// Dropping the future leaves open whether the commit is made; nothing that is not done is ever committed.
    pub async fn checkpoint(&self) -> Result<Position, CheckpointError> {
        self.tenure.commit(self.generation).await
    }

    /// Everything up to and including this record is done: commits that, now.
    ///
    /// # Errors
    /// As [`checkpoint`](Self::checkpoint); [`CheckpointError::Ahead`] if the record was not delivered,
    /// [`CheckpointError::Behind`] if a later one is committed already.
    ///
    /// # Cancel safety
    /// As [`checkpoint`](Self::checkpoint).
    pub async fn checkpoint_at(&self, record: &Record) -> Result<Position, CheckpointError> {
        let position = record.position();
        self.tenure
            .mark(self.generation, |progress| progress.done_for_commit(&position))?
            .map_err(|refusal| self.tenure.refused(&position, refusal))?;
        self.checkpoint().await
    }

    /// What is committed.
    pub fn committed(&self) -> Position {
        self.tenure.progress().committed().clone()
    }
}

impl fmt::Debug for Checkpointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checkpointer({}, epoch {})", self.shard(), self.epoch())
    }
}
