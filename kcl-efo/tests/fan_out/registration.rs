//! The consumer: found, registered, waited for, missing.

use std::time::Duration;

use kcl_core::error::SourceErrorKind;
use kcl_core::retrieval::{Retrieval, StartAt};
use kcl_local::{Fault, Settings};
use tokio::time::Instant;

use crate::bench::Bench;
use crate::{APP, S, failure, seconds, shard, some};

impl Bench {
    fn consumers(&self) -> Vec<(String, String)> {
        let listed = self.local.kinesis(|kinesis, now| kinesis.describe_consumer(S, APP, now));
        listed.map(|one| vec![(one.name, one.status.as_str().to_owned())]).unwrap_or_default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_is_missing_is_registered_and_waited_for() {
    let mut settings = Settings::default();
    settings.kinesis.consumer_create_delay = Duration::from_secs(12);
    let bench = Bench::with(1, settings).await;
    let began = Instant::now();
    bench.open(StartAt::Latest).await.expect("opened");
    assert!((12..17).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    assert_eq!(bench.consumers(), [(APP.to_owned(), "ACTIVE".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_is_there_is_used() {
    let bench = Bench::new(1).await;
    bench.register(APP).await;
    bench.open(StartAt::Latest).await.expect("opened");
    assert_eq!(bench.local.sent("RegisterStreamConsumer"), 0);
}

#[tokio::test(start_paused = true)]
async fn of_many_workers_that_start_at_once_one_registers_and_all_read() {
    let bench = Bench::new(30).await;
    let opened = (0..30).map(|number| {
        let (fan_out, budget) = (bench.fan_out(), &bench.budget);
        async move { fan_out.open(&shard(number), &StartAt::Latest, budget).await.map(drop) }
    });
    for opened in futures_util::future::join_all(opened).await {
        opened.expect("opened");
    }
    assert_eq!(bench.consumers().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_takes_too_long_is_told_of_and_waited_for_again() {
    let mut settings = Settings::default();
    settings.kinesis.consumer_create_delay = Duration::from_secs(45);
    let bench = Bench::with(1, settings).await;
    let fan_out = bench.fan_out();
    let error = bench.refusal(&fan_out, StartAt::Latest).await;
    assert_eq!(error.kind(), SourceErrorKind::Unavailable);
    assert!(error.to_string().starts_with("consumer orders-app of stream orders is CREATING for 30s"), "{error}");
    seconds(1).await;
    fan_out.open(&shard(0), &StartAt::Latest, &bench.budget).await.expect("opened");
    assert_eq!(bench.local.sent("RegisterStreamConsumer"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_full_stream_is_told_with_its_limits_and_the_service_is_not_asked_for_every_shard() {
    let bench = Bench::new(10).await;
    bench.local.set_faults(|request| match request.operation {
        "RegisterStreamConsumer" => Fault::refused(400, "LimitExceededException", "Consumer limit reached"),
        _ => Fault::none(),
    });
    let fan_out = bench.fan_out();
    let opened = (0..10).map(|number| {
        let (fan_out, budget) = (&fan_out, &bench.budget);
        async move { fan_out.open(&shard(number), &StartAt::Latest, budget).await.err().expect("it fails") }
    });
    for error in futures_util::future::join_all(opened).await {
        assert_eq!(error.kind(), SourceErrorKind::Throttled);
        assert!(error.to_string().contains("20 consumers at most"), "{error}");
    }
    assert!(bench.local.sent("RegisterStreamConsumer") <= 12, "the attempts of one shard");
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_may_not_register_is_told_what_to_allow() {
    let bench = Bench::new(1).await;
    for operation in ["DescribeStreamSummary", "DescribeStreamConsumer", "RegisterStreamConsumer"] {
        bench.local.set_faults(move |request| {
            if request.operation == operation {
                Fault::refused(400, "AccessDeniedException", "User: x is not authorized")
            } else {
                Fault::none()
            }
        });
        let error = bench.refusal(&bench.fan_out(), StartAt::Latest).await;
        assert_eq!(error.kind(), SourceErrorKind::Denied, "{error}");
        assert!(error.to_string().contains(&format!("allow kinesis:{operation}")), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_consumer_by_its_arn_is_never_registered() {
    let bench = Bench::new(1).await;
    let arn = bench.register("theirs").await;
    let fan_out = bench.builder().consumer_arn(&arn).build().expect("valid");
    fan_out.open(&shard(0), &StartAt::Latest, &bench.budget).await.expect("opened");
    fan_out.deregister().await.expect("deregistered");
    fan_out.deregister().await.expect("a consumer that is gone is deregistered");
    seconds(5).await;
    let error = bench.refusal(&fan_out, StartAt::Latest).await;
    assert_eq!(error.kind(), SourceErrorKind::Invalid);
    assert!(error.to_string().starts_with(&format!("there is no consumer {arn} of stream orders")), "{error}");
    assert_eq!(bench.local.sent("RegisterStreamConsumer"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_was_deregistered_under_way_is_registered_again_and_nothing_is_lost() {
    let bench = Bench::new(1).await;
    let fan_out = bench.fan_out();
    let mut source = fan_out.open(&shard(0), &StartAt::TrimHorizon, &bench.budget).await.expect("opened");
    bench.put("a");
    assert_eq!(some(&mut source).await.expect("read"), ["a"]);
    fan_out.deregister().await.expect("deregistered");
    let error = failure(&mut source).await;
    assert_eq!(error.kind(), SourceErrorKind::NotFound, "{error}");
    bench.put("b");
    assert_eq!(some(&mut source).await.expect("read"), ["b"]);
    assert_eq!(bench.local.sent("RegisterStreamConsumer"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_is_gone_is_not_taken_for_a_missing_consumer() {
    let bench = Bench::new(1).await;
    let fan_out = bench.fan_out();
    let Err(error) = fan_out.open(&shard(7), &StartAt::Latest, &bench.budget).await else { panic!("there is none") };
    assert_eq!(error.kind(), SourceErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("shardId-000000000007"), "{error}");
    assert_eq!(bench.local.sent("RegisterStreamConsumer"), 1);
}
