//! Several streams in one worker, and streams that are not what they were.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kcl_core::event::Event;
use kcl_core::ids::StreamId;
use kcl_core::memory::InMemoryLeases;
use kcl_core::position::InitialPosition;
use kcl_core::store::LeaseStore as _;
use kcl_core::testing::scripted::Scripted;
use kcl_core::time::WallClock;
use kcl_core::utilization::Gauge;
use kcl_core::{
    Batch, Checkpointer, Failure, RecordProcessor, Recreated, ShardContext, Worker, WorkerBuilder, async_trait,
};

use crate::support::{Running, World};

type Seen = Arc<Mutex<Vec<(String, String)>>>;

/// Notes the stream and the data of each record.
struct Noting {
    shard: ShardContext,
    seen: Seen,
}

#[async_trait]
impl RecordProcessor for Noting {
    async fn process_records(&mut self, batch: Batch, _: &Checkpointer) -> Result<(), Failure> {
        for record in &batch {
            let data = String::from_utf8_lossy(record.data()).into_owned();
            self.seen.lock().expect("whole").push((self.shard.shard.stream.name().to_owned(), data));
        }
        Ok(())
    }
}

fn stream(name: &str) -> Scripted {
    let id = StreamId::parse_qualified(&format!("123456789012:{name}:1767225600")).expect("qualified");
    Scripted::new(id, 2)
}

fn builder(worker: &str, leases: &InMemoryLeases, first: &Scripted, seen: &Seen) -> WorkerBuilder {
    fastrand::seed(7);
    let (clock, seen) = (first.clone(), Arc::clone(seen));
    let seed = worker.bytes().map(u64::from).sum();
    Worker::builder("app", leases.clone(), first.clone(), move |shard| Noting { shard, seen: Arc::clone(&seen) })
        .worker_id(worker)
        .wall_clock(WallClock::new(move || clock.now()))
        .utilization(Gauge::new(|| None))
        .seed(seed)
}

fn put(stream: &Scripted, data: &str) {
    stream.put(&Scripted::shard(0), "key", data.to_owned());
}

