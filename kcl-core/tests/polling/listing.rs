//! Shards and the stream's creation, where the model has to be helped to go wrong.

use std::sync::atomic::{AtomicU32, Ordering};

use kcl_core::error::SourceErrorKind;
use kcl_core::polling::Polling;
use kcl_core::retrieval::{Retrieval, WhichShards};
use kcl_local::kinesis::StreamSpec;
use kcl_local::{Fault, Local, Settings};

use crate::canned::Canned;
use crate::local::Bench;
use crate::{S, kind};

async fn with_small_pages() -> Bench {
    let mut settings = Settings::default();
    settings.kinesis.list_shards_page = 2;
    Bench::with(5, settings, |builder| builder).await
}

#[tokio::test(start_paused = true)]
async fn a_listing_whose_token_expired_begins_again() {
    let bench = with_small_pages().await;
    let expired = || Fault::refused(400, "ExpiredNextTokenException", "too old");
    bench.fates("ListShards", vec![Fault::none(), expired(), Fault::none(), Fault::none(), expired()]);
    let listing = bench.polling().list_shards(WhichShards::All).await.expect("listed");
    assert_eq!(listing.shards.len(), 5);
    assert_eq!(bench.sent("ListShards"), 2 + 3 + 3);

    bench.local.set_faults(move |request| if request.body["NextToken"].is_null() { Fault::none() } else { expired() });
    let error = bench.polling().list_shards(WhichShards::All).await.expect_err("no second page");
    assert_eq!(kind(&error), SourceErrorKind::Expired);
    assert_eq!(bench.sent("ListShards"), 8 + 6);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_leads_nowhere_is_not_followed_for_ever() {
    let asked = AtomicU32::new(0);
    let canned = Canned::new(move |_| {
        let page = asked.fetch_add(1, Ordering::Relaxed);
        let shards = if page < 3 { format!(r#"{{"ShardId": "shardId-{page}"}}"#) } else { String::new() };
        (200, format!(r#"{{"Shards": [{shards}], "NextToken": "more"}}"#))
    });
    let error = canned.polling(S).list_shards(WhichShards::All).await.expect_err("no end");
    assert_eq!(kind(&error), SourceErrorKind::Invalid);
    assert_eq!(canned.asked.lock().expect("whole").len(), 13);
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_service_is_tried_again_by_the_sdk_a_few_times() {
    let bench = Bench::new(1).await;
    bench.fates("ListShards", vec![Fault::internal_error(); 2]);
    bench.polling().list_shards(WhichShards::All).await.expect("the third");
    assert_eq!(bench.sent("ListShards"), 3);
    bench.local.set_faults(|_| Fault::internal_error());
    let polling = bench.polling();
    let error = polling.list_shards(WhichShards::All).await.expect_err("never");
    assert_eq!(kind(&error), SourceErrorKind::Unavailable);
    assert_eq!(bench.sent("ListShards"), 6);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_being_created_is_not_available_yet() {
    let local = Local::new(Settings::default());
    local.kinesis(|kinesis, now| kinesis.create_stream(S, StreamSpec::provisioned(1), now)).expect("created");
    let polling = Polling::new(local.kinesis_client("reader"), S).expect("valid");
    let error = polling.list_shards(WhichShards::All).await.expect_err("not yet");
    assert_eq!(kind(&error), SourceErrorKind::Unavailable, "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_creation_is_told_to_those_who_may_know() {
    let bench = Bench::new(1).await;
    let polling = bench.polling();
    let created = polling.created().await.expect("answered").expect("told");
    assert_eq!(created.millis(), kcl_local::Clock::BEGINNING.0);
    let denied = |code: &'static str| bench.fates("DescribeStreamSummary", vec![Fault::refused(400, code, "no")]);
    denied("AccessDeniedException");
    assert_eq!(polling.created().await.expect("answered"), None);
    denied("ExpiredTokenException");
    assert_eq!(kind(&polling.created().await.expect_err("no credentials")), SourceErrorKind::Denied);
    let none = Polling::new(bench.local.kinesis_client("reader"), "none").expect("valid");
    assert_eq!(kind(&none.created().await.expect_err("no stream")), SourceErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_tell_the_creation_is_none() {
    let summary = r#"{"StreamDescriptionSummary": {"StreamName": "orders", "StreamARN": "arn", "StreamStatus": "ACTIVE",
        "RetentionPeriodHours": 24, "EnhancedMonitoring": [], "OpenShardCount": 1}}"#;
    for summary in [summary, "{}"] {
        let canned = Canned::new(move |_| (200, summary.to_owned()));
        assert_eq!(canned.polling(S).created().await.expect("answered"), None, "{summary}");
    }
}
