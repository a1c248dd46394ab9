//! Fleets that poll. A shard is silent while nobody reads it: between two answers to `GetRecords`, whoever asked.

use std::collections::BTreeMap;

use integration_tests::faults::Class;
use integration_tests::fleet::FleetSpec;
use integration_tests::history::HowOver;
use integration_tests::site::Clocks;
use kcl_local::Service;

use crate::world::{FAILOVER, HAND_OVER, World, break_down, seconds, tell};

/// Wrong clocks for as many workers: every monotonic clock up to a hundredth, every wall clock by hours.
fn wrong_clocks(workers: usize) -> Vec<Clocks> {
    let rates = [1.01, 0.99, 1.0, 0.995, 1.005];
    let skews = [0, 7_200_000, -7_200_000, 90_000, -90_000];
    (0..workers).map(|slot| Clocks { rate: rates[slot % 5], skew_ms: skews[slot % 5] }).collect()
}

#[test]
fn workers_that_come_one_after_the_other_each_get_a_fair_part_within_five_seconds() {
    tell(1, || async {
        let mut world = World::new(24, FleetSpec::plain(FAILOVER, 1)).await;
        world.start(0);
        seconds(15).await;
        for workers in 2..=8 {
            let began = world.now();
            world.start(workers - 1);
            seconds(5).await;
            let (least, most, holders, all) = world.balance();
            assert!(most - least <= 1 && holders == workers && all == 24, "{workers}: {:?}", world.shares());
            let taken = world.taken_since(began);
            assert!(taken.values().all(|taken| *taken == 1), "{workers}: {taken:?}");
            assert_eq!(taken.len(), least, "{workers}: no more moves than the newcomer has shards");
            let (silence, shard) = world.silence_since(began);
            assert!(silence <= HAND_OVER, "{workers}: {shard} {silence} ms");
        }
        let settled = world.now();
        seconds(120).await;
        assert_eq!(world.taken_since(settled), BTreeMap::new(), "stable");
        world.end().await;
    });
}

#[test]
fn fifty_workers_that_start_together_share_two_hundred_shards_evenly_and_then_rest() {
    tell(2, || async {
        let mut world = World::new(200, FleetSpec::plain(FAILOVER, 2)).await;
        for slot in 0..50 {
            world.start(slot);
        }
        seconds(20).await;
        assert_eq!(world.balance(), (4, 4, 50, 200), "{:?}", world.shares());
        let settled = world.now();
        seconds(40).await;
        assert_eq!(world.taken_since(settled), BTreeMap::new());
        world.end().await;
    });
}

#[test]
fn a_rolling_deploy_of_ten_workers_leaves_no_shard_without_a_reader() {
    tell(3, || async {
        let mut world = World::new(20, FleetSpec::plain(FAILOVER, 3)).await;
        for slot in 0..10 {
            world.start(slot);
        }
        seconds(30).await;
        let began = world.now();
        for slot in 0..10 {
            world.replace(slot, &format!("worker-{slot}-new")).await;
            seconds(4).await;
        }
        let (silence, shard) = world.silence_since(began);
        println!("rolling deploy: at most {silence} ms");
        assert!(silence <= HAND_OVER, "{shard} {silence} ms");
        assert_eq!(world.balance(), (2, 2, 10, 20));
        world.end().await;
    });
}

/// Kills the worker that balances, or another, in fleets of several sizes.
fn kill(seed: u64, workers: usize, leader: bool, clocks: Vec<Clocks>) {
    tell(seed, move || async move {
        let shards = u32::try_from(workers * 2).expect("small");
        let spec = FleetSpec { clocks, ..FleetSpec::plain(FAILOVER, seed) };
        let world = World::settled(shards, spec, workers).await;
        let killed = world.now();
        world.kill(leader);
        seconds(25).await;
        let (silence, shard) = world.silence_since(killed);
        println!("killed one of {workers}, leader {leader}: at most {silence} ms");
        assert!(silence <= 13_000, "{shard} {silence} ms");
        let (least, most, holders, all) = world.balance();
        assert!(most - least <= 1 && holders == workers - 1, "{:?}", world.shares());
        assert_eq!(all, workers * 2);
        world.end().await;
    });
}

