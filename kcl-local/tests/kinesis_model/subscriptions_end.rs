//! How subscriptions end: by time, by the end of the shard, by take-over, by an error.

use std::time::Duration;

use kcl_local::kinesis::StartingPosition::{AfterSequenceNumber, Latest, TrimHorizon};
use kcl_local::kinesis::{Error, ErrorCode, KmsFault, Push, Settings, ShardId, StreamSpec, TakenOver};

use super::world::{HOUR, S, World, payload, refusal};

fn with_consumer(shards: u32) -> (World, String) {
    let mut world = World::with_stream(shards);
    let arn = world.register("app");
    (world, arn)
}

fn failure(push: Push) -> Error {
    match push {
        Push::Failed(error) => error,
        other => panic!("no failure: {other:?}"),
    }
}

#[test]
fn a_subscription_lives_for_five_minutes_and_goes_on_without_a_gap() {
    let (mut world, arn) = with_consumer(1);
    let mut subscription = world.subscribe(&arn, 0, Latest);
    let began = world.now;
    let mut continuation = None;
    let mut given = 0;
    loop {
        match world.push(&mut subscription) {
            Push::Event(event) => {
                given += event.records.len();
                continuation = event.continuation_sequence_number;
            }
            Push::Wait(until) => world.now = until,
            end => break assert_eq!(end, Push::End),
        }
        if world.now.0 % 3 == 0 {
            world.pass(1);
            world.put_at(0, "x");
        }
    }
    assert_eq!(world.now.0 - began.0, 300_000);
    let held = world.kinesis.records(S, ShardId(0), world.now).expect("the shard").len();
    assert!(given > 10 && given <= held);
    let mut again = world.subscribe(&arn, 0, AfterSequenceNumber(continuation.expect("open")));
    let (rest, _) = world.drain(&mut again);
    assert_eq!(given + rest.len(), held);
}

#[test]
fn the_life_of_a_subscription_can_be_set() {
    let settings = Settings { subscription_life: Duration::from_secs(7), ..Settings::default() };
    let mut world = World::with_settings(1, settings);
    let arn = world.register("app");
    let mut subscription = world.subscribe(&arn, 0, Latest);
    let began = world.now;
    assert_eq!(world.drain(&mut subscription).1, Push::End);
    assert_eq!(world.now.0 - began.0, 7_000);
    assert_eq!(world.push(&mut subscription), Push::End, "and again");
}

#[test]
fn the_last_event_of_a_split_shard_names_its_children_and_no_continuation() {
    let (mut world, arn) = with_consumer(1);
    let mut subscription = world.subscribe(&arn, 0, Latest);
    world.put_at(0, "last");
    world.kinesis.split_shard_in_half(S, ShardId(0), world.now).expect("accepted");
    let event = world.event(&mut subscription);
    assert_eq!(event.records.iter().map(payload).collect::<Vec<_>>(), ["last"]);
    assert!(event.child_shards.is_none() && event.continuation_sequence_number.is_some(), "still open");
    let split = world.now.0;
    let end = world.event(&mut subscription);
    assert!(world.now.0 - split < 1_000, "as soon as the shard is closed");
    assert_eq!((end.records.len(), end.continuation_sequence_number), (0, None));
    let children = end.child_shards.expect("the end");
    assert_eq!(children.iter().map(|child| child.shard_id.0).collect::<Vec<_>>(), [1, 2]);
    assert!(children.iter().all(|child| child.parent_shards == [ShardId(0)]));
    assert_eq!(world.push(&mut subscription), Push::End);
}

#[test]
fn the_records_of_a_closed_shard_come_with_its_end() {
    let (mut world, arn) = with_consumer(1);
    world.put_some(3);
    world.split(0);
    let mut subscription = world.subscribe(&arn, 0, TrimHorizon);
    let end = world.event(&mut subscription);
    assert_eq!((end.records.len(), end.child_shards.map(|children| children.len())), (3, Some(2)));
    world.pass(5_000);
    let mut subscription = world.subscribe(&arn, 0, Latest);
    let now = world.now;
    let end = world.event(&mut subscription);
    assert_eq!((end.records.len(), end.child_shards.is_some(), world.now), (0, true, now), "at once");
}

