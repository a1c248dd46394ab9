//! What a subscription gives: records from every position, as they arrive, and signs of life.

use kcl_local::Timestamp;
use kcl_local::kinesis::StartingPosition::{AfterSequenceNumber, AtSequenceNumber, AtTimestamp, Latest, TrimHorizon};
use kcl_local::kinesis::{ErrorCode, NewRecord, Push, Settings, SubscriptionEvent};

use super::world::{HOUR, World, payload, refusal};

const MIB: usize = 1024 * 1024;

fn payloads(event: &SubscriptionEvent) -> Vec<String> {
    event.records.iter().map(payload).collect()
}

fn with_consumer() -> (World, String) {
    let mut world = World::with_stream(2);
    let arn = world.register("app");
    (world, arn)
}

#[test]
fn every_position_means_what_it_means_to_an_iterator() {
    let (mut world, arn) = with_consumer();
    let placed = world.put_some(4);
    let (second, third) = (placed[1].sequence_number, placed[2].sequence_number);
    let time = Timestamp(world.now.0 - 1_500);
    let cases = [
        (TrimHorizon, vec!["0", "1", "2", "3"]),
        (AtSequenceNumber(second), vec!["1", "2", "3"]),
        (AfterSequenceNumber(second), vec!["2", "3"]),
        (AtSequenceNumber(third), vec!["2", "3"]),
        (AtTimestamp(time), vec!["2", "3"]),
        (AtTimestamp(Timestamp(1)), vec!["0", "1", "2", "3"]),
        (Latest, vec![]),
    ];
    for (position, expected) in cases {
        world.pass(5_000);
        let mut subscription = world.subscribe(&arn, 0, position);
        assert_eq!(payloads(&world.event(&mut subscription)), expected, "{position:?}");
    }
    world.pass(5_000);
    let refused = world.try_subscribe(&arn, 0, AtTimestamp(Timestamp(world.now.0 + 1)));
    assert_eq!(refusal(refused), ErrorCode::InvalidArgument, "a time in the future");
    assert_eq!(refusal(world.try_subscribe(&arn, 1, AtSequenceNumber(second))), ErrorCode::InvalidArgument);
    assert_eq!(refusal(world.try_subscribe(&arn, 9, Latest)), ErrorCode::ResourceNotFound);
}

#[test]
fn a_backlog_comes_at_once_and_new_records_a_moment_after_they_arrive() {
    let (mut world, arn) = with_consumer();
    world.put_at(0, "old");
    world.pass(1000);
    let mut subscription = world.subscribe(&arn, 0, TrimHorizon);
    let began = world.now;
    assert_eq!(payloads(&world.event(&mut subscription)), ["old"]);
    assert_eq!(world.now, began);
    world.pass(300);
    world.put_at(0, "one");
    world.pass(20);
    world.put_at(0, "two");
    assert_eq!(world.push(&mut subscription), Push::Wait(Timestamp(world.now.0 + 50)));
    assert_eq!(payloads(&world.event(&mut subscription)), ["one", "two"], "what comes within 70 ms goes together");
    assert_eq!(world.now.0, began.0 + 370);
}

#[test]
fn a_silent_shard_gives_an_empty_event_every_five_seconds() {
    let (mut world, arn) = with_consumer();
    let mut subscription = world.subscribe(&arn, 0, Latest);
    let began = world.now;
    for beats in 1..=3 {
        let event = world.event(&mut subscription);
        assert_eq!((event.records.len(), event.millis_behind_latest), (0, 0));
        assert_eq!(world.now.0, began.0 + beats * 5_000);
    }
    world.pass(2_000);
    world.put_at(0, "a");
    world.event(&mut subscription);
    let last = world.now;
    world.event(&mut subscription);
    assert_eq!(world.now.0, last.0 + 5_000, "counted from the last event");
}

#[test]
fn a_continuation_is_after_what_was_given_and_before_all_else_however_it_is_read() {
    let (mut world, arn) = with_consumer();
    let mut subscription = world.subscribe(&arn, 0, TrimHorizon);
    let mut continuations = vec![world.event(&mut subscription).continuation_sequence_number.expect("open")];
    for i in 0..40 {
        let number = world.put_at(0, &i.to_string()).sequence_number;
        let before = *continuations.last().expect("one");
        assert!(before < number, "it comes before what was not given");
        let event = world.event(&mut subscription);
        let continuation = event.continuation_sequence_number.expect("open");
        assert!(number < continuation && event.records.iter().all(|record| record.sequence_number != continuation));
        continuations.push(continuation);
    }
    let quiet = world.event(&mut subscription).continuation_sequence_number.expect("open");
    assert!(*continuations.last().expect("one") < quiet, "it goes on without records");
    for (given, continuation) in continuations.iter().enumerate() {
        for position in [AtSequenceNumber(*continuation), AfterSequenceNumber(*continuation)] {
            assert_eq!(world.read(0, position).len(), 40 - given);
            world.pass(5_000);
            let mut again = world.subscribe(&arn, 0, position);
            let next = world.event(&mut again).records.first().map(payload);
            let expected = if given < 40 { Some(given.to_string()) } else { None };
            assert_eq!(next, expected, "{position:?}");
        }
    }
}

