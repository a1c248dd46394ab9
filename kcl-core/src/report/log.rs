//! Events as log lines. At INFO a worker that does well says only what changes hands; what wants a person is WARN, what
//! stops work is ERROR. The fields are stable: `app`, `worker`, `stream`, `shard`, and those of the event.

use tracing::{debug, error, info, trace, warn};

use crate::event::{Event, Look, StallCause};
use crate::ids::{AppName, ShardKey, WorkerId};
use crate::lease::EndReason;

/// What `RUST_LOG` and the like know these lines by, wherever in the crate they are written.
const TARGET: &str = "kcl_core";

/// One log line with the fields that say of what it speaks.
macro_rules! say {
    ($level:ident, $app:expr, $worker:expr, $shard:expr, $($rest:tt)+) => {{
        let shard: &ShardKey = $shard;
        $level!(target: TARGET, app = %$app, worker = %$worker, stream = %shard.stream, shard = %shard.shard, $($rest)+)
    }};
}

#[expect(clippy::too_many_lines, reason = "an arm for each event, so that none is forgotten")]
pub(super) fn write(app: &AppName, worker: &WorkerId, event: &Event) {
    match event {
        Event::WorkerStarted => info!(target: TARGET, %app, %worker, "worker started"),
        Event::ShutdownRequested => info!(target: TARGET, %app, %worker, "shutdown requested"),
        Event::WorkerStopped { passed, freed, cut_off, left: 0 } => {
            info!(target: TARGET, %app, %worker, passed, freed, cut_off, "worker stopped");
        }
        Event::WorkerStopped { passed, freed, cut_off, left } => {
            warn!(target: TARGET, %app, %worker, passed, freed, cut_off, left, "worker stopped, and could not give away all leases; others take them after the failover time");
        }
        Event::LeaseCreated { shard, checkpoint, reason } => {
            say!(info, app, worker, shard, %checkpoint, ?reason, "lease created");
        }
        Event::LeaseDeleted { shard } => say!(info, app, worker, shard, "lease of a finished shard deleted"),
        Event::LeaseUnreadable { key, problem } => {
            error!(target: TARGET, %app, %worker, key, problem, "a row of the lease table cannot be understood; what it is for stands still until it is repaired");
        }
        Event::LeaseTaken { shard, epoch, from, checkpoint } => {
            let from = from.as_ref().map(WorkerId::as_str);
            say!(info, app, worker, shard, %epoch, from, %checkpoint, "lease taken");
        }
        Event::LeasePassed { shard, to } => say!(info, app, worker, shard, %to, "lease passed on"),
        Event::LeaseOffered { shard, to } => say!(info, app, worker, shard, %to, "lease offered"),
        Event::MoveAsked { shard, from, to } => {
            let from = from.as_ref().map(WorkerId::as_str);
            say!(info, app, worker, shard, from, %to, "the holder is asked to pass the lease on");
        }
        Event::WorkerSilent { silent } => {
            warn!(target: TARGET, %app, %worker, %silent, "a worker renews nothing and is taken for dead; its shards are given to others");
        }
        Event::WorkerDistrusted { distrusted } => {
            warn!(target: TARGET, %app, %worker, %distrusted, "a worker did not begin with what it was offered; it gets nothing more for a while");
        }
        Event::NoRoom { shards: 0 } => info!(target: TARGET, %app, %worker, "there is room for all shards again"),
        Event::NoRoom { shards } => {
            warn!(target: TARGET, %app, %worker, shards, "nobody reads these shards: no worker has room for them; start more workers, or raise max_leases");
        }
        Event::Leading { now: true } => {
            info!(target: TARGET, %app, %worker, "this worker balances the fleet from now on");
        }
        Event::Leading { now: false } => {
            info!(target: TARGET, %app, %worker, "this worker does not balance the fleet any more");
        }
        Event::LeaseEnded { shard, reason: reason @ (EndReason::Taken | EndReason::Expired) } => {
            say!(warn, app, worker, shard, ?reason, "lease lost");
        }
        Event::LeaseEnded { shard, reason } => say!(info, app, worker, shard, ?reason, "lease given up"),
        Event::PhaseChanged { shard, phase } => say!(debug, app, worker, shard, %phase, "shard goes on"),
        Event::ShardInitialized { shard, checkpoint } => {
            say!(debug, app, worker, shard, %checkpoint, "processor initialized");
        }
        Event::Fetched { shard, records, behind } => say!(trace, app, worker, shard, records, ?behind, "records read"),
        Event::Processed { shard, records, bytes, took, .. } => {
            say!(trace, app, worker, shard, records, bytes, ?took, "records processed");
        }
        Event::ProcessorFailed { shard, call, attempt, retry_in, error } => {
            say!(
                warn,
                app,
                worker,
                shard,
                ?call,
                attempt,
                ?retry_in,
                error,
                "the processor failed; it is called again"
            );
        }
        Event::ProcessorPanicked { shard, call, attempt, retry_in, message } => {
            say!(
                error,
                app,
                worker,
                shard,
                ?call,
                attempt,
                ?retry_in,
                message,
                "the processor panicked; a new one starts at the last checkpoint"
            );
        }
        Event::ProcessorDropped { shard, call } => {
            say!(warn, app, worker, shard, ?call, "a call of the processor was cut off");
        }
        Event::ProcessorSlow { shard, call, lasting, returned: false } => {
            say!(warn, app, worker, shard, ?call, ?lasting, "a call of the processor has not returned for long");
        }
        Event::ProcessorSlow { shard, call, lasting, returned: true } => {
            say!(info, app, worker, shard, ?call, ?lasting, "a slow call of the processor is over");
        }
        Event::ShardStalled { shard, cause: StallCause::Reader { asked } } => {
            say!(warn, app, worker, shard, ?asked, "reading has not gone on for too long; the lease is given up");
        }
        Event::ShardStalled { shard, cause: StallCause::Processor { call, lasting } } => {
            say!(
                warn,
                app,
                worker,
                shard,
                ?call,
                ?lasting,
                "a call of the processor does not return; the lease is given up"
            );
        }
        Event::ShardStalled { shard, cause: StallCause::Ended { last_words } } => {
            say!(
                error,
                app,
                worker,
                shard,
                last_words,
                "the shard's task ended before its time; the lease is given up"
            );
        }
        Event::Checkpointed { shard, position } => say!(debug, app, worker, shard, %position, "checkpoint made"),
        Event::ShardFinished { shard, children } => say!(info, app, worker, shard, ?children, "shard finished"),
        // A shard that gets no turn for about ten seconds starves; then every half minute or so.
        Event::ReadFailed { shard, throttled: true, attempt, retry_in, error } if attempt % 30 == 10 => {
            say!(warn, app, worker, shard, attempt, ?retry_in, error, "reading is throttled again and again");
        }
        Event::ReadFailed { shard, throttled: true, attempt, retry_in, error } => {
            say!(debug, app, worker, shard, attempt, ?retry_in, error, "reading was throttled");
        }
        Event::ReadFailed { shard, attempt, retry_in, error, .. } => {
            say!(warn, app, worker, shard, attempt, ?retry_in, error, "reading failed; it is tried again");
        }
        Event::RecordsExpired { shard, checkpoint, found } => {
            say!(
                error, app, worker, shard, %checkpoint, %found,
                "records left the stream before they were read; reading goes on at the oldest that is left"
            );
        }
        Event::AggregationOddities { shard, malformed, outside, left_out } => {
            say!(
                warn,
                app,
                worker,
                shard,
                malformed,
                outside,
                left_out,
                "aggregated records were broken, or held user records of other shards"
            );
        }
        Event::LeaseWriteFailed { shard, error } => {
            say!(warn, app, worker, shard, error, "a request about the lease failed");
        }
        Event::LookFailed { what, attempt, error } => {
            let what = looked_at(*what);
            // One that fails once or twice is usual; one that goes on failing is said now and then.
            if *attempt < LOUD || !attempt.is_multiple_of(LOUD) {
                debug!(target: TARGET, %app, %worker, attempt, error, "{what} could not be read or written; it is tried again");
            } else {
                warn!(target: TARGET, %app, %worker, attempt, error, "{what} could not be read or written; it is tried again");
            }
        }
        Event::LookRecovered { what, failures } => {
            let what = looked_at(*what);
            info!(target: TARGET, %app, %worker, failures, "{what} can be read and written again");
        }
        Event::StreamAdded { stream } => info!(target: TARGET, %app, %worker, %stream, "stream added"),
        Event::StreamRemoved { stream } => info!(target: TARGET, %app, %worker, %stream, "stream removed"),
        Event::StreamRecreated { stream } => {
            error!(target: TARGET, %app, %worker, %stream, "the stream was deleted and created again; the leases belong to the earlier one");
        }
    }
}

/// Every so many failures in a row are worth a warning.
const LOUD: u32 = 5;

fn looked_at(what: Look) -> &'static str {
    match what {
        Look::Leases => "the lease table",
        Look::Shards => "the list of shards, or the leases made from it,",
        Look::Members => "this worker's row, or the leader lock,",
    }
}
