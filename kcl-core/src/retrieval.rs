//! Where records come from: the contract between the worker and a stream.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::budget::{ByteBudget, ByteShare};
use crate::error::SourceError;
use crate::ids::{ShardId, StreamId};
use crate::lease::Lease;
use crate::position::{InitialPosition, Position, SequenceNumber};
use crate::shard::{ChildShard, ShardListing};
use crate::time::Timestamp;

/// One stream: its shards, and a way to read them.
#[async_trait]
pub trait Retrieval: fmt::Debug + Send + Sync + 'static {
    /// The stream.
    fn stream(&self) -> &StreamId;

    /// When the stream was created, by its own clock; `None` if that cannot be told. Asked once by each worker: the
    /// service allows few such calls.
    ///
    /// # Errors
    /// If the stream does not exist or cannot be reached. A caller without permission to ask gets `None`.
    async fn created(&self) -> Result<Option<Timestamp>, SourceError>;

    /// The shards of the stream, all pages.
    ///
    /// # Errors
    /// If the stream does not exist, cannot be reached, or is being created or deleted.
    async fn list_shards(&self, which: WhichShards) -> Result<ShardListing, SourceError>;

    /// Opens a shard for reading. Whoever opens it again drops the source that he had: the service may push a shard to one
    /// reader only.
    ///
    /// # Errors
    /// If the shard cannot be read from there. A shard that no longer exists is [`crate::error::SourceErrorKind::NotFound`].
    async fn open(
        &self,
        shard: &ShardId,
        from: &StartAt,
        budget: &ByteBudget,
    ) -> Result<Box<dyn RecordSource>, SourceError>;
}

/// For a way of reading that is chosen at run time.
#[async_trait]
impl Retrieval for Box<dyn Retrieval> {
    fn stream(&self) -> &StreamId {
        (**self).stream()
    }

    async fn created(&self) -> Result<Option<Timestamp>, SourceError> {
        (**self).created().await
    }

    async fn list_shards(&self, which: WhichShards) -> Result<ShardListing, SourceError> {
        (**self).list_shards(which).await
    }

    async fn open(
        &self,
        shard: &ShardId,
        from: &StartAt,
        budget: &ByteBudget,
    ) -> Result<Box<dyn RecordSource>, SourceError> {
        (**self).open(shard, from, budget).await
    }
}

/// Which shards are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichShards {
    /// All that the stream still has, closed ones too.
    All,
    /// Those with which an application begins that starts at this position: open at that moment.
    OpenAt(InitialPosition),
}

/// Where reading begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartAt {
    /// At the oldest record that is left.
    TrimHorizon,
    /// At the next record to arrive. Only for a lease at `LATEST` that says nothing of the time, as the Java KCL leaves
    /// it: after a restart the same position means another record.
    Latest,
    /// At the first record that arrived at this time or later.
    Timestamp(Timestamp),
    /// At this record.
    At(SequenceNumber),
    /// At the record after this one.
    After(SequenceNumber),
}

impl StartAt {
    /// Where to read a shard whose lease is this one, or `None` if it is finished.
    ///
    /// A lease that stands in the middle of an aggregated record is read from that record on, so it is opened at the
    /// record, and what is done of it is left out: see [`Position`].
    #[must_use]
    pub fn of(position: &Position, lease: &Lease) -> Option<Self> {
        Some(match position {
            Position::TrimHorizon => Self::TrimHorizon,
            Position::Latest => lease.start.map_or(Self::Latest, Self::Timestamp),
            // Without its time the position says nothing; from the oldest record nothing is skipped.
            Position::AtTimestamp => lease.start.map_or(Self::TrimHorizon, Self::Timestamp),
            Position::At { sequence, .. } => Self::At(sequence.clone()),
            Position::ShardEnd => return None,
        })
    }
}

/// One shard being read.
#[async_trait]
pub trait RecordSource: Send {
    /// Waits for what comes next: records, or the end of the shard.
    ///
    /// After [`Fetched::End`] it is not called again. After an error it may be called again, and goes on where it was;
    /// how long to wait is the caller's business, but no source asks a service more often than that allows.
    ///
    /// # Cancel safety
    /// Dropping the future loses no record.
    async fn next(&mut self) -> Result<Fetched, SourceError>;

    /// Is run between two calls of [`next`](Self::next), while there is no room for what that would bring: for seconds,
    /// or as long as a call of the processor lasts. A source that is sent records without asking takes them in here, within
    /// the budget, or stops those who send. It need not end; if it does, it is not run again before the next call.
    ///
    /// By default it does nothing: a source that asks for its records has nothing to do while it does not ask.
    ///
    /// # Cancel safety
    /// It is dropped as soon as there is room. That loses no record.
    async fn stand_by(&mut self) {}
}

/// What a source read.
#[derive(Debug)]
pub enum Fetched {
    /// Records in order; none is an answer too.
    Records(Fetch),
    /// The shard has ended: there are no records after those delivered.
    End {
        /// The shards that follow it, if the service named them. A shard that the stream has forgotten names none.
        children: Vec<ChildShard>,
    },
}

/// Some records as they were read, aggregated ones still packed.
#[derive(Debug)]
pub struct Fetch {
    /// The records, in order.
    pub records: Vec<RawRecord>,
    /// How far the end of this answer is behind the tip of the shard.
    pub behind: Option<Duration>,
    /// The budget's bytes that the records take.
    pub share: ByteShare,
}

/// A record as the stream holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRecord {
    /// Its sequence number.
    pub sequence_number: SequenceNumber,
    /// Its partition key, if it has one.
    pub partition_key: Option<String>,
    /// What was put.
    pub data: Bytes,
    /// When it was stored, by the service's clock.
    pub arrival: Option<Timestamp>,
}

impl RawRecord {
    /// What the service counts of it: its data and its key.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.data.len() + self.partition_key.as_ref().map_or(0, String::len)
    }

    /// What it takes of a budget: its bytes, itself, and its sequence number.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.bytes() + size_of::<Self>() + 80
    }
}
