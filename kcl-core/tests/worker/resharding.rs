//! Splits and merges.

use std::time::Duration;

use kcl_core::lease::Lease;
use kcl_core::position::Position;
use kcl_core::store::LeaseStore as _;
use kcl_core::testing::scripted::Scripted;
use tokio::time::Instant;

use crate::support::{Behave, Running, Told, World, key};

#[tokio::test(start_paused = true)]
async fn children_are_read_after_their_parent_and_within_a_second_of_its_end() {
    let world = World::new(1);
    world.put(0, 0..5);
    let worker = world.start("a");
    world.until_delivered(0, 5).await;
    world.stream.split(&Scripted::shard(0));
    let began = Instant::now();
    world.put(1, ["left"]);
    world.put(2, ["right"]);
    world.until_delivered(1, 1).await;
    world.until_delivered(2, 1).await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let log = world.log();
    let ended = log.iter().position(|told| *told == Told::Ended { shard: 0 }).expect("an end");
    let begun = log.iter().position(|told| matches!(told, Told::Made { shard: 1 | 2, .. })).expect("a child");
    assert!(ended < begun, "{log:#?}");
    worker.stop().await;
}

/// A worker with two shards, the first of which has a record that takes 20 s.
async fn at_work_on_a_slow_record() -> (World, Running) {
    let world = World::new(2);
    world.put(0, ["slow"]);
    world.misbehave(|batch| {
        let slow = batch.records()[0].data().starts_with(b"slow");
        if slow { Behave::Take(Duration::from_secs(20)) } else { Behave::Well }
    });
    let worker = world.start("a");
    world.until("reading", |world| world.log().len() >= 2).await;
    (world, worker)
}

#[tokio::test(start_paused = true)]
async fn a_merged_shard_waits_for_both_of_its_parents() {
    let (world, worker) = at_work_on_a_slow_record().await;
    world.stream.merge(&Scripted::shard(0), &Scripted::shard(1));
    world.put(2, ["child"]);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(world.log().contains(&Told::Ended { shard: 1 }));
    assert_eq!(world.delivered(2), Vec::<String>::new());
    world.until("the other end", |world| world.log().contains(&Told::Ended { shard: 0 })).await;
    let began = Instant::now();
    world.until_delivered(2, 1).await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    worker.stop().await;
}

/// A Java leader that finds a hole between the leases makes one for each shard in it, also where a parent has none yet.
#[tokio::test(start_paused = true)]
async fn a_lease_that_was_made_before_that_of_a_parent_waits_for_the_parent_all_the_same() {
    let (world, worker) = at_work_on_a_slow_record().await;
    world.stream.split(&Scripted::shard(0));
    world.put(3, ["parent"]);
    world.stream.merge(&Scripted::shard(3), &Scripted::shard(1));
    world.put(4, ["child"]);
    world.until("one end", |world| world.log().contains(&Told::Ended { shard: 1 })).await;
    let mut early = Lease::new(key(4), Position::TrimHorizon, None);
    early.parents = vec![Scripted::shard(1), Scripted::shard(3)];
    let _ = world.leases.create(&early).await.expect("in memory");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(world.delivered(4), Vec::<String>::new(), "shard 3 has no lease yet");
    world.until_delivered(4, 1).await;
    let log = world.log();
    let at = |what: &Told| log.iter().position(|told| told == what).expect("told");
    let begun = log.iter().position(|told| matches!(told, Told::Made { shard: 4, .. })).expect("begun");
    assert!(at(&Told::Ended { shard: 3 }) < begun, "{log:#?}");
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn parents_finished_by_different_workers_are_followed_within_a_second() {
    let world = World::new(2);
    let first = world.start("a");
    let second = world.start("b");
    world.put(0, ["1"]);
    world.put(1, ["1"]);
    world.until_delivered(0, 1).await;
    world.until_delivered(1, 1).await;
    assert_ne!(world.readers(0), world.readers(1), "two workers that start together share");
    world.stream.merge(&Scripted::shard(0), &Scripted::shard(1));
    let began = Instant::now();
    world.put(2, ["child"]);
    world.until_delivered(2, 1).await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    first.stop().await;
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn finished_leases_are_removed_once_their_children_have_begun() {
    let world = World::new(1);
    world.put(0, ["parent"]);
    let worker = world.start("a");
    world.until_delivered(0, 1).await;
    world.stream.split(&Scripted::shard(0));
    world.until_committed(0, Position::is_end).await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert!(world.lease(0).await.is_some(), "its children have not begun");
    world.put(1, ["left"]);
    world.put(2, ["right"]);
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(world.lease(0).await, None);
    assert!(world.lease(1).await.is_some() && world.lease(2).await.is_some());
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_whose_lease_was_never_made_is_found() {
    let world = World::new(1);
    world.put(0, ["parent"]);
    let worker = world.start("a");
    world.until_delivered(0, 1).await;
    world.stream.split(&Scripted::shard(0));
    world.put(1, ["left"]);
    world.until_delivered(1, 1).await;
    worker.stop().await;
    // As a Java worker leaves it that died between the two leases.
    let table = world.leases.list().await.expect("in memory").leases;
    let damaged = World { leases: kcl_core::memory::InMemoryLeases::new(), ..world.clone() };
    for lease in table.iter().filter(|lease| lease.shard != key(2)) {
        let mut lease = lease.clone();
        lease.version = kcl_core::lease::Version::NEW;
        let _ = damaged.leases.create(&lease).await.expect("in memory");
    }
    world.put(2, ["right"]);
    let worker = damaged.start("b");
    damaged.until_delivered(2, 1).await;
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_the_stream_forgot_is_finished_and_its_children_are_read() {
    let world = World::new(1);
    world.put(0, ["parent"]);
    let worker = world.start("a");
    world.until_delivered(0, 1).await;
    worker.stop().await;
    world.put(0, ["never read"]);
    world.stream.split(&Scripted::shard(0));
    world.put(1, ["left"]);
    world.put(2, ["right"]);
    world.stream.forget(&Scripted::shard(0));
    let worker = world.start("b");
    world.until_delivered(1, 1).await;
    world.until_delivered(2, 1).await;
    let expired = |event: &_| matches!(event, kcl_core::event::Event::RecordsExpired { .. });
    assert!(world.events().iter().any(expired), "what was lost is said");
    worker.stop().await;
}
