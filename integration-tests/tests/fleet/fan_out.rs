//! Fleets that subscribe. On a quiet shard there is nothing to hear; what counts is how long a record takes from its put to
//! a processor.

use std::time::Duration;

use integration_tests::faults::Class;
use integration_tests::fleet::FleetSpec;
use integration_tests::modelled::Reading;
use kcl_local::Service;

use crate::world::{FAILOVER, HAND_OVER, World, break_down, seconds, tell};

/// What a move costs that comes less than 5 s after the one before it: the service lets nobody subscribe to a shard again
/// sooner, and whoever is refused asks again after a second.
const MOVED_TWICE: u64 = 6_500;

/// A fleet that reads in this way and has settled.
async fn settled(seed: u64, workers: usize, shards: u32, reading: Reading) -> World {
    World::settled(shards, FleetSpec::plain(FAILOVER, seed).reading(reading, workers), workers).await
}

#[test]
fn in_peace_records_are_pushed_and_not_polled() {
    tell(101, || async {
        let world = settled(101, 3, 6, Reading::FanOut).await;
        let (began, calls) = (world.now(), world.site.local.sent("SubscribeToShard"));
        seconds(600).await;
        let (slowest, shard) = world.slowest_since(began);
        println!("in peace: at most {slowest} ms");
        assert!(slowest <= 200, "{shard} {slowest} ms");
        let renewed = world.site.local.sent("SubscribeToShard") - calls;
        assert!((12..=18).contains(&renewed), "{renewed} subscriptions to 6 shards in 10 minutes");
        assert_eq!(world.site.local.sent("GetRecords"), 0);
        world.end().await;
    });
}

#[test]
fn a_stop_hands_every_shard_over() {
    tell(102, || async {
        let mut world = settled(102, 3, 6, Reading::FanOut).await;
        let began = world.now();
        let old = world.fleet.in_slot(0).expect("it runs");
        world.fleet.stop(&old, Duration::from_secs(5));
        world.fleet.over().await.expect("it stops");
        seconds(20).await;
        let (slowest, shard) = world.slowest_since(began);
        println!("stopped: at most {slowest} ms");
        assert!(slowest <= HAND_OVER, "{shard} {slowest} ms");
        world.end().await;
    });
}

#[test]
fn a_rolling_deploy_leaves_no_shard_without_a_reader() {
    tell(103, || async {
        let mut world = settled(103, 10, 20, Reading::FanOut).await;
        let began = world.now();
        for slot in 0..10 {
            world.replace(slot, &format!("worker-{slot}-new")).await;
            seconds(4).await;
        }
        let (slowest, shard) = world.slowest_since(began);
        println!("rolling deploy: at most {slowest} ms");
        assert!(slowest <= MOVED_TWICE, "{shard} {slowest} ms");
        assert_eq!(world.balance(), (2, 2, 10, 20));
        world.end().await;
    });
}

#[test]
fn a_death_costs_no_more_than_the_failover_time_and_three_seconds() {
    for (seed, leads) in [(104, true), (105, false)] {
        tell(seed, move || async move {
            let world = settled(seed, 5, 10, Reading::FanOut).await;
            let killed = world.now();
            world.kill(leads);
            seconds(25).await;
            let (slowest, shard) = world.slowest_since(killed);
            println!("killed, leader {leads}: at most {slowest} ms");
            assert!(slowest <= 13_000, "{shard} {slowest} ms");
            world.end().await;
        });
    }
}

#[test]
fn a_reshard_is_followed_within_a_second_or_two() {
    tell(106, || async {
        let world = settled(106, 3, 4, Reading::FanOut).await;
        let began = world.now();
        for shard in ["shardId-000000000000", "shardId-000000000001"] {
            world.split(shard).await;
            seconds(10).await;
        }
        world.merge("shardId-000000000004", "shardId-000000000005").await;
        seconds(10).await;
        let (slowest, shard) = world.slowest_since(began);
        println!("resharded: at most {slowest} ms");
        assert!(slowest <= 2_000, "{shard} {slowest} ms");
        world.end().await;
    });
}

#[test]
fn a_fleet_switches_to_fan_out_and_back_worker_by_worker() {
    tell(107, || async {
        let mut world = settled(107, 4, 8, Reading::Polling).await;
        for reading in [Reading::FanOut, Reading::Polling] {
            let began = world.now();
            for slot in 0..4 {
                world.fleet.set_reading(slot, reading);
                world.replace(slot, &format!("worker-{slot}-{reading:?}")).await;
                seconds(10).await;
            }
            let (slowest, shard) = world.slowest_since(began);
            println!("switched to {reading:?}: at most {slowest} ms");
            assert!(slowest <= MOVED_TWICE, "{shard} {slowest} ms");
            assert_eq!(world.balance(), (2, 2, 4, 8));
        }
        world.end().await;
    });
}

#[test]
fn subscriptions_that_fall_silent_are_begun_again_after_the_time_that_is_set() {
    tell(108, || async {
        let world = settled(108, 3, 6, Reading::FanOut).await;
        let began = world.now();
        break_down(&world, Class::PushSilent, None, Some(Service::Kinesis), 0.3, 2);
        seconds(30).await;
        let (slowest, shard) = world.slowest_since(began);
        println!("silent: at most {slowest} ms");
        // A subscription may be silent once more, while silence is about.
        assert!((9_000..=13_000).contains(&slowest), "{shard} {slowest} ms");
        world.end().await;
    });
}