#[test]
fn a_long_backlog_of_a_closed_shard_has_its_children_on_the_last_event_only() {
    let mut world = World::with_settings(1, Settings { push_max_records: 2, ..Settings::default() });
    let arn = world.register("app");
    world.put_some(5);
    world.split(0);
    let mut subscription = world.subscribe(&arn, 0, TrimHorizon);
    let events: Vec<_> = (0..3).map(|_| world.event(&mut subscription)).collect();
    assert_eq!(events.iter().map(|event| event.records.len()).collect::<Vec<_>>(), [2, 2, 1]);
    assert_eq!(events.iter().map(|event| event.child_shards.is_some()).collect::<Vec<_>>(), [false, false, true]);
    let open = |event: &kcl_local::kinesis::SubscriptionEvent| event.continuation_sequence_number.is_some();
    assert_eq!(events.iter().map(open).collect::<Vec<_>>(), [true, true, false]);
}

#[test]
fn a_merge_names_both_parents_to_the_readers_of_either() {
    let (mut world, arn) = with_consumer(2);
    world.merge(0, 1);
    for shard in [0, 1] {
        let mut subscription = world.subscribe(&arn, shard, TrimHorizon);
        let children = world.event(&mut subscription).child_shards.expect("the end");
        assert_eq!(children.len(), 1);
        assert_eq!((children[0].shard_id, &children[0].parent_shards[..]), (ShardId(2), &[ShardId(0), ShardId(1)][..]));
    }
}

#[test]
fn a_second_call_is_refused_for_a_second_as_too_frequent_and_for_five_as_in_use() {
    let (mut world, arn) = with_consumer(2);
    let mut first = world.subscribe(&arn, 0, Latest);
    world.subscribe(&arn, 1, Latest);
    world.pass(999);
    assert_eq!(refusal(world.try_subscribe(&arn, 0, Latest)), ErrorCode::LimitExceeded);
    world.pass(1);
    assert_eq!(refusal(world.try_subscribe(&arn, 0, Latest)), ErrorCode::ResourceInUse);
    world.pass(500);
    assert_eq!(refusal(world.try_subscribe(&arn, 0, Latest)), ErrorCode::LimitExceeded, "a refused call counts as one");
    world.pass(3_499);
    assert_eq!(refusal(world.try_subscribe(&arn, 0, Latest)), ErrorCode::ResourceInUse);
    assert!(matches!(world.push(&mut first), Push::Wait(_)), "refused calls take nothing over");
    world.pass(1_000);
    let mut second = world.subscribe(&arn, 0, Latest);
    assert_eq!(failure(world.push(&mut first)).code, ErrorCode::ResourceInUse);
    assert_eq!(world.push(&mut first), Push::End);
    assert!(matches!(world.push(&mut second), Push::Wait(_)));
}

#[test]
fn the_five_seconds_hold_also_when_nobody_reads_any_more() {
    let (mut world, arn) = with_consumer(1);
    let first = world.subscribe(&arn, 0, Latest);
    world.kinesis.unsubscribe(&first, world.now);
    world.pass(4_999);
    assert_eq!(refusal(world.try_subscribe(&arn, 0, Latest)), ErrorCode::ResourceInUse);
    let other = world.register("other");
    world.subscribe(&other, 0, Latest);
    world.subscribe(&arn, 0, Latest);
}

#[test]
fn a_subscription_that_was_taken_over_may_also_just_end() {
    let mut world = World::with_settings(1, Settings { taken_over: TakenOver::Ends, ..Settings::default() });
    let arn = world.register("app");
    let mut first = world.subscribe(&arn, 0, Latest);
    world.pass(5_000);
    world.subscribe(&arn, 0, Latest);
    assert_eq!(world.push(&mut first), Push::End);
}

