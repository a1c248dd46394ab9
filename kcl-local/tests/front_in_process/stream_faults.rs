//! What can go wrong within a subscription.

use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_kinesis::error::{DisplayErrorContext, SdkError};
use kcl_local::{Local, StreamFault};
use tokio::time::{Instant, timeout};

use super::subscriber::{HALF, Receiver, SHARD, StreamError, event, put, records, subscribe, try_subscribe, world};

/// A reader whose message of this number meets `fate`, after one event has come.
async fn reader(number: u64, fate: StreamFault) -> (Local, Receiver) {
    let (local, arn) = world().await;
    local.set_stream_faults(move |pushed| if pushed.number == number { fate.clone() } else { StreamFault::none() });
    let mut reader = subscribe(&local, &arn).await;
    put(&local, "first");
    assert_eq!(records(&mut reader).await, ["first"]);
    put(&local, "second");
    (local, reader)
}

async fn failure(reader: &mut Receiver) -> StreamError {
    reader.recv().await.expect_err("a failure")
}

#[tokio::test(start_paused = true)]
async fn a_connection_breaks_between_events_or_in_the_middle_of_one() {
    for bytes in [0, 1, 11, 12, 100] {
        let (_local, mut reader) = reader(2, StreamFault::cut_after(bytes)).await;
        let failed = failure(&mut reader).await;
        assert!(matches!(failed, SdkError::DispatchFailure(_)), "{bytes}: {}", DisplayErrorContext(failed));
    }
    let (_local, mut reader) = reader(2, StreamFault::cut_after(1_000_000)).await;
    assert_eq!(records(&mut reader).await, ["second"], "all of it arrived");
    assert!(matches!(failure(&mut reader).await, SdkError::DispatchFailure(_)));
}

