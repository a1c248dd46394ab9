//! Positions in a shard.

use kcl_local::Timestamp;
use kcl_local::kinesis::StartingPosition::{AfterSequenceNumber, AtSequenceNumber, AtTimestamp, Latest, TrimHorizon};
use kcl_local::kinesis::{ErrorCode, ShardId, StreamSpec};

use super::world::{HOUR, S, World, payloads, refusal};

#[test]
fn the_five_kinds_start_where_they_say() {
    let mut world = World::with_stream(1);
    let start = world.now;
    let placed = world.put_some(5); // at 1, 2, 3, 4 and 5 seconds
    let second = placed[2].sequence_number;
    let at = |millis: u64| AtTimestamp(Timestamp(start.0 + millis));
    let cases = [
        (TrimHorizon, "01234"),
        (Latest, ""),
        (AtSequenceNumber(second), "234"),
        (AfterSequenceNumber(second), "34"),
        (AfterSequenceNumber(placed[4].sequence_number), ""),
        (at(3000), "234"),
        (at(3001), "34"),
        (at(2999), "234"),
        (at(5001), ""),
        (AtTimestamp(Timestamp(0)), "01234"),
    ];
    for (position, expected) in cases {
        assert_eq!(world.read(0, position).concat(), expected, "{position:?}");
    }
}

#[test]
fn latest_and_times_without_records_give_what_comes_after_the_iterator() {
    let mut world = World::with_stream(1);
    for position in [|_| Latest, |now: Timestamp| AtTimestamp(Timestamp(now.0 + 1))] {
        world.put_at(0, "before");
        let position = position(world.now);
        let iterator = world.iterator(0, position);
        world.put_at(0, "after");
        assert_eq!(payloads(&world.get(&iterator)), ["after"], "{position:?}");
    }
}

#[test]
fn the_starting_and_ending_numbers_of_a_shard_are_positions() {
    let mut world = World::with_stream(1);
    world.put_some(2);
    world.split(0);
    let shard = world.kinesis.shards(S, world.now).expect("shards").remove(0);
    let ending = shard.ending_sequence_number.expect("closed");
    assert_eq!(world.read(0, AtSequenceNumber(shard.starting_sequence_number)).concat(), "01");
    assert_eq!(world.read(0, AfterSequenceNumber(shard.starting_sequence_number)).concat(), "01");
    assert_eq!(world.read(0, AtSequenceNumber(ending)).concat(), "");
    let iterator = world.iterator(0, AfterSequenceNumber(ending));
    assert_eq!(world.get(&iterator).next_shard_iterator, None);
}

#[test]
fn a_trimmed_number_or_time_starts_at_the_trim_horizon_without_an_error() {
    let mut world = World::with_stream(1);
    let old = world.put_some(3);
    let then = world.now;
    world.pass(20 * HOUR);
    world.put_at(0, "new");
    world.pass(5 * HOUR);
    let first = old[0].sequence_number;
    for position in [TrimHorizon, AtSequenceNumber(first), AfterSequenceNumber(first), AtTimestamp(then)] {
        assert_eq!(world.read(0, position), ["new"], "{position:?}");
    }
}

#[test]
fn a_time_in_the_future_is_refused_with_both_numbers() {
    let mut world = World::with_stream(1);
    let now = world.now.0 + 1000;
    let error = world.try_iterator(0, AtTimestamp(Timestamp(now + 1))).expect_err("the future");
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    assert!(error.message.contains(&format!("timestampInMillis: {}", now + 1)), "{error}");
    assert!(error.message.contains(&format!("currentTimestampInMillis: {now}")), "{error}");
    world.try_iterator(0, AtTimestamp(Timestamp(now + 1000))).expect("now is not the future");
}

#[test]
fn a_number_of_another_shard_is_refused() {
    let mut world = World::with_stream(2);
    let number = world.put_at(u128::MAX, "in shard 1").sequence_number;
    let error = world.try_iterator(0, AtSequenceNumber(number)).expect_err("of another shard");
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    assert!(error.message.contains("encodes shardId-000000000001"), "{error}");
}

