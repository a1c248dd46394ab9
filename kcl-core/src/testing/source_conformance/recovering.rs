//! What a source promises when its place expires.

use std::time::Duration;

use super::{Subject, assert_numbers, next_records, read, read_to_tip};
use crate::retrieval::StartAt;

/// A source that stands where it was opened is still there after a pause, whatever its position was.
pub async fn a_place_that_expired_before_the_first_record_is_found_again(subject: &Subject) {
    let shard = subject.only_shard().await;
    let before = subject.world.now();
    let numbers = subject.put(&shard, 0..5).await;
    for (from, first) in [
        (StartAt::TrimHorizon, 0),
        (StartAt::Timestamp(before), 0),
        (StartAt::At(numbers[0].clone()), 0),
        (StartAt::At(numbers[2].clone()), 2),
        (StartAt::After(numbers[2].clone()), 3),
    ] {
        let mut source = subject.open(&shard, &from).await;
        subject.world.expire().await;
        assert_numbers(&read_to_tip(&mut source).await, first..5);
    }
}

/// A source that has read is after its last record when its place expires, as often as that happens.
pub async fn a_place_that_expired_after_some_records_is_found_again(subject: &Subject) {
    let shard = subject.only_shard().await;
    let mut source = subject.open(&shard, &StartAt::TrimHorizon).await;
    for round in 0..4 {
        let numbers = round * 3..(round + 1) * 3;
        subject.put(&shard, numbers.clone()).await;
        assert_numbers(&read(&mut source, 3).await, numbers);
        subject.world.expire().await;
    }
    assert_numbers(&next_records(&mut source).await.records, 0..0);
}

/// `Latest` is the tip of the moment at which the shard was opened. It is not looked for again: what arrived while nobody
/// read is not skipped.
pub async fn latest_does_not_move_when_a_place_expires(subject: &Subject) {
    let shard = subject.only_shard().await;
    subject.put(&shard, 0..3).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut source = subject.open(&shard, &StartAt::Latest).await;
    assert_numbers(&next_records(&mut source).await.records, 0..0);
    subject.put(&shard, 3..6).await;
    subject.world.expire().await;
    assert_numbers(&read_to_tip(&mut source).await, 3..6);
}
