//! What is sent, and in which number.

use kcl_core::position::SequenceNumber;
use kcl_core::retrieval::{Retrieval, StartAt, WhichShards};
use kcl_core::time::Timestamp;
use serde_json::json;

use crate::bench::Bench;
use crate::{seconds, shard, some};

#[tokio::test(start_paused = true)]
async fn each_position_is_sent_as_the_service_wants_it() {
    let bench = Bench::new(1).await;
    bench.put("a");
    let arn = bench.register(crate::APP).await;
    let served = bench.watch();
    let mut source = bench.open(StartAt::TrimHorizon).await.expect("opened");
    some(&mut source).await.expect("read");
    drop(source);
    let number = bench.local.kinesis(|kinesis, now| kinesis.shards(crate::S, now).expect("the stream"))[0]
        .starting_sequence_number
        .to_string();
    let at = SequenceNumber::parse(&number).expect("a number");
    let time = StartAt::Timestamp(Timestamp::from_millis(1_767_225_600_123));
    for from in [StartAt::Latest, StartAt::At(at.clone()), StartAt::After(at), time] {
        seconds(5).await;
        drop(bench.open(from).await.expect("opened"));
    }
    let positions: Vec<_> = served
        .lock()
        .expect("whole")
        .iter()
        .map(|served| {
            assert_eq!(
                (&served.request["ConsumerARN"], &served.request["ShardId"]),
                (&json!(arn), &json!(shard(0).as_str()))
            );
            served.request["StartingPosition"].clone()
        })
        .collect();
    let numbered = |kind| json!({"Type": kind, "SequenceNumber": number});
    let expected = [
        json!({"Type": "TRIM_HORIZON"}),
        json!({"Type": "LATEST"}),
        numbered("AT_SEQUENCE_NUMBER"),
        numbered("AFTER_SEQUENCE_NUMBER"),
        json!({"Type": "AT_TIMESTAMP", "Timestamp": 1_767_225_600.123}),
    ];
    assert_eq!(positions, expected);
}

#[tokio::test(start_paused = true)]
async fn a_worker_asks_about_stream_and_consumer_once() {
    let bench = Bench::new(20).await;
    let fan_out = bench.fan_out();
    fan_out.created().await.expect("told");
    assert_eq!(fan_out.list_shards(WhichShards::All).await.expect("listed").shards.len(), 20);
    let opened = (0..20).map(|number| {
        let (fan_out, budget) = (&fan_out, &bench.budget);
        async move { fan_out.open(&shard(number), &StartAt::Latest, budget).await.map(drop) }
    });
    for opened in futures_util::future::join_all(opened).await {
        opened.expect("opened");
    }
    let sent =
        ["DescribeStreamSummary", "RegisterStreamConsumer", "SubscribeToShard"].map(|name| bench.local.sent(name));
    assert_eq!(sent, [1, 1, 20], "the answer that tells of the creation has the ARN, too");
    assert!(bench.local.sent("DescribeStreamConsumer") <= 4, "one before, and some until it is ACTIVE");
}
