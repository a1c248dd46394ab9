//! Control of a running worker, and a view of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::ConfigError;
use crate::ids::{ShardKey, StreamId, WorkerId};
use crate::lease::EndReason;
use crate::position::{InitialPosition, Position};
use crate::report::Reporter;
use crate::report::status::Status;
use crate::retrieval::Retrieval;
use crate::shard_task::{Command, Recreated};
use crate::worker::held::Held;
use crate::worker::streams::{ReadStream, Streams};

/// Controls a worker from outside, and shows what it does. Cheap to clone; it keeps nothing alive, and outlives the
/// worker harmlessly.
#[derive(Debug, Clone)]
pub struct WorkerHandle {
    reporter: Arc<Reporter>,
    held: Arc<Held>,
    stop: Arc<watch::Sender<Stop>>,
    streams: Arc<Streams>,
    recreated: Recreated,
}

/// What a worker is told about its end. Only ever raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    No,
    /// In good order, until then.
    By(Instant),
    /// At once.
    Now,
}

/// A moment that far ahead; a year is for ever.
fn from_now(within: Duration) -> Instant {
    Instant::now() + within.min(Duration::from_hours(24 * 365))
}

impl WorkerHandle {
    pub(crate) fn new(reporter: Arc<Reporter>, held: Arc<Held>, streams: Arc<Streams>, recreated: Recreated) -> Self {
        Self { reporter, held, stop: Arc::new(watch::Sender::new(Stop::No)), streams, recreated }
    }

    /// The worker's id.
    pub fn worker(&self) -> &WorkerId {
        self.reporter.worker()
    }

    /// Asks the worker to stop in good order: it takes no more leases, stops reading, lets processors finish what is in
    /// their hands, commits what is done, passes each lease to the worker that should have it and wakes that one, and
    /// [`run`](crate::worker::Worker::run) returns a [`ShutdownReport`](crate::worker::ShutdownReport).
    ///
    /// A processor that is not done `within` this time is cut off; its lease is passed on at its last commit. Returns at
    /// once. Asked again, the earlier moment counts. Where the lease store does not answer, `run` may take ten seconds and a
    /// fifth of the failover time longer than `within`: leave as much until the process is killed.
    pub fn shutdown(&self, within: Duration) {
        let by = from_now(within);
        self.stop.send_modify(|stop| {
            *stop = match *stop {
                Stop::No => Stop::By(by),
                Stop::By(earlier) => Stop::By(earlier.min(by)),
                Stop::Now => Stop::Now,
            };
        });
    }

    /// Ends the worker at once, as a crash would: its leases are taken by others when the failover time is over.
    pub fn abort(&self) {
        self.stop.send_replace(Stop::Now);
    }

    /// What the worker knows of itself and its application now.
    pub fn status(&self) -> Status {
        self.reporter.status()
    }

    /// Makes a shard that this worker holds go on at another position, with a new processor: the position is committed
    /// first, forwards or back. The call in hand is finished before. A position that the stream does not accept is
    /// reported and leaves the shard where it is. Answers whether the shard is held and is told.
    ///
    /// The position is a record's, or [`Position::TrimHorizon`]; no other is taken.
    pub fn restart_shard(&self, shard: &ShardKey, position: Position) -> bool {
        let sound = matches!(position, Position::At { .. } | Position::TrimHorizon);
        sound && self.held.command(shard, Command::Restart(position))
    }

    /// Gives a shard back that this worker holds, in good order, as on a shutdown. Any worker may take it then, this one
    /// too. Answers whether the shard is held.
    pub fn release_shard(&self, shard: &ShardKey, within: Duration) -> bool {
        self.held.command(shard, Command::Stop(from_now(within)))
    }

    /// Ends this worker's ownership of a shard at once: the call in hand is cut off and nothing of it is committed. The
    /// next ownership, of this worker or another, has a greater epoch. Answers whether the shard is held.
    pub fn fence_shard(&self, shard: &ShardKey) -> bool {
        self.held.tenure(shard).is_some_and(|tenure| {
            tenure.end(EndReason::Fenced);
            true
        })
    }

    /// Reads one more stream from now on: see [`WorkerBuilder::stream`](crate::worker::WorkerBuilder::stream). Tell all
    /// workers of the application.
    ///
    /// # Errors
    /// If the stream, or one that is read already, is not known by `account:name:epoch`; or it is read already.
    pub fn add_stream(&self, retrieval: impl Retrieval, position: InitialPosition) -> Result<(), ConfigError> {
        let retrieval = Arc::new(retrieval);
        self.streams.add(ReadStream { retrieval, initial: position, recreated: self.recreated })
    }

    /// Reads a stream no more: its shards are let go of in good order, their leases stay as they are (but see
    /// [`WorkerBuilder::forget_streams_after`](crate::worker::WorkerBuilder::forget_streams_after)). Tell all workers of the
    /// application. Answers whether it was read.
    pub fn remove_stream(&self, stream: &StreamId) -> bool {
        self.streams.remove(stream)
    }

    /// The streams that the worker is to read.
    pub fn streams(&self) -> BTreeSet<StreamId> {
        self.streams.ids()
    }

    pub(crate) fn held(&self) -> Arc<Held> {
        Arc::clone(&self.held)
    }

    pub(crate) fn stops(&self) -> watch::Receiver<Stop> {
        self.stop.subscribe()
    }
}
