//! How often the service is asked, and how much memory that is given.

use std::time::Duration;

use kcl_core::retrieval::{Fetched, Retrieval, StartAt};
use kcl_local::Settings;
use tokio::time::Instant;

use crate::local::{Bench, Served};
use crate::{first_shard, open, texts};

const MIB: usize = 1024 * 1024;

fn reads(served: &[Served]) -> Vec<&Served> {
    served.iter().filter(|served| served.operation == "GetRecords").collect()
}

#[tokio::test(start_paused = true)]
async fn a_lone_reader_is_never_throttled() {
    for seed in 0..5 {
        let settings = Settings { seed, latency: Duration::ZERO..=Duration::from_millis(90), ..Settings::default() };
        // One record a call of a backlog: there is always more to read.
        let bench = Bench::with(1, settings, |builder| builder.limit(1)).await;
        bench.put(&["x"; 250]).await;
        let served = bench.watch();
        let mut source = open(&bench.polling(), StartAt::TrimHorizon).await.expect("opened");
        let mut luck = fastrand::Rng::with_seed(seed);
        for _ in 0..200 {
            if luck.u8(0..3) > 0 {
                bench.put(&["x"]).await;
            }
            texts(&mut source).await.expect("not throttled");
        }
        let served = served.lock().expect("whole");
        let reads = reads(&served);
        assert_eq!(reads.len(), 200);
        assert!(reads.windows(6).all(|six| six[5].at - six[0].at >= 1_000), "more than 5 calls in a second");
        assert!(reads.windows(6).any(|six| six[5].at - six[0].at <= 1_500), "it goes as fast as is allowed");
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_dropped_count_too() {
    let latency = Duration::from_millis(4)..=Duration::from_millis(4);
    let bench = Bench::with(1, Settings { latency, ..Settings::default() }, |builder| builder).await;
    let served = bench.watch();
    let mut source = open(&bench.polling(), StartAt::TrimHorizon).await.expect("opened");
    for _ in 0..1_000 {
        let _ = tokio::time::timeout(Duration::from_millis(3), source.next()).await;
    }
    let served = served.lock().expect("whole");
    let reads = reads(&served);
    assert!(reads.len() > 5, "{} calls", reads.len());
    assert!(reads.iter().all(|read| read.status == 200), "throttled");
}

#[tokio::test(start_paused = true)]
async fn full_answers_are_paid_for_before_the_next_call() {
    let bench = Bench::new(1).await;
    let megabyte = vec![("k".to_owned(), vec![7; MIB - 1].into()); 30];
    bench.put_all(&megabyte).await;
    let served = bench.watch();
    let mut source = open(&bench.polling(), StartAt::TrimHorizon).await.expect("opened");
    let (began, mut records) = (Instant::now(), 0);
    while records < 30 {
        records += texts(&mut source).await.expect("not throttled").len();
    }
    let served = served.lock().expect("whole");
    assert_eq!(reads(&served).len(), 3);
    let took = began.elapsed();
    assert!((10_000..10_200).contains(&took.as_millis()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_shard_is_asked_once_in_each_interval() {
    for (interval, expected) in [(200, 200), (1_000, 1_000), (30_000, 30_000)] {
        let settings = Settings { latency: Duration::ZERO..=Duration::ZERO, ..Settings::default() };
        let bench = match interval {
            200 => Bench::with(1, settings, |builder| builder.idle_interval(Duration::from_millis(200))).await,
            1_000 => Bench::with(1, settings, |builder| builder).await,
            _ => Bench::with(1, settings, |builder| builder.idle_interval(Duration::from_secs(30))).await,
        };
        let mut source = open(&bench.polling(), StartAt::Latest).await.expect("opened");
        for _ in 0..12 {
            texts(&mut source).await.expect("read");
        }
        let before = Instant::now();
        texts(&mut source).await.expect("read");
        assert_eq!(before.elapsed().as_millis(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn the_budget_is_reserved_before_a_call_and_fitted_after_it() {
    let bench = Bench::new(1).await;
    bench.put_all(&vec![("k".to_owned(), vec![7; MIB / 2].into()); 3]).await;
    let budget = crate::budget();
    let mut source = bench.polling().open(&first_shard(), &StartAt::TrimHorizon, &budget).await.expect("opened");
    assert_eq!(budget.used(), 0, "a source that is not asked takes nothing");
    let mut next = source.next();
    let _ = tokio::time::timeout(Duration::ZERO, &mut next).await;
    assert_eq!(budget.used(), 10 * MIB, "an answer from the past may bring the most");
    let fetched = next.await.expect("read");
    let used = budget.used();
    assert!((MIB * 3 / 2..MIB * 3 / 2 + 4 * 1024).contains(&used), "{used}");
    drop(fetched);
    assert_eq!(budget.used(), 0);

    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut next = source.next();
    let _ = tokio::time::timeout(Duration::ZERO, &mut next).await;
    let used = budget.used();
    assert!((3 * MIB..3 * MIB + 8 * 1024).contains(&used), "twice the last answer, and not {used}");
    assert!(matches!(next.await.expect("read"), Fetched::Records(fetch) if fetch.records.is_empty()));
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut next = source.next();
    let _ = tokio::time::timeout(Duration::ZERO, &mut next).await;
    let used = budget.used();
    assert!((4 * MIB..4 * MIB + MIB / 64).contains(&used), "what a shard takes in four seconds, and not {used}");
    drop(next);
    assert_eq!(budget.used(), 0, "a call that is dropped gives its part back");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_waited_for_room_reserves_for_what_has_come_meanwhile() {
    let bench = Bench::new(1).await;
    let budget = crate::budget();
    let mut source = bench.polling().open(&first_shard(), &StartAt::Latest, &budget).await.expect("opened");
    drop(source.next().await.expect("read"));
    let elsewhere = budget.reserve(budget.total()).await;
    let mut next = source.next();
    assert!(tokio::time::timeout(Duration::from_secs(30), &mut next).await.is_err(), "there is no room");
    drop(elsewhere);
    let _ = tokio::time::timeout(Duration::ZERO, &mut next).await;
    assert_eq!(budget.used(), 10 * MIB, "as much as an answer may bring");
}

impl Bench {
    async fn put_all(&self, records: &[(String, bytes::Bytes)]) {
        self.put_into(&first_shard(), records).await;
        crate::seconds(10).await;
    }
}