#[test]
fn the_open_subscriptions_of_a_stream_are_those_in_their_time_that_nobody_closed_or_took_over() {
    let (mut world, arn) = with_consumer(3);
    let open = |world: &mut World| {
        let open = world.kinesis.open_subscriptions(S, world.now).expect("the stream");
        open.iter().map(|open| (open.consumer.clone(), open.shard_id.0)).collect::<Vec<_>>()
    };
    let [zero, one, _two] = [0, 1, 2].map(|shard| world.subscribe(&arn, shard, Latest));
    assert_eq!(open(&mut world), [0, 1, 2].map(|shard| ("app".to_owned(), shard)));
    world.kinesis.unsubscribe(&one, world.now);
    assert_eq!(open(&mut world).len(), 2);
    world.pass(200_000);
    world.subscribe(&arn, 0, Latest);
    world.kinesis.unsubscribe(&zero, world.now);
    assert_eq!(open(&mut world).len(), 2, "what was taken over closes nothing");
    world.pass(100_000);
    assert_eq!(open(&mut world), [("app".to_owned(), 0)]);
}

#[test]
fn only_an_active_consumer_can_subscribe() {
    let mut world = World::with_stream(1);
    let arn = world.kinesis.register_consumer(S, "app", [].into(), world.now).expect("registered").arn;
    assert_eq!(refusal(world.try_subscribe(&arn, 0, Latest)), ErrorCode::ResourceInUse);
    world.pass(1_000);
    let mut subscription = world.subscribe(&arn, 0, Latest);
    world.kinesis.deregister_consumer(S, "app", world.now).expect("accepted");
    assert_eq!(refusal(world.try_subscribe(&arn, 0, Latest)), ErrorCode::ResourceInUse);
    assert_eq!(world.push(&mut subscription), Push::Wait(world.now.after(Duration::from_secs(1))), "it goes on");
    world.pass(1_000);
    assert_eq!(failure(world.push(&mut subscription)).code, ErrorCode::ResourceNotFound);
    assert_eq!(refusal(world.try_subscribe(&arn, 0, Latest)), ErrorCode::ResourceNotFound);
    world.register("app");
    assert_eq!(refusal(world.try_subscribe(&arn, 0, Latest)), ErrorCode::ResourceNotFound, "another of that name");
}

#[test]
fn a_stream_that_is_deleted_takes_its_subscriptions_with_it() {
    let (mut world, arn) = with_consumer(1);
    let mut subscription = world.subscribe(&arn, 0, Latest);
    world.kinesis.delete_stream_and_consumers(S, world.now).expect("accepted");
    let until = world.now.after(Duration::from_secs(1));
    let (_, end) = world.drain(&mut subscription);
    assert_eq!((failure(end).code, world.now), (ErrorCode::ResourceNotFound, until));
    world.create(S, StreamSpec::provisioned(1));
    assert_eq!(world.push(&mut subscription), Push::End);
}

#[test]
fn a_shard_that_expires_ends_its_subscriptions() {
    let (mut world, arn) = with_consumer(1);
    world.put_at(0, "d");
    world.split(0);
    world.pass(24 * HOUR - 30_000);
    let mut subscription = world.subscribe(&arn, 0, TrimHorizon);
    world.pass(60_000);
    assert_eq!(failure(world.push(&mut subscription)).code, ErrorCode::ResourceNotFound);
    assert_eq!(refusal(world.try_subscribe(&arn, 0, TrimHorizon)), ErrorCode::ResourceNotFound);
}

#[test]
fn a_key_that_cannot_be_used_refuses_subscriptions_and_ends_those_there_are() {
    let (mut world, arn) = with_consumer(1);
    let mut subscription = world.subscribe(&arn, 0, Latest);
    world.kinesis.set_kms_fault(S, Some(KmsFault::Disabled), world.now).expect("set");
    let failed = failure(world.push(&mut subscription));
    assert_eq!(
        (failed.code, failed.code.to_string()),
        (ErrorCode::Kms(KmsFault::Disabled), "KMSDisabledException".to_owned())
    );
    world.pass(5_000);
    assert_eq!(refusal(world.try_subscribe(&arn, 0, Latest)), ErrorCode::Kms(KmsFault::Disabled));
    world.kinesis.set_kms_fault(S, None, world.now).expect("set");
    world.pass(1_000);
    world.subscribe(&arn, 0, Latest);
}
