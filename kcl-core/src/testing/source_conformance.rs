//! The promises of a [`Retrieval`], each as a test.
//!
//! A source of records is what its tests say it is. [`all`] runs every promise on a fresh stream each; a promise that is
//! broken panics and says what was expected. Time passes on tokio's clock, which is best paused: an hour of waiting is
//! part of the promises. Where it cannot be paused, [`at_once`] runs them all in the time of the longest.

pub mod budgeting;
pub mod cancelling;
pub mod ending;
pub mod listing;
pub mod reading;
pub mod recovering;
pub mod standing_by;
pub mod starting;
pub mod troubled;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::budget::ByteBudget;
use crate::error::SourceError;
use crate::ids::ShardId;
use crate::position::SequenceNumber;
use crate::retrieval::{Fetch, Fetched, RawRecord, RecordSource, Retrieval, StartAt, WhichShards};
use crate::shard::ChildShard;
use crate::time::Timestamp;

pub use self::verdict::Verdict;

/// A stream that can be written to, resharded and troubled, and what reads it.
#[async_trait]
pub trait World: Send + Sync {
    /// The retrieval under test.
    fn retrieval(&self) -> Arc<dyn Retrieval>;

    /// The service's time.
    fn now(&self) -> Timestamp;

    /// Puts records, each of a partition key and data, into a shard; answers their sequence numbers.
    async fn put(&self, shard: &ShardId, records: &[(String, Bytes)]) -> Vec<SequenceNumber>;

    /// Splits a shard, and waits until that is done.
    async fn split(&self, shard: &ShardId);

    /// Merges two adjacent shards, and waits until that is done.
    async fn merge(&self, shard: &ShardId, adjacent: &ShardId);

    /// Lets everything expire by which a source holds its place: iterators, subscriptions.
    async fn expire(&self);

    /// Troubles the next requests for records, this many of them. Afterwards there is no trouble. A source that makes no
    /// requests while all is well is made to make one.
    fn trouble(&self, trouble: Trouble, requests: usize);

    /// How long is long: for so long a quiet shard is read, or a processor keeps its source waiting. Where time passes by
    /// itself, a world can be content with less.
    fn long(&self) -> Duration {
        Duration::from_mins(20)
    }

    /// How often to try what is tried again and again with other luck, where `enough` is as often as costs nothing. Where
    /// time passes by itself, a world can be content with less; never less than once.
    fn tries(&self, enough: usize) -> usize {
        enough
    }
}

/// What goes wrong with a request for records.
///
/// Where answers come whole, those that go wrong midway go wrong at their beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The service asks for fewer requests.
    Throttled,
    /// The service fails.
    Fails,
    /// The service fails when the answer has begun.
    FailsMidway,
    /// The answer is lost on its way.
    AnswerLost,
    /// The answer breaks off in the middle of a record.
    BreaksOff,
    /// There is no answer, and no end of the connection.
    Silence,
    /// Nothing more comes of the answer, and the connection does not end.
    SilenceMidway,
}

/// Gives every promise to a macro, each with the number of shards that it is about.
macro_rules! promises {
    ($each:ident) => {
        $each!(
            3: listing::all_shards_are_listed_with_their_lineage,
            2: listing::the_shards_open_at_a_time_are_listed,
            1: listing::the_service_time_is_not_later_than_the_truth,
            1: listing::a_stream_was_created_in_the_past,
            1: starting::the_trim_horizon_is_before_the_first_record,
            1: starting::latest_is_after_the_last_record,
            1: starting::a_time_is_before_the_first_record_that_arrived_then_or_later,
            1: starting::at_is_before_a_record_and_after_is_behind_it,
            1: starting::a_shard_that_is_not_there_is_not_found,
            2: reading::records_come_whole_and_in_order,
            1: reading::a_backlog_is_read_to_the_tip,
            1: reading::a_quiet_shard_is_not_an_ended_one,
            10: cancelling::nothing_is_lost_or_repeated_when_next_is_dropped,
            1: ending::a_closed_shard_ends_after_its_last_record,
            2: ending::merged_shards_end_with_the_same_child,
            1: ending::a_shard_closed_without_records_ends,
            1: ending::a_shard_is_read_from_its_last_record_to_its_end,
            1: troubled::throttling_is_told_and_costs_no_record,
            1: troubled::a_failure_is_told_and_costs_no_record,
            1: troubled::a_failure_in_the_middle_is_told_and_costs_no_record,
            1: troubled::an_answer_that_is_lost_is_told_and_costs_no_record,
            1: troubled::an_answer_that_breaks_off_is_told_and_costs_no_record,
            1: troubled::silence_is_told_and_costs_no_record,
            1: troubled::silence_in_the_middle_is_told_and_costs_no_record,
            1: recovering::a_place_that_expired_before_the_first_record_is_found_again,
            1: recovering::a_place_that_expired_after_some_records_is_found_again,
            1: recovering::latest_does_not_move_when_a_place_expires,
            1: budgeting::records_have_their_share_until_they_are_dropped,
            1: budgeting::a_used_up_budget_stops_reading,
            1: budgeting::an_oversized_record_passes_an_empty_budget,
            1: standing_by::what_comes_while_the_source_stands_by_is_read_afterwards,
            1: standing_by::a_source_that_stands_by_takes_a_small_part_of_the_budget,
            1: standing_by::a_shard_that_ends_while_the_source_stands_by_ends_afterwards,
        );
    };
}