#[test]
fn the_leader_of_any_fleet_is_replaced_as_fast_as_anybody() {
    for (seed, workers) in [(11, 2), (12, 5), (13, 12)] {
        kill(seed, workers, true, Vec::new());
        kill(seed, workers, false, Vec::new());
    }
}

#[test]
fn a_death_is_found_out_in_time_although_all_clocks_are_wrong() {
    for leader in [true, false] {
        kill(14, 5, leader, wrong_clocks(5));
    }
}

#[test]
fn a_table_that_was_away_for_a_minute_is_gone_on_with_within_five_seconds() {
    for (seed, class) in [(21, Class::HangBefore), (22, Class::InternalError), (23, Class::LostAfter)] {
        tell(seed, move || async move {
            let mut world =
                World::new(8, FleetSpec { clocks: wrong_clocks(4), ..FleetSpec::plain(FAILOVER, seed) }).await;
            for slot in 0..4 {
                world.start(slot);
            }
            seconds(30).await;
            break_down(&world, class, None, Some(Service::DynamoDb), 1.0, 60);
            seconds(60).await;
            let back = world.now();
            seconds(20).await;
            let (silence, shard) = world.silence_since(back);
            println!("away ({class}): at most {silence} ms after its return");
            assert!(silence <= 5_000, "{class}: {shard} {silence} ms");
            assert_eq!(world.balance().3, 8);
            world.end().await;
        });
    }
}

#[test]
fn a_table_that_throttles_half_of_everything_for_a_minute_costs_nobody_a_shard() {
    tell(24, || async {
        let mut world = World::new(8, FleetSpec::plain(FAILOVER, 24)).await;
        for slot in 0..4 {
            world.start(slot);
        }
        seconds(30).await;
        let began = world.now();
        break_down(&world, Class::Throttled, None, Some(Service::DynamoDb), 0.5, 60);
        seconds(70).await;
        assert_eq!(world.taken_since(began), BTreeMap::new());
        world.end().await;
    });
}

#[test]
fn a_worker_that_was_cut_off_and_comes_back_disturbs_nobody_and_commits_nothing() {
    for (seed, clocks) in [(31, Vec::new()), (32, wrong_clocks(3))] {
        tell(seed, move || async move {
            let mut world = World::new(6, FleetSpec { clocks, ..FleetSpec::plain(FAILOVER, seed) }).await;
            for slot in 0..3 {
                world.start(slot);
            }
            seconds(30).await;
            let cut = world.now();
            break_down(&world, Class::HangBefore, Some(0), None, 1.0, 30);
            seconds(28).await;
            let (silence, shard) = world.silence_since(cut);
            assert!(silence <= 13_000, "{shard} {silence} ms");
            let back = world.now() + 2_000;
            seconds(20).await;
            let (silence, shard) = world.silence_since(back);
            assert!(silence <= HAND_OVER, "{shard} {silence} ms");
            assert_eq!(world.balance(), (2, 2, 3, 6), "it has its part again");
            world.end().await;
        });
    }
}

#[test]
fn a_second_process_with_the_same_id_takes_over_within_two_seconds() {
    tell(41, || async {
        let mut world = World::new(4, FleetSpec::plain(FAILOVER, 41)).await;
        let first = world.start(0);
        world.start(1);
        seconds(30).await;
        let began = world.now();
        world.fleet.start(2, "worker-0").expect("the settings work");
        seconds(10).await;
        let (silence, shard) = world.silence_since(began);
        assert!(silence <= 2_000, "{shard} {silence} ms");
        assert!(matches!(world.fleet.how_over(first), Some(HowOver::Failed(why)) if why.contains("worker id")));
        assert_eq!(world.balance(), (2, 2, 2, 4));
    });
}
