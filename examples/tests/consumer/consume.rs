//! Reading, stopping, and going on.

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::world::{World, is, patiently};

fn data(lines: &[Value]) -> BTreeSet<&str> {
    let records = lines.iter().filter(|line| is(line, "record"));
    records.map(|line| line["data"].as_str().expect("text")).collect()
}

#[tokio::test]
async fn it_prints_every_record_stops_on_sigterm_and_goes_on_after_the_last_one() {
    patiently(prints_stops_and_goes_on("polling")).await;
}

#[tokio::test]
async fn by_fan_out_it_prints_every_record_stops_on_sigterm_and_goes_on_after_the_last_one() {
    patiently(prints_stops_and_goes_on("efo")).await;
}

async fn prints_stops_and_goes_on(retrieval: &str) {
    let world = World::start().await;
    world.kinesis("CreateStream", json!({"StreamName": "words", "ShardCount": 2}));
    let before = ["one", "two", "three", "four", "five", "six"];
    world.put("words", &before);

    let mut first = world.consume("words", &["--worker-id", "w-1", "--retrieval", retrieval]);
    let lines = first.records(before.len()).await;
    assert_eq!(data(&lines), BTreeSet::from(before));
    let record = lines.iter().find(|line| is(line, "record")).expect("there are six");
    let fields: Vec<_> = record.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(fields, ["event", "worker", "shard", "seq", "sub", "key", "arrival_ms", "received_ms", "data"]);
    assert_eq!((&record["worker"], &record["sub"], &record["key"]), (&json!("w-1"), &json!(0), &record["data"]));
    assert_eq!(lines.iter().filter(|line| is(line, "initialized")).count(), 2);
    let (code, lines) = first.stop().await;
    assert_eq!(code, Some(0));
    assert_eq!(lines.iter().filter(|line| is(line, "shutdown")).count(), 2, "{lines:?}");

    let after = ["seven", "eight", "nine"];
    world.put("words", &after);
    let mut second = world.consume("arn:aws:kinesis:us-east-1:123456789012:stream/words", &["--retrieval", retrieval]);
    assert_eq!(data(&second.records(after.len()).await), BTreeSet::from(after), "nothing comes again");
    let (code, lines) = second.stop().await;
    assert_eq!((code, data(&lines)), (Some(0), BTreeSet::new()));
    let (asked, pushed) = (world.sent("GetRecords") > 0, world.sent("SubscribeToShard") > 0);
    assert_eq!((asked, pushed), (retrieval == "polling", retrieval == "efo"), "it reads in one way only");
}

#[tokio::test]
async fn it_goes_on_where_it_was_when_it_is_started_to_read_the_other_way() {
    patiently(async {
        let world = World::start().await;
        world.kinesis("CreateStream", json!({"StreamName": "words", "ShardCount": 2}));
        for (retrieval, before, during) in [
            ("polling", ["one", "two"], ["three"]),
            ("efo", ["four", "five"], ["six"]),
            ("polling", ["seven", "eight"], ["nine"]),
            ("efo", ["ten", "eleven"], ["twelve"]),
        ] {
            world.put("words", &before);
            let mut consumer = world.consume("words", &["--retrieval", retrieval]);
            assert_eq!(data(&consumer.records(before.len()).await), BTreeSet::from(before), "{retrieval}");
            world.put("words", &during);
            assert_eq!(data(&consumer.records(during.len()).await), BTreeSet::from(during), "{retrieval}");
            let (code, lines) = consumer.stop().await;
            assert_eq!((code, data(&lines)), (Some(0), BTreeSet::new()), "{retrieval}");
        }
    })
    .await;
}

#[tokio::test]
async fn over_tls_it_reads_by_fan_out_where_the_environment_says_whom_to_trust() {
    patiently(async {
        let world = World::start_secure().await;
        world.kinesis("CreateStream", json!({"StreamName": "words", "ShardCount": 2}));
        world.put("words", &["one", "two"]);
        let mut consumer = world.consume("words", &["--retrieval", "efo"]);
        assert_eq!(data(&consumer.records(2).await), BTreeSet::from(["one", "two"]));
        assert_eq!(consumer.stop().await.0, Some(0));
    })
    .await;
}

#[tokio::test]
async fn the_end_of_a_shard_is_printed_and_its_children_follow() {
    patiently(async {
        let world = World::start().await;
        world.kinesis("CreateStream", json!({"StreamName": "words", "ShardCount": 1}));
        world.put("words", &["parent"]);
        let middle = (1_u128 << 127).to_string();
        let split =
            json!({"StreamName": "words", "ShardToSplit": "shardId-000000000000", "NewStartingHashKey": middle});
        world.kinesis("SplitShard", split);
        world.put("words", &["child"]);

        let mut consumer = world.consume("words", &[]);
        let lines = consumer.records(2).await;
        let place = |found: &dyn Fn(&Value) -> bool| lines.iter().position(found).expect("printed");
        let parent = place(&|line| line["data"] == "parent");
        let end = place(&|line| is(line, "shard_ended"));
        let child = place(&|line| line["data"] == "child");
        assert!(parent < end && end < child, "{lines:?}");
        assert_eq!(consumer.stop().await.0, Some(0));
    })
    .await;
}

#[tokio::test]
async fn it_ends_with_an_error_when_nobody_reads_its_output() {
    patiently(async {
        let world = World::start().await;
        world.kinesis("CreateStream", json!({"StreamName": "words", "ShardCount": 1}));
        world.put("words", &["one"]);
        assert_eq!(world.consume("words", &[]).abandon().await, Some(1));
    })
    .await;
}

#[tokio::test]
async fn a_second_signal_ends_it_in_the_middle_of_a_record_that_nobody_reads() {
    patiently(async {
        let world = World::start().await;
        world.kinesis("CreateStream", json!({"StreamName": "words", "ShardCount": 1}));
        let longer_than_a_pipe_holds = BASE64_STANDARD.encode(vec![0; 500_000]);
        world.kinesis(
            "PutRecord",
            json!({"StreamName": "words", "PartitionKey": "long", "Data": longer_than_a_pipe_holds}),
        );
        let mut consumer = world.consume("words", &["--shutdown-ms", "3600000"]);
        assert!(consumer.next().await.is_some_and(|line| is(&line, "initialized")));
        consumer.begun().await;
        assert_eq!(consumer.insist().await, Some(1));
    })
    .await;
}
