//! Shards that go from worker to worker: by plan, at a stop, after a death.

use std::collections::BTreeMap;
use std::time::Duration;

use kcl_core::event::Event;
use kcl_core::store::LeaseStore as _;
use kcl_core::testing::faulty::{Call, Fault, Faulty, Operation};
use tokio::time::Instant;

use crate::support::{Behave, Running, Told, World, key};

/// How many leases each worker has, and how many nobody.
async fn shares(world: &World) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for lease in world.leases.list().await.expect("in memory").leases {
        let owner = lease.holder().map_or_else(|| "nobody".to_owned(), ToString::to_string);
        *shares.entry(owner).or_default() += 1;
    }
    shares
}

async fn until_shares(world: &World, expected: &[(&str, usize)], within: Duration) {
    let expected: BTreeMap<_, _> = expected.iter().map(|(worker, count)| ((*worker).to_owned(), *count)).collect();
    let began = Instant::now();
    loop {
        let now = shares(world).await;
        if now == expected {
            return;
        }
        assert!(began.elapsed() < within, "{now:?} after {within:?}; {:?}", moves(world));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// How often each shard was taken.
fn moves(world: &World) -> BTreeMap<String, usize> {
    let mut taken = BTreeMap::new();
    for event in world.events() {
        if let Event::LeaseTaken { shard, .. } = event {
            *taken.entry(shard.shard.to_string()).or_default() += 1;
        }
    }
    taken
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// Puts a record into every shard each 50 ms, for so long, and answers the longest time in which nothing of a shard was
/// delivered.
async fn longest_silence(world: &World, shards: u32, lasting: Duration) -> Duration {
    let until = Instant::now() + lasting;
    let mut last: Vec<(usize, Instant)> =
        (0..shards).map(|shard| (world.delivered(shard).len(), Instant::now())).collect();
    let mut longest = Duration::ZERO;
    while Instant::now() < until {
        for shard in 0..shards {
            world.put(shard as usize, ["x"]);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        for (shard, (count, at)) in (0..).zip(&mut last) {
            let now = world.delivered(shard).len();
            if now > *count {
                longest = longest.max(at.elapsed());
                (*count, *at) = (now, Instant::now());
            }
        }
    }
    let silent = last.iter().map(|(_, at)| at.elapsed()).max().unwrap_or_default();
    longest.max(silent)
}

#[tokio::test(start_paused = true)]
async fn a_second_worker_gets_half_within_five_seconds_and_no_shard_moves_twice() {
    let world = World::new(10);
    let _first = world.start("a");
    until_shares(&world, &[("a", 10)], Duration::from_secs(5)).await;
    seconds(20).await;
    let _second = world.start("b");
    until_shares(&world, &[("a", 5), ("b", 5)], Duration::from_secs(5)).await;
    seconds(120).await;
    assert_eq!(shares(&world).await, [("a".to_owned(), 5), ("b".to_owned(), 5)].into(), "and stays so");
    assert!(moves(&world).values().all(|taken| *taken <= 2), "{:?}", moves(&world));
    let _third = world.start("c");
    seconds(5).await;
    let mut counts: Vec<_> = shares(&world).await.into_values().collect();
    counts.sort_unstable();
    assert_eq!(counts, [3, 3, 4]);
    seconds(120).await;
    assert_eq!(moves(&world).values().sum::<usize>(), 10 + 5 + 3);
}

#[tokio::test(start_paused = true)]
async fn no_shard_is_silent_for_a_second_and_a_half_while_workers_come_and_go() {
    let world = World::new(6);
    let first = world.start("a");
    let _second = world.start("b");
    let _third = world.start("c");
    seconds(20).await;
    let coming = async {
        let fourth = world.start("d");
        seconds(10).await;
        let report = first.stop().await;
        seconds(10).await;
        (report, fourth)
    };
    let ((report, _stays), silence) = tokio::join!(coming, longest_silence(&world, 6, Duration::from_secs(25)));
    assert!(silence < Duration::from_millis(1_500), "{silence:?}");
    assert_eq!(report.passed.len(), report.drained.len(), "{report:?}");
    assert_eq!(report.claimed.len(), report.passed.len(), "{report:?}");
    assert!(report.cut_off.is_empty() && report.freed.is_empty() && report.left.is_empty(), "{report:?}");
    assert!(!shares(&world).await.contains_key("a"));
}

#[tokio::test(start_paused = true)]
async fn whoever_dies_leader_or_not_is_replaced_within_the_failover_time_and_three_seconds() {
    for victim in ["a", "b", "c"] {
        let world = World::new(6);
        let mut workers: BTreeMap<_, _> = ["a", "b", "c"].map(|worker| (worker, world.start(worker))).into();
        seconds(30).await;
        let killing = async {
            seconds(2).await;
            workers.remove(victim).expect("one of them").kill().await;
        };
        let ((), silence) = tokio::join!(killing, longest_silence(&world, 6, Duration::from_secs(20)));
        assert!(silence <= Duration::from_secs(13), "{victim}: {silence:?}");
        let shares = shares(&world).await;
        assert_eq!((shares.values().sum::<usize>(), shares.values().max()), (6, Some(&3)), "{victim}: {shares:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_at_its_limit_is_given_nothing_and_what_nobody_can_have_is_told() {
    let world = World::new(6);
    let _first = Running::start(world.builder("a").max_leases(2).build().expect("good settings"));
    let _second = Running::start(world.builder("b").max_leases(3).build().expect("good settings"));
    seconds(30).await;
    let expected = [("a", 2), ("b", 3), ("nobody", 1)].map(|(worker, count)| (worker.to_owned(), count));
    assert_eq!(shares(&world).await, expected.into());
    assert!(world.events().contains(&Event::NoRoom { shards: 1 }));
    let _third = world.start("c");
    until_shares(&world, &[("a", 2), ("b", 2), ("c", 2)], Duration::from_secs(5)).await;
}

#[tokio::test(start_paused = true)]
async fn a_shard_whose_receiver_dies_before_it_begins_goes_to_another() {
    let world = World::new(2);
    let first = world.start("a");
    seconds(10).await;
    // It joins, looks, and takes nothing: as one that dies at that moment.
    let deaf = Faulty::new(world.leases.clone(), |call: &Call<'_>| match call.operation {
        Operation::Write(_) => Fault::RequestLost(Duration::from_millis(10)),
        _ => Fault::None,
    });
    let _deaf = Running::start(world.builder_on("deaf", deaf).build().expect("good settings"));
    seconds(20).await;
    let _third = world.start("c");
    seconds(20).await;
    let stopping = async {
        seconds(2).await;
        first.stop().await
    };
    let (report, silence) = tokio::join!(stopping, longest_silence(&world, 2, Duration::from_secs(20)));
    assert!(silence <= Duration::from_secs(6), "{silence:?}; {report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_hangs_is_cut_off_when_its_shard_is_moved() {
    let world = World::new(2);
    world.put(0, ["1"]);
    world.put(1, ["1"]);
    world.misbehave(|_| Behave::Hang);
    let _first = world.start("a");
    seconds(5).await;
    let _second = world.start("b");
    until_shares(&world, &[("a", 1), ("b", 1)], Duration::from_secs(15)).await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_frozen_in_the_middle_of_a_move_cannot_commit_when_it_wakes() {
    let world = World::new(2);
    let frozen = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_frozen = std::sync::Arc::clone(&frozen);
    let store = Faulty::new(world.leases.clone(), move |_: &Call<'_>| {
        let frozen = is_frozen.load(std::sync::atomic::Ordering::Relaxed);
        if frozen { Fault::Hangs } else { Fault::None }
    });
    let _first = Running::start(world.builder_on("a", store).build().expect("good settings"));
    for shard in 0..2 {
        world.put(shard, ["1"]);
    }
    world.until_delivered(0, 1).await;
    world.until_delivered(1, 1).await;
    let _second = world.start("b");
    tokio::time::sleep(Duration::from_millis(300)).await;
    frozen.store(true, std::sync::atomic::Ordering::Relaxed);
    until_shares(&world, &[("b", 2)], Duration::from_secs(15)).await;
    let kept = world.checkpointers.lock().expect("whole").clone();
    frozen.store(false, std::sync::atomic::Ordering::Relaxed);
    let committed = kept[0].checkpoint().await;
    let holders = [world.lease(0).await, world.lease(1).await];
    assert!(committed.is_err(), "{committed:?} {holders:?}");
    assert!(world.log().contains(&Told::Lost { shard: 0 }) || world.log().contains(&Told::Shutdown { shard: 0 }));
    assert!(world.lease(0).await.is_some_and(|lease| lease.shard == key(0)));
}

#[tokio::test(start_paused = true)]
async fn a_rolling_deploy_is_never_noticed() {
    let world = World::new(5);
    let mut workers: Vec<_> = ["a1", "b1", "c1"].map(|worker| world.start(worker)).into();
    seconds(20).await;
    let rolling = async {
        for next in ["a2", "b2", "c2"] {
            workers.push(world.start(next));
            seconds(5).await;
            workers.remove(0).stop().await;
            seconds(3).await;
        }
        workers
    };
    let (_workers, silence) = tokio::join!(rolling, longest_silence(&world, 5, Duration::from_secs(28)));
    assert!(silence < Duration::from_millis(1_500), "{silence:?}");
    let owners: Vec<_> = shares(&world).await.into_keys().collect();
    assert_eq!(owners, ["a2", "b2", "c2"]);
}

#[tokio::test(start_paused = true)]
async fn a_fleet_that_counts_leases_shares_them_out_whatever_they_weigh() {
    let world = World::new(6);
    // Every handler is busy all the time.
    world.misbehave(|_| Behave::Take(Duration::from_secs(2)));
    let build = |worker: &str| world.builder(worker).balance_by(kcl_core::decide::balance::Strategy::LeaseCount);
    let _first = Running::start(build("a").build().expect("good settings"));
    for _ in 0..20 {
        world.put(0, ["x"]);
        seconds(1).await;
    }
    let _second = Running::start(build("b").build().expect("good settings"));
    until_shares(&world, &[("a", 3), ("b", 3)], Duration::from_secs(15)).await;
}
