//! Starting an application again at another position.

use std::collections::BTreeMap;

use kcl_core::position::InitialPosition;
use kcl_core::reset::{ResetError, ResetTo, reset};
use kcl_core::testing::scripted::Scripted;

use crate::support::{FAILOVER, World, key};

/// A stream whose only shard was split, all of it read, all workers stopped.
async fn read_and_stopped() -> World {
    let world = World::new(1);
    world.put(0, ["a", "b"]);
    let worker = world.start("w");
    world.until_delivered(0, 2).await;
    world.stream.split(&Scripted::shard(0));
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    world.put(1, ["left"]);
    world.put(2, ["right"]);
    world.until_delivered(1, 1).await;
    world.until_delivered(2, 1).await;
    worker.stop().await;
    world
}

async fn to(world: &World, to: ResetTo) -> Result<usize, ResetError> {
    reset(&world.leases, &world.stream, &to, FAILOVER).await.map(|report| report.moved.len())
}

#[tokio::test(start_paused = true)]
async fn from_the_trim_horizon_everything_is_read_again_parents_first() {
    let world = read_and_stopped().await;
    let moved = to(&world, ResetTo::Stream(InitialPosition::TrimHorizon)).await.expect("nobody is alive");
    assert_eq!(moved, 3);
    let worker = world.start("again");
    world.until_delivered(0, 4).await;
    world.until_delivered(1, 2).await;
    world.until_delivered(2, 2).await;
    worker.stop().await;
    let again: Vec<_> = world
        .log()
        .into_iter()
        .filter_map(|told| match told {
            crate::support::Told::Record { worker, shard, .. } if worker == "again" => Some(shard),
            _ => None,
        })
        .collect();
    assert_eq!(again[..2], [0, 0], "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn from_a_time_what_arrived_since_is_read_again() {
    let world = World::new(1);
    world.put(0, ["before"]);
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    let time = world.stream.now();
    world.put(0, ["after"]);
    let worker = world.start("w");
    world.until_delivered(0, 2).await;
    worker.stop().await;
    to(&world, ResetTo::Stream(InitialPosition::AtTimestamp(time))).await.expect("nobody is alive");
    let worker = world.start("again");
    world.until_delivered(0, 3).await;
    worker.stop().await;
    assert_eq!(world.delivered(0), ["before", "after", "after"]);
}

#[tokio::test(start_paused = true)]
async fn from_now_on_only_what_arrives_later_is_read() {
    let world = read_and_stopped().await;
    world.put(1, ["skipped on purpose"]);
    tokio::time::advance(std::time::Duration::from_secs(5)).await;
    to(&world, ResetTo::Stream(InitialPosition::Latest)).await.expect("nobody is alive");
    let worker = world.start("again");
    world.put(1, ["new"]);
    world.until_delivered(1, 2).await;
    worker.stop().await;
    assert_eq!(world.delivered(1), ["left", "new"]);
}

#[tokio::test(start_paused = true)]
async fn after_a_record_its_shard_goes_on_there() {
    let world = read_and_stopped().await;
    let first = world.records.lock().expect("whole")[0].sequence_number().clone();
    let records = BTreeMap::from([(key(0), first.clone())]);
    assert_eq!(to(&world, ResetTo::Records(records)).await.expect("nobody is alive"), 3);
    let worker = world.start("again");
    world.until_delivered(0, 3).await;
    world.until_delivered(1, 2).await;
    worker.stop().await;
    assert_eq!(world.delivered(0), ["a", "b", "b"]);
    let unknown = BTreeMap::from([(key(77), first)]);
    assert!(matches!(to(&world, ResetTo::Records(unknown)).await, Err(ResetError::NoSuchShard { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_living_owner_is_left_alone_and_a_dead_one_is_not_waited_for_for_ever() {
    let world = World::new(1);
    world.put(0, ["a"]);
    let worker = world.start("w");
    world.until_delivered(0, 1).await;
    let refused = to(&world, ResetTo::Stream(InitialPosition::TrimHorizon)).await;
    assert!(matches!(refused, Err(ResetError::OwnerAlive { .. })), "{refused:?}");
    worker.kill().await;
    to(&world, ResetTo::Stream(InitialPosition::TrimHorizon)).await.expect("dead after the failover time");
    let worker = world.start("again");
    world.until_delivered(0, 2).await;
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_was_created_again_is_begun_anew() {
    let world = read_and_stopped().await;
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    world.stream.recreate(1);
    world.put(0, ["new"]);
    assert_eq!(to(&world, ResetTo::Stream(InitialPosition::TrimHorizon)).await.expect("nobody is alive"), 1);
    let worker = world.start("again");
    world.until("the new stream's record", |world| world.delivered(0).contains(&"new".to_owned())).await;
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_failover_time_that_cannot_be_the_applications_is_refused() {
    let world = World::new(1);
    for failover in [std::time::Duration::ZERO, std::time::Duration::MAX] {
        let to = ResetTo::Stream(InitialPosition::TrimHorizon);
        let refused = reset(&world.leases, &world.stream, &to, failover).await;
        assert!(matches!(refused, Err(ResetError::Setting(_))), "{refused:?}");
    }
}