#[tokio::test(start_paused = true)]
async fn a_stream_falls_silent_and_its_connection_stays_open() {
    let (local, mut reader) = reader(2, StreamFault::silent()).await;
    timeout(Duration::from_hours(1), reader.recv()).await.expect_err("nothing in the SDK ends it");
    local.clear_stream_faults();
    timeout(Duration::from_hours(1), reader.recv()).await.expect_err("it stays silent");
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_an_answer_that_has_a_head_and_no_body() {
    let (local, arn) = world().await;
    local.set_stream_faults(|_| StreamFault::silent());
    timeout(Duration::from_hours(1), try_subscribe(&local, "reader", &arn)).await.expect_err("no initial response");
}

#[tokio::test(start_paused = true)]
async fn an_error_comes_in_place_of_an_event() {
    let (_local, mut failing) = reader(2, StreamFault::failed("InternalFailureException", "no")).await;
    let failed = failure(&mut failing).await.into_service_error();
    assert!(failed.is_internal_failure_exception(), "{failed:?}");
    assert_eq!(failed.meta().message(), Some("no"));
    assert!(failing.recv().await.expect("no error").is_none(), "and then the end");

    let (_local, mut failing) = reader(2, StreamFault::failed("NewException", "no model has it")).await;
    let failed = failure(&mut failing).await.into_service_error();
    assert_eq!(failed.meta().message(), Some("no model has it"));
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_before_its_time() {
    let (_local, mut reader) = reader(2, StreamFault::ended()).await;
    assert!(reader.recv().await.expect("no error").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_damaged_event_is_found_out_by_its_checksum() {
    let (_local, mut reader) = reader(2, StreamFault::damaged()).await;
    let failed = failure(&mut reader).await;
    assert!(matches!(failed, SdkError::ResponseError(_)), "{failed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_late_event_holds_up_those_behind_it() {
    let (local, arn) = world().await;
    let late = Duration::from_secs(3);
    local.set_stream_faults(move |pushed| match pushed.number {
        1 => StreamFault::none().late(late),
        _ => StreamFault::none(),
    });
    let mut reader = subscribe(&local, &arn).await;
    put(&local, "first");
    let began = Instant::now();
    tokio::join!(
        async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            put(&local, "second");
        },
        async {
            assert_eq!(records(&mut reader).await, ["first"]);
            assert_eq!(began.elapsed(), Duration::from_millis(70) + late + HALF);
            assert_eq!(records(&mut reader).await, ["second"]);
            assert_eq!(began.elapsed(), Duration::from_millis(70) + late + HALF, "it came right behind");
        }
    );
    put(&local, "third");
    let began = Instant::now();
    assert_eq!(records(&mut reader).await, ["third"]);
    assert_eq!(began.elapsed(), Duration::from_millis(70) + HALF, "only the one was late");
}

#[tokio::test(start_paused = true)]
async fn a_fault_sees_whose_message_it_is_and_how_far_the_stream_has_come() {
    let (local, arn) = world().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    local.set_stream_faults(move |pushed| {
        let records = pushed.body["Records"].as_array().map(Vec::len);
        assert_eq!((pushed.stream, pushed.shard), ("orders", SHARD));
        assert!(pushed.consumer_arn.contains("/consumer/app:"));
        let note = (pushed.client.to_owned(), pushed.number, pushed.kind.to_owned(), records, pushed.bytes_before);
        notes.lock().expect("whole").push((note, pushed.bytes, pushed.subscription));
        StreamFault::none()
    });
    let mut reader = subscribe(&local, &arn).await;
    put(&local, "a");
    event(&mut reader).await;
    let seen = seen.lock().expect("whole");
    let [(first, bytes, subscription), (second, ..)] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!(*first, ("reader".to_owned(), 0, "initial-response".to_owned(), None, 0));
    let before = u64::try_from(*bytes).expect("small");
    assert_eq!(*second, ("reader".to_owned(), 1, "SubscribeToShardEvent".to_owned(), Some(1), before));
    assert_eq!(*subscription, local.requests().values().sum::<u64>(), "the number of the request");
}

/// What three readers that fight for a shard see on a bad network.
fn transcript(seed: u64) -> String {
    fastrand::seed(seed);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("runtime");
    runtime.block_on(async {
        let (local, arn) = world().await;
        let mut luck = fastrand::Rng::with_seed(seed);
        local.set_stream_faults(move |_| match luck.u8(0..12) {
            0 => StreamFault::cut_after(usize::from(luck.u8(..))),
            1 => StreamFault::failed("InternalFailureException", "by chance"),
            2 => StreamFault::ended(),
            3 => StreamFault::damaged(),
            4 => StreamFault::none().late(Duration::from_millis(luck.u64(..2_000))),
            _ => StreamFault::none(),
        });
        let transcript = Mutex::new(String::new());
        let began = Instant::now();
        let say = |reader: &str, what: String| {
            let line = writeln!(transcript.lock().expect("whole"), "{:?} {reader} {what}", began.elapsed());
            line.expect("in memory");
        };
        let read = async |name: &'static str| {
            while began.elapsed() < Duration::from_secs(120) {
                match try_subscribe(&local, name, &arn).await {
                    Err(error) => say(name, DisplayErrorContext(error).to_string()),
                    Ok(mut receiver) => loop {
                        match receiver.recv().await {
                            Ok(Some(event)) => say(name, format!("{event:?}")),
                            Ok(None) => break say(name, "the end".to_owned()),
                            Err(error) => break say(name, DisplayErrorContext(error).to_string()),
                        }
                    },
                }
                tokio::time::sleep(Duration::from_millis(900)).await;
            }
        };
        let write = async {
            for i in 0..600 {
                put(&local, &i.to_string());
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        tokio::join!(read("r1"), read("r2"), read("r3"), write);
        transcript.into_inner().expect("whole")
    })
}

#[test]
fn the_same_seed_gives_the_same_stream_and_another_seed_does_not() {
    let one = transcript(1);
    assert!(one.lines().count() > 100, "{} lines", one.lines().count());
    assert!(one.contains("ResourceInUseException") && one.contains("by chance"));
    assert_eq!(one, transcript(1));
    assert_ne!(one, transcript(2));
}