async fn until(seen: &Seen, expected: &[(&str, &str)]) {
    let mut expected: Vec<_> =
        expected.iter().map(|(stream, data)| ((*stream).to_owned(), (*data).to_owned())).collect();
    expected.sort();
    let mut now = Vec::new();
    for _ in 0..6_000 {
        now.clone_from(&seen.lock().expect("whole"));
        now.sort();
        if now == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{now:?}, and not {expected:?}");
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn each_stream_has_its_own_start_and_streams_come_and_go_while_workers_run() {
    let (orders, clicks, late) = (stream("orders"), stream("clicks"), stream("late"));
    let (leases, seen) = (InMemoryLeases::new(), Seen::default());
    put(&orders, "old");
    put(&clicks, "old");
    put(&late, "old");
    seconds(1).await;
    let workers = ["a", "b"].map(|worker| {
        let builder = builder(worker, &leases, &orders, &seen).stream(clicks.clone(), InitialPosition::Latest);
        Running::start(builder.build().expect("good settings"))
    });
    seconds(5).await;
    put(&clicks, "new");
    until(&seen, &[("orders", "old"), ("clicks", "new")]).await;

    for worker in &workers {
        worker.handle.add_stream(late.clone(), InitialPosition::TrimHorizon).expect("one more");
        assert!(worker.handle.add_stream(late.clone(), InitialPosition::Latest).is_err(), "it is read already");
    }
    until(&seen, &[("orders", "old"), ("clicks", "new"), ("late", "old")]).await;

    let id = kcl_core::retrieval::Retrieval::stream(&clicks).clone();
    for worker in &workers {
        assert!(worker.handle.remove_stream(&id));
        assert!(!worker.handle.remove_stream(&id), "it is gone");
    }
    seconds(5).await;
    put(&clicks, "unread");
    put(&late, "read");
    until(&seen, &[("orders", "old"), ("clicks", "new"), ("late", "old"), ("late", "read")]).await;
    let listed = leases.list().await.expect("in memory").leases;
    let clicks: Vec<_> = listed.iter().filter(|lease| lease.shard.stream == id).collect();
    assert_eq!(clicks.len(), 2, "its leases stay");
    assert!(clicks.iter().all(|lease| lease.owner.is_none()), "{clicks:#?}");
}

#[tokio::test(start_paused = true)]
async fn former_streams_are_forgotten_after_the_delay_and_not_before() {
    let (orders, clicks) = (stream("orders"), stream("clicks"));
    let (leases, seen) = (InMemoryLeases::new(), Seen::default());
    let build = builder("a", &leases, &orders, &seen)
        .stream(clicks.clone(), InitialPosition::TrimHorizon)
        .forget_streams_after(Duration::from_secs(120));
    let worker = Running::start(build.build().expect("good settings"));
    seconds(5).await;
    let id = kcl_core::retrieval::Retrieval::stream(&clicks).clone();
    assert!(worker.handle.remove_stream(&id));
    let left = || async {
        let leases = leases.list().await.expect("in memory").leases;
        leases.iter().filter(|lease| lease.shard.stream == id).count()
    };
    seconds(115).await;
    assert_eq!(left().await, 2);
    seconds(10).await;
    assert_eq!(left().await, 0);
    put(&orders, "goes on");
    until(&seen, &[("orders", "goes on")]).await;
}

#[test]
fn several_streams_need_names_that_tell_them_apart() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _inside = runtime.enter();
    let (leases, seen) = (InMemoryLeases::new(), Seen::default());
    let named = Scripted::new(StreamId::named("orders"), 1);
    let refused = |first: &Scripted, second: Scripted| {
        let builder = builder("a", &leases, first, &seen).stream(second, InitialPosition::Latest);
        builder.build().err().map(|error| error.setting)
    };
    assert_eq!(refused(&stream("a"), stream("b")), None);
    assert_eq!(refused(&stream("a"), stream("a")), Some("stream"));
    assert_eq!(refused(&named, stream("b")), Some("stream"));
    assert_eq!(refused(&stream("a"), named.clone()), Some("stream"));
    let short = builder("a", &leases, &stream("a"), &seen).forget_streams_after(Duration::from_secs(59));
    assert_eq!(short.build().err().map(|error| error.setting), Some("forget_streams_after"));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_was_created_again_is_started_over_if_that_was_agreed() {
    let world = World::new(1);
    world.put(0, ["of the first"]);
    let start = |worker: &str| {
        let builder = world.builder(worker).recreated(Recreated::StartOver);
        Running::start(builder.build().expect("good settings"))
    };
    let (_one, _other) = (start("a"), start("b"));
    world.until_delivered(0, 1).await;
    seconds(60).await;
    world.stream.recreate(1);
    world.put(0, ["of the second"]);
    world.until_delivered(0, 2).await;
    assert_eq!(world.delivered(0), ["of the first", "of the second"]);
    assert!(world.events().iter().any(|event| matches!(event, Event::StreamRecreated { .. })));
    let created = world.lease(0).await.expect("a lease").stream_created;
    assert!(created > Some(Scripted::CREATED), "{created:?}");
}

#[tokio::test(start_paused = true)]
async fn one_of_several_streams_that_was_created_again_is_told_once_and_the_others_are_read_on() {
    let (orders, clicks) = (stream("orders"), stream("clicks"));
    let (leases, seen) = (InMemoryLeases::new(), Seen::default());
    let events = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&events);
    let builder = builder("a", &leases, &orders, &seen)
        .stream(clicks.clone(), InitialPosition::TrimHorizon)
        .observer(move |event: &Event| told.lock().expect("whole").push(event.clone()));
    let worker = Running::start(builder.build().expect("good settings"));
    put(&clicks, "of the first");
    until(&seen, &[("clicks", "of the first")]).await;
    seconds(60).await;
    clicks.recreate(2);
    put(&clicks, "of the second");
    seconds(120).await;
    put(&orders, "goes on");
    until(&seen, &[("clicks", "of the first"), ("orders", "goes on")]).await;
    let events = events.lock().expect("whole").clone();
    let refusals = events.iter().filter(|event| matches!(event, Event::StreamRecreated { .. })).count();
    assert_eq!(refusals, 1);
    worker.stop().await;
}