/// Runs every promise, one after the other. `make` gives a stream without records, of as many shards as it is asked for.
///
/// # Panics
/// If a promise is broken.
pub async fn all<W, F>(make: impl Fn(usize) -> F + Send + Sync)
where
    W: World + 'static,
    F: Future<Output = W> + Send,
{
    macro_rules! in_turn {
        ($($shards:literal: $part:ident::$promise:ident),* $(,)?) => {
            $($part::$promise(&Subject::new(make($shards).await)).await;)*
        };
    }
    promises!(in_turn);
}

/// Runs every promise, all at the same time, and says of each whether it was kept: for worlds where time passes by itself.
/// One that is not kept `within` this time is broken.
///
/// # Cancel safety
/// Dropping the future ends them all.
pub async fn at_once<W, F>(within: Duration, make: impl Fn(usize) -> F + Send + Sync) -> Vec<Verdict>
where
    W: World + 'static,
    F: Future<Output = W> + Send + 'static,
{
    let mut court = verdict::Court::new(within);
    macro_rules! at_once {
        ($($shards:literal: $part:ident::$promise:ident),* $(,)?) => {
            $(
                let world = make($shards);
                let name = concat!(stringify!($part), "::", stringify!($promise));
                court.hear(name, async move { $part::$promise(&Subject::new(world.await)).await });
            )*
        };
    }
    promises!(at_once);
    court.verdicts().await
}

/// A stream under test.
pub struct Subject {
    world: Box<dyn World>,
    retrieval: Arc<dyn Retrieval>,
    budget: ByteBudget,
}

impl Subject {
    /// A stream of as many shards as the promise asks for, without records.
    pub fn new(world: impl World + 'static) -> Self {
        let retrieval = world.retrieval();
        Self { world: Box::new(world), retrieval, budget: ByteBudget::new(64 * 1024 * 1024) }
    }

    /// The open shards, in the order of their ids.
    async fn shards(&self) -> Vec<ShardId> {
        let listing = in_time(self.retrieval.list_shards(WhichShards::All)).await.expect("listed");
        let mut open: Vec<_> = listing.shards.into_iter().filter(|shard| !shard.closed).map(|shard| shard.id).collect();
        open.sort();
        open
    }

    async fn only_shard(&self) -> ShardId {
        let shards = self.shards().await;
        let [shard] = &shards[..] else { panic!("one shard was asked for: {shards:?}") };
        shard.clone()
    }

    async fn open(&self, shard: &ShardId, from: &StartAt) -> Box<dyn RecordSource> {
        in_time(self.retrieval.open(shard, from, &self.budget)).await.expect("opened")
    }

    /// Puts as many small records, which say their number counted from `first`.
    async fn put(&self, shard: &ShardId, numbers: std::ops::Range<usize>) -> Vec<SequenceNumber> {
        let records: Vec<_> =
            numbers.map(|number| (format!("key-{number}"), Bytes::from(format!("{number}")))).collect();
        let mut sequence_numbers = Vec::new();
        for some in records.chunks(100) {
            sequence_numbers.extend(self.world.put(shard, some).await);
            // A shard takes 1,000 records a second.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        sequence_numbers
    }
}

/// Waits for what must come. It takes no hour, whatever the source does meanwhile.
async fn in_time<T>(future: impl Future<Output = T> + Send) -> T {
    tokio::time::timeout(Duration::from_hours(1), future).await.expect("an answer within an hour")
}

async fn next(source: &mut Box<dyn RecordSource>) -> Result<Fetched, SourceError> {
    in_time(source.next()).await
}

async fn next_records(source: &mut Box<dyn RecordSource>) -> Fetch {
    match next(source).await.expect("no trouble") {
        Fetched::Records(fetch) => fetch,
        Fetched::End { .. } => panic!("the shard is open, and ended"),
    }
}

/// Reads as many records.
async fn read(source: &mut Box<dyn RecordSource>, count: usize) -> Vec<RawRecord> {
    let mut records = Vec::new();
    while records.len() < count {
        records.extend(next_records(source).await.records);
    }
    records
}

/// Reads until it is told that there is nothing more.
async fn read_to_tip(source: &mut Box<dyn RecordSource>) -> Vec<RawRecord> {
    let mut records = Vec::new();
    loop {
        let fetch = next_records(source).await;
        let tip = fetch.records.is_empty() && fetch.behind.is_none_or(|behind| behind.is_zero());
        records.extend(fetch.records);
        if tip {
            return records;
        }
    }
}

async fn read_to_end(source: &mut Box<dyn RecordSource>) -> (Vec<RawRecord>, Vec<ChildShard>) {
    let mut records = Vec::new();
    loop {
        match next(source).await.expect("no trouble") {
            Fetched::Records(fetch) => records.extend(fetch.records),
            Fetched::End { children } => return (records, children),
        }
    }
}

/// Compares records, which say their numbers, with the numbers that were put.
#[track_caller]
fn assert_numbers(records: &[RawRecord], expected: std::ops::Range<usize>) {
    let told: Vec<_> = records.iter().map(|record| String::from_utf8_lossy(&record.data).into_owned()).collect();
    let expected: Vec<_> = expected.map(|number| number.to_string()).collect();
    assert_eq!(told, expected);
}