#[test]
fn an_event_says_how_far_behind_its_reader_still_is() {
    let mut world = World::with_settings(1, Settings { push_max_records: 1, ..Settings::default() });
    let arn = world.register("app");
    world.put_some(2);
    world.pass(9_000);
    let mut subscription = world.subscribe(&arn, 0, TrimHorizon);
    assert_eq!(world.event(&mut subscription).millis_behind_latest, 9_000);
    assert_eq!(world.event(&mut subscription).millis_behind_latest, 0);
}

#[test]
fn each_consumer_has_the_throughput_of_each_shard_for_itself() {
    let mut world =
        World::with_settings(2, Settings { write_bytes_per_second: u64::MAX / 2_000, ..Settings::default() });
    let (arn, other) = (world.register("app"), world.register("other"));
    for hash_key in [0, u128::MAX].repeat(3) {
        world.try_put(NewRecord::hashed(hash_key, "k", vec![7; MIB - 1])).expect("stored");
    }
    world.pass(1_000);
    for (arn, shard) in [(&arn, 0), (&arn, 1), (&other, 0)] {
        let mut subscription = world.subscribe(arn, shard, TrimHorizon);
        let began = world.now;
        world.event(&mut subscription);
        world.event(&mut subscription);
        assert_eq!(world.now, began, "two mebibytes at once");
        assert!(matches!(world.push(&mut subscription), Push::Wait(until) if until.0 == began.0 + 500));
    }
}

#[test]
fn the_throughput_is_not_renewed_by_subscribing_again() {
    let mut world = World::with_settings(
        1,
        Settings {
            write_bytes_per_second: u64::MAX / 2_000,
            subscribe_again_after: std::time::Duration::ZERO,
            subscribe_calls_per_second: 2,
            ..Settings::default()
        },
    );
    let arn = world.register("app");
    for _ in 0..3 {
        world.try_put(NewRecord::hashed(0, "k", vec![7; MIB - 1])).expect("stored");
    }
    world.pass(1_000);
    let mut first = world.subscribe(&arn, 0, TrimHorizon);
    world.event(&mut first);
    world.event(&mut first);
    let began = world.now;
    let mut second = world.subscribe(&arn, 0, TrimHorizon);
    world.event(&mut second);
    assert_eq!(world.now.0, began.0 + 500);
}

#[test]
fn the_first_two_seconds_of_a_backlog_have_the_first_two_seconds_of_throughput() {
    let mut world =
        World::with_settings(1, Settings { write_bytes_per_second: u64::MAX / 2_000, ..Settings::default() });
    let arn = world.register("app");
    for _ in 0..8 {
        world.try_put(NewRecord::hashed(0, "k", vec![7; MIB - 1])).expect("stored");
    }
    let mut subscription = world.subscribe(&arn, 0, TrimHorizon);
    let began = world.now;
    let times: Vec<u64> = (0..8)
        .map(|_| {
            world.event(&mut subscription);
            world.now.0 - began.0
        })
        .collect();
    assert_eq!(times, [70, 70, 570, 1_070, 1_570, 2_070, 2_570, 3_070]);
}

#[test]
fn a_record_larger_than_an_event_and_a_second_comes_alone_and_is_paid_off() {
    let mut world =
        World::with_settings(1, Settings { write_bytes_per_second: u64::MAX / 2_000, ..Settings::default() });
    world.kinesis.update_max_record_size(super::world::S, 10_240, world.now).expect("accepted");
    let arn = world.register("app");
    for (size, data) in [(1, b'a'), (10 * MIB - 1, b'b'), (1, b'c')] {
        world.try_put(NewRecord::hashed(0, "k", vec![data; size])).expect("stored");
    }
    world.pass(1_000);
    let mut subscription = world.subscribe(&arn, 0, TrimHorizon);
    let began = world.now;
    let mut at = Vec::new();
    while at.len() < 3 {
        let event = world.event(&mut subscription);
        at.extend(event.records.iter().map(|record| (record.data[0], world.now.0 - began.0)));
    }
    // One byte of 2 MiB has to come back before the big one fits: a millisecond. It takes five seconds to pay off.
    assert_eq!(at, [(b'a', 0), (b'b', 1), (b'c', 4_002)]);
}

#[test]
fn what_left_retention_before_it_was_pushed_is_not_pushed() {
    let (mut world, arn) = with_consumer();
    world.put_at(0, "old");
    world.pass(24 * HOUR + 1);
    world.put_at(0, "new");
    let mut subscription = world.subscribe(&arn, 0, TrimHorizon);
    assert_eq!(payloads(&world.event(&mut subscription)), ["new"]);
}
