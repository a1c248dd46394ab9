//! Many shards, and many workers, that share one consumer.

use std::time::Duration;

use kcl_core::error::SourceErrorKind;
use kcl_core::retrieval::{Fetched, Retrieval, StartAt};
use kcl_local::kinesis::TakenOver;
use kcl_local::{Fault, Settings, StreamFault};
use tokio::time::Instant;

use crate::bench::Bench;
use crate::{APP, failure, seconds, shard};

/// One shard that the stream has forgotten, and a control plane that does not answer: the others are opened all the same.
#[tokio::test(start_paused = true)]
async fn one_shard_that_is_gone_does_not_hold_up_the_others() {
    let bench = Bench::new(3).await;
    bench.register(APP).await;
    let fan_out = bench.fan_out();
    drop(fan_out.open(&shard(0), &StartAt::Latest, &bench.budget).await.expect("opened"));
    bench.local.set_faults(|request| match request.operation {
        "DescribeStreamConsumer" => Fault::hang_before(),
        _ => Fault::none(),
    });
    let gone = async {
        loop {
            drop(fan_out.open(&shard(77), &StartAt::Latest, &bench.budget).await.err().expect("there is none"));
            seconds(1).await;
        }
    };
    let healthy = async {
        seconds(1).await;
        let began = Instant::now();
        drop(fan_out.open(&shard(1), &StartAt::Latest, &bench.budget).await.expect("opened"));
        began.elapsed()
    };
    let took = tokio::select! { took = healthy => took, () = gone => unreachable!() };
    assert!(took < Duration::from_secs(2), "a healthy shard of an ACTIVE consumer was opened after {took:?}");
}

/// A stream whose 20 consumers are all there stays so for days: registering is not tried several times a second, which
/// is the whole account's limit, by each worker.
#[tokio::test(start_paused = true)]
async fn a_full_stream_is_not_stormed() {
    let bench = Bench::new(10).await;
    bench.local.set_faults(|request| match request.operation {
        "RegisterStreamConsumer" => Fault::refused(400, "LimitExceededException", "Consumer limit reached"),
        _ => Fault::none(),
    });
    let fan_out = bench.fan_out();
    let readers = (0..10).map(|number| {
        let (fan_out, budget) = (&fan_out, &bench.budget);
        async move {
            loop {
                let error = fan_out.open(&shard(number), &StartAt::Latest, budget).await.err().expect("it fails");
                // As the worker's reader does with a throttled request.
                tokio::time::sleep(error.retry_after().unwrap_or(Duration::from_millis(900))).await;
            }
        }
    });
    let _ = tokio::time::timeout(Duration::from_secs(600), futures_util::future::join_all(readers)).await;
    let (registers, describes) =
        (bench.local.sent("RegisterStreamConsumer"), bench.local.sent("DescribeStreamConsumer"));
    assert!(
        registers <= 120,
        "one worker sent {registers} RegisterStreamConsumer and {describes} DescribeStreamConsumer in 10 minutes"
    );
}

/// Two applications that use one consumer, at a service that ends what is taken over cleanly ("expires or fails").
#[tokio::test(start_paused = true)]
async fn two_applications_with_one_consumer_are_told_of_each_other() {
    for taken_over in [TakenOver::Fails, TakenOver::Ends] {
        let mut settings = Settings::default();
        settings.kinesis.taken_over = taken_over;
        let bench = Bench::with(1, settings).await;
        bench.register(APP).await;
        let reader = || async {
            let fan_out = bench.fan_out();
            let mut source = fan_out.open(&shard(0), &StartAt::TrimHorizon, &bench.budget).await.expect("opened");
            let mut told = 0;
            let _ = tokio::time::timeout(Duration::from_secs(600), async {
                loop {
                    if source.next().await.is_err() {
                        told += 1;
                    }
                }
            })
            .await;
            told
        };
        let puts = async {
            for _ in 0..590 {
                bench.put("x");
                seconds(1).await;
            }
        };
        let (one, other, ()) = tokio::join!(reader(), reader(), puts);
        let calls = bench.local.sent("SubscribeToShard");
        assert!(
            one + other > 0,
            "{taken_over:?}: the shard changed hands with {calls} calls in 10 minutes, and nobody was told"
        );
    }
}

/// What is said at 3 a.m.
#[tokio::test(start_paused = true)]
async fn what_is_said_is_what_to_do() {
    let mut wrong = Vec::new();

    let bench = Bench::new(1).await;
    bench.register(APP).await;
    bench.local.set_faults(|request| match request.operation {
        "SubscribeToShard" => Fault::refused(400, "AccessDeniedException", "User: x is not authorized"),
        _ => Fault::none(),
    });
    let error = bench.refusal(&bench.fan_out(), StartAt::Latest).await;
    assert_eq!(error.kind(), SourceErrorKind::Denied);
    if !error.to_string().contains("on the consumer") {
        wrong.push(format!("denied: {error}"));
    }

    let bench = Bench::new(1).await;
    let fan_out = bench.fan_out();
    let mut source = fan_out.open(&shard(0), &StartAt::TrimHorizon, &bench.budget).await.expect("opened");
    fan_out.deregister().await.expect("deregistered");
    let error = failure(&mut source).await;
    if !error.to_string().contains("consumer") {
        wrong.push(format!("deregistered: {error}"));
    }

    let bench = Bench::new(1).await;
    let mut source = bench.open(StartAt::TrimHorizon).await.expect("opened");
    bench.local.set_fates("SubscribeToShard", [Fault::lost_after()]);
    let error = failure(&mut source).await;
    if error.to_string().contains("another worker has the shard now") {
        wrong.push(format!("its own renewal, the answer to which was lost: {error}"));
    }

    let bench = Bench::new(1).await;
    let mut source = bench.open(StartAt::TrimHorizon).await.expect("opened");
    bench.put("a");
    while !matches!(source.next().await, Ok(Fetched::Records(fetch)) if !fetch.records.is_empty()) {}
    bench.event_fate(1, StreamFault::failed("AccessDeniedException", "no"));
    let error = failure(&mut source).await;
    if error.to_string().contains("HTTP status 500") {
        wrong.push(format!("an error in the stream that has a name, and no HTTP status: {error}"));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
