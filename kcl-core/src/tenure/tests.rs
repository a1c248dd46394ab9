//! One ownership, on a table in memory.

use futures_util::FutureExt as _;

use super::*;
use crate::decide::progress::Progress;
use crate::event::ProcessorCall;
use crate::ids::StreamId;
use crate::lease::Instance;
use crate::memory::InMemoryLeases;
use crate::position::SequenceNumber;
use crate::testing::faulty::{Call, Fault, Faulty};

fn at(n: u64) -> Position {
    Position::at(SequenceNumber::parse(&n.to_string()).expect("digits"))
}

fn key() -> ShardKey {
    ShardKey::new(StreamId::named("s"), "shardId-0")
}

/// A worker `me` that holds the only lease of a table.
pub(crate) async fn held(store: Arc<dyn LeaseStore>, table: &InMemoryLeases) -> Arc<Tenure> {
    let _ = table.create(&Lease::new(key(), Position::TrimHorizon, None)).await.expect("in memory");
    take(store, table, "me", 1).await
}

async fn take(store: Arc<dyn LeaseStore>, table: &InMemoryLeases, me: &str, tenure: u64) -> Arc<Tenure> {
    let instance = Instance::new(1);
    let write = LeaseWrite {
        seen: table.get(&key()).await.expect("in memory").expect("a lease"),
        by: me.into(),
        stamp: Cell::first_stamp(instance, tenure),
        now: Timestamp::from_millis(1000),
        action: LeaseAction::Take,
    };
    let WriteOutcome::Applied(lease) = table.write(&write).await.expect("in memory") else {
        panic!("nobody else writes")
    };
    let context = TenureContext {
        store,
        timing: Timing::new(Duration::from_secs(10)),
        limits: Limits::new(Duration::from_mins(5), Some(Duration::from_mins(10))),
        wall: WallClock::new(|| Timestamp::from_millis(1000)),
        reporter: Arc::new(Reporter::new("app".into(), me.into(), Vec::new())),
        renew_now: Notify::new(),
        asked: Notify::new(),
    };
    let cell = Cell::new(me.into(), instance, tenure, lease, Instant::now());
    Arc::new(Tenure::new(Arc::new(context), cell, 0.0))
}

/// Commits, while somebody renews.
async fn commit(tenure: &Tenure, generation: u64) -> Result<Position, CheckpointError> {
    let renewals = async {
        loop {
            tokio::select! {
                () = tenure.context.renew_now.notified() => {}
                () = tokio::time::sleep_until(tenure.due()) => {}
            }
            while tenure.due() <= Instant::now()
                && let Some(renewal) = tenure.begin_renewal()
            {
                renewal.send().await;
            }
        }
    };
    tokio::select! {
        committed = tenure.commit(generation) => committed,
        () = renewals => unreachable!("for ever"),
    }
}

fn work(tenure: &Tenure, to: u64) -> u64 {
    let (generation, _) = tenure.new_generation();
    tenure.mark(generation, |progress| progress.deliver(Some(at(to)), at(to))).expect("held");
    tenure.mark(generation, Progress::all_done).expect("held");
    generation
}

async fn stored(table: &InMemoryLeases) -> Lease {
    table.get(&key()).await.expect("in memory").expect("a lease")
}

