//! Errors at the start of a subscription and within it: told by their kind, and reading goes on where it was.

use kcl_core::error::SourceErrorKind as Kind;
use kcl_core::retrieval::StartAt;
use kcl_local::kinesis::KmsFault;
use kcl_local::{Fault, StreamFault};
use tokio::time::Instant;

use crate::bench::Bench;
use crate::{S, failure, seconds, some};

#[tokio::test(start_paused = true)]
async fn an_error_in_the_stream_is_told_by_its_kind() {
    for (code, kind) in [
        ("InternalFailureException", Kind::Unavailable),
        ("ResourceNotFoundException", Kind::NotFound),
        ("KMSThrottlingException", Kind::Throttled),
        ("KMSDisabledException", Kind::Key),
        ("KMSAccessDeniedException", Kind::Key),
        ("KMSInvalidStateException", Kind::Key),
        ("KMSNotFoundException", Kind::Key),
        ("KMSOptInRequired", Kind::Key),
        ("SomethingNewException", Kind::Unavailable),
    ] {
        let bench = Bench::new(1).await;
        bench.event_fate(1, StreamFault::failed(code, "the service's words"));
        let mut source = bench.open(StartAt::TrimHorizon).await.expect("opened");
        bench.put("a");
        let error = failure(&mut source).await;
        assert_eq!(error.kind(), kind, "{code}: {error}");
        assert!(
            error.to_string().contains("SubscribeToShard on shard shardId-000000000000 of stream orders"),
            "{error}"
        );
        assert_eq!(some(&mut source).await.expect("read"), ["a"], "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_anywhere_in_an_event_costs_no_record_and_repeats_none() {
    let bench = Bench::new(1).await;
    let mut source = bench.open(StartAt::TrimHorizon).await.expect("opened");
    for bytes in (0..260).step_by(13) {
        bench.event_fate(1, StreamFault::cut_after(bytes));
        bench.put(format!("{bytes}"));
        let error = failure(&mut source).await;
        assert_eq!(error.kind(), Kind::Unavailable, "{error}");
        assert!(error.to_string().contains("broke off"), "{error}");
        assert_eq!(some(&mut source).await.expect("read"), [bytes.to_string()]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_event_is_not_taken_for_a_good_one() {
    let bench = Bench::new(1).await;
    bench.event_fate(1, StreamFault::damaged());
    let mut source = bench.open(StartAt::TrimHorizon).await.expect("opened");
    bench.put("a");
    assert_eq!(failure(&mut source).await.kind(), Kind::Unavailable);
    assert_eq!(some(&mut source).await.expect("read"), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_cannot_be_used_is_told_until_it_can() {
    let bench = Bench::new(1).await;
    let mut source = bench.open(StartAt::TrimHorizon).await.expect("opened");
    bench.local.kinesis(|kinesis, now| kinesis.set_kms_fault(S, Some(KmsFault::Disabled), now)).expect("the stream");
    for _ in 0..3 {
        let error = failure(&mut source).await;
        assert_eq!(error.kind(), Kind::Key, "{error}");
        assert!(error.to_string().contains("Reading goes on by itself then"), "{error}");
    }
    bench.local.kinesis(|kinesis, now| kinesis.set_kms_fault(S, None, now)).expect("the stream");
    bench.put("a");
    assert_eq!(some(&mut source).await.expect("read"), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_time_in_the_future_says_how_long_to_wait() {
    let bench = Bench::new(1).await;
    let now = bench.local.clock().now().0;
    let then = StartAt::Timestamp(kcl_core::time::Timestamp::from_millis(now + 60_000));
    let error = bench.refusal(&bench.fan_out(), then.clone()).await;
    assert_eq!(error.kind(), Kind::Future, "{error}");
    let wait = error.retry_after().expect("told").as_millis();
    assert!((50_000..=60_000).contains(&wait), "{wait}");
    bench.put("before");
    seconds(60).await;
    let mut source = bench.open(then).await.expect("opened");
    bench.put("after");
    assert_eq!(some(&mut source).await.expect("read"), ["after"]);
}

/// Whoever asks again at once does not ask the service more often than it allows.
#[tokio::test(start_paused = true)]
async fn no_error_becomes_a_storm() {
    let bench = Bench::new(1).await;
    let mut source = bench.open(StartAt::TrimHorizon).await.expect("opened");
    let served = bench.watch();
    bench.local.set_stream_faults(|pushed| match pushed.kind {
        "initial-response" => StreamFault::none(),
        _ => StreamFault::failed("InternalFailureException", "no"),
    });
    for _ in 0..20 {
        failure(&mut source).await;
    }
    let served = served.lock().expect("whole").clone();
    assert!(served.len() >= 19, "{}", served.len());
    assert!(served.windows(2).all(|pair| pair[1].at - pair[0].at >= 5_000), "{served:?}");
    bench.local.set_fates("SubscribeToShard", vec![Fault::internal_error(); 1_000]);
    failure(&mut source).await;
    for _ in 0..20 {
        let began = Instant::now();
        failure(&mut source).await;
        assert!(began.elapsed().as_millis() >= 1_000, "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn an_opening_that_is_given_up_is_remembered_by_the_next() {
    let bench = Bench::new(1).await;
    bench.register(crate::APP).await;
    let served = bench.watch();
    let fan_out = bench.fan_out();
    for _ in 0..5 {
        bench.local.set_fates("SubscribeToShard", [Fault::lost_after()]);
        assert_eq!(bench.refusal(&fan_out, StartAt::Latest).await.kind(), Kind::Unavailable);
    }
    let served = served.lock().expect("whole");
    assert!(served.iter().all(|served| served.status == 200), "never refused: {served:?}");
    assert!(served.windows(2).all(|pair| pair[1].at - pair[0].at >= 5_000));
}
