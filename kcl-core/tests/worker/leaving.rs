//! Stopping: in good order, by force, and by command.

use std::time::Duration;

use kcl_core::error::{SourceError, SourceErrorKind};
use kcl_core::event::Event;
use kcl_core::lease::EndReason;
use kcl_core::position::Position;
use kcl_core::store::LeaseStore as _;
use kcl_core::testing::scripted::{Fault, Request};
use tokio::time::Instant;

use crate::support::{Behave, Told, World, key};

#[tokio::test(start_paused = true)]
async fn an_orderly_stop_finishes_what_is_in_hand_commits_it_and_gives_everything_back() {
    let world = World::new(3);
    world.put(0, 0..5);
    world.misbehave(|_| Behave::Take(Duration::from_secs(3)));
    let worker = world.start("a");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(world.delivered(0), Vec::<String>::new(), "still in hand");
    let began = Instant::now();
    worker.stop().await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(world.delivered(0).len(), 5);
    assert_ne!(world.committed(0).await, Position::TrimHorizon);
    let leases = world.leases.list().await.expect("in memory").leases;
    assert!(leases.iter().all(|lease| lease.owner.is_none()), "{leases:#?}");
    assert!(world.log().contains(&Told::Shutdown { shard: 0 }));
}

#[tokio::test(start_paused = true)]
async fn another_worker_goes_on_within_a_second_and_a_half_of_a_stop() {
    let world = World::new(2);
    let first = world.start("a");
    world.put(0, ["1"]);
    world.until_delivered(0, 1).await;
    let _second = world.start("b");
    tokio::time::sleep(Duration::from_secs(5)).await;
    first.stop().await;
    let began = Instant::now();
    world.put(0, ["2"]);
    world.until_delivered(0, 2).await;
    assert!(began.elapsed() <= Duration::from_millis(1600), "{:?}", began.elapsed());
    assert_eq!(world.readers(0), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_worker_does_nothing_any_more_and_others_take_over_after_the_failover_time() {
    let world = World::new(2);
    world.put(0, 0..3);
    let first = world.start("a");
    world.until_delivered(0, 3).await;
    let _second = world.start("b");
    tokio::time::sleep(Duration::from_secs(5)).await;
    first.kill().await;
    let (began, log, events) = (Instant::now(), world.log().len(), world.events().len());
    tokio::time::sleep(Duration::from_millis(100)).await;
    let by_the_dead = |told: &Told| matches!(told, Told::Record { worker, .. } if worker == "a");
    world.put(0, 3..5);
    world.until("reading by the other", |world| world.readers(0).last().is_some_and(|reader| reader == "b")).await;
    let silent = began.elapsed();
    assert!(silent <= Duration::from_secs(13), "{silent:?}");
    assert!(silent >= Duration::from_secs(7), "not before the dead one's lease ran out: {silent:?}");
    assert!(!world.log()[log..].iter().any(by_the_dead));
    let stale = |event: &Event| matches!(event, Event::LeaseEnded { reason: EndReason::Released, .. });
    assert!(!world.events()[events..].iter().any(stale));
    world.until("the rest", |world| world.delivered(0).contains(&"4".to_owned())).await;
}

#[tokio::test(start_paused = true)]
async fn abort_ends_a_worker_at_once_and_gives_nothing_back() {
    let world = World::new(1);
    world.put(0, ["1"]);
    let mut worker = world.start("a");
    world.until_delivered(0, 1).await;
    worker.handle.abort();
    worker.ended().await.expect("told to");
    assert!(world.lease(0).await.expect("a lease").owner.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_processor_that_does_not_finish_in_time_is_cut_off() {
    let world = World::new(1);
    world.put(0, ["1"]);
    world.misbehave(|_| Behave::Hang);
    let worker = world.start("a");
    tokio::time::sleep(Duration::from_secs(3)).await;
    let began = Instant::now();
    worker.stop().await;
    assert!((Duration::from_secs(10)..Duration::from_secs(11)).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!(world.lease(0).await.expect("a lease").owner, None);
    assert_eq!(world.committed(0).await, Position::TrimHorizon);
}

#[tokio::test(start_paused = true)]
async fn a_running_shard_can_be_restarted_at_an_earlier_record() {
    let world = World::new(1);
    world.put(0, 0..5);
    let worker = world.start("a");
    world.until_delivered(0, 5).await;
    world.until_committed(0, |at| *at != Position::TrimHorizon).await;
    let third = world.records.lock().expect("whole")[2].position();
    assert!(worker.handle.restart_shard(&key(0), third.clone()));
    world.until_delivered(0, 7).await;
    assert_eq!(world.delivered(0)[5..], ["3", "4"]);
    assert!(!worker.handle.restart_shard(&key(7), third), "not held");
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_fenced_owner_commits_nothing_and_the_next_has_a_greater_epoch() {
    let world = World::new(1);
    world.put(0, 0..2);
    let worker = world.start("a");
    world.until_delivered(0, 2).await;
    let before = world.checkpointers.lock().expect("whole")[0].clone();
    assert!(worker.handle.fence_shard(&key(0)));
    assert!(before.checkpoint().await.is_err());
    world.until_delivered(0, 4).await;
    let after = world.checkpointers.lock().expect("whole").last().expect("one").clone();
    assert!(after.epoch() > before.epoch());
    assert!(world.log().contains(&Told::Lost { shard: 0 }));
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_released_shard_is_committed_and_free_for_anybody() {
    let world = World::new(1);
    world.put(0, 0..2);
    let worker = world.start("a");
    world.until_delivered(0, 2).await;
    assert!(worker.handle.release_shard(&key(0), Duration::from_secs(5)));
    let released = |event: &Event| matches!(event, Event::LeaseEnded { reason: EndReason::Released, .. });
    world.until("the release", |world| world.events().iter().any(released)).await;
    assert_ne!(world.committed(0).await, Position::TrimHorizon);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_checkpointer_that_outlives_its_worker_commits_nothing_and_keeps_no_lease() {
    let world = World { acknowledgement: kcl_core::Acknowledgement::Explicit, ..World::new(1) };
    world.put(0, 0..2);
    let worker = world.start("a");
    world.until_delivered(0, 2).await;
    let kept = world.checkpointers.lock().expect("whole")[0].clone();
    let records = world.records.lock().expect("whole").clone();
    worker.kill().await;
    let version = world.lease(0).await.expect("a lease").version;
    assert!(kept.done(&records[1]).is_err());
    assert!(kept.checkpoint().await.is_err());
    assert_eq!(world.lease(0).await.expect("a lease").version, version);
}

#[tokio::test(start_paused = true)]
async fn a_shard_is_not_restarted_where_the_stream_cannot_be_read() {
    let world = World::new(1);
    world.put(0, 0..3);
    let worker = world.start("a");
    world.until_delivered(0, 3).await;
    world.until_committed(0, |at| *at != Position::TrimHorizon).await;
    let committed = world.committed(0).await;
    world.stream.set_faults(|request| match request {
        Request::Open(..) => Fault::Fails(SourceError::new(SourceErrorKind::Foreign, "not of this stream")),
        _ => Fault::None,
    });
    let wrong = Position::at(kcl_core::position::SequenceNumber::parse("1").expect("digits"));
    assert!(worker.handle.restart_shard(&key(0), wrong));
    let refused = |event: &Event| matches!(event, Event::ReadFailed { .. });
    world.until("the refusal", |world| world.events().iter().any(refused)).await;
    world.stream.clear_faults();
    assert_eq!(world.committed(0).await, committed);
    world.put(0, [3]);
    world.until_delivered(0, 4).await;
    assert!(!worker.handle.restart_shard(&key(0), Position::ShardEnd), "not a place to read from");
    worker.stop().await;
}
