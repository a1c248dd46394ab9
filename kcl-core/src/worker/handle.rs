//! Control of a running worker, and a view of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::ids::{ShardKey, WorkerId};
use crate::lease::EndReason;
use crate::position::Position;
use crate::report::Reporter;
use crate::report::status::Status;
use crate::shard_task::Command;
use crate::worker::held::Held;

/// Controls a worker from outside, and shows what it does. Cheap to clone; it keeps nothing alive, and outlives the
/// worker harmlessly.
#[derive(Debug, Clone)]
pub struct WorkerHandle {
    reporter: Arc<Reporter>,
    held: Arc<Held>,
    stop: Arc<watch::Sender<Stop>>,
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
    pub(crate) fn new(reporter: Arc<Reporter>, held: Arc<Held>) -> Self {
        Self { reporter, held, stop: Arc::new(watch::Sender::new(Stop::No)) }
    }

    /// The worker's id.
    pub fn worker(&self) -> &WorkerId {
        self.reporter.worker()
    }

    /// Asks the worker to stop in good order: it takes no more leases, stops reading, lets processors finish what is in
    /// their hands, commits what is done, gives its leases back, and [`run`](crate::worker::Worker::run) returns.
    ///
    /// A processor that is not done `within` this time is cut off; its lease is given back at its last commit. Returns at
    /// once. Asked again, the earlier moment counts.
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

    pub(crate) fn held(&self) -> Arc<Held> {
        Arc::clone(&self.held)
    }

    pub(crate) fn stops(&self) -> watch::Receiver<Stop> {
        self.stop.subscribe()
    }
}
