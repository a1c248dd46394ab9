//! Several workers on one table.

use std::time::Duration;

use kcl_core::store::LeaseStore as _;
use kcl_core::testing::faulty::{Call, Fault, Faulty, Operation};
use tokio::time::Instant;

use crate::support::{Running, Told, World, key};

#[tokio::test(start_paused = true)]
async fn workers_that_start_together_share_the_shards() {
    let world = World::new(8);
    let workers: Vec<_> = ["a", "b"].map(|worker| world.start(worker)).into();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let leases = world.leases.list().await.expect("in memory").leases;
    for worker in ["a", "b"] {
        let held = leases.iter().filter(|lease| lease.owner == Some(worker.into())).count();
        assert!((2..=6).contains(&held), "{worker} holds {held}");
    }
    drop(workers);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_cannot_reach_the_table_stops_before_its_shards_are_taken() {
    let world = World::new(1);
    world.put(0, ["1"]);
    let cut = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_cut = std::sync::Arc::clone(&cut);
    let store = Faulty::new(world.leases.clone(), move |_: &Call<'_>| {
        if is_cut.load(std::sync::atomic::Ordering::Relaxed) { Fault::Hangs } else { Fault::None }
    });
    let _cut_off = Running::start(world.builder_on("a", store).build().expect("good settings"));
    world.until_delivered(0, 1).await;
    let _other = world.start("b");
    tokio::time::sleep(Duration::from_secs(5)).await;
    cut.store(true, std::sync::atomic::Ordering::Relaxed);
    world.until("the loss", |world| world.log().contains(&Told::Lost { shard: 0 })).await;
    let lost = Instant::now();
    let seconds = |n: u64| Duration::from_secs(n);
    world
        .until("the other", |world| {
            world.log().iter().any(|told| matches!(told, Told::Made { worker, .. } if worker == "b"))
        })
        .await;
    assert!(lost.elapsed() < seconds(4), "taken {:?} after it was given up", lost.elapsed());

    // When the table is back, the first finds out that the shard is another's, and does not read it.
    cut.store(false, std::sync::atomic::Ordering::Relaxed);
    tokio::time::sleep(seconds(30)).await;
    world.put(0, ["2"]);
    world.until("the second record", |world| world.delivered(0).contains(&"2".to_owned())).await;
    assert_eq!(world.readers(0), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_was_away_for_a_minute_is_gone_on_with_at_once() {
    let world = World::new(2);
    world.put(0, ["1"]);
    let away = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_away = std::sync::Arc::clone(&away);
    let store = Faulty::new(world.leases.clone(), move |_: &Call<'_>| {
        let away = is_away.load(std::sync::atomic::Ordering::Relaxed);
        if away { Fault::RequestLost(Duration::from_millis(50)) } else { Fault::None }
    });
    let _worker = Running::start(world.builder_on("a", store).build().expect("good settings"));
    world.until_delivered(0, 1).await;
    away.store(true, std::sync::atomic::Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(world.log().contains(&Told::Lost { shard: 0 }));
    away.store(false, std::sync::atomic::Ordering::Relaxed);
    let back = Instant::now();
    world.put(0, ["2"]);
    world.until("the second record", |world| world.delivered(0).contains(&"2".to_owned())).await;
    assert!(back.elapsed() < Duration::from_secs(5), "{:?}", back.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_worker_stays_with_its_shards_through_short_faults() {
    let world = World::new(4);
    let store = Faulty::new(world.leases.clone(), |call: &Call<'_>| match call.number % 10 {
        1 => Fault::Throttled,
        2 => Fault::AnswerLost(Duration::from_millis(200)),
        3 => Fault::Late,
        _ => Fault::None,
    });
    let worker = Running::start(world.builder_on("a", store).build().expect("good settings"));
    for n in 0..30 {
        for shard in 0..4 {
            world.put(shard, [n]);
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    for shard in 0..4 {
        world.until_delivered(shard, 30).await;
        let expected: Vec<_> = (0..30).map(|n| n.to_string()).collect();
        assert_eq!(world.delivered(shard), expected, "read once, in order");
    }
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_hangs_costs_no_other_shard_its_lease() {
    let world = World::new(6);
    let silent = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_silent = std::sync::Arc::clone(&silent);
    let store = Faulty::new(world.leases.clone(), move |call: &Call<'_>| match call.operation {
        Operation::Write(write) if is_silent.load(std::sync::atomic::Ordering::Relaxed) => {
            if write.seen.shard == key(0) { Fault::Hangs } else { Fault::None }
        }
        _ => Fault::None,
    });
    let _worker = Running::start(world.builder_on("a", store).build().expect("good settings"));
    for shard in 0..6 {
        world.put(shard, ["1"]);
        world.until_delivered(u32::try_from(shard).expect("small"), 1).await;
    }
    silent.store(true, std::sync::atomic::Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let lost: std::collections::BTreeSet<_> = world
        .log()
        .into_iter()
        .filter_map(|told| if let Told::Lost { shard } = told { Some(shard) } else { None })
        .collect();
    assert_eq!(lost, [0].into());
}