#[test]
fn a_number_of_a_former_stream_of_the_same_name_is_refused() {
    let mut world = World::new(kcl_local::kinesis::Settings {
        create_delay: std::time::Duration::ZERO,
        delete_delay: std::time::Duration::ZERO,
        ..Default::default()
    });
    world.kinesis.create_stream(S, StreamSpec::provisioned(1), world.now).expect("created");
    let former = world.put_at(0, "a").sequence_number;
    world.kinesis.delete_stream(S, world.now).expect("deleted");
    world
        .kinesis
        .create_stream(S, StreamSpec::provisioned(1), world.now)
        .expect("created again, in the same millisecond");
    for position in [AtSequenceNumber(former), AfterSequenceNumber(former)] {
        let error = world.try_iterator(0, position).expect_err("foreign");
        assert_eq!(error.code, ErrorCode::InvalidArgument);
        assert_eq!(
            error.message,
            format!(
                "StartingSequenceNumber {former} used in GetShardIterator on shard shardId-000000000000 in stream \
                 orders under account 123456789012 is invalid because it did not come from this stream."
            )
        );
    }
    assert!(world.put_at(0, "b").sequence_number > former);
}

#[test]
fn an_iterator_of_a_former_stream_finds_no_shard() {
    let mut world = World::with_stream(1);
    let iterator = world.iterator(0, TrimHorizon);
    world.kinesis.delete_stream(S, world.now).expect("accepted");
    world.settle();
    assert_eq!(refusal(world.try_get(&iterator)), ErrorCode::ResourceNotFound);
    world.create(S, StreamSpec::provisioned(1));
    assert_eq!(refusal(world.try_get(&iterator)), ErrorCode::ResourceNotFound);
}

#[test]
fn iterators_live_five_minutes_and_each_page_gives_a_new_one() {
    let mut world = World::with_stream(1);
    let first = world.iterator(0, TrimHorizon);
    let issued = world.now;
    world.pass(300_000);
    let second = world.try_get(&first).expect("five minutes").next_shard_iterator.expect("open");
    world.pass(1);
    let error = world.try_get(&first).expect_err("expired");
    assert_eq!(error.code, ErrorCode::ExpiredIterator);
    assert!(error.message.contains(&format!("created at time {issued}")), "{error}");
    assert!(error.message.ends_with("tolerated delay of 300000 milliseconds."), "{error}");
    world.pass(299_999);
    world.try_get(&second).expect("the new one");
}

#[test]
fn texts_that_are_no_iterators_are_refused() {
    let mut world = World::with_stream(1);
    let real = world.iterator(0, TrimHorizon);
    for text in ["", "AAAA", &real[1..], &real[..real.len() - 4], "not base64!"] {
        let error = world.try_get(text).expect_err("refused");
        assert_eq!((error.code, error.message.as_str()), (ErrorCode::InvalidArgument, "Invalid ShardIterator."));
    }
}

#[test]
fn an_iterator_can_be_asked_for_five_times_a_second_and_shard() {
    let mut world = World::with_stream(2);
    let get = |world: &mut World, shard| world.kinesis.get_shard_iterator(S, ShardId(shard), Latest, world.now);
    for _ in 0..5 {
        get(&mut world, 0).expect("within the limit");
    }
    assert_eq!(refusal(get(&mut world, 0)), ErrorCode::ProvisionedThroughputExceeded);
    get(&mut world, 1).expect("the other shard");
    world.pass(999);
    assert_eq!(refusal(get(&mut world, 0)), ErrorCode::ProvisionedThroughputExceeded);
    world.pass(1);
    get(&mut world, 0).expect("a second later");
}

#[test]
fn unknown_streams_and_shards_are_not_found() {
    let mut world = World::with_stream(1);
    let error = world.try_iterator(7, Latest).expect_err("no such shard");
    assert_eq!(error.code, ErrorCode::ResourceNotFound);
    assert_eq!(error.message, "Shard shardId-000000000007 in stream orders under account 123456789012 does not exist");
    let error = world.kinesis.get_shard_iterator("none", ShardId(0), Latest, world.now).expect_err("no such stream");
    assert_eq!(error.message, "Stream none under account 123456789012 not found.");
}
