//! Reads a shard ahead of its processor, as far as the byte budget allows.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::budget::{ByteBudget, ByteShare};
use crate::deaggregate::{Expanded, ExpansionCounts, Placement, expand};
use crate::error::{Chain, SourceError, SourceErrorKind};
use crate::event::Event;
use crate::ids::ShardKey;
use crate::position::{InitialPosition, Position};
use crate::record::{Batch, Record};
use crate::retrieval::{Fetch, Fetched, RawRecord, RecordSource, StartAt, WhichShards};
use crate::retry::Backoff;
use crate::shard::ChildShard;
use crate::shard_task::{News, StreamContext};
use crate::tenure::Tenure;

/// What the reader hands over.
#[derive(Debug)]
pub(super) enum Delivery {
    /// Records, perhaps none, and how far the shard is delivered with them.
    Records { batch: Batch, through: Position },
    /// There will be no more.
    End { children: Vec<ChildShard> },
}

/// Deliveries that wait for the processor. What bounds memory is the byte budget; this bounds the number of empty or tiny
/// ones.
const DELIVERIES_AHEAD: usize = 16;

/// The part of the worker's byte budget that may wait for one processor: what is read beyond it is of no use while the
/// processor does not keep up, and a processor that hangs must not take the budget from all other shards.
const PART_OF_BUDGET: usize = 16;

/// However long a service asks to wait, a shard that is not read says so this often.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// A delivery that waits, and its place among those.
pub(super) type Waiting = (Delivery, ByteShare);

/// A channel for a reader.
pub(super) fn channel() -> (mpsc::Sender<Waiting>, mpsc::Receiver<Waiting>) {
    mpsc::channel(DELIVERIES_AHEAD)
}

impl Delivery {
    fn bytes(&self) -> usize {
        match self {
            Self::Records { batch, .. } => batch.bytes(),
            Self::End { .. } => 0,
        }
    }
}

/// Waits, and lets the source stand by as long as that takes.
async fn meanwhile<T>(source: &mut Option<Box<dyn RecordSource>>, waited_for: impl Future<Output = T>) -> T {
    let mut waited_for = std::pin::pin!(waited_for);
    if let Some(source) = source {
        tokio::select! {
            biased;
            there = waited_for.as_mut() => return there,
            () = source.stand_by() => {}
        }
    }
    waited_for.await
}

/// Reads a shard from a position on until it ends. Errors are reported and survived.
pub(super) struct Reader {
    shared: Arc<StreamContext>,
    tenure: Arc<Tenure>,
    /// Where reading began: what is not beyond it is done.
    from: Position,
    /// Records were read, so that the one at `from` has been found or missed.
    found: bool,
    deliver: mpsc::Sender<Waiting>,
    /// What may wait for the processor.
    ahead: ByteBudget,
    backoff: Backoff,
    throttled: Backoff,
}

impl Reader {
    pub(super) fn new(
        shared: Arc<StreamContext>,
        tenure: Arc<Tenure>,
        from: Position,
        deliver: mpsc::Sender<Waiting>,
    ) -> Self {
        let ahead = tenure.room(&ByteBudget::new(shared.budget.total() / PART_OF_BUDGET));
        Self {
            shared,
            tenure,
            from,
            found: false,
            deliver,
            ahead,
            backoff: Backoff::read(),
            throttled: Backoff::throttled(),
        }
    }

    /// Runs until the end of the shard is handed over, or nobody listens any more.
    pub(super) async fn run(mut self) {
        let Some(start) = self.start().await else {
            let place = self.ahead.reserve(0).await;
            let _ = self.deliver.send((Delivery::End { children: Vec::new() }, place)).await;
            return;
        };
        let mut source: Option<Box<dyn RecordSource>> = None;
        loop {
            let mut place = meanwhile(&mut source, self.ahead.reserve(0)).await;
            self.tenure.reader_asks();
            let delivery = match self.read(&mut source, &start).await {
                Ok(Fetched::Records(fetch)) => self.records(fetch),
                Ok(Fetched::End { children }) => Delivery::End { children },
                Err(error) if error.kind() == SourceErrorKind::NotFound && self.is_gone().await => {
                    self.expired(Position::ShardEnd);
                    Delivery::End { children: Vec::new() }
                }
                Err(error) => {
                    self.failed(&error).await;
                    continue;
                }
            };
            self.tenure.reader_answered();
            self.backoff.reset();
            self.throttled.reset();
            let ended = matches!(delivery, Delivery::End { .. });
            place.fit(delivery.bytes());
            if ended {
                // Nobody listens any more, or all is said.
                drop(self.deliver.send((delivery, place)).await);
                return;
            }
            if meanwhile(&mut source, self.deliver.send((delivery, place))).await.is_err() {
                return;
            }
        }
    }

    /// Where to begin; `None` at the end of the shard.
    async fn start(&mut self) -> Option<StartAt> {
        loop {
            match StartAt::of(&self.from, self.tenure.start()) {
                Some(StartAt::Latest) => {}
                start => return start,
            }
            if let Some(since) = self.tenure.latest_since().get() {
                return Some(StartAt::Timestamp(*since));
            }
            self.tenure.reader_asks();
            match self.shared.retrieval.list_shards(WhichShards::OpenAt(InitialPosition::Latest)).await {
                Ok(listing) => drop(self.tenure.latest_since().set(listing.service_time)),
                Err(error) => self.failed(&error).await,
            }
        }
    }

