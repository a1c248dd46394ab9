//! A worker whose future is dropped at one point after another, while its stream is split and merged: nothing of it
//! happens afterwards, and the worker after it loses nothing.

use std::sync::Arc;
use std::time::Duration;

use integration_tests::check::check;
use integration_tests::determinism::with_seed;
use integration_tests::fate::Fate;
use integration_tests::fleet::{Fleet, FleetSpec};
use integration_tests::handling::Handling;
use integration_tests::history::{History, HowOver, What};
use integration_tests::producer::Producer;
use integration_tests::site::{STREAM, Site};
use integration_tests::trace::Trace;
use kcl_local::Settings;
use serde_json::json;
use tokio::task::JoinSet;

const FAILOVER: Duration = Duration::from_secs(2);

/// Where the worker is dropped.
#[derive(Debug, Clone, Copy)]
enum Point {
    AfterPolls(u64),
    AfterRequests(u64),
}

/// Lives through a split and a merge with a worker that is dropped at `point` and one that follows it. Answers whether
/// the first one came to that point, within the ten seconds that it has.
async fn drop_at(point: Point) -> bool {
    let mut settings = Settings::default();
    settings.dynamodb.table_creating = Duration::from_millis(700);
    let site = Site::new(settings, Trace::default());
    site.create_stream(2).await;
    let mut producer = Producer::new(&site, 3);
    producer.put(20).await;
    let mut producing = JoinSet::new();
    producing.spawn(producer.run(100..=200));
    let handling = Arc::new(Handling { checkpoints: 0.3, pause: 0..=60, ..Handling::default() });
    let mut spec = FleetSpec::plain(FAILOVER, 3);
    spec.common.handling = handling;
    let mut fleet = Fleet::new(site.clone(), spec);

    let fate = Fate::default();
    if let Point::AfterPolls(polls) = point {
        fate.die_after_polls(polls);
    }
    let first = fleet.start_with(0, "first", fate).expect("the settings work");
    if let Point::AfterRequests(requests) = point {
        site.faults.kill_after(first.run, requests, Arc::clone(&first.fate));
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    reshard(&site, "SplitShard", &json!({"ShardToSplit": shard(0), "NewStartingHashKey": (1_u128 << 125).to_string()}));
    tokio::time::sleep(Duration::from_secs(3)).await;
    reshard(&site, "MergeShards", &json!({"ShardToMerge": shard(3), "AdjacentShardToMerge": shard(1)}));
    tokio::time::sleep(Duration::from_secs(4)).await;
    let came = fleet.how_over(first.run) == Some(HowOver::Killed);
    first.fate.strike(0);
    fleet.over().await.expect("dropped");

    site.recorder.note(What::Calm);
    fleet.start(1, "second").expect("the settings work");
    tokio::time::sleep(Duration::from_secs(4)).await;
    producing.shutdown().await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    fleet.stop_all(Duration::from_secs(1)).await;

    let (happenings, shards) = (site.recorder.happenings(), site.shards());
    let history = History::plain(happenings, shards, FAILOVER);
    let violations: Vec<_> = check(&history).iter().map(ToString::to_string).collect();
    assert!(violations.is_empty(), "{point:?}: {violations:#?}");
    assert_eq!(history.shards.len(), 5, "{point:?}: split and merged");
    came
}

fn shard(number: u32) -> String {
    format!("shardId-{number:012}")
}

fn reshard(site: &Site, operation: &str, body: &serde_json::Value) {
    let mut body = body.clone();
    body["StreamName"] = json!(STREAM);
    let answer = site.ask(operation, body);
    assert!(answer["__type"].is_null(), "{answer}");
}

/// Tries points from the first on, until the worker does not come that far.
fn every(step: usize, point: impl Fn(u64) -> Point + Sync) -> usize {
    let comes_to = |at: &u64| {
        with_seed(3, || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
            runtime.expect("a runtime without IO can be built").block_on(drop_at(point(*at)))
        })
    };
    (1..).step_by(step).take_while(comes_to).count()
}

#[test]
fn a_worker_can_be_dropped_after_any_poll_of_its_future() {
    let tried = every(1, Point::AfterPolls);
    println!("dropped after each of its first {tried} polls");
    assert!(tried > 20, "{tried}");
}

#[test]
fn a_worker_can_be_dropped_between_any_request_and_its_answer() {
    let tried = every(2, Point::AfterRequests);
    println!("dropped at {tried} requests");
    assert!(tried > 50, "{tried}");
}
