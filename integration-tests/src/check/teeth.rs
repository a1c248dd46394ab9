//! Every invariant has teeth: a small history that keeps all of them, and changes to it that break one each.

use std::collections::BTreeMap;
use std::time::Duration;

use kcl_core::event::Event;
use kcl_core::ids::{ShardKey, StreamId};
use kcl_core::position::{Position, SequenceNumber};

use super::check;
use crate::faults::Class;
use crate::history::{Happening, History, HowOver, HowReturned, Payload, Run, Seat, ShardFacts, What};
use crate::row::Row;

const A: Run = Run(1);
const B: Run = Run(2);

/// The position of a record.
pub(super) fn at(sequence: u64) -> Position {
    Position::at(SequenceNumber::parse(&sequence.to_string()).expect("digits"))
}

fn records(of: &[u64]) -> Vec<(Position, Payload)> {
    of.iter().map(|number| (at(*number), Payload { key: "k".to_owned(), number: *number })).collect()
}

fn stored(shard: &str, of: &[u64]) -> What {
    What::Stored { shard: shard.to_owned(), records: records(of) }
}

fn begun(run: Run, worker: &str) -> What {
    What::Begun { run, worker: worker.to_owned() }
}

fn lease(run: Run, shard: &str, counter: u64, owner: Option<&str>, checkpoint: Position) -> What {
    let owner = owner.map(str::to_owned);
    let row = Row { counter, owner, checkpoint_owner: None, checkpoint, born: 1000 };
    What::Lease { run: Some(run), shard: shard.to_owned(), row: Some(row) }
}

fn seated(run: Run, seat: u32, shard: &str, epoch: u64, start: Position) -> What {
    What::Seated { run, seat: Seat(seat), shard: shard.to_owned(), epoch, start }
}

fn called(run: Run, seat: u32, shard: &str, of: &[u64]) -> What {
    What::Called { run, seat: Seat(seat), shard: shard.to_owned(), records: records(of) }
}

fn done(run: Run, seat: u32, shard: &str, through: u64) -> What {
    What::Done { run, seat: Seat(seat), shard: shard.to_owned(), through: at(through) }
}

fn returned(run: Run, seat: u32, how: HowReturned) -> What {
    What::Returned { run, seat: Seat(seat), how }
}

/// Worker a reads the parent to its end, worker b the child; then both stop.
fn good() -> Vec<What> {
    vec![
        /* 0 */ begun(A, "a"),
        /* 1 */ begun(B, "b"),
        /* 2 */ stored("parent", &[1, 2, 3]),
        /* 3 */ lease(A, "parent", 1, Some("a"), Position::TrimHorizon),
        /* 4 */ seated(A, 1, "parent", 1001, Position::TrimHorizon),
        /* 5 */ called(A, 1, "parent", &[1, 2]),
        /* 6 */ done(A, 1, "parent", 2),
        /* 7 */ returned(A, 1, HowReturned::Ok),
        /* 8 */ lease(A, "parent", 2, Some("a"), at(2)),
        /* 9 */ called(A, 1, "parent", &[3]),
        /* 10 */ done(A, 1, "parent", 3),
        /* 11 */ returned(A, 1, HowReturned::Ok),
        /* 12 */ lease(A, "parent", 3, None, Position::ShardEnd),
        /* 13 */ stored("child", &[7, 8]),
        /* 14 */ lease(B, "child", 1, Some("b"), Position::TrimHorizon),
        /* 15 */ seated(B, 2, "child", 1001, Position::TrimHorizon),
        /* 16 */ called(B, 2, "child", &[7, 8]),
        /* 17 */ done(B, 2, "child", 8),
        /* 18 */ returned(B, 2, HowReturned::Ok),
        /* 19 */ What::Calm,
        /* 20 */ lease(B, "child", 2, None, at(8)),
        /* 21 */ What::Over { run: A, how: HowOver::Stopped },
        /* 22 */ What::Over { run: B, how: HowOver::Stopped },
    ]
}

/// The invariants that a history breaks, with a quarter of a second between any two happenings.
fn broken(mut whats: Vec<What>) -> Vec<&'static str> {
    let end = whats.iter().position(|what| matches!(what, What::Over { .. })).unwrap_or(whats.len());
    whats.splice(end..end, [A, B].map(|run| What::StopAsked { run }));
    broken_as_told(whats)
}

/// The same, where nobody is told to stop.
fn broken_as_told(whats: Vec<What>) -> Vec<&'static str> {
    let happenings = (0..).zip(whats).map(|(place, what)| Happening { at: place * 250, what }).collect();
    let facts =
        |parents: &[&str], closed| ShardFacts { parents: parents.iter().map(|id| (*id).to_owned()).collect(), closed };
    let shards = [("parent".to_owned(), facts(&[], true)), ("child".to_owned(), facts(&["parent"], false))];
    let history = History::plain(happenings, BTreeMap::from(shards), Duration::from_secs(2));
    let mut names: Vec<_> = check(&history).into_iter().map(|violation| violation.invariant).collect();
    names.dedup();
    names
}

