//! What a source promises about memory.

use bytes::Bytes;

use super::{Subject, assert_numbers, in_time, next_records, read};
use crate::budget::ByteBudget;
use crate::retrieval::StartAt;

/// Records take their bytes from the budget while they are there, and a source that is gone takes none.
pub async fn records_have_their_share_until_they_are_dropped(subject: &Subject) {
    let shard = subject.only_shard().await;
    subject.world.put(&shard, &[("k".to_owned(), Bytes::from(vec![7; 500_000]))]).await;
    let mut source = subject.open(&shard, &StartAt::TrimHorizon).await;
    let mut fetch = next_records(&mut source).await;
    while fetch.records.is_empty() {
        fetch = next_records(&mut source).await;
    }
    drop(source);
    let used = subject.budget.used();
    assert!((500_000..600_000).contains(&used), "{used}");
    drop(fetch);
    assert_eq!(subject.budget.used(), 0);
}

/// While others have all of the budget nothing is read; afterwards all is.
pub async fn a_used_up_budget_stops_reading(subject: &Subject) {
    let shard = subject.only_shard().await;
    let mut source = subject.open(&shard, &StartAt::TrimHorizon).await;
    subject.put(&shard, 0..5).await;
    let all = subject.budget.reserve(usize::MAX).await;
    let waited = tokio::time::timeout(subject.world.long(), source.next()).await;
    assert!(waited.is_err(), "{waited:?}");
    drop(all);
    assert_numbers(&read(&mut source, 5).await, 0..5);
}

/// A record that is larger than the whole budget is read.
pub async fn an_oversized_record_passes_an_empty_budget(subject: &Subject) {
    let shard = subject.only_shard().await;
    let budget = ByteBudget::new(1024);
    let large = ("k".to_owned(), Bytes::from(vec![7; 500_000]));
    for _ in 0..3 {
        subject.world.put(&shard, std::slice::from_ref(&large)).await;
    }
    let mut source = in_time(subject.retrieval.open(&shard, &StartAt::TrimHorizon, &budget)).await.expect("opened");
    for record in read(&mut source, 3).await {
        assert_eq!(record.data.len(), 500_000);
    }
}
