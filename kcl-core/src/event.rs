//! What happens in a worker, as typed events. Logs, metrics, the status and the user's [`Observer`] are all fed from
//! these, in one place, so that none of them can say something that the others do not.

use std::time::Duration;

use crate::decide::phase::Phase;
use crate::ids::{ShardId, ShardKey, StreamId, WorkerId};
use crate::lease::{CreateReason, EndReason, Epoch};
use crate::position::Position;

/// Receives the events of a worker, in the order in which they happen.
///
/// It is called from the worker's own tasks and must return quickly: hand over to a channel what takes time.
pub trait Observer: Send + Sync + 'static {
    /// One event.
    fn event(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync + 'static> Observer for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}

/// Something that happened. Errors are given as text with their causes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The worker began to run; the lease store can be used.
    WorkerStarted,
    /// The worker is told to stop, and stops reading.
    ShutdownRequested,
    /// The worker stopped in good order. How many shards it had, and what became of them: see
    /// [`ShutdownReport`](crate::worker::ShutdownReport).
    WorkerStopped {
        /// They were passed to other workers.
        passed: usize,
        /// They were left free.
        freed: usize,
        /// Their processors were cut off.
        cut_off: usize,
        /// They could not be given away.
        left: usize,
    },
    /// A lease was added to the table.
    LeaseCreated {
        /// The shard.
        shard: ShardKey,
        /// Where it starts.
        checkpoint: Position,
        /// Why it was made.
        reason: CreateReason,
    },
    /// The lease of a finished shard was removed, since all that follows it has begun.
    LeaseDeleted {
        /// The shard.
        shard: ShardKey,
    },
    /// A row of the table cannot be understood. If it is a lease, its shard is not read until it is repaired; if it is a
    /// worker's, that worker is given nothing; if it is the leader lock, nobody balances.
    LeaseUnreadable {
        /// The row's key.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// This worker began to hold a shard.
    LeaseTaken {
        /// The shard.
        shard: ShardKey,
        /// The ownership's epoch.
        epoch: Epoch,
        /// Who held it last, if it was taken from a dead worker.
        from: Option<WorkerId>,
        /// Where it goes on.
        checkpoint: Position,
    },
    /// This worker gave a shard to another one, with a last commit of what is done.
    LeasePassed {
        /// The shard.
        shard: ShardKey,
        /// Who is to go on with it.
        to: WorkerId,
    },
    /// Nobody read a shard, and this worker named the one that is to begin.
    LeaseOffered {
        /// The shard.
        shard: ShardKey,
        /// Who.
        to: WorkerId,
    },
    /// This worker, which balances, asked the holder of a shard to give it to another worker.
    MoveAsked {
        /// The shard.
        shard: ShardKey,
        /// Its holder.
        from: Option<WorkerId>,
        /// The receiver.
        to: WorkerId,
    },
    /// A worker renewed nothing for as long as it may, and is taken for dead by this one: its shards are given to others. It
    /// counts again when it reports, or renews a lease.
    WorkerSilent {
        /// The silent worker.
        silent: WorkerId,
    },
    /// A worker did not begin with what it was offered: this one offers it nothing more for a while.
    WorkerDistrusted {
        /// That worker.
        distrusted: WorkerId,
    },
    /// Shards are read by nobody, because no worker that lives has room for them. Told by the first in rank, when the number
    /// changes; 0 says that there is room again.
    NoRoom {
        /// How many.
        shards: usize,
    },
    /// This worker began, or ceased, to balance the fleet.
    Leading {
        /// Whether it does now.
        now: bool,
    },
    /// A shard stopped being this worker's.
    LeaseEnded {
        /// The shard.
        shard: ShardKey,
        /// How.
        reason: EndReason,
    },
    /// A shard's life went on.
    PhaseChanged {
        /// The shard.
        shard: ShardKey,
        /// The new phase.
        phase: Phase,
    },
    /// A processor is ready.
    ShardInitialized {
        /// The shard.
        shard: ShardKey,
        /// Where it goes on.
        checkpoint: Position,
    },
    /// Records were read.
    Fetched {
        /// The shard.
        shard: ShardKey,
        /// How many, user records counted one by one.
        records: usize,
        /// How far the last one was behind the tip of the shard.
        behind: Option<Duration>,
    },
    /// Records of a batch were done by the processor.
    Processed {
        /// The shard.
        shard: ShardKey,
        /// How many.
        records: usize,
        /// Their bytes of data.
        bytes: usize,
        /// How long the processor took.
        took: Duration,
        /// How old the last record was, by this worker's clock, when it was done: the time since the stream stored it.
        age: Option<Duration>,
    },
    /// A call of the processor failed. It is repeated; nothing was skipped.
    ProcessorFailed {
        /// The shard.
        shard: ShardKey,
        /// The call.
        call: ProcessorCall,
        /// How often in a row.
        attempt: u32,
        /// When it is repeated.
        retry_in: Duration,
        /// What the processor said.
        error: String,
    },
    /// A processor panicked. A new one starts at the last checkpoint; nothing was skipped.
    ProcessorPanicked {
        /// The shard.
        shard: ShardKey,
        /// The call.
        call: ProcessorCall,
        /// How often in a row.
        attempt: u32,
        /// When the new one starts.
        retry_in: Duration,
        /// What the panic said.
        message: String,
    },
    /// A call of the processor was cut off: the lease was lost, or the time to stop ran out.
    ProcessorDropped {
        /// The shard.
        shard: ShardKey,
        /// The call.
        call: ProcessorCall,
    },
    /// A call of the processor lasts long: told after a minute and then every minute, and once more when it is over.
    /// Nothing is done about it unless the worker is told to give up such shards.
    ProcessorSlow {
        /// The shard.
        shard: ShardKey,
        /// The call.
        call: ProcessorCall,
        /// For how long it lasts, or has lasted.
        lasting: Duration,
        /// It is over: it returned, or was cut off.
        returned: bool,
    },
    /// A shard is not gone on with, for as long as the worker was told to bear it, and this worker gives its lease up, for
    /// others to go on from the last commit. [`LeaseEnded`](Self::LeaseEnded) follows, and
    /// [`LeasePassed`](Self::LeasePassed) if there is another worker that can have it.
    ShardStalled {
        /// The shard.
        shard: ShardKey,
        /// What does not go on.
        cause: StallCause,
    },
    /// A position was committed.
    Checkpointed {
        /// The shard.
        shard: ShardKey,
        /// The position.
        position: Position,
    },
    /// The end of a shard was committed; the shards that follow it can be read.
    ShardFinished {
        /// The shard.
        shard: ShardKey,
        /// The shards that follow it.
        children: Vec<ShardId>,
    },
    /// Reading failed. It is repeated from where it was.
    ReadFailed {
        /// The shard.
        shard: ShardKey,
        /// Whether the service only asked for fewer requests.
        throttled: bool,
        /// How often in a row.
        attempt: u32,
        /// When it is repeated.
        retry_in: Duration,
        /// What happened.
        error: String,
    },
    /// The record at the last checkpoint is gone from the stream: it, and perhaps records after it, passed the stream's
    /// retention before they could be read. Reading goes on at the oldest record left.
    RecordsExpired {
        /// The shard.
        shard: ShardKey,
        /// The position at which reading should have gone on.
        checkpoint: Position,
        /// The first record that was there.
        found: Position,
    },
    /// Aggregated records were read whose form is broken, or whose user records belong to other shards.
    AggregationOddities {
        /// The shard.
        shard: ShardKey,
        /// Carriers that were delivered as they are, since they could not be unpacked.
        malformed: usize,
        /// User records delivered although their key belongs to another shard.
        outside: usize,
        /// User records left out because their key belongs to another shard, as the worker was told to.
        left_out: usize,
    },
    /// A write to a lease failed; it is repeated until the lease runs out.
    LeaseWriteFailed {
        /// The shard.
        shard: ShardKey,
        /// What happened.
        error: String,
    },
    /// The lease table, or the list of shards, could not be read or brought up to date. It is tried again.
    LookFailed {
        /// What was tried.
        what: Look,
        /// How often in a row.
        attempt: u32,
        /// What happened.
        error: String,
    },
    /// What failed before works again.
    LookRecovered {
        /// What was tried.
        what: Look,
        /// How often it had failed in a row.
        failures: u32,
    },
    /// The worker begins to read a stream.
    StreamAdded {
        /// The stream.
        stream: StreamId,
    },
    /// The worker reads a stream no more, as it was told.
    StreamRemoved {
        /// The stream.
        stream: StreamId,
    },
    /// The stream was deleted and created again; the leases belong to the earlier one.
    StreamRecreated {
        /// The stream.
        stream: StreamId,
    },
}

/// A call of a [`crate::processor::RecordProcessor`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the method of that name")]
pub enum ProcessorCall {
    Create,
    Initialize,
    ProcessRecords,
    ShardEnded,
    ShutdownRequested,
    LeaseLost,
}

/// What does not go on when a shard is given up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StallCause {
    /// The reader got no answer, or errors only.
    Reader {
        /// For how long it has asked.
        asked: Duration,
    },
    /// A call of the processor does not return.
    Processor {
        /// The call.
        call: ProcessorCall,
        /// For how long it lasts.
        lasting: Duration,
    },
    /// The worker's own task for the shard ended before its time.
    Ended {
        /// What it said, if it panicked.
        last_words: String,
    },
}

/// What a worker looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Look {
    /// The lease table.
    Leases,
    /// The stream's shards, and their leases.
    Shards,
    /// The rows of workers, and the leader lock.
    Members,
}
