//! Subscriptions through the real SDK, under virtual time.

use std::time::Duration;

use aws_sdk_kinesis::config::timeout::TimeoutConfig;
use aws_sdk_kinesis::types::error::SubscribeToShardEventStreamError as Failure;
use kcl_local::Fault;
use kcl_local::kinesis::KmsFault;
use tokio::time::Instant;

use super::subscriber::{HALF, S, StreamError, event, put, records, subscribe, try_subscribe, world};

fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn open(local: &kcl_local::Local) -> usize {
    local.kinesis(|kinesis, now| kinesis.open_subscriptions(S, now)).expect("the stream").len()
}

fn failure(error: StreamError) -> Failure {
    error.into_service_error()
}

#[tokio::test(start_paused = true)]
async fn a_subscription_is_answered_at_once_and_its_events_come_when_they_are_due() {
    let (local, arn) = world().await;
    let began = Instant::now();
    let mut reader = subscribe(&local, &arn).await;
    assert_eq!(began.elapsed(), HALF * 2, "there and back");
    tokio::join!(
        async {
            tokio::time::sleep(milliseconds(1_000)).await;
            put(&local, "one");
            tokio::time::sleep(milliseconds(30)).await;
            put(&local, "two");
        },
        async {
            assert_eq!(records(&mut reader).await, ["one", "two"]);
            // Put, and 70 ms for others, and the way back.
            assert_eq!(began.elapsed(), HALF * 2 + milliseconds(1_070) + HALF);
        }
    );
    let quiet = Instant::now();
    let beat = event(&mut reader).await;
    assert_eq!((beat.records.len(), beat.millis_behind_latest, beat.child_shards), (0, 0, None));
    assert_eq!(quiet.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_subscription_ends_cleanly_after_five_minutes_and_continues_in_the_next() {
    let (local, arn) = world().await;
    let began = Instant::now();
    let mut reader = subscribe(&local, &arn).await;
    put(&local, "a");
    let mut last = None;
    while let Some(next) = reader.recv().await.expect("no error") {
        last = next.as_subscribe_to_shard_event().ok().cloned();
    }
    assert_eq!(began.elapsed(), HALF + Duration::from_secs(300) + HALF);
    assert!(reader.recv().await.expect("no error").is_none(), "and it stays ended");
    put(&local, "b");
    let position = aws_sdk_kinesis::types::StartingPosition::builder()
        .r#type(aws_sdk_kinesis::types::ShardIteratorType::AtSequenceNumber)
        .sequence_number(last.expect("an event").continuation_sequence_number)
        .build()
        .expect("a position");
    let client = local.kinesis_client("reader");
    let again = client.subscribe_to_shard().consumer_arn(&arn).shard_id(super::subscriber::SHARD);
    let mut again = again.starting_position(position).send().await.expect("subscribed").event_stream;
    assert_eq!(records(&mut again).await, ["b"]);
}

#[tokio::test(start_paused = true)]
async fn the_last_event_has_children_and_its_continuation_is_empty_text_to_the_sdk() {
    let (local, arn) = world().await;
    let mut reader = subscribe(&local, &arn).await;
    local
        .kinesis(|kinesis, now| kinesis.split_shard_in_half(S, kcl_local::kinesis::ShardId(0), now))
        .expect("accepted");
    let end = loop {
        let event = event(&mut reader).await;
        if event.child_shards.is_some() {
            break event;
        }
        assert_ne!(event.continuation_sequence_number, "");
    };
    assert_eq!((end.child_shards().len(), end.continuation_sequence_number()), (2, ""));
    assert_eq!(end.child_shards()[0].parent_shards(), [super::subscriber::SHARD]);
    assert!(reader.recv().await.expect("no error").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_dropped_closes_its_subscription() {
    let (local, arn) = world().await;
    let reader = subscribe(&local, &arn).await;
    assert_eq!(open(&local), 1);
    drop(reader);
    assert_eq!(open(&local), 0);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_taken_over_learns_it_at_once() {
    let (local, arn) = world().await;
    let mut first = subscribe(&local, &arn).await;
    let refused = try_subscribe(&local, "thief", &arn).await.expect_err("within five seconds").into_service_error();
    assert!(refused.is_limit_exceeded_exception() || refused.is_resource_in_use_exception(), "{refused:?}");
    tokio::time::sleep(Duration::from_secs(6)).await;
    event(&mut first).await;
    let (lost, second) = tokio::join!(
        async {
            let lost = failure(first.recv().await.expect_err("taken over"));
            (lost, Instant::now())
        },
        async {
            tokio::time::sleep(milliseconds(100)).await;
            let mut second = try_subscribe(&local, "thief", &arn).await.expect("subscribed");
            let taken = Instant::now();
            put(&local, "a");
            (records(&mut second).await, taken)
        }
    );
    assert!(lost.0.is_resource_in_use_exception(), "{lost:?}");
    assert_eq!(lost.1, second.1, "the error and the answer travel as long");
    assert_eq!(second.0, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_waits_learns_of_a_lost_key_and_of_a_deleted_stream() {
    let (local, arn) = world().await;
    let mut reader = subscribe(&local, &arn).await;
    let began = Instant::now();
    tokio::join!(
        async {
            tokio::time::sleep(milliseconds(100)).await;
            let fault = Some(KmsFault::AccessDenied);
            local.kinesis(|kinesis, now| kinesis.set_kms_fault(S, fault, now)).expect("set");
        },
        async {
            let failed = failure(reader.recv().await.expect_err("no key"));
            assert!(failed.is_kms_access_denied_exception(), "{failed:?}");
            assert_eq!(began.elapsed(), milliseconds(100) + HALF);
        }
    );
    local.kinesis(|kinesis, now| kinesis.set_kms_fault(S, None, now)).expect("healed");
    tokio::time::sleep(Duration::from_secs(6)).await;
    let mut reader = subscribe(&local, &arn).await;
    let client = local.kinesis_client("owner");
    client.delete_stream().stream_name(S).enforce_consumer_deletion(true).send().await.expect("accepted");
    let accepted = Instant::now();
    let failed = failure(reader.recv().await.expect_err("no stream"));
    assert!(failed.is_resource_not_found_exception(), "{failed:?}");
    assert_eq!(accepted.elapsed(), Duration::from_secs(1), "there and back take as long as back and there");
}

/// The put is on its way when the reader begins to wait, and nobody waits for its answer.
#[tokio::test(start_paused = true)]
async fn a_record_whose_sender_gave_up_is_pushed_when_it_arrives() {
    let (local, arn) = world().await;
    let mut reader = subscribe(&local, &arn).await;
    local.set_faults(|request| match request.operation {
        "PutRecord" => Fault::none().late(milliseconds(1_500)),
        _ => Fault::none(),
    });
    let timeouts = TimeoutConfig::builder().operation_timeout(milliseconds(100)).build();
    let impatient = local.kinesis_config("writer").timeout_config(timeouts).build();
    let impatient = aws_sdk_kinesis::Client::from_conf(impatient);
    let began = Instant::now();
    tokio::join!(
        async {
            tokio::time::sleep(milliseconds(200)).await;
            let put = impatient.put_record().stream_name(S).partition_key("k").data(b"late".to_vec().into());
            put.send().await.expect_err("timed out");
        },
        async {
            assert_eq!(records(&mut reader).await, ["late"]);
            assert_eq!(began.elapsed(), milliseconds(200 + 1_500 + 70) + HALF * 2);
        }
    );
}

/// A hundred subscriptions that nobody wakes: none of them may keep the clock from moving.
#[tokio::test(start_paused = true)]
async fn an_hour_of_a_quiet_shard_has_the_events_of_an_hour() {
    let (local, arn) = world().await;
    let began = Instant::now();
    let mut events = 0;
    while began.elapsed() < Duration::from_hours(1) {
        let mut reader = subscribe(&local, &arn).await;
        while reader.recv().await.expect("no error").is_some() {
            events += 1;
        }
    }
    assert_eq!(events, 12 * 59, "59 in each of 12 subscriptions: at five minutes there is the end");
}
