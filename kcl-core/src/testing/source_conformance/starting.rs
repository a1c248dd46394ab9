//! What the positions promise from which reading starts.

use std::time::Duration;

use super::{Subject, assert_numbers, in_time, next_records, read_to_tip};
use crate::error::SourceErrorKind;
use crate::ids::ShardId;
use crate::retrieval::StartAt;

/// From the trim horizon everything is read.
pub async fn the_trim_horizon_is_before_the_first_record(subject: &Subject) {
    let shard = subject.only_shard().await;
    subject.put(&shard, 0..5).await;
    let mut source = subject.open(&shard, &StartAt::TrimHorizon).await;
    assert_numbers(&read_to_tip(&mut source).await, 0..5);
}

/// From the tip only what arrives later is read.
pub async fn latest_is_after_the_last_record(subject: &Subject) {
    let shard = subject.only_shard().await;
    subject.put(&shard, 0..5).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut source = subject.open(&shard, &StartAt::Latest).await;
    assert_numbers(&next_records(&mut source).await.records, 0..0);
    subject.put(&shard, 5..8).await;
    assert_numbers(&read_to_tip(&mut source).await, 5..8);
}

/// A time means the first record that is not older; a time before all records means the first of them.
pub async fn a_time_is_before_the_first_record_that_arrived_then_or_later(subject: &Subject) {
    let shard = subject.only_shard().await;
    let before = subject.world.now();
    subject.put(&shard, 0..5).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let between = subject.world.now();
    subject.put(&shard, 5..8).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    for (time, expected) in [(before, 0..8), (between, 5..8), (subject.world.now(), 8..8)] {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut source = subject.open(&shard, &StartAt::Timestamp(time)).await;
        assert_numbers(&read_to_tip(&mut source).await, expected);
    }
}

/// `At` reads the record again, `After` does not, for every record.
pub async fn at_is_before_a_record_and_after_is_behind_it(subject: &Subject) {
    let shard = subject.only_shard().await;
    let numbers = subject.put(&shard, 0..5).await;
    for (index, number) in numbers.into_iter().enumerate() {
        for (from, first) in [(StartAt::At(number.clone()), index), (StartAt::After(number), index + 1)] {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let mut source = subject.open(&shard, &from).await;
            assert_numbers(&read_to_tip(&mut source).await, first..5);
        }
    }
}

/// A shard that the stream does not have is told from one that cannot be read.
pub async fn a_shard_that_is_not_there_is_not_found(subject: &Subject) {
    let shard = ShardId::new("shardId-000000009999");
    let error = match in_time(subject.retrieval.open(&shard, &StartAt::TrimHorizon, &subject.budget)).await {
        Err(error) => error,
        Ok(mut source) => in_time(source.next()).await.expect_err("there is no such shard"),
    };
    assert_eq!(error.kind(), SourceErrorKind::NotFound, "{error}");
}
