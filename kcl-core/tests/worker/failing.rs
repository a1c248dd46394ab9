//! User code that fails, panics, hangs, and lies.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kcl_core::error::CheckpointError;
use kcl_core::event::{Event, ProcessorCall};
use kcl_core::position::Position;
use kcl_core::{Acknowledgement, Record};

use crate::support::{Behave, Told, World, key};

fn texts(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn after_an_error_the_same_batch_comes_again_and_nothing_is_committed_meanwhile() {
    let world = World::new(1);
    world.put(0, 0..5);
    let calls = AtomicU32::new(0);
    world.misbehave(move |batch| {
        assert_eq!(batch.records().len(), 5, "the same batch");
        if calls.fetch_add(1, Ordering::Relaxed) < 10 { Behave::Fail } else { Behave::Well }
    });
    let worker = world.start("a");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(world.committed(0).await, Position::TrimHorizon);
    assert_eq!(worker.handle.status().shards[0].owner.as_ref().map(kcl_core::ids::WorkerId::as_str), Some("a"));
    world.until_delivered(0, 5).await;
    assert_eq!(world.delivered(0), texts(0..5));
    let failures = world.events().into_iter().filter(|event| matches!(event, Event::ProcessorFailed { .. }));
    assert_eq!(failures.count(), 10);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_panic_a_new_processor_begins_at_the_last_checkpoint_and_the_lease_is_kept() {
    let world = World::new(1);
    world.put(0, 0..3);
    let worker = world.start("a");
    world.until_committed(0, |at| *at != Position::TrimHorizon).await;
    let epoch = world.lease(0).await.expect("a lease").born;
    let calls = AtomicU32::new(0);
    world.misbehave(move |_| if calls.fetch_add(1, Ordering::Relaxed) < 2 { Behave::Panic } else { Behave::Well });
    world.put(0, 3..6);
    world.until_delivered(0, 6).await;
    assert_eq!(world.delivered(0), texts(0..6));
    let made: Vec<_> = world.log().into_iter().filter(|told| matches!(told, Told::Made { .. })).collect();
    assert_eq!(made.len(), 3, "{made:?}");
    let taken = world.events().into_iter().filter(|event| matches!(event, Event::LeaseTaken { .. })).count();
    assert_eq!((taken, world.lease(0).await.expect("a lease").born), (1, epoch));
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_hanging_processor_keeps_its_lease_and_delays_no_other_shard() {
    let world = World::new(2);
    world.put(0, ["poison"]);
    world.misbehave(|batch| if batch.records()[0].data().starts_with(b"poison") { Behave::Hang } else { Behave::Well });
    let worker = world.start("a");
    tokio::time::sleep(Duration::from_secs(60)).await;
    world.put(1, 0..3);
    world.until_delivered(1, 3).await;
    assert_eq!(world.lease(0).await.expect("a lease").owner.as_ref().map(kcl_core::ids::WorkerId::as_str), Some("a"));
    worker.stop().await;
    let dropped = Event::ProcessorDropped { shard: key(0), call: ProcessorCall::ProcessRecords };
    assert!(world.events().contains(&dropped));
    assert_eq!(world.committed(0).await, Position::TrimHorizon);
    assert_eq!(world.lease(0).await.expect("a lease").owner, None, "cut off, and given back");
}

#[tokio::test(start_paused = true)]
async fn with_explicit_acknowledgement_only_what_is_acknowledged_is_committed() {
    let world = World { acknowledgement: Acknowledgement::Explicit, ..World::new(1) };
    world.put(0, 0..5);
    let worker = world.start("a");
    world.until_delivered(0, 5).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(world.committed(0).await, Position::TrimHorizon);

    let records: Vec<Record> = world.records.lock().expect("whole").clone();
    let checkpointer = world.checkpointers.lock().expect("whole")[0].clone();
    checkpointer.done(&records[2]).expect("held");
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(world.committed(0).await, records[2].position());
    assert_eq!(checkpointer.checkpoint_at(&records[3]).await.expect("held"), records[3].position());
    let back = checkpointer.checkpoint_at(&records[1]).await;
    assert!(matches!(back, Err(CheckpointError::Behind { .. })), "{back:?}");
    let ahead = Record::new(kcl_core::position::SequenceNumber::parse("999999").expect("digits"), None, "");
    assert!(matches!(checkpointer.done(&ahead), Err(CheckpointError::Ahead { .. })));

    let children = world.stream.split(&kcl_core::testing::scripted::Scripted::shard(0));
    world.put(1, ["child"]);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(world.log().contains(&Told::Ended { shard: 0 }));
    assert_eq!(world.delivered(1), Vec::<String>::new(), "{children:?} wait until all of their parent is done");
    checkpointer.done(&records[4]).expect("held");
    world.until_delivered(1, 1).await;
    assert_eq!(world.committed(0).await, Position::ShardEnd);
    worker.stop().await;
    let late = checkpointer.checkpoint().await;
    assert!(matches!(late, Err(CheckpointError::LeaseLost { .. })), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn aggregated_records_are_resumed_in_the_middle() {
    let world = World { acknowledgement: Acknowledgement::Explicit, ..World::new(1) };
    let packed = ["a", "b", "c", "d"].map(|text| ("key", None, text.as_bytes()));
    world.stream.put(&kcl_core::testing::scripted::Scripted::shard(0), "key", kcl_core::deaggregate::aggregate(packed));
    world.put(0, ["plain"]);
    let worker = world.start("a");
    world.until_delivered(0, 5).await;
    let records: Vec<Record> = world.records.lock().expect("whole").clone();
    assert_eq!(records.iter().map(Record::sub_sequence_number).collect::<Vec<_>>(), [0, 1, 2, 3, 0]);
    let checkpointer = world.checkpointers.lock().expect("whole")[0].clone();
    checkpointer.checkpoint_at(&records[1]).await.expect("held");
    worker.stop().await;
    let again = world.start("b");
    world.until_delivered(0, 8).await;
    assert_eq!(world.delivered(0)[5..], ["c", "d", "plain"]);
    again.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_hanging_processor_does_not_take_the_memory_that_other_shards_need() {
    let world = World { stream: World::new(2).stream.records_per_answer(10), ..World::new(2) };
    let large = "x".repeat(64 * 1024);
    world.misbehave(|batch| if batch.shard().shard.as_str().ends_with('0') { Behave::Hang } else { Behave::Well });
    let worker =
        crate::support::Running::start(world.builder("a").byte_budget(4 << 20).build().expect("good settings"));
    for _ in 0..200 {
        world.put(0, [&large]);
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    world.put(1, 0..50);
    world.until_delivered(1, 50).await;
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_panic_a_lease_at_latest_that_says_no_time_goes_on_where_it_began() {
    use kcl_core::store::LeaseStore as _;
    let world = World::new(1);
    world.put(0, ["old"]);
    tokio::time::advance(Duration::from_secs(5)).await;
    // As a Java worker makes it.
    let _ = world.leases.create(&kcl_core::lease::Lease::new(key(0), Position::Latest, None)).await.expect("in memory");
    let calls = AtomicU32::new(0);
    world.misbehave(move |_| if calls.fetch_add(1, Ordering::Relaxed) < 2 { Behave::Panic } else { Behave::Well });
    let worker = world.start("a");
    world.until("a processor", |world| !world.log().is_empty()).await;
    world.put(0, 0..3);
    world.until_delivered(0, 3).await;
    assert_eq!(world.delivered(0), texts(0..3));
    worker.stop().await;
}