    /// Reads what comes next, from a source that is opened if it is not.
    async fn read(&self, source: &mut Option<Box<dyn RecordSource>>, start: &StartAt) -> Result<Fetched, SourceError> {
        let open = if let Some(open) = source.take() {
            open
        } else {
            let room = self.tenure.room(&self.shared.budget);
            self.shared.retrieval.open(&self.shard().shard, start, &room).await?
        };
        source.insert(open).next().await
    }

    fn shard(&self) -> &ShardKey {
        self.tenure.shard()
    }

    fn emit(&self, event: &Event) {
        self.shared.tenures.reporter.emit(event);
    }

    /// Whether the stream exists and has forgotten this shard. A stream that cannot be asked has not; one that was
    /// created again never had it.
    async fn is_gone(&self) -> bool {
        let Ok(listing) = self.shared.retrieval.list_shards(WhichShards::All).await else { return false };
        if listing.shards.is_empty() {
            return false;
        }
        // Shards of a stream that was created again have the same ids.
        if self.is_recreated().await == Some(true) {
            self.tell_recreated();
            return false;
        }
        !listing.shards.iter().any(|shard| shard.id == self.shard().shard)
    }

    /// Whether the stream is another one than the lease was made for, if that can be told.
    async fn is_recreated(&self) -> Option<bool> {
        let made_for = self.tenure.start().stream_created?;
        let created = self.shared.retrieval.created().await.ok().flatten()?;
        Some(made_for.is_other_creation(created))
    }

    fn tell_recreated(&self) {
        drop(self.shared.news.send(News::Recreated(self.shard().stream.clone())));
    }

    async fn failed(&mut self, error: &SourceError) {
        // The same stream for certain: then it is the position that is wrong, which is this shard's trouble only.
        if error.kind() == SourceErrorKind::Foreign && self.is_recreated().await != Some(false) {
            self.tell_recreated();
        }
        let throttled = error.kind() == SourceErrorKind::Throttled;
        let (attempt, pause) = if throttled { self.throttled.next() } else { self.backoff.next() };
        let retry_in = error.retry_after().unwrap_or(pause).clamp(Duration::from_millis(1), LONGEST_PAUSE);
        self.emit(&Event::ReadFailed {
            shard: self.shard().clone(),
            throttled,
            attempt,
            retry_in,
            error: Chain(error).to_string(),
        });
        tokio::time::sleep(retry_in).await;
    }

    fn expired(&self, found: Position) {
        let (shard, checkpoint) = (self.shard().clone(), self.from.clone());
        self.emit(&Event::RecordsExpired { shard, checkpoint, found });
    }

    fn records(&mut self, fetch: Fetch) -> Delivery {
        if let (false, Some(first)) = (self.found, fetch.records.first()) {
            self.found = true;
            if let Position::At { sequence, .. } = &self.from
                && first.sequence_number > *sequence
            {
                self.expired(Position::at(first.sequence_number.clone()));
            }
        }
        let mut counts = ExpansionCounts::default();
        let mut through = self.from.clone();
        let share = Arc::new(fetch.share);
        let mut records = Vec::with_capacity(fetch.records.len());
        for raw in fetch.records {
            through = self.unpack(raw, &share, &mut counts, &mut records).max(through);
        }
        self.tell(&counts, records.len(), fetch.behind);
        let batch = Batch { shard: self.shard().clone(), records: records.into(), behind: fetch.behind };
        Delivery::Records { batch, through }
    }

    /// Adds the records that one record of the stream holds and that are not done. Answers the position that completes
    /// it.
    fn unpack(
        &self,
        raw: RawRecord,
        share: &Arc<ByteShare>,
        counts: &mut ExpansionCounts,
        records: &mut Vec<Record>,
    ) -> Position {
        let range = self.tenure.start().hash_range.map(Into::into);
        let record = Record {
            sequence_number: raw.sequence_number,
            sub_sequence_number: 0,
            aggregated: false,
            partition_key: raw.partition_key.map(Into::into),
            explicit_hash_key: None,
            data: raw.data,
            arrival: raw.arrival,
            placement: Placement::Unknown,
            _share: Some(Arc::clone(share)),
        };
        let expanded = expand(&record.data, range.as_ref(), self.shared.outside_range, counts);
        let Expanded::UserRecords(user_records) = expanded else {
            let position = record.position();
            if position > self.from {
                records.push(record);
            }
            return position;
        };
        let mut through = record.position();
        for placed in user_records {
            let user = placed.user_record;
            let record = Record {
                sub_sequence_number: user.sub_sequence_number,
                aggregated: true,
                partition_key: Some(user.partition_key),
                explicit_hash_key: user.explicit_hash_key,
                data: user.data,
                placement: placed.placement,
                ..record.clone()
            };
            through = record.position();
            if through > self.from {
                records.push(record);
            }
        }
        through
    }

    fn tell(&self, counts: &ExpansionCounts, records: usize, behind: Option<Duration>) {
        self.emit(&Event::Fetched { shard: self.shard().clone(), records, behind });
        if counts.malformed > 0 || counts.outside > 0 {
            let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
            self.emit(&Event::AggregationOddities {
                shard: self.shard().clone(),
                malformed: count(counts.malformed),
                outside: count(counts.outside - counts.left_out),
                left_out: count(counts.left_out),
            });
        }
    }
}
