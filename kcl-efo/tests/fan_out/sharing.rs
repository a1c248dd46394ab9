//! Many shards that share one budget.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kcl_core::budget::ByteBudget;
use kcl_core::retrieval::{Fetched, RawRecord, Retrieval, StartAt};
use kcl_local::Settings;
use kcl_local::kinesis::{KmsFault, NewRecord};
use tokio::time::Instant;

use crate::bench::Bench;
use crate::{APP, S, seconds, shard};

const MIB: usize = 1024 * 1024;

fn put(bench: &Bench, number: u32, data: Vec<u8>) {
    let put = bench.local.kinesis(|kinesis, now| {
        let shard = shard(number).as_str().parse().expect("an id");
        kinesis.put_into_shard(S, shard, NewRecord::keyed("k", data), now, &mut fastrand::Rng::with_seed(1))
    });
    put.expect("stored");
}

/// 300 idle shards on a worker with the default budget: all hear their first heartbeat within seconds, for one call each.
#[tokio::test(start_paused = true)]
async fn idle_shards_start_without_waiting_for_each_other() {
    let bench = Bench::new(300).await;
    bench.register(APP).await;
    let fan_out = bench.fan_out();
    let began = Instant::now();
    let readers = (0..300).map(|number| {
        let (fan_out, budget) = (&fan_out, &bench.budget);
        async move {
            let mut source = fan_out.open(&shard(number), &StartAt::TrimHorizon, budget).await.expect("opened");
            drop(source.next().await.expect("no trouble"));
            let first = began.elapsed();
            // It goes on, as a reader does.
            let _ = tokio::time::timeout(Duration::from_secs(120), async {
                loop {
                    drop(source.next().await);
                }
            })
            .await;
            first
        }
    });
    let firsts = futures_util::future::join_all(readers).await;
    let (last, calls) = (firsts.iter().max().expect("some"), bench.local.sent("SubscribeToShard"));
    assert!(
        *last < Duration::from_secs(8) && calls == 300,
        "the last shard was first heard after {last:?}, {calls} calls"
    );
}

/// The shards of a stream that cannot be read keep none of the budget from others.
#[tokio::test(start_paused = true)]
async fn shards_that_only_fail_keep_nothing_of_the_budget() {
    let bench = Bench::new(80).await;
    bench.register(APP).await;
    let fan_out = bench.fan_out();
    let mut sources = Vec::new();
    for number in 0..80 {
        sources.push(fan_out.open(&shard(number), &StartAt::TrimHorizon, &bench.budget).await.expect("opened"));
    }
    bench.local.kinesis(|kinesis, now| kinesis.set_kms_fault(S, Some(KmsFault::Disabled), now)).expect("the stream");
    let failing = sources.into_iter().map(|mut source| async move {
        loop {
            if source.next().await.is_err() {
                seconds(10).await;
            }
        }
    });
    let failing = futures_util::future::join_all(failing);
    let other = async {
        seconds(60).await;
        let used = bench.budget.used();
        let waited = tokio::time::timeout(Duration::from_secs(300), bench.budget.reserve(1024)).await;
        assert!(
            waited.is_ok(),
            "a reader of another stream waits for 5 minutes for 1 KiB; {used} bytes are out, held by nothing"
        );
    };
    tokio::select! {
        _ = failing => unreachable!(),
        () = other => {}
    }
}

/// What is held is what the budget says is out: small and large events in turn, and processors that keep what they get.
#[tokio::test(start_paused = true)]
async fn what_is_held_stays_within_the_budget() {
    let shards = 64;
    let mut settings = Settings::default();
    settings.kinesis.write_bytes_per_second = 1 << 40;
    settings.kinesis.push_bytes_per_second = 1 << 40;
    let bench = Bench::with(shards, settings).await;
    bench.register(APP).await;
    for number in 0..shards {
        for _ in 0..5 {
            put(&bench, number, vec![7; 10]);
            put(&bench, number, vec![7; MIB - 1]);
        }
    }
    let budget = ByteBudget::new(8 * MIB);
    let fan_out = bench.fan_out();
    let (held, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let readers = (0..shards).map(|number| {
        let (fan_out, budget, held, most) = (&fan_out, &budget, &held, &most);
        async move {
            let mut source = fan_out.open(&shard(number), &StartAt::TrimHorizon, budget).await.expect("opened");
            let mut read = 0;
            while read < 10 {
                let Fetched::Records(fetch) = source.next().await.expect("no trouble") else { panic!("it is open") };
                read += fetch.records.len();
                let bytes: usize = fetch.records.iter().map(RawRecord::held_bytes).sum();
                most.fetch_max(held.fetch_add(bytes, Ordering::Relaxed) + bytes, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_secs(1)).await;
                held.fetch_sub(bytes, Ordering::Relaxed);
                drop(fetch);
            }
        }
    });
    futures_util::future::join_all(readers).await;
    let most = most.into_inner();
    assert!(most <= budget.total() + 2 * MIB, "held {most} bytes with a budget of {}", budget.total());
}

/// A processor that takes hours, and a subscription that failed meanwhile: the source keeps nothing of the budget but what
/// it took in.
#[tokio::test(start_paused = true)]
async fn a_source_in_trouble_that_stands_by_keeps_nothing() {
    let bench = Bench::new(1).await;
    let mut source = bench.open(StartAt::TrimHorizon).await.expect("opened");
    bench.local.kinesis(|kinesis, now| kinesis.set_kms_fault(S, Some(KmsFault::Disabled), now)).expect("the stream");
    let _ = tokio::time::timeout(Duration::from_secs(3600), async {
        source.stand_by().await;
        std::future::pending::<()>().await;
    })
    .await;
    let used = bench.budget.used();
    assert_eq!(used, 0, "an hour later {used} bytes are kept for an event that nobody waits for");
}
