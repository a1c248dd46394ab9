//! Readers that take their time.

use std::time::Duration;

use kcl_core::budget::ByteBudget;
use kcl_core::retrieval::{Fetched, RecordSource, Retrieval, StartAt};
use kcl_local::Settings;

use crate::bench::Bench;
use crate::{seconds, shard, some};

const KIB: usize = 1024;

async fn stand_by(source: &mut Box<dyn RecordSource>, time: Duration) {
    assert!(
        tokio::time::timeout(time, async {
            source.stand_by().await;
            std::future::pending::<()>().await;
        })
        .await
        .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_minutes_does_not_cost_the_subscription_of_a_shard_with_little_to_say() {
    let bench = Bench::new(1).await;
    let mut source = bench.open(StartAt::TrimHorizon).await.expect("opened");
    for minute in 0..4 {
        for second in 0..60 {
            bench.put(format!("{minute}:{second}"));
            stand_by(&mut source, Duration::from_secs(1)).await;
        }
        assert_eq!(bench.subscriptions(), 1);
    }
    assert_eq!(bench.local.sent("SubscribeToShard"), 1);
    let mut texts = Vec::new();
    while texts.len() < 240 {
        texts.extend(some(&mut source).await.expect("read"));
    }
    assert_eq!((texts[0].as_str(), texts[239].as_str()), ("0:0", "3:59"));
}

#[tokio::test(start_paused = true)]
async fn a_shard_with_much_to_say_is_left_within_seconds_and_comes_back_when_there_is_room() {
    let bench = Bench::new(1).await;
    let mut source = bench.open(StartAt::TrimHorizon).await.expect("opened");
    for _ in 0..20 {
        bench.put(vec![7; 500 * KIB]);
        stand_by(&mut source, Duration::from_secs(1)).await;
    }
    assert_eq!(bench.subscriptions(), 0, "it is not left open unread");
    let held = bench.budget.used();
    assert!(held <= 4 * KIB * KIB, "{held}");
    stand_by(&mut source, Duration::from_secs(600)).await;
    assert_eq!((bench.budget.used(), bench.local.sent("SubscribeToShard")), (held, 1), "nor begun again for nothing");
    let mut records = 0;
    while records < 20 {
        let Fetched::Records(fetch) = source.next().await.expect("no trouble") else { panic!("it is open") };
        records += fetch.records.len();
    }
    assert_eq!((records, bench.local.sent("SubscribeToShard")), (20, 2));
}

/// While others have all of the budget a subscription is not left open: it would hold up others on its connection.
#[tokio::test(start_paused = true)]
async fn a_subscription_for_which_there_is_no_budget_is_left_and_begun_again() {
    let bench = Bench::new(1).await;
    let mut source = bench.open(StartAt::TrimHorizon).await.expect("opened");
    bench.put("a");
    assert_eq!(some(&mut source).await.expect("read"), ["a"]);
    let all = bench.budget.reserve(usize::MAX).await;
    bench.put("b");
    let next = async { some(&mut source).await };
    tokio::pin!(next);
    assert!(tokio::time::timeout(Duration::from_millis(1_500), &mut next).await.is_err());
    assert_eq!(bench.subscriptions(), 1);
    assert!(tokio::time::timeout(Duration::from_secs(60), &mut next).await.is_err());
    assert_eq!(bench.subscriptions(), 0);
    drop(all);
    assert_eq!(next.await.expect("read"), ["b"]);
}

/// Many shards with a backlog and a small budget: memory stays within it, but for what one event is larger than what was
/// expected of it.
#[tokio::test(start_paused = true)]
async fn a_backlog_on_many_shards_stays_within_the_budget() {
    let mut settings = Settings::default();
    settings.kinesis.write_bytes_per_second = u64::MAX / 2;
    settings.kinesis.write_records_per_second = u64::MAX / 2;
    let bench = Bench::with(16, settings).await;
    for number in 0..16 {
        for _ in 0..40 {
            let record = kcl_local::kinesis::NewRecord::keyed("k", vec![7; 100 * KIB]);
            let put = bench.local.kinesis(|kinesis, now| {
                let shard = shard(number).as_str().parse().expect("an id");
                kinesis.put_into_shard(crate::S, shard, record, now, &mut fastrand::Rng::with_seed(1))
            });
            put.expect("stored");
        }
    }
    let budget = ByteBudget::new(8 * KIB * KIB);
    let fan_out = bench.fan_out();
    let most = std::sync::atomic::AtomicUsize::new(0);
    let readers = (0..16).map(|number| {
        let (fan_out, budget, most) = (&fan_out, &budget, &most);
        async move {
            let mut source = fan_out.open(&shard(number), &StartAt::TrimHorizon, budget).await.expect("opened");
            let mut records = 0;
            while records < 40 {
                let Fetched::Records(fetch) = source.next().await.expect("no trouble") else { panic!("it is open") };
                records += fetch.records.len();
                most.fetch_max(budget.used(), std::sync::atomic::Ordering::Relaxed);
                seconds(1).await;
            }
            assert_eq!(records, 40);
        }
    });
    futures_util::future::join_all(readers).await;
    assert!(most.into_inner() <= 8 * KIB * KIB);
    assert_eq!(budget.used(), 0);
}
