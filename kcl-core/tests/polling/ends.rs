//! Shards that end, are trimmed, or are gone.

use kcl_core::error::SourceErrorKind;
use kcl_core::retrieval::{Fetched, StartAt};

use crate::canned::Canned;
use crate::local::Bench;
use crate::{S, failure, first_shard, kind, open, refusal, seconds, texts};

const DAY: u64 = 24 * 60 * 60;

#[tokio::test(start_paused = true)]
async fn the_last_records_come_before_the_end_and_the_end_comes_again() {
    let bench = Bench::new(1).await;
    bench.put(&["a", "b"]).await;
    bench.split(&first_shard()).await;
    let mut source = open(&bench.polling(), StartAt::TrimHorizon).await.expect("opened");
    assert_eq!(texts(&mut source).await.expect("read"), ["a", "b"]);
    let calls = bench.sent("GetRecords");
    for _ in 0..2 {
        let Fetched::End { children } = source.next().await.expect("read") else { panic!("the shard is closed") };
        let ids: Vec<_> = children.iter().map(|child| child.id.as_str()).collect();
        assert_eq!(ids, ["shardId-000000000001", "shardId-000000000002"]);
        assert!(children.iter().all(|child| child.parents == [first_shard()] && child.hash_range.is_some()));
    }
    assert_eq!(bench.sent("GetRecords"), calls, "the answer with the last records had the end");
}

#[tokio::test(start_paused = true)]
async fn an_end_without_children_names_none() {
    let canned = Canned::new(|operation| match operation {
        "GetShardIterator" => (200, r#"{"ShardIterator": "i"}"#.to_owned()),
        _ => (200, r#"{"Records": [], "MillisBehindLatest": 0}"#.to_owned()),
    });
    let mut source = open(&canned.polling(S), StartAt::TrimHorizon).await.expect("opened");
    let Fetched::End { children } = source.next().await.expect("read") else { panic!("there is no iterator") };
    assert_eq!(children, []);
}

#[tokio::test(start_paused = true)]
async fn records_that_left_retention_are_passed_over() {
    let bench = Bench::new(1).await;
    let first = bench.put(&["old", "older"]).await.remove(0);
    let polling = bench.polling();
    let mut reading = open(&polling, StartAt::TrimHorizon).await.expect("opened");
    seconds(DAY + 60).await;
    bench.put(&["new"]).await;
    assert_eq!(texts(&mut reading).await.expect("read"), ["new"]);
    for from in [StartAt::TrimHorizon, StartAt::At(first.clone()), StartAt::After(first)] {
        let mut source = open(&polling, from).await.expect("opened");
        assert_eq!(texts(&mut source).await.expect("read"), ["new"]);
        seconds(1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_left_retention_is_not_found() {
    let bench = Bench::new(1).await;
    let polling = bench.polling();
    let mut reading = open(&polling, StartAt::TrimHorizon).await.expect("opened");
    bench.split(&first_shard()).await;
    seconds(DAY + 60).await;
    assert_eq!(kind(&refusal(&polling, StartAt::TrimHorizon).await), SourceErrorKind::NotFound);
    assert_eq!(kind(&failure(&mut reading).await), SourceErrorKind::NotFound);
}
