//! Two readers of one shard: the former owner of a lease and the present one.

use std::time::Duration;

use kcl_core::error::SourceErrorKind;
use kcl_core::retrieval::{Retrieval, StartAt};
use kcl_local::Settings;
use kcl_local::kinesis::TakenOver;
use tokio::time::Instant;

use crate::bench::Bench;
use crate::{failure, seconds, shard, some};

#[tokio::test(start_paused = true)]
async fn the_new_owner_wins_at_once_and_the_old_one_is_told() {
    let bench = Bench::new(1).await;
    let mut old = bench.open(StartAt::TrimHorizon).await.expect("opened");
    seconds(20).await;
    let began = Instant::now();
    let mut new = bench.open(StartAt::TrimHorizon).await.expect("opened");
    assert!(began.elapsed() < Duration::from_millis(100), "{:?}", began.elapsed());
    bench.put("a");
    assert_eq!(some(&mut new).await.expect("read"), ["a"]);
    let error = failure(&mut old).await;
    assert_eq!(error.kind(), SourceErrorKind::Unavailable);
    assert!(error.to_string().contains("was taken over by another subscriber of consumer orders-app"), "{error}");
    // The old one asks once more: not before 5 s have passed, by when its lease is known to be lost.
    let began = Instant::now();
    bench.put("b");
    some(&mut old).await.expect("read");
    assert_eq!(began.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_new_owner_waits_for_the_last_call_of_the_old_one_without_a_word() {
    let bench = Bench::new(1).await;
    for age in [0, 2, 4] {
        let old = bench.open(StartAt::TrimHorizon).await.expect("opened");
        seconds(age).await;
        drop(old);
        let began = Instant::now();
        // Another worker: it knows nothing of the old one.
        let mut new = bench.fan_out().open(&shard(0), &StartAt::TrimHorizon, &bench.budget).await.expect("opened");
        let waited = began.elapsed().as_secs_f64();
        let least = 5.0 - f64::from(u32::try_from(age).expect("small"));
        assert!((least..=least + 1.2).contains(&waited), "{waited} {age}");
        bench.put(age.to_string());
        some(&mut new).await.expect("read");
        drop(new);
        seconds(10).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_former_owner_that_stays_in_the_way_is_told_of() {
    let bench = Bench::new(1).await;
    bench.register(crate::APP).await;
    bench.local.set_faults(|request| match request.operation {
        "SubscribeToShard" => kcl_local::Fault::refused(400, "ResourceInUseException", "Another active subscription"),
        _ => kcl_local::Fault::none(),
    });
    let began = Instant::now();
    let error = bench.refusal(&bench.fan_out(), StartAt::Latest).await;
    assert_eq!(error.kind(), SourceErrorKind::Unavailable);
    assert!(error.to_string().contains("two applications use one consumer"), "{error}");
    assert!((8..=10).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

/// Two that both think they own a shard get it in turn, and neither asks more often than once a second.
#[tokio::test(start_paused = true)]
async fn two_owners_do_not_storm() {
    for taken_over in [TakenOver::Fails, TakenOver::Ends] {
        let mut settings = Settings::default();
        settings.kinesis.taken_over = taken_over;
        let bench = Bench::with(1, settings).await;
        let served = bench.watch();
        let reader = || async {
            let mut source = bench.open(StartAt::Latest).await.expect("opened");
            loop {
                drop(source.next().await);
            }
        };
        let both = async { tokio::join!(reader(), reader()) };
        let two: Result<((), ()), _> = tokio::time::timeout(Duration::from_secs(100), both).await;
        assert!(two.is_err());
        let calls = served.lock().expect("whole").len();
        assert!(calls <= 200, "{calls} calls in 100 s");
        assert!(served.lock().expect("whole").iter().filter(|served| served.status == 200).count() <= 21);
    }
}
