//! A lease is for work that goes on: what stands still is given up, and what only looks so is not.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use kcl_core::error::{SourceError, SourceErrorKind};
use kcl_core::event::{Event, ProcessorCall, StallCause};
use kcl_core::ids::WorkerId;
use kcl_core::lease::{EndReason, LeaseAction};
use kcl_core::position::Position;
use kcl_core::testing::faulty::{self, Faulty, Operation};
use kcl_core::testing::scripted::{Fault, Request, Scripted};
use kcl_core::time::WallClock;
use kcl_core::{
    Batch, Checkpointer, Failure, RecordProcessor, ShardContext, Worker, WorkerBuilder, WorkerHandle, async_trait,
};
use tokio::time::Instant;

use crate::support::{Behave, FAILOVER, Running, Told, World, key};

const LIMIT: Duration = Duration::from_secs(90);

fn texts(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

fn start(builder: WorkerBuilder) -> Running {
    Running::start(builder.build().expect("good settings"))
}

/// Worker `a` holds the only shard and has read 0 to 2 of it; worker `b` is there as well.
async fn two_workers(world: &World, a: WorkerBuilder) -> (Running, Running) {
    world.put(0, 0..3);
    let a = start(a);
    world.until_delivered(0, 3).await;
    world.until_committed(0, |at| *at != Position::TrimHorizon).await;
    let b = world.start("b");
    tokio::time::sleep(Duration::from_secs(5)).await;
    (a, b)
}

/// The next request to shard 0 is never answered; those after it are.
fn hang_once(world: &World) {
    let done = AtomicBool::new(false);
    world.stream.set_faults(move |request| match request {
        Request::Next(shard) if **shard == Scripted::shard(0) && !done.swap(true, Ordering::Relaxed) => Fault::Hangs,
        _ => Fault::None,
    });
}

fn causes(world: &World) -> Vec<StallCause> {
    let events = world.events().into_iter();
    let causes =
        events.filter_map(|event| if let Event::ShardStalled { cause, .. } = event { Some(cause) } else { None });
    causes.collect()
}

fn slow_calls(world: &World) -> Vec<(u64, bool)> {
    let told = |event| match event {
        Event::ProcessorSlow { lasting, returned, .. } => Some((lasting.as_secs(), returned)),
        _ => None,
    };
    world.events().into_iter().filter_map(told).collect()
}

fn position(world: &World, event: impl Fn(&Event) -> bool) -> Option<usize> {
    world.events().iter().position(event)
}

async fn owner(world: &World, shard: usize) -> Option<String> {
    world.lease(shard).await.expect("a lease").owner.as_ref().map(|owner| owner.as_str().to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_shard_whose_source_never_answers_moves_to_another_worker_and_nothing_is_lost() {
    let world = World::new(1);
    let (_a, _b) = two_workers(&world, world.builder("a")).await;
    hang_once(&world);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let hangs = Instant::now();
    world.put(0, 3..6);
    // Five minutes, if nothing is said.
    tokio::time::sleep(Duration::from_secs(295)).await;
    assert_eq!((causes(&world), owner(&world, 0).await.as_deref()), (vec![], Some("a")));
    world.until_delivered(0, 6).await;
    assert!(hangs.elapsed() <= Duration::from_secs(302), "{:?}", hangs.elapsed());
    assert_eq!((world.delivered(0), world.readers(0)), (texts(0..6), vec!["a".to_owned(), "b".to_owned()]));
    assert!(world.log().contains(&Told::Lost { shard: 0 }));
    assert!(matches!(causes(&world)[..], [StallCause::Reader { asked }] if asked == Duration::from_mins(5)));
    let passed = Event::LeasePassed { shard: key(0), to: "b".into() };
    let ended = Event::LeaseEnded { shard: key(0), reason: EndReason::Stalled };
    let order = [
        position(&world, |event| matches!(event, Event::ShardStalled { .. })),
        position(&world, |event| *event == ended),
    ];
    assert!(order[0].is_some() && order[0] < order[1], "{order:?}");
    assert_eq!(world.events().iter().filter(|event| **event == passed).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_shard_whose_source_only_fails_moves_to_another_worker() {
    let world = World::new(1);
    let (_a, _b) = two_workers(&world, world.builder("a").reader_may_stall(LIMIT)).await;
    let seen = world.clone();
    world.stream.set_faults(move |request| {
        let by_b = seen.log().iter().any(|told| matches!(told, Told::Made { worker, .. } if worker == "b"));
        match request {
            Request::Open(..) | Request::Next(_) if !by_b => {
                Fault::Fails(SourceError::new(SourceErrorKind::Denied, "not today"))
            }
            _ => Fault::None,
        }
    });
    tokio::time::sleep(Duration::from_secs(2)).await;
    world.put(0, 3..6);
    let began = Instant::now();
    world.until_delivered(0, 6).await;
    assert!((85..93).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    assert_eq!((world.delivered(0), world.readers(0)), (texts(0..6), vec!["a".to_owned(), "b".to_owned()]));
    let failures = world.events().into_iter().filter(|event| matches!(event, Event::ReadFailed { .. })).count();
    assert!(failures > 5, "{failures}");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_answers_now_and_then_keeps_its_shard() {
    let world = World::new(1);
    let (_a, _b) = two_workers(&world, world.builder("a").reader_may_stall(Duration::from_secs(10))).await;
    let asked = AtomicU32::new(0);
    world.stream.set_faults(move |request| match request {
        Request::Next(_) if asked.fetch_add(1, Ordering::Relaxed) % 3 < 2 => {
            Fault::Fails(SourceError::new(SourceErrorKind::Unavailable, "busy"))
        }
        Request::Next(_) => Fault::Late(Duration::from_secs(5)),
        _ => Fault::None,
    });
    for n in 3..30 {
        world.put(0, [n]);
        tokio::time::sleep(Duration::from_secs(20)).await;
    }
    assert_eq!((world.delivered(0), world.readers(0)), (texts(0..30), vec!["a".to_owned()]));
    assert_eq!(causes(&world), []);
}

#[tokio::test(start_paused = true)]
async fn a_slow_processor_with_a_full_queue_is_no_stalled_reader() {
    let world = World::new(1);
    let world = World { stream: world.stream.clone().records_per_answer(1), ..world };
    world.misbehave(|_| Behave::Take(Duration::from_secs(40)));
    world.put(0, 0..30);
    let _a = start(world.builder("a").reader_may_stall(Duration::from_secs(10)));
    let _b = world.start("b");
    for _ in 0..13 {
        tokio::time::sleep(Duration::from_secs(100)).await;
    }
    assert_eq!((world.delivered(0), causes(&world)), (texts(0..30), vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_waits_for_room_in_the_byte_budget_is_not_stalled() {
    let world = World::new(1);
    let world = World { stream: world.stream.clone().records_per_answer(1), ..world };
    let large = "x".repeat(60 * 1024);
    // What the test keeps of the records keeps the budget from being free.
    world.put(0, std::iter::repeat_n(&large, 30));
    let _a = start(world.builder("a").byte_budget(1 << 20).reader_may_stall(Duration::from_secs(10)));
    let _b = world.start("b");
    tokio::time::sleep(Duration::from_mins(5)).await;
    let read = world.delivered(0).len();
    assert!((10..20).contains(&read), "{read}");
    assert_eq!(causes(&world), []);
    world.records.lock().expect("whole").clear();
    world.until("more", |world| world.delivered(0).len() > read + 5).await;
    assert_eq!(world.readers(0).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_hangs_is_found_while_the_processor_is_at_work() {
    let world = World::new(1);
    let (_a, _b) = two_workers(&world, world.builder("a").reader_may_stall(LIMIT)).await;
    world.misbehave(|_| Behave::Take(Duration::from_secs(300)));
    world.put(0, ["long"]);
    tokio::time::sleep(Duration::from_secs(2)).await;
    hang_once(&world);
    let hangs = Instant::now();
    world.until("the end", |world| !causes(world).is_empty()).await;
    assert!((90..93).contains(&hangs.elapsed().as_secs()), "{:?}", hangs.elapsed());
    assert_eq!(causes(&world), [StallCause::Reader { asked: LIMIT }]);
}

#[tokio::test(start_paused = true)]
async fn a_processor_that_fails_again_and_again_keeps_its_shard() {
    let world = World::new(1);
    let (_a, _b) = two_workers(&world, world.builder("a").reader_may_stall(Duration::from_secs(10))).await;
    world.misbehave(|_| Behave::Fail);
    world.put(0, 3..6);
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!((causes(&world), owner(&world, 0).await.as_deref()), (vec![], Some("a")));
    world.misbehave(|_| Behave::Well);
    world.until_delivered(0, 6).await;
    assert_eq!(world.readers(0), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_call_stays_where_it_is_and_is_told_of_every_minute() {
    let world = World::new(1);
    let (a, _b) = two_workers(&world, world.builder("a").reader_may_stall(Duration::from_secs(10))).await;
    let held = |a: &Running| a.handle.status().shards[0].held.clone().expect("held");
    assert_eq!(held(&a).slow_call, None);
    world.misbehave(|_| Behave::Take(Duration::from_secs(330)));
    world.put(0, 3..6);
    tokio::time::sleep(Duration::from_secs(320)).await;
    assert_eq!(slow_calls(&world), [(60, false), (120, false), (180, false), (240, false), (300, false)]);
    let (call, lasting) = held(&a).slow_call.expect("it is slow");
    assert_eq!((call, lasting.as_secs()), (ProcessorCall::ProcessRecords, 320));
    world.until_delivered(0, 6).await;
    assert_eq!(slow_calls(&world).last(), Some(&(330, true)));
    assert_eq!((held(&a).slow_call, causes(&world), world.readers(0)), (None, vec![], vec!["a".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_hanging_call_moves_its_shard_if_that_is_wanted() {
    let world = World::new(1);
    let (_a, _b) = two_workers(&world, world.builder("a").handler_may_take(Some(LIMIT))).await;
    let hung = AtomicBool::new(false);
    world.misbehave(move |_| if hung.swap(true, Ordering::Relaxed) { Behave::Well } else { Behave::Hang });
    let began = Instant::now();
    world.put(0, 3..6);
    world.until_delivered(0, 6).await;
    assert!((90..92).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    assert_eq!((world.delivered(0), world.readers(0)), (texts(0..6), vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(causes(&world), [StallCause::Processor { call: ProcessorCall::ProcessRecords, lasting: LIMIT }]);
    let dropped = Event::ProcessorDropped { shard: key(0), call: ProcessorCall::ProcessRecords };
    assert!(world.events().contains(&dropped));
    assert_eq!(slow_calls(&world), [(60, false), (90, true)]);
}

#[tokio::test(start_paused = true)]
async fn what_was_done_before_the_hang_is_committed_with_the_last_write() {
    let world = World::new(1);
    let (_a, _b) = two_workers(&world, world.builder("a").handler_may_take(Some(Duration::from_secs(10)))).await;
    let hangs = |batch: &Batch| batch.records()[0].data().starts_with(b"hang");
    world.misbehave(move |batch| if hangs(batch) { Behave::Hang } else { Behave::Well });
    let before = world.committed(0).await;
    world.put(0, ["done"]);
    world.until_delivered(0, 4).await;
    world.put(0, ["hang"]);
    // Without another renewal in between: the last one was 7 s before the end at most.
    world
        .until("the new owner", |world| {
            world.log().iter().any(|told| matches!(told, Told::Made { worker, .. } if worker == "b"))
        })
        .await;
    let done = world.records.lock().expect("whole")[3].position();
    assert!(done > before);
    let made = world.log().into_iter().find_map(|told| match told {
        Told::Made { worker, start, .. } if worker == "b" => Some(start),
        _ => None,
    });
    assert_eq!(made, Some(done));
}

/// Hangs in one call.
struct Stuck(ProcessorCall);

impl Stuck {
    async fn in_call(&self, call: ProcessorCall) -> Result<(), Failure> {
        if self.0 == call { std::future::pending().await } else { Ok(()) }
    }
}

#[async_trait]
impl RecordProcessor for Stuck {
    async fn initialize(&mut self, _: &ShardContext) -> Result<(), Failure> {
        self.in_call(ProcessorCall::Initialize).await
    }

    async fn process_records(&mut self, _: Batch, _: &Checkpointer) -> Result<(), Failure> {
        Ok(())
    }

    async fn shard_ended(&mut self, _: &Checkpointer) -> Result<(), Failure> {
        self.in_call(ProcessorCall::ShardEnded).await
    }

    async fn shutdown_requested(&mut self, _: &Checkpointer) -> Result<(), Failure> {
        self.in_call(ProcessorCall::ShutdownRequested).await
    }

    async fn lease_lost(&mut self) {
        drop(self.in_call(ProcessorCall::LeaseLost).await);
    }
}

fn stuck(world: &World, call: ProcessorCall) -> WorkerBuilder {
    let (stream, events) = (world.stream.clone(), Arc::clone(&world.events));
    Worker::builder("app", world.leases.clone(), world.stream.clone(), move |_| Stuck(call))
        .worker_id("a")
        .failover_after(FAILOVER)
        .handler_may_take(Some(LIMIT))
        .wall_clock(WallClock::new(move || stream.now()))
        .observer(move |event: &Event| events.lock().expect("whole").push(event.clone()))
        .seed(1)
}

#[tokio::test(start_paused = true)]
async fn every_call_of_the_processor_counts() {
    type Provoke = fn(&World, &WorkerHandle);
    let cases: [(ProcessorCall, Provoke); 3] = [
        (ProcessorCall::Initialize, |_, _| {}),
        (ProcessorCall::ShardEnded, |world, _| drop(world.stream.split(&Scripted::shard(0)))),
        (ProcessorCall::ShutdownRequested, |_, a| assert!(a.release_shard(&key(0), Duration::from_hours(1)))),
    ];
    for (call, provoke) in cases {
        let world = World::new(1);
        let a = start(stuck(&world, call));
        tokio::time::sleep(Duration::from_secs(3)).await;
        let _b = world.start("b");
        tokio::time::sleep(Duration::from_secs(3)).await;
        provoke(&world, &a.handle);
        let stalled = |world: &World| !causes(world).is_empty();
        world.until("the end", stalled).await;
        assert_eq!(causes(&world), [StallCause::Processor { call, lasting: LIMIT }]);
        let by_b = |told: &Told| matches!(told, Told::Made { worker, shard: 0, .. } if worker == "b");
        world.until("the other", move |world| world.log().iter().any(by_b)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_processor_that_hangs_even_when_it_is_told_of_the_loss_does_not_delay_the_next_owner() {
    let world = World::new(1);
    let _a = start(stuck(&world, ProcessorCall::LeaseLost).reader_may_stall(LIMIT));
    tokio::time::sleep(Duration::from_secs(3)).await;
    let _b = world.start("b");
    tokio::time::sleep(Duration::from_secs(3)).await;
    hang_once(&world);
    world.until("the end", |world| !causes(world).is_empty()).await;
    let stalled = Instant::now();
    world.put(0, 0..1);
    world.until_delivered(0, 1).await;
    assert!(stalled.elapsed() < Duration::from_secs(1), "{:?}", stalled.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_alone_takes_a_stalled_shard_again() {
    let world = World::new(2);
    world.put(0, 0..3);
    let a = start(world.builder("a").reader_may_stall(LIMIT));
    world.until_delivered(0, 3).await;
    hang_once(&world);
    tokio::time::sleep(Duration::from_secs(2)).await;
    world.put(0, 3..6);
    world.until("the end", |world| !causes(world).is_empty()).await;
    let stalled = Instant::now();
    world.until_delivered(0, 6).await;
    assert!(stalled.elapsed() < Duration::from_secs(1), "{:?}", stalled.elapsed());
    assert_eq!(world.delivered(0), texts(0..6));
    let epochs: BTreeSet<_> = world
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::LeaseTaken { shard, epoch, .. } if shard == key(0) => Some(epoch),
            _ => None,
        })
        .collect();
    assert_eq!(epochs.len(), 2, "two ownerships");
    assert_eq!(owner(&world, 1).await.as_deref(), Some("a"), "the other shard stayed");
    a.stop().await;
}

#[tokio::test(start_paused = true)]
async fn healthy_shards_without_records_are_never_given_up() {
    let world = World::new(4);
    let builder = |name: &str| {
        let limit = Duration::from_secs(10);
        world.builder(name).reader_may_stall(limit).handler_may_take(Some(limit))
    };
    let _workers: Vec<_> = ["a", "b"].map(|name| start(builder(name))).into();
    tokio::time::sleep(Duration::from_mins(2)).await;
    let settled = world.events().len();
    tokio::time::sleep(Duration::from_mins(20)).await;
    let changes = |event: &Event| matches!(event, Event::LeaseTaken { .. } | Event::LeaseEnded { .. });
    assert!(!world.events()[settled..].iter().any(changes));
    assert_eq!(causes(&world), []);
}

#[tokio::test(start_paused = true)]
async fn a_shard_whose_task_ended_moves_to_another_worker_and_its_own_goes_on() {
    let world = World::new(1);
    let (a, _b) = two_workers(&world, world.builder("a")).await;
    let panicked = AtomicBool::new(false);
    world.stream.set_faults(move |request| {
        if let Request::Next(_) = request {
            assert!(panicked.swap(true, Ordering::Relaxed), "a source of mine is broken");
        }
        Fault::None
    });
    world.until("the end", |world| !causes(world).is_empty()).await;
    let stalled = Instant::now();
    assert_eq!(causes(&world), [StallCause::Ended { last_words: "a source of mine is broken".to_owned() }]);
    world.put(0, 3..6);
    world.until_delivered(0, 6).await;
    assert!(stalled.elapsed() < Duration::from_secs(1), "{:?}", stalled.elapsed());
    assert_eq!((world.delivered(0), world.readers(0)), (texts(0..6), vec!["a".to_owned(), "b".to_owned()]));
    a.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stalled_shard_that_cannot_be_passed_on_runs_out_and_is_taken_by_another_worker() {
    let world = World::new(1);
    let store = Faulty::new(world.leases.clone(), |call: &faulty::Call<'_>| match call.operation {
        Operation::Write(write) if matches!(write.action, LeaseAction::Pass { .. }) => faulty::Fault::Hangs,
        _ => faulty::Fault::None,
    });
    let a = world.builder_on("a", store).reader_may_stall(LIMIT);
    let (_a, _b) = two_workers(&world, a).await;
    hang_once(&world);
    world.until("the end", |world| !causes(world).is_empty()).await;
    let stalled = Instant::now();
    world.put(0, 3..6);
    world.until_delivered(0, 6).await;
    assert!(stalled.elapsed() <= Duration::from_secs(13), "{:?}", stalled.elapsed());
    assert_eq!((world.delivered(0), world.readers(0)), (texts(0..6), vec!["a".to_owned(), "b".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_stalls_while_its_worker_stops_is_passed_on() {
    let world = World::new(1);
    // The task ends before the answer comes.
    let store = Faulty::new(world.leases.clone(), |call: &faulty::Call<'_>| match call.operation {
        Operation::Write(write) if matches!(write.action, LeaseAction::Pass { .. }) => {
            faulty::Fault::Delayed(Duration::from_millis(500))
        }
        _ => faulty::Fault::None,
    });
    let a = world.builder_on("a", store).handler_may_take(Some(LIMIT));
    let (mut a, _b) = two_workers(&world, a).await;
    let hung = AtomicBool::new(false);
    world.misbehave(move |_| if hung.swap(true, Ordering::Relaxed) { Behave::Well } else { Behave::Hang });
    world.put(0, 3..6);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    a.handle.shutdown(Duration::from_hours(1));
    let report = a.ended().await.expect("an orderly stop");
    assert!(began.elapsed() < Duration::from_secs(92), "{:?}", began.elapsed());
    assert_eq!(report.passed.get(&key(0)).map(WorkerId::as_str), Some("b"), "{report:?}");
    assert_eq!(report.cut_off, [key(0)]);
    world.until_delivered(0, 6).await;
    assert_eq!(world.delivered(0), texts(0..6));
}

#[test]
fn limits_that_are_too_short_are_refused_by_name() {
    let world = || Scripted::new(kcl_core::ids::StreamId::named("orders"), 1);
    let builder = |stream| {
        Worker::builder("app", kcl_core::memory::InMemoryLeases::new(), stream, |_| Stuck(ProcessorCall::Create))
    };
    let short = Duration::from_millis(9999);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let reader = builder(world()).reader_may_stall(short).build().expect_err("too short");
        assert!(reader.to_string().contains("reader_may_stall"), "{reader}");
        let handler = builder(world()).handler_may_take(Some(short)).build().expect_err("too short");
        assert!(handler.to_string().contains("handler_may_take"), "{handler}");
        let longest = builder(world()).reader_may_stall(Duration::MAX).handler_may_take(Some(Duration::MAX));
        assert!(longest.build().is_ok());
    });
}

#[test]
fn what_stalls_is_counted() {
    let recorder = metrics_util::debugging::DebuggingRecorder::new();
    let snapshots = recorder.snapshotter();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    metrics::with_local_recorder(&recorder, || {
        runtime.expect("a runtime").block_on(async {
            let world = World::new(1);
            let a = start(stuck(&world, ProcessorCall::Initialize));
            world.until("the end", |world| !causes(world).is_empty()).await;
            a.handle.abort();
        });
    });
    let counted = snapshots.snapshot().into_vec().into_iter();
    let counted: BTreeSet<_> = counted
        .map(|(key, _, _, _)| {
            let cause = key.key().labels().find(|label| label.key() == "cause").map(|label| label.value().to_owned());
            (key.key().name().to_owned(), cause)
        })
        .collect();
    assert!(counted.contains(&("kcl_shards_stalled_total".to_owned(), Some("processor".to_owned()))), "{counted:?}");
    assert!(counted.contains(&("kcl_processor_slow_total".to_owned(), None)), "{counted:?}");
}
