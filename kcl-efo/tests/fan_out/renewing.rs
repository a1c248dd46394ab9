//! Five minutes, and five minutes more.

use std::time::Duration;

use kcl_core::error::SourceErrorKind;
use kcl_core::retrieval::{Fetched, RecordSource, StartAt};
use kcl_local::kinesis::TakenOver;
use kcl_local::{Fault, Settings};
use tokio::time::Instant;

use crate::bench::Bench;
use crate::{failure, some};

/// Puts a record every 100 ms for so many minutes, and reads them: each once, in order. Answers the longest that one took.
async fn read_for(bench: &Bench, source: &mut Box<dyn RecordSource>, minutes: u64) -> Duration {
    let began = Instant::now();
    let count = minutes * 600;
    let (mut read, mut longest) = (0, Duration::ZERO);
    let puts = async {
        for number in 0..count {
            tokio::time::sleep_until(began + Duration::from_millis(100 * number)).await;
            bench.put(number.to_string());
        }
    };
    let reads = async {
        while read < count {
            let Fetched::Records(fetch) = source.next().await.expect("no trouble") else { panic!("it is open") };
            for record in fetch.records {
                assert_eq!(record.data, read.to_string());
                longest = longest.max(began.elapsed().saturating_sub(Duration::from_millis(100 * read)));
                read += 1;
            }
        }
    };
    tokio::join!(puts, reads);
    longest
}

#[tokio::test(start_paused = true)]
async fn a_subscription_is_renewed_without_a_gap_a_wait_or_a_repetition() {
    for taken_over in [TakenOver::Fails, TakenOver::Ends] {
        let mut settings =
            Settings { latency: Duration::from_millis(20)..=Duration::from_millis(60), ..Settings::default() };
        settings.kinesis.taken_over = taken_over;
        let bench = Bench::with(1, settings).await;
        let mut source = bench.open(StartAt::TrimHorizon).await.expect("opened");
        let longest = read_for(&bench, &mut source, 30).await;
        // Put, and 70 ms for others, and the way; renewed, the way three times: there and back, and then the event.
        assert!(longest <= Duration::from_millis(70 + 3 * 60 + 10), "{longest:?}");
        assert_eq!(bench.local.sent("SubscribeToShard"), 7, "30 minutes, of 260 to 280 s each");
    }
}

#[tokio::test(start_paused = true)]
async fn renewals_that_fail_are_tried_again_and_nobody_is_told() {
    for fault in [
        Fault::internal_error(),
        Fault::throttled(),
        Fault::lost_before(),
        Fault::hang_before(),
        Fault::refused(400, "ResourceInUseException", "Another active subscription exists"),
    ] {
        let bench = Bench::new(1).await;
        let mut source = bench.open(StartAt::TrimHorizon).await.expect("opened");
        bench.local.set_fates("SubscribeToShard", [fault]);
        read_for(&bench, &mut source, 8).await;
        assert!(bench.local.sent("SubscribeToShard") >= 3);
    }
}

/// The service took the old subscription away, and the answer that was to bring the new one is lost: that is told.
#[tokio::test(start_paused = true)]
async fn a_renewal_whose_answer_is_lost_costs_no_record() {
    for fault in [Fault::lost_after(), Fault::hang_after()] {
        let bench = Bench::new(1).await;
        let mut source = bench.open(StartAt::TrimHorizon).await.expect("opened");
        bench.put("a");
        assert_eq!(some(&mut source).await.expect("read"), ["a"]);
        bench.local.set_fates("SubscribeToShard", [fault]);
        let error = failure(&mut source).await;
        assert_eq!(error.kind(), SourceErrorKind::Unavailable, "{error}");
        let began = Instant::now();
        bench.put("b");
        assert_eq!(some(&mut source).await.expect("read"), ["b"]);
        assert!(began.elapsed().as_secs() < 6, "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_ends_subscriptions_early_is_subscribed_to_again_as_soon_as_it_allows() {
    let mut settings = Settings::default();
    settings.kinesis.subscription_life = Duration::from_secs(7);
    let bench = Bench::with(1, settings).await;
    let mut source = bench.open(StartAt::TrimHorizon).await.expect("opened");
    let longest = read_for(&bench, &mut source, 3).await;
    assert!(longest <= Duration::from_millis(200), "{longest:?}");
    let calls = bench.local.sent("SubscribeToShard");
    assert!((24..=27).contains(&calls), "{calls}");
}

#[tokio::test(start_paused = true)]
async fn who_is_never_renewed_begins_again_when_the_five_minutes_are_over() {
    let bench = Bench::new(1).await;
    let mut source = bench.open(StartAt::TrimHorizon).await.expect("opened");
    let ends = bench.local.clock().now().0 + 300_000;
    bench.local.set_faults(move |request| match request.operation {
        "SubscribeToShard" if request.now.0 < ends => Fault::internal_error(),
        _ => Fault::none(),
    });
    let longest = read_for(&bench, &mut source, 10).await;
    assert!(longest <= Duration::from_secs(2), "{longest:?}");
}
