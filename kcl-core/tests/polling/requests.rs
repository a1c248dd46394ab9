//! What is sent, and where to.

use kcl_core::retrieval::{Retrieval, StartAt, WhichShards};
use kcl_local::Settings;
use serde_json::Value;

use crate::canned::Canned;
use crate::local::{Bench, Served};
use crate::{S, open, seconds, texts};

const ARN: &str = "arn:aws:kinesis:us-east-1:123456789012:stream/orders";

/// Every kind of request, as the service saw it.
async fn every_request(bench: &Bench) -> Vec<Served> {
    let served = bench.watch();
    let polling = bench.polling();
    polling.created().await.expect("told");
    assert_eq!(polling.list_shards(WhichShards::All).await.expect("listed").shards.len(), 3);
    let mut source = open(&polling, StartAt::TrimHorizon).await.expect("opened");
    texts(&mut source).await.expect("read");
    let served = served.lock().expect("whole");
    served.clone()
}

async fn bench() -> Bench {
    let mut settings = Settings::default();
    settings.kinesis.list_shards_page = 2;
    Bench::with(3, settings, |builder| builder.limit(77)).await
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_given_by_name_is_named() {
    let served = every_request(&bench().await).await;
    let named = served.iter().map(|one| (one.operation.as_str(), one.request["StreamName"].as_str()));
    assert_eq!(
        named.collect::<Vec<_>>(),
        [
            ("DescribeStreamSummary", Some(S)),
            ("ListShards", Some(S)),
            ("ListShards", None),
            ("GetShardIterator", Some(S)),
            ("GetRecords", None),
        ]
    );
    assert!(served.iter().all(|one| one.request["StreamARN"].is_null()));
    assert_eq!(served[4].request["Limit"], 77);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_given_by_arn_is_so_in_every_request() {
    let served = every_request(&bench().await.by_arn()).await;
    assert_eq!(served.len(), 5);
    for one in served {
        assert_eq!(one.request["StreamARN"], ARN, "{}", one.operation);
        assert_eq!(one.request["StreamName"], Value::Null, "{}", one.operation);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_another_account_is_asked_for_at_its_own_host() {
    let canned = Canned::new(|operation| match operation {
        "GetShardIterator" => (200, r#"{"ShardIterator": "i"}"#.to_owned()),
        "GetRecords" => (200, r#"{"Records": [], "NextShardIterator": "j"}"#.to_owned()),
        _ => (200, r#"{"Shards": []}"#.to_owned()),
    });
    let polling = canned.polling(ARN);
    polling.list_shards(WhichShards::All).await.expect("listed");
    let mut source = open(&polling, StartAt::TrimHorizon).await.expect("opened");
    texts(&mut source).await.expect("read");
    let asked = canned.asked.lock().expect("whole");
    let asked: Vec<_> = asked.iter().map(|(host, operation)| (operation.as_str(), host.as_str())).collect();
    assert_eq!(
        asked,
        [
            ("ListShards", "123456789012.control-kinesis.us-east-1.amazonaws.com"),
            ("GetShardIterator", "123456789012.data-kinesis.us-east-1.amazonaws.com"),
            ("GetRecords", "123456789012.data-kinesis.us-east-1.amazonaws.com"),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn positions_are_sent_as_the_service_reads_them() {
    let bench = Bench::new(1).await;
    let number = bench.put(&["x"]).await.remove(0);
    let time = bench.now();
    let served = bench.watch();
    let polling = bench.polling();
    for from in [
        StartAt::TrimHorizon,
        StartAt::Latest,
        StartAt::Timestamp(time),
        StartAt::At(number.clone()),
        StartAt::After(number.clone()),
    ] {
        open(&polling, from).await.expect("opened");
        seconds(1).await;
    }
    let served = served.lock().expect("whole");
    let sent: Vec<_> = served
        .iter()
        .map(|one| {
            let text = |field: &str| one.request[field].as_str().map(str::to_owned);
            (
                text("ShardIteratorType").expect("a type"),
                text("StartingSequenceNumber"),
                one.request["Timestamp"].as_f64(),
            )
        })
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of this century")]
    let in_seconds = time.millis() as f64 / 1000.0;
    let number = Some(number.to_string());
    let expected = [
        ("TRIM_HORIZON", None, None),
        ("LATEST", None, None),
        ("AT_TIMESTAMP", None, Some(in_seconds)),
        ("AT_SEQUENCE_NUMBER", number.clone(), None),
        ("AFTER_SEQUENCE_NUMBER", number, None),
    ];
    assert_eq!(sent, expected.map(|(kind, number, time)| (kind.to_owned(), number, time)));
}
