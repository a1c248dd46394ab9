//! What can go wrong, for those who decide on it.
//!
//! [`StoreError`] and [`SourceError`] are made by whoever implements a store or a source: a kind to decide by, and the
//! cause. [`CheckpointError`] is what a processor meets, [`WorkerError`] what ends a worker, [`ConfigError`] what keeps
//! one from being built. No `Display` here prints its source; print the chain.

use std::fmt;
use std::time::Duration;

use crate::ids::{ShardKey, StreamId, WorkerId};
use crate::position::Position;

/// Any cause.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A failure of the user's code, as the user's code made it. It is reported, never inspected.
pub type Failure = Cause;

/// What a failed request to a store means for the one who made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store asks for fewer requests. A write was not applied.
    Throttled,
    /// No answer, or a failure of the store or of the way to it. A write may have been applied.
    Unavailable,
    /// The store refuses this caller. A write was not applied.
    Denied,
    /// The store is not there, or is not what it should be: no such table, a table of another shape.
    Unusable,
}

/// A request to a [`crate::store::LeaseStore`] failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
    source: Option<Cause>,
}

impl StoreError {
    /// An error of this kind; the message says what was tried, on what, and what to do.
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// A request that was not answered in its time: what became of it is not known.
    #[must_use]
    pub fn no_answer(limit: Duration) -> Self {
        Self::new(StoreErrorKind::Unavailable, format!("the lease store did not answer within {limit:?}"))
    }

    /// The same with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Cause>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What it means.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Whether trying again later can help without anybody's doing.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Throttled | StoreErrorKind::Unavailable)
    }
}

/// What a failed request to a stream means for the one who made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SourceErrorKind {
    /// The service asks for fewer requests.
    Throttled,
    /// No answer, or a failure of the service or of the way to it.
    Unavailable,
    /// The position that reading stood on has expired (an iterator, a subscription): open again at the same record.
    Expired,
    /// The service refuses this caller: permissions.
    Denied,
    /// The key that encrypts the stream cannot be used: denied, disabled, deleted. Keys are repaired by people.
    Key,
    /// The stream, or the shard, does not exist.
    NotFound,
    /// The position is not of this stream: the stream was deleted and created again under the same name.
    Foreign,
    /// The starting time lies in the future, by the service's clock.
    Future,
    /// The service does not accept the request for another reason; repeating it as it is will not help.
    Invalid,
}

/// A request to a stream failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    kind: SourceErrorKind,
    message: String,
    retry_after: Option<Duration>,
    source: Option<Cause>,
}

impl SourceError {
    /// An error of this kind; the message says what was tried, on what, and what to do.
    pub fn new(kind: SourceErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None, source: None }
    }

    /// The same with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Cause>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same with the pause that the service asked for.
    #[must_use]
    pub fn with_retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause);
        self
    }

    /// What it means.
    #[must_use]
    pub fn kind(&self) -> SourceErrorKind {
        self.kind
    }

    /// The pause that the service asked for, if it did.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

/// A checkpoint was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The shard is no longer this worker's. Whoever has it now starts at the last checkpoint that was made. Nothing to
    /// do; the processor's `lease_lost` follows.
    #[error("shard {shard} is no longer held by this worker: its lease was lost or given up")]
    LeaseLost {
        /// The shard.
        shard: ShardKey,
    },
    /// The position lies beyond what this processor was given.
    #[error("a checkpoint of shard {shard} at {asked} would pass {limit}, the last record that was delivered")]
    Ahead {
        /// The shard.
        shard: ShardKey,
        /// The position asked for.
        asked: Position,
        /// The last position delivered.
        limit: Position,
    },
    /// The position lies before one that is committed already.
    #[error("a checkpoint of shard {shard} at {asked} would go back behind {committed}, which is committed")]
    Behind {
        /// The shard.
        shard: ShardKey,
        /// The position asked for.
        asked: Position,
        /// The position committed.
        committed: Position,
    },
    /// The store did not answer, or refused, until the lease ran out or the caller's time did. Whether the checkpoint
    /// was made is not known.
    #[error("the checkpoint of shard {shard} could not be confirmed")]
    Store {
        /// The shard.
        shard: ShardKey,
        /// What the store said last.
        source: StoreError,
    },
}

/// A setting that cannot work. Nothing was sent anywhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("setting `{setting}`: {problem}")]
pub struct ConfigError {
    /// The setting, by the name of the method or argument that takes it.
    pub setting: &'static str,
    /// What is wrong with the value, and which values would do.
    pub problem: String,
}

impl ConfigError {
    /// Names a setting and what is wrong with it.
    pub fn new(setting: &'static str, problem: impl Into<String>) -> Self {
        Self { setting, problem: problem.into() }
    }
}

/// Why a worker ended although nobody asked it to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// The lease store could not be made ready.
    #[error("worker {worker}: the lease store is not usable")]
    Store {
        /// This worker.
        worker: WorkerId,
        /// What the store said.
        source: StoreError,
    },
    /// The stream could not be listed.
    #[error("worker {worker}: stream {stream} cannot be read")]
    Source {
        /// This worker.
        worker: WorkerId,
        /// The stream.
        stream: StreamId,
        /// What the stream said.
        source: SourceError,
    },
    /// Another process was started later under this worker's id. The earlier one ends.
    #[error(
        "worker {worker}: another process was started under this worker id and has taken over; give each process an id of its own, or leave it to the default"
    )]
    DuplicateWorker {
        /// This worker.
        worker: WorkerId,
    },
    /// The stream is not the one that the leases were made for: it was deleted and created again.
    #[error(
        "worker {worker}: the lease table was made for a stream that was created at another time than {stream}. Either the application's or the stream's name is wrong, or the stream was deleted and created again: only then, reset the application (kcl_core::reset), or let workers start over (WorkerBuilder::recreated)"
    )]
    StreamRecreated {
        /// This worker.
        worker: WorkerId,
        /// The stream.
        stream: StreamId,
    },
    /// A part of the worker itself panicked. This is a bug in this library; nothing was skipped.
    #[error("worker {worker}: a task of the worker ended unexpectedly: {what}")]
    Internal {
        /// This worker.
        worker: WorkerId,
        /// What is known.
        what: String,
    },
}

/// An error with its causes on one line, for logs.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn std::error::Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            write!(f, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}