/// The invariants that break when some happenings are replaced by others.
fn without(range: std::ops::Range<usize>, instead: impl IntoIterator<Item = What>) -> Vec<&'static str> {
    let mut whats = good();
    whats.splice(range, instead);
    broken(whats)
}

fn with(place: usize, more: impl IntoIterator<Item = What>) -> Vec<&'static str> {
    without(place..place, more)
}

#[test]
fn a_history_in_which_all_is_well_breaks_nothing() {
    assert_eq!(broken(good()), Vec::<&str>::new());
}

#[test]
fn a_commit_before_the_work_is_seen() {
    let early = lease(A, "parent", 2, Some("a"), at(2));
    assert_eq!(
        without(6..9, [early, done(A, 1, "parent", 2), returned(A, 1, HowReturned::Ok)]),
        ["commits_follow_processing"]
    );
}

#[test]
fn a_gap_a_repetition_and_other_data_are_seen() {
    let seen = ["deliveries_are_the_shard_in_order"];
    assert!(without(16..17, [called(B, 2, "child", &[8])]).contains(&seen[0]), "a gap");
    assert_eq!(with(9, [called(A, 1, "parent", &[1, 2]), returned(A, 1, HowReturned::Ok)]), seen, "nothing failed");
    let other = What::Called {
        run: B,
        seat: Seat(2),
        shard: "child".to_owned(),
        records: records(&[7, 8]).into_iter().map(|(at, payload)| (at, Payload { number: 0, ..payload })).collect(),
    };
    assert_eq!(without(16..17, [other]), seen);
}

#[test]
fn only_the_batch_that_failed_comes_again_and_nothing_after_a_panic() {
    let seen = ["deliveries_are_the_shard_in_order"];
    let fails = |again: What| {
        with(
            5,
            [
                called(A, 1, "parent", &[1, 2]),
                returned(A, 1, HowReturned::Failed),
                again,
                returned(A, 1, HowReturned::Failed),
            ],
        )
    };
    assert_eq!(fails(called(A, 1, "parent", &[1, 2])), Vec::<&str>::new());
    assert_eq!(fails(called(A, 1, "parent", &[1])), seen);
    assert_eq!(with(5, [called(A, 1, "parent", &[1, 2]), returned(A, 1, HowReturned::Panicked)]), seen);
}

#[test]
fn a_start_beyond_what_is_done_is_seen() {
    let skips = [seated(B, 2, "child", 1001, at(7)), called(B, 2, "child", &[8])];
    assert!(without(15..17, skips).contains(&"processors_start_at_what_is_done"));
}

#[test]
fn a_start_before_what_is_committed_is_seen() {
    let begins_anew = seated(A, 3, "parent", 1001, Position::TrimHorizon);
    let panicked = returned(A, 1, HowReturned::Panicked);
    let again = [called(A, 3, "parent", &[1, 2, 3]), done(A, 3, "parent", 3), returned(A, 3, HowReturned::Ok)];
    let anew = [called(A, 1, "parent", &[3]), panicked, begins_anew].into_iter().chain(again);
    let told = What::Event {
        run: A,
        event: Event::Checkpointed { shard: ShardKey::new(StreamId::named("orders"), "parent"), position: at(2) },
    };
    assert_eq!(without(9..12, anew.clone()), Vec::<&str>::new(), "nobody knows that it was committed");
    assert_eq!(without(9..12, [told].into_iter().chain(anew)), ["processors_start_at_what_is_committed"]);
}

#[test]
fn a_child_that_begins_before_its_parents_end_is_seen() {
    let mut whats = good();
    let end = whats.remove(12);
    whats.insert(15, end);
    assert_eq!(broken(whats), ["parents_come_first"]);
}

#[test]
fn what_is_left_over_is_seen() {
    assert_eq!(with(20, [stored("child", &[9])]), ["everything_is_consumed"]);
    assert_eq!(without(20..21, [lease(B, "child", 2, None, Position::TrimHorizon)]), ["everything_is_consumed"]);
}

#[test]
fn a_commit_that_comes_late_is_seen_unless_a_fault_explains_it() {
    let late = || (0..10).map(|_| What::StopAsked { run: B });
    assert_eq!(with(8, late()), ["commits_keep_up"]);
    let fault = What::Fault { run: Some(A), class: Class::Throttled };
    assert_eq!(with(8, late().take(5).chain([fault.clone()]).chain(late().take(5))), Vec::<&str>::new());
    assert_eq!(with(8, [fault].into_iter().chain(late())), ["commits_keep_up"], "a fault explains no more than that");
}

