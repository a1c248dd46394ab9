//! Starting, starting again, and what must not start.

use std::time::Duration;

use kcl_core::error::{SourceError, SourceErrorKind, WorkerError};
use kcl_core::lease::Lease;
use kcl_core::position::{InitialPosition, Position};
use kcl_core::store::LeaseStore as _;
use kcl_core::testing::scripted::Fault;
use tokio::time::Instant;

use crate::support::{Running, World};

#[tokio::test(start_paused = true)]
async fn everything_is_read_and_a_restart_goes_on_after_it() {
    let world = World::new(2);
    world.put(0, 0..5);
    world.put(1, 10..15);
    let worker = world.start("a");
    world.until_delivered(0, 5).await;
    world.until_delivered(1, 5).await;
    worker.stop().await;

    world.put(0, 5..8);
    let worker = world.start("b");
    world.until_delivered(0, 8).await;
    worker.stop().await;
    assert_eq!(world.delivered(0), (0..8).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(world.delivered(1), (10..15).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn the_first_record_is_read_within_a_second() {
    let world = World::new(8);
    for shard in 0..8 {
        world.put(shard, ["first"]);
    }
    let began = Instant::now();
    let _worker = world.start("a");
    for shard in 0..8 {
        world.until_delivered(shard, 1).await;
    }
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn latest_means_the_same_moment_after_a_restart_without_a_checkpoint() {
    let world = World::new(1);
    world.put(0, ["old"]);
    tokio::time::advance(Duration::from_secs(5)).await;
    let at_latest = || world.builder("a").start_at(InitialPosition::Latest).build().expect("good settings");
    let worker = Running::start(at_latest());
    world.until("a processor", |world| !world.log().is_empty()).await;
    worker.kill().await;

    world.put(0, ["while nobody was there"]);
    tokio::time::advance(Duration::from_secs(60)).await;
    let _worker = Running::start(at_latest());
    world.put(0, ["new"]);
    world.until_delivered(0, 2).await;
    assert_eq!(world.delivered(0), ["while nobody was there", "new"]);
}

#[tokio::test(start_paused = true)]
async fn an_application_starts_at_the_time_it_is_told() {
    let world = World::new(1);
    world.put(0, ["before"]);
    tokio::time::advance(Duration::from_secs(60)).await;
    let time = world.stream.now();
    world.put(0, ["after"]);
    let start = InitialPosition::AtTimestamp(time);
    let _worker = Running::start(world.builder("a").start_at(start).build().expect("good settings"));
    world.until_delivered(0, 1).await;
    assert_eq!(world.delivered(0), ["after"]);
    assert_eq!(world.lease(0).await.expect("a lease").start, Some(time));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_not_there_is_told_at_once() {
    let world = World::new(1);
    world.stream.set_faults(|_| Fault::Fails(SourceError::new(SourceErrorKind::NotFound, "no such stream")));
    let ended = world.start("a").ended().await;
    assert!(matches!(ended, Err(WorkerError::Source { .. })), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_cannot_be_reached_is_waited_for() {
    let world = World::new(1);
    world.put(0, ["first"]);
    world.stream.set_faults(|_| Fault::Fails(SourceError::new(SourceErrorKind::Unavailable, "no answer")));
    let _worker = world.start("a");
    tokio::time::sleep(Duration::from_secs(60)).await;
    world.stream.clear_faults();
    world.until_delivered(0, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_was_created_again_is_refused() {
    let world = World::new(1);
    world.put(0, ["first"]);
    let worker = world.start("a");
    world.until_delivered(0, 1).await;
    worker.stop().await;
    tokio::time::advance(Duration::from_secs(60)).await;
    world.stream.recreate(1);
    let ended = world.start("b").ended().await;
    assert!(matches!(ended, Err(WorkerError::StreamRecreated { .. })), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn positions_of_an_earlier_stream_are_refused_also_if_the_lease_does_not_say_when_it_was_made() {
    let world = World::new(1);
    world.put(0, ["first"]);
    let worker = world.start("a");
    world.until_delivered(0, 1).await;
    worker.stop().await;
    let lease = world.lease(0).await.expect("a lease");
    world.stream.recreate(1);
    let other = World { leases: kcl_core::memory::InMemoryLeases::new(), ..world.clone() };
    let bare = Lease::new(lease.shard.clone(), lease.checkpoint.clone(), None);
    let _ = other.leases.create(&bare).await.expect("in memory");
    let ended = other.start("b").ended().await;
    assert!(matches!(ended, Err(WorkerError::StreamRecreated { .. })), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn records_that_expired_unread_are_reported_and_the_rest_is_read() {
    let world = World::new(1);
    world.put(0, 0..2);
    let worker = world.start("a");
    world.until_delivered(0, 2).await;
    worker.stop().await;
    world.put(0, 2..10);
    world.stream.trim(&kcl_core::testing::scripted::Scripted::shard(0), 5);
    let _worker = world.start("b");
    world.until_delivered(0, 7).await;
    assert_eq!(world.delivered(0), ["0", "1", "5", "6", "7", "8", "9"]);
    let expired = |event: &_| matches!(event, kcl_core::event::Event::RecordsExpired { .. });
    assert_eq!(world.events().iter().filter(|event| expired(event)).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_second_process_with_a_living_ones_id_takes_over_and_the_first_ends() {
    let world = World::new(2);
    world.put(0, 0..3);
    let mut first = world.start("twin");
    world.until_delivered(0, 3).await;
    world.until_committed(0, |at| *at != Position::TrimHorizon).await;
    let began = Instant::now();
    let second = Running::start(world.builder("twin").seed(99).build().expect("good settings"));
    let ended = first.ended().await;
    assert!(matches!(ended, Err(WorkerError::DuplicateWorker { .. })), "{ended:?}");
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    world.put(0, 3..6);
    world.until_delivered(0, 6).await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(world.delivered(0), ["0", "1", "2", "3", "4", "5"]);
    // It does not end the second in its turn.
    tokio::time::sleep(Duration::from_secs(60)).await;
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_comes_back_after_a_crash_goes_on_under_its_id() {
    let world = World::new(1);
    world.put(0, 0..3);
    let worker = world.start("fixed");
    world.until_committed(0, |at| *at != Position::TrimHorizon).await;
    worker.kill().await;
    world.put(0, 3..5);
    let again = world.builder("fixed").seed(99).build().expect("good settings");
    let began = Instant::now();
    let _again = Running::start(again);
    world.until_delivered(0, 5).await;
    assert!(began.elapsed() < Duration::from_secs(1), "it need not wait for itself: {:?}", began.elapsed());
    assert_eq!(world.delivered(0), ["0", "1", "2", "3", "4"]);
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let world = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let _inside = runtime.enter();
        World::new(1)
    };
    let refused = |build: &dyn Fn(kcl_core::WorkerBuilder) -> kcl_core::WorkerBuilder| {
        build(world().builder("worker")).build().err().map(|error| error.setting)
    };
    assert_eq!(refused(&|builder| builder), None);
    assert_eq!(refused(&|builder| builder.failover_after(Duration::ZERO)), Some("failover_after"));
    assert_eq!(refused(&|builder| builder.failover_after(Duration::from_hours(9))), Some("failover_after"));
    assert_eq!(refused(&|builder| builder.byte_budget(0)), Some("byte_budget"));
    for id in ["", "Leader", "Migration3.0", "TableMigration3.5", "shardId-000000000000", "orders"] {
        assert_eq!(refused(&|builder| builder.worker_id(id)), Some("worker_id"), "{id}");
    }
}
