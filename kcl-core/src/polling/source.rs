//! One shard, read by `GetRecords`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use tokio::time::Instant;

use super::calls::Calls;
use super::expected::{Expected, MOST};
use crate::budget::{ByteBudget, ByteShare};
use crate::decide::pace::Pace;
use crate::error::{SourceError, SourceErrorKind};
use crate::ids::ShardId;
use crate::kinesis::convert;
use crate::retrieval::{Fetch, Fetched, RawRecord, RecordSource, StartAt};
use crate::shard::ChildShard;

/// Reads a shard.
///
/// Nothing of its state changes between a request and the end of its answer, so a call of `next` that is dropped is as
/// one that was never made; only the pace remembers it.
pub(super) struct PollingSource {
    calls: Arc<Calls>,
    shard: ShardId,
    /// Where to read from with a new iterator: where reading began until a record came, then after the last record. The
    /// lease's position is no substitute: it may lie in the middle of a record that is to be read once more.
    from: StartAt,
    iterator: Option<String>,
    pace: Pace,
    budget: ByteBudget,
    expected: Expected,
    /// The children, once the shard has ended.
    ended: Option<Vec<ChildShard>>,
}

impl PollingSource {
    pub(super) async fn open(
        calls: Arc<Calls>,
        shard: ShardId,
        from: StartAt,
        budget: ByteBudget,
        idle_interval: Duration,
    ) -> Result<Self, SourceError> {
        let pace = Pace::new(idle_interval);
        let expected = Expected::at_first(&from, Instant::now());
        let mut source = Self { calls, shard, from, iterator: None, pace, budget, expected, ended: None };
        source.reposition().await?;
        Ok(source)
    }

    /// Gets an iterator, unless there is one.
    async fn reposition(&mut self) -> Result<String, SourceError> {
        if let Some(iterator) = &self.iterator {
            return Ok(iterator.clone());
        }
        let iterator = self.calls.iterator(&self.shard, &self.from).await?;
        if self.from == StartAt::Latest {
            // Asked again later, it would be the tip of then, and what arrived in between would be skipped.
            self.from = StartAt::Timestamp(iterator.service_time);
        }
        self.iterator = Some(iterator.answer.clone());
        Ok(iterator.answer)
    }

    /// Makes one call, when it is time for it and there is room for the answer.
    async fn read(&mut self) -> Result<Fetched, SourceError> {
        if let Some(next) = self.pace.next_call() {
            tokio::time::sleep_until(next).await;
        }
        // A quarter at most: one reader that waits for much must not keep those from reading that want little.
        let most = self.budget.total() / 4;
        let mut share = self.budget.reserve(self.expected.bytes(Instant::now()).min(most)).await;
        if share.bytes() < self.expected.bytes(Instant::now()).min(most) {
            // It had to wait, and more has come meanwhile. It may have to wait as long again.
            drop(share);
            share = self.budget.reserve(MOST.min(most)).await;
        }
        self.pace.called(Instant::now());
        let answered = self.call().await;
        let now = Instant::now();
        match answered.and_then(|answer| self.take(answer, share, now)) {
            Ok(fetched) => Ok(fetched),
            Err(error) => {
                self.pace.called(now);
                if !says_nothing_of_the_iterator(error.kind()) {
                    self.iterator = None;
                }
                Err(error)
            }
        }
    }

    async fn call(&mut self) -> Result<GetRecordsOutput, SourceError> {
        let iterator = self.reposition().await?;
        self.calls.records(&self.shard, &iterator).await
    }

    /// Takes an answer over: all of it, or nothing if it cannot be understood.
    ///
    /// The pace is counted from the answer. The service counted the call some time before, so that the next call cannot
    /// come too early to it, however unevenly the two travel.
    fn take(&mut self, answer: GetRecordsOutput, mut share: ByteShare, now: Instant) -> Result<Fetched, SourceError> {
        let records: Result<Vec<_>, _> = answer.records.into_iter().map(convert::record).collect();
        let records = records.map_err(|error| {
            let attempt = self.calls.stream.attempt("GetRecords", Some(&self.shard));
            attempt.malformed("a record that has no sequence number", Some(error.into()))
        })?;
        let behind = answer.millis_behind_latest.map(convert::behind);
        let bytes = records.iter().map(RawRecord::bytes).sum();
        let taken = records.iter().map(RawRecord::held_bytes).sum();
        share.fit(taken);
        self.expected = Expected::after(taken, behind, now);
        self.pace.answered(now, bytes, behind.is_some_and(|behind| !behind.is_zero()));
        if let Some(last) = records.last() {
            self.from = StartAt::After(last.sequence_number.clone());
        }
        self.iterator = answer.next_shard_iterator;
        if self.iterator.is_none() {
            let children = answer.child_shards.unwrap_or_default().into_iter().map(convert::child).collect();
            return Ok(self.end(children, records, behind, share));
        }
        Ok(Fetched::Records(Fetch { records, behind, share }))
    }

    /// The shard has ended; its last records come first.
    fn end(
        &mut self,
        children: Vec<ChildShard>,
        records: Vec<RawRecord>,
        behind: Option<Duration>,
        share: ByteShare,
    ) -> Fetched {
        self.ended = Some(children.clone());
        if records.is_empty() { Fetched::End { children } } else { Fetched::Records(Fetch { records, behind, share }) }
    }
}

#[async_trait]
impl RecordSource for PollingSource {
    async fn next(&mut self) -> Result<Fetched, SourceError> {
        if let Some(children) = &self.ended {
            return Ok(Fetched::End { children: children.clone() });
        }
        match self.read().await {
            Err(error) if error.kind() == SourceErrorKind::Expired => {
                tracing::debug!(shard = %self.shard, from = ?self.from, "the shard iterator expired; getting another");
                self.read().await
            }
            read => read,
        }
    }
}

/// Whether the same request may succeed later. After other errors another iterator is asked for: where the stream was
/// created again, it is the request for one that tells so.
fn says_nothing_of_the_iterator(kind: SourceErrorKind) -> bool {
    use SourceErrorKind::{Denied, Key, Throttled, Unavailable};
    matches!(kind, Throttled | Unavailable | Key | Denied)
}
