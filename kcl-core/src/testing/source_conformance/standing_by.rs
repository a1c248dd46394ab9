//! What a source promises while there is no room for what it would bring.

use std::time::Duration;

use bytes::Bytes;

use super::{Subject, assert_numbers, next_records, read, read_to_end};
use crate::retrieval::{RecordSource, StartAt};

/// Lets the source stand by for a time, and then stops it wherever it is.
async fn stand_by(source: &mut Box<dyn RecordSource>, time: Duration) {
    let stops = tokio::time::sleep(time);
    tokio::pin!(stops);
    tokio::select! {
        biased;
        () = stops.as_mut() => return,
        () = source.stand_by() => {}
    }
    stops.await;
}

/// Nothing is lost, repeated or out of order, however long the source stood by, how often, and where that was stopped.
pub async fn what_comes_while_the_source_stands_by_is_read_afterwards(subject: &Subject) {
    let shard = subject.only_shard().await;
    let mut source = subject.open(&shard, &StartAt::TrimHorizon).await;
    let (mut records, mut put) = (Vec::new(), 0);
    for seed in (0..).take(subject.world.tries(30)) {
        let mut luck = fastrand::Rng::with_seed(seed);
        let more = luck.usize(1..20);
        subject.put(&shard, put..put + more).await;
        put += more;
        stand_by(&mut source, Duration::from_millis(luck.u64(0..3_000))).await;
        if luck.bool() {
            records.extend(next_records(&mut source).await.records);
        }
    }
    subject.put(&shard, put..put + 5).await;
    put += 5;
    stand_by(&mut source, subject.world.long()).await;
    records.extend(read(&mut source, put - records.len()).await);
    assert_numbers(&records, 0..put);
}

/// However much comes while the source stands by, it keeps little of it: most of the budget is for those who have room.
pub async fn a_source_that_stands_by_takes_a_small_part_of_the_budget(subject: &Subject) {
    let shard = subject.only_shard().await;
    let mut source = subject.open(&shard, &StartAt::TrimHorizon).await;
    let large = ("k".to_owned(), Bytes::from(vec![7; 500_000]));
    for _ in 0..20 {
        subject.world.put(&shard, std::slice::from_ref(&large)).await;
        stand_by(&mut source, Duration::from_millis(700)).await;
    }
    stand_by(&mut source, subject.world.long()).await;
    let (used, total) = (subject.budget.used(), subject.budget.total());
    assert!(used <= total / 8, "{used} of {total} bytes are kept by one source that stands by");
    assert_eq!(read(&mut source, 20).await.len(), 20);
    stand_by(&mut source, Duration::from_secs(10)).await;
    drop(source);
    assert_eq!(subject.budget.used(), 0);
}

/// The end of a shard is not lost with a source that stood by when it came.
pub async fn a_shard_that_ends_while_the_source_stands_by_ends_afterwards(subject: &Subject) {
    let shard = subject.only_shard().await;
    let mut source = subject.open(&shard, &StartAt::TrimHorizon).await;
    subject.put(&shard, 0..3).await;
    stand_by(&mut source, Duration::from_secs(1)).await;
    subject.put(&shard, 3..5).await;
    subject.world.split(&shard).await;
    stand_by(&mut source, subject.world.long()).await;
    let (records, children) = read_to_end(&mut source).await;
    assert_numbers(&records, 0..5);
    assert_eq!(children.len(), 2);
}
