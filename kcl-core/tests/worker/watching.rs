//! What a worker shows of itself.

use std::time::Duration;

use kcl_core::decide::phase::Phase;
use kcl_core::event::Event;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};

use crate::support::{Behave, World, key};

#[tokio::test(start_paused = true)]
async fn the_status_shows_each_shard() {
    let world = World::new(2);
    world.put(0, 0..3);
    world.put(1, ["bad"]);
    world.misbehave(|batch| if batch.records()[0].data().starts_with(b"bad") { Behave::Fail } else { Behave::Well });
    let worker = world.start("a");
    world.until_delivered(0, 3).await;
    world.until_committed(0, |at| !at.is_start()).await;
    let status = worker.handle.status();
    let (good, bad) = (&status.shards[0], &status.shards[1]);
    let held = |shard: &kcl_core::status::ShardStatus| shard.held.clone().expect("held");
    assert_eq!((good.shard.clone(), held(good).phase, held(good).last_error), (key(0), Phase::Processing, None));
    assert_eq!(good.committed, world.committed(0).await);
    assert_eq!(held(good).millis_behind, Some(0));
    assert!(held(good).last_progress.is_some_and(|ago| ago < Duration::from_secs(2)));
    assert!(held(bad).last_error.is_some_and(|error| error.contains("told to fail")));
    assert!(status.last_look.is_some_and(|ago| ago < Duration::from_secs(2)));
    worker.stop().await;
}

#[test]
fn what_happens_is_counted() {
    let recorder = DebuggingRecorder::new();
    let snapshots = recorder.snapshotter();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    metrics::with_local_recorder(&recorder, || {
        runtime.expect("a runtime").block_on(async {
            let world = World::new(1);
            world.put(0, 0..4);
            let worker = world.start("a");
            world.until_delivered(0, 4).await;
            worker.stop().await;
        });
    });
    let all = snapshots_of(&snapshots);
    let value = |name: &str| all.iter().filter(|(key, _)| key == name).map(|(_, value)| value).sum::<u64>();
    assert_eq!(value("kcl_records_processed_total"), 4, "{all:?}");
    assert_eq!(value("kcl_bytes_processed_total"), 4);
    assert_eq!((value("kcl_leases_taken_total"), value("kcl_leases_ended_total")), (1, 1));
}

fn snapshots_of(snapshots: &metrics_util::debugging::Snapshotter) -> Vec<(String, u64)> {
    snapshots
        .snapshot()
        .into_vec()
        .into_iter()
        .filter_map(|(key, _, _, value)| match value {
            DebugValue::Counter(count) => Some((key.key().name().to_owned(), count)),
            _ => None,
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn events_tell_a_shards_whole_life_in_order() {
    let world = World::new(1);
    world.put(0, 0..2);
    let worker = world.start("a");
    world.until_delivered(0, 2).await;
    worker.stop().await;
    let names: Vec<_> = world
        .events()
        .iter()
        .filter(|event| !matches!(event, Event::Fetched { .. } | Event::PhaseChanged { .. }))
        .map(|event| format!("{event:?}").split([' ', '{']).next().unwrap_or_default().to_owned())
        .collect();
    let expected = [
        "WorkerStarted",
        "StreamAdded",
        "LeaseCreated",
        "LeaseTaken",
        "Leading",
        "ShardInitialized",
        "Processed",
        "ShutdownRequested",
        "Checkpointed",
        "LeaseEnded",
        "Leading",
        "WorkerStopped",
    ];
    assert_eq!(names, expected);
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_stops_nothing() {
    let world = World::new(1);
    world.put(0, 0..2);
    let builder = world.builder("a").observer(|_: &Event| panic!("told to panic"));
    let worker = crate::support::Running::start(builder.build().expect("good settings"));
    world.until_delivered(0, 2).await;
    worker.stop().await;
}
