//! A stream in memory that a test writes the story of.

mod shards;
mod source;

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::Instant;

use self::shards::Shards;
use self::source::ScriptedSource;
use crate::budget::ByteBudget;
use crate::error::SourceError;
use crate::ids::{ShardId, StreamId};
use crate::position::SequenceNumber;
use crate::retrieval::{RecordSource, Retrieval, StartAt, WhichShards};
use crate::shard::ShardListing;
use crate::time::{Timestamp, WallClock};

/// What a reader asks of a [`Scripted`] stream.
#[derive(Debug, Clone, Copy)]
pub enum Request<'a> {
    /// [`Retrieval::created`].
    Created,
    /// [`Retrieval::list_shards`].
    List(WhichShards),
    /// [`Retrieval::open`].
    Open(&'a ShardId, &'a StartAt),
    /// [`RecordSource::next`] of a source of this shard.
    Next(&'a ShardId),
}

/// What becomes of a [`Request`].
#[derive(Debug)]
pub enum Fault {
    /// It is answered.
    None,
    /// It fails with this error.
    Fails(SourceError),
    /// It is answered so much later.
    Late(Duration),
    /// It is never answered.
    Hangs,
}

type Faults = Box<dyn FnMut(&Request<'_>) -> Fault + Send>;

/// A stream in memory, and the [`Retrieval`] of it.
///
/// A clone is the same stream: a test keeps one to put records, to reshard and to make requests fail, and gives others
/// to workers. A reader waits at the tip until something happens, or for a second; then it gets an empty answer. Times
/// pass on tokio's clock; the stream was created at [`Scripted::CREATED`].
///
/// Sequence numbers count up through the whole stream: a shard has one for its beginning and one for each record. They go
/// on where they were when the stream is created again, so that those of the earlier one are smaller than all of its own.
#[derive(Clone)]
pub struct Scripted {
    stream: StreamId,
    clock: WallClock,
    state: Arc<Mutex<State>>,
    /// Tells sources that wait that something has happened.
    changed: watch::Sender<()>,
}

struct State {
    shards: Shards,
    faults: Option<Faults>,
    records_per_answer: usize,
}

impl Scripted {
    /// When a stream is created: 1 January 2026, 00:00 UTC.
    pub const CREATED: Timestamp = Timestamp::from_millis(1_767_225_600_000);

    /// A stream with this many shards, named as Kinesis names them, that share all hash keys evenly.
    #[must_use]
    pub fn new(stream: StreamId, shards: usize) -> Self {
        let began = Instant::now();
        let clock = WallClock::new(move || {
            let elapsed = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            Timestamp::from_millis(Self::CREATED.millis().saturating_add(elapsed))
        });
        let shards = Shards::new(shards, Self::CREATED);
        let state = State { shards, faults: None, records_per_answer: 1000 };
        Self { stream, clock, state: Arc::new(Mutex::new(state)), changed: watch::Sender::new(()) }
    }

    /// The most records that one answer brings. It is 1,000 if nothing is said.
    #[must_use]
    pub fn records_per_answer(self, records: usize) -> Self {
        self.state().records_per_answer = records.max(1);
        self
    }

    /// The service's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The id of the shard of this number.
    #[must_use]
    pub fn shard(number: usize) -> ShardId {
        ShardId::new(format!("shardId-{number:012}"))
    }

    /// Puts a record into a shard.
    ///
    /// # Panics
    /// If there is no such shard, or it is closed.
    pub fn put(&self, shard: &ShardId, key: &str, data: impl Into<Bytes>) -> SequenceNumber {
        self.change(|shards, now| shards.put(shard, key, data.into(), now))
    }

    /// Closes a shard and opens two in its place.
    ///
    /// # Panics
    /// If there is no such shard, it is closed, or takes too few hash keys.
    pub fn split(&self, shard: &ShardId) -> [ShardId; 2] {
        self.change(|shards, now| shards.split(shard, now))
    }

    /// Closes two shards and opens one in their place.
    ///
    /// # Panics
    /// If one of them is not there or closed, or they are not neighbours.
    pub fn merge(&self, shard: &ShardId, adjacent: &ShardId) -> ShardId {
        self.change(|shards, now| shards.merge(shard, adjacent, now))
    }

    /// Takes the oldest records of a shard away, as retention does.
    ///
    /// # Panics
    /// If there is no such shard.
    pub fn trim(&self, shard: &ShardId, records: usize) {
        self.change(|shards, _| shards.trim(shard, records));
    }

    /// Takes a shard away, as retention does with one that is closed.
    ///
    /// # Panics
    /// If there is no such shard.
    pub fn forget(&self, shard: &ShardId) {
        self.change(|shards, _| shards.forget(shard));
    }

    /// Deletes the stream and creates it again under its name.
    pub fn recreate(&self, shards: usize) {
        self.change(|before, now| before.recreate(shards, now));
    }

    /// Decides what becomes of every request from now on.
    pub fn set_faults(&self, faults: impl FnMut(&Request<'_>) -> Fault + Send + 'static) {
        self.state().faults = Some(Box::new(faults));
    }

    /// All requests are answered from now on.
    pub fn clear_faults(&self) {
        self.state().faults = None;
    }

    fn change<T>(&self, change: impl FnOnce(&mut Shards, Timestamp) -> T) -> T {
        let changed = change(&mut self.state().shards, self.now());
        self.changed.send_replace(());
        changed
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Comes back when the request is to be answered.
    async fn asked(&self, request: Request<'_>) -> Result<(), SourceError> {
        let fault = self.state().faults.as_mut().map_or(Fault::None, |faults| faults(&request));
        match fault {
            Fault::None => Ok(()),
            Fault::Fails(error) => Err(error),
            Fault::Late(by) => {
                tokio::time::sleep(by).await;
                Ok(())
            }
            Fault::Hangs => std::future::pending().await,
        }
    }
}

#[async_trait]
impl Retrieval for Scripted {
    fn stream(&self) -> &StreamId {
        &self.stream
    }

    async fn created(&self) -> Result<Option<Timestamp>, SourceError> {
        self.asked(Request::Created).await?;
        Ok(Some(self.state().shards.created()))
    }

    async fn list_shards(&self, which: WhichShards) -> Result<ShardListing, SourceError> {
        self.asked(Request::List(which)).await?;
        let service_time = self.now();
        Ok(ShardListing { shards: self.state().shards.list(which), service_time })
    }

    async fn open(
        &self,
        shard: &ShardId,
        from: &StartAt,
        budget: &ByteBudget,
    ) -> Result<Box<dyn RecordSource>, SourceError> {
        self.asked(Request::Open(shard, from)).await?;
        let place = self.state().shards.place(shard, from)?;
        Ok(Box::new(ScriptedSource::new(self.clone(), shard.clone(), place, budget.clone())))
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scripted({})", self.stream)
    }
}

/// Where a reader stands in a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// The incarnation of the stream.
    generation: u64,
    /// How many records of the shard come before.
    index: usize,
}

impl Place {
    /// What of `records` comes next, at most `most`.
    fn next(self, records: usize, most: usize) -> Range<usize> {
        let from = self.index.min(records);
        from..records.min(from.saturating_add(most))
    }
}

#[cfg(test)]
mod tests;