#[test]
fn more_than_the_budget_and_four_large_answers_is_seen() {
    let happenings = |bytes| vec![Happening { at: 0, what: What::Held { run: A, bytes, largest: 300 } }];
    let broken = |bytes| {
        let history = History::plain(happenings(bytes), BTreeMap::new(), Duration::from_secs(2));
        check(&History { byte_budget: 1000, ..history }).len()
    };
    assert_eq!((broken(1200), broken(1201)), (0, 1));
}

#[test]
fn a_commit_that_moves_back_and_a_lease_that_comes_back_are_seen() {
    let back = lease(A, "parent", 3, Some("a"), at(1));
    assert_eq!(with(9, [back]), ["commits_never_move_back"]);
    let removed = What::Lease { run: Some(A), shard: "parent".to_owned(), row: None };
    assert_eq!(with(19, [removed, lease(A, "parent", 3, None, Position::TrimHorizon)]), ["commits_never_move_back"]);
}

#[test]
fn an_epoch_that_does_not_grow_or_was_never_written_is_seen() {
    let taken_back = lease(B, "parent", 0, Some("b"), Position::TrimHorizon);
    assert!(with(4, [taken_back]).contains(&"epochs_grow"));
}

#[test]
fn a_commit_by_somebody_else_than_the_holder_is_seen() {
    assert_eq!(without(8..9, [lease(B, "parent", 2, Some("a"), at(2))]), ["only_the_holder_commits"]);
    let taken = lease(B, "parent", 2, Some("b"), Position::TrimHorizon);
    assert!(with(8, [taken]).contains(&"only_the_holder_commits"), "the older of two commits");
}

#[test]
fn a_reader_of_an_older_epoch_is_seen() {
    assert_eq!(with(5, [seated(B, 3, "parent", 1002, Position::TrimHorizon)]), ["one_reader_at_a_time"]);
}

#[test]
fn a_worker_that_stops_and_holds_on_is_seen() {
    assert_eq!(without(20..21, [lease(B, "child", 2, Some("b"), at(8))]), ["stopped_workers_hold_nothing"]);
    let row = |is_there| What::WorkerRow { run: Some(B), worker: "b".to_owned(), is_there };
    assert_eq!(with(19, [row(true)]), ["stopped_workers_hold_nothing"]);
    assert_eq!(with(19, [row(true), row(false)]), Vec::<&str>::new());
}

#[test]
fn what_a_worker_does_after_its_end_is_seen() {
    for late in [
        What::Sent { run: Some(A), operation: "UpdateItem".to_owned() },
        What::Event { run: A, event: Event::WorkerStarted },
    ] {
        assert_eq!(with(22, [late]), ["nothing_happens_after_the_end"]);
    }
}

#[test]
fn where_requests_are_seen_when_they_arrive_one_may_arrive_after_the_end_for_a_while() {
    let late = |arrives: u64, what: What| {
        let over = What::Over { run: A, how: HowOver::Killed };
        let happenings = [(0, begun(A, "a")), (1_000, over), (arrives, what)].map(|(at, what)| Happening { at, what });
        let plain = History::plain(happenings.into(), BTreeMap::new(), Duration::from_secs(2));
        check(&History { in_flight: Duration::from_secs(1), ..plain }).len()
    };
    let sent = || What::Sent { run: Some(A), operation: "UpdateItem".to_owned() };
    assert_eq!((late(1_999, sent()), late(2_000, sent())), (0, 1));
    assert_eq!(late(1_000, What::Told { run: A, text: "WorkerStarted".to_owned() }), 1, "what is told does not travel");
}

#[test]
fn a_worker_that_gives_up_is_seen() {
    let gave_up = What::Over { run: A, how: HowOver::Failed("why".to_owned()) };
    assert_eq!(without(21..22, [gave_up]), ["workers_do_not_give_up"]);
}

#[test]
fn a_worker_that_ends_and_was_not_told_to_is_seen() {
    assert_eq!(broken_as_told(good()), ["workers_do_not_give_up"]);
}

#[test]
fn a_shard_that_stands_still_in_calm_is_seen() {
    let wait = (0..20).map(|_| What::StopAsked { run: A });
    let late = [lease(B, "child", 2, Some("b"), at(8)), stored("child", &[9])].into_iter().chain(wait).chain([
        called(B, 2, "child", &[9]),
        done(B, 2, "child", 9),
        lease(B, "child", 3, None, at(9)),
    ]);
    assert_eq!(without(20..21, late), ["no_shard_stalls_in_calm"]);
}