#[tokio::test(start_paused = true)]
async fn renewals_and_commits_at_once_do_not_fence_each_other() {
    let table = InMemoryLeases::new();
    let tenure = held(Arc::new(table.clone()), &table).await;
    let (generation, _) = tenure.new_generation();
    let commits = async {
        for n in 1..=100 {
            tenure.mark(generation, |progress| progress.deliver(Some(at(n)), at(n))).expect("held");
            tenure.mark(generation, Progress::all_done).expect("held");
            assert_eq!(commit(&tenure, generation).await.expect("held"), at(n));
        }
    };
    let renewals = async {
        for _ in 0..100 {
            if let Some(renewal) = tenure.begin_renewal() {
                renewal.send().await;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(commits, renewals);
    assert!(!tenure.is_over());
    assert_eq!(stored(&table).await.checkpoint, at(100));
}

#[tokio::test(start_paused = true)]
async fn a_tenure_that_is_not_renewed_ends_before_anybody_may_take_the_lease() {
    let table = InMemoryLeases::new();
    let tenure = held(Arc::new(table.clone()), &table).await;
    let began = Instant::now();
    tenure.ended().await;
    assert_eq!((began.elapsed(), tenure.end_reason()), (Duration::from_millis(9500), Some(EndReason::Expired)));
    assert!(tenure.begin_renewal().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_commit_survives_answers_that_are_lost() {
    let table = InMemoryLeases::new();
    let lost = |call: &Call<'_>| {
        if call.number < 3 { Fault::AnswerLost(Duration::from_millis(100)) } else { Fault::None }
    };
    let tenure = held(Arc::new(Faulty::new(table.clone(), lost)), &table).await;
    let generation = work(&tenure, 7);
    assert_eq!(commit(&tenure, generation).await.expect("recognised by its stamp"), at(7));
    assert_eq!(stored(&table).await.version.number(), 2, "taken, and committed once");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_at_once_is_repeated_five_times_in_a_tenth_of_the_failover_time() {
    let table = InMemoryLeases::new();
    let answer_takes = |milliseconds| move |_: &Call<'_>| Fault::AnswerLost(Duration::from_millis(milliseconds));
    for (took, again) in [(0, 200), (50, 200), (200, 200), (1_000, 1_000)] {
        let tenure = held(Arc::new(Faulty::new(table.clone(), answer_takes(took))), &table).await;
        let sent = Instant::now();
        tenure.begin_renewal().expect("free").send().await;
        assert_eq!(tenure.due() - sent, Duration::from_millis(again), "{took}");
    }
}

/// A tenure whose commit of 7 was applied and not answered, and then a new processor that has done 5; with the latter's
/// generation.
async fn behind_an_unknown_commit(table: &InMemoryLeases) -> (Arc<Tenure>, u64) {
    let lost = |call: &Call<'_>| {
        if call.number == 0 { Fault::AnswerLost(Duration::from_millis(100)) } else { Fault::None }
    };
    let tenure = held(Arc::new(Faulty::new(table.clone(), lost)), table).await;
    work(&tenure, 7);
    tenure.begin_renewal().expect("free").send().await;
    let generation = work(&tenure, 5);
    assert_eq!(stored(table).await.checkpoint, at(7));
    (tenure, generation)
}

#[tokio::test(start_paused = true)]
async fn a_commit_whose_answer_is_lost_while_a_new_processor_starts_is_not_moved_back() {
    let table = InMemoryLeases::new();
    let (tenure, generation) = behind_an_unknown_commit(&table).await;
    tenure.begin_renewal().expect("free").send().await;
    assert_eq!(commit(&tenure, generation).await.expect("held"), at(7), "committed before, and found out now");
    assert_eq!(stored(&table).await.checkpoint, at(7));
    assert_eq!(tenure.new_generation().1, at(7));
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_finds_a_later_one_made_does_not_move_it_back() {
    let table = InMemoryLeases::new();
    let (tenure, generation) = behind_an_unknown_commit(&table).await;
    assert_eq!(commit(&tenure, generation).await.expect("held"), at(7));
    assert_eq!(stored(&table).await.checkpoint, at(7));
}

#[tokio::test(start_paused = true)]
async fn what_is_done_behind_a_rewind_is_not_committed_over_it() {
    let table = InMemoryLeases::new();
    let tenure = held(Arc::new(table.clone()), &table).await;
    let former = work(&tenure, 7);
    tenure.rewind(&at(3)).await.expect("held");
    assert!(matches!(commit(&tenure, former).await, Err(CheckpointError::LeaseLost { .. })));
    tenure.begin_renewal().expect("free").send().await;
    assert_eq!(stored(&table).await.checkpoint, at(3));
    assert_eq!(tenure.new_generation().1, at(3));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_never_answers_costs_the_lease_and_not_the_worker() {
    let table = InMemoryLeases::new();
    let tenure = held(Arc::new(Faulty::new(table.clone(), |_: &Call<'_>| Fault::Hangs)), &table).await;
    let generation = work(&tenure, 7);
    let began = Instant::now();
    let committed = commit(&tenure, generation).await;
    assert!(matches!(committed, Err(CheckpointError::LeaseLost { .. })), "{committed:?}");
    assert_eq!(began.elapsed(), Duration::from_millis(9500));
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_is_begun_and_never_polled_again_does_not_keep_the_lease_from_being_renewed() {
    let table = InMemoryLeases::new();
    let tenure = held(Arc::new(table.clone()), &table).await;
    let generation = work(&tenure, 7);
    let mut begun = std::pin::pin!(tenure.commit(generation));
    assert!(futures_util::poll!(begun.as_mut()).is_pending());
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(7)).await;
        tenure.begin_renewal().expect("free").send().await;
    }
    assert!(!tenure.is_over());
    assert_eq!(begun.await.expect("held"), at(7));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_committed_after_the_lease_was_taken_nor_when_it_is_held_again() {
    let table = InMemoryLeases::new();
    let store: Arc<dyn LeaseStore> = Arc::new(table.clone());
    let first = held(Arc::clone(&store), &table).await;
    let generation = work(&first, 7);
    let _other = take(Arc::clone(&store), &table, "other", 1).await;
    let again = take(store, &table, "me", 2).await;
    assert!(matches!(commit(&first, generation).await, Err(CheckpointError::LeaseLost { .. })));
    assert_eq!(first.end_reason(), Some(EndReason::Taken));
    assert!(again.epoch() > first.epoch());
    assert_eq!(stored(&table).await.checkpoint, Position::TrimHorizon);
    assert!(!again.is_over());
}

#[tokio::test(start_paused = true)]
async fn giving_a_lease_back_commits_what_is_done() {
    let table = InMemoryLeases::new();
    let tenure = held(Arc::new(table.clone()), &table).await;
    work(&tenure, 7);
    tenure.pass(None).await.expect("held");
    let lease = stored(&table).await;
    assert_eq!((lease.checkpoint, lease.owner), (at(7), None));
    assert_eq!(tenure.end_reason(), Some(EndReason::Released));
}

#[tokio::test(start_paused = true)]
async fn a_former_processor_of_the_same_tenure_is_not_heard() {
    let table = InMemoryLeases::new();
    let tenure = held(Arc::new(table.clone()), &table).await;
    let former = work(&tenure, 7);
    let (generation, start) = tenure.new_generation();
    assert_eq!(start, Position::TrimHorizon, "what was done and not committed is done again");
    assert!(matches!(commit(&tenure, former).await, Err(CheckpointError::LeaseLost { .. })));
    assert_eq!(commit(&tenure, generation).await.expect("held"), Position::TrimHorizon);
}

#[tokio::test(start_paused = true)]
async fn the_time_in_which_a_call_keeps_the_thread_is_not_its_readers() {
    let table = InMemoryLeases::new();
    let tenure = held(Arc::new(table.clone()), &table).await;
    let pass = |seconds| {
        let _ = tokio::time::advance(Duration::from_secs(seconds)).now_or_never();
    };
    let _attended = tenure.attend_reader();
    tenure.reader_asks();
    tenure.call_begins(ProcessorCall::ProcessRecords);
    let blocks = || {
        pass(360);
        std::task::Poll::Ready(())
    };
    assert!(tenure.poll_call(blocks).is_ready());
    tenure.call_ends();
    assert!(!tenure.examine(), "the reader has had no time");
    pass(299);
    assert!(!tenure.examine());
    pass(1);
    assert!(tenure.examine(), "it has had five minutes now");
}

#[tokio::test(start_paused = true)]
async fn giving_up_commits_what_is_done_and_waits_for_no_answer_longer_than_the_lease_lasts() {
    let table = InMemoryLeases::new();
    let tenure = held(Arc::new(table.clone()), &table).await;
    let generation = work(&tenure, 7);
    let ended = tenure.ended();
    tenure.give_up(Some("other".into())).await.expect("in memory");
    ended.await;
    let lease = stored(&table).await;
    assert_eq!((lease.checkpoint, lease.owner), (at(7), Some("other".into())));
    assert_eq!(tenure.end_reason(), Some(EndReason::Stalled));
    let late = tenure.mark(generation, Progress::all_done);
    assert!(matches!(late, Err(CheckpointError::LeaseLost { .. })), "{late:?}");

    let table = InMemoryLeases::new();
    let tenure = held(Arc::new(Faulty::new(table.clone(), |_: &Call<'_>| Fault::Hangs)), &table).await;
    let began = Instant::now();
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(matches!(tenure.give_up(None).await, Err(WriteFailure::Over)));
    assert_eq!(began.elapsed(), Duration::from_millis(9500));
    tenure.laid_down().await;
}
