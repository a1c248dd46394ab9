//! Streams begin, are described, change and end.

use std::collections::BTreeMap;

use kcl_local::Timestamp;
use kcl_local::kinesis::{
    ErrorCode, ListShards, NewRecord, RecordDistributionStrategy as Strategy, Settings, ShardId, StreamMode,
    StreamSpec, StreamStatus,
};

use super::world::{HOUR, S, START, World, refusal};

#[test]
fn a_stream_is_creating_without_shards_then_active_with_them() {
    let mut world = World::new(Settings::default());
    world.kinesis.create_stream(S, StreamSpec::provisioned(3), world.now).expect("accepted");
    let status = |world: &mut World| world.kinesis.describe_stream(S, world.now).expect("described");
    world.pass(999);
    assert_eq!((status(&mut world).status, status(&mut world).open_shard_count), (StreamStatus::Creating, 0));
    assert_eq!(refusal(world.kinesis.list_shards(S, &ListShards::default(), world.now)), ErrorCode::ResourceInUse);
    let put = world.try_put(NewRecord::keyed("k", "d"));
    assert_eq!(refusal(put), ErrorCode::ResourceNotFound);
    world.pass(1);
    let described = status(&mut world);
    assert_eq!((described.status, described.open_shard_count), (StreamStatus::Active, 3));
    assert_eq!((described.created, described.retention_hours, described.max_record_size_kib), (START, 24, 1024));
    assert_eq!(described.arn, "arn:aws:kinesis:us-east-1:123456789012:stream/orders");
}

#[test]
fn a_deleted_stream_is_deleting_then_gone() {
    let mut world = World::with_stream(1);
    world.kinesis.delete_stream(S, world.now).expect("accepted");
    assert_eq!(world.kinesis.describe_stream(S, world.now).expect("still there").status, StreamStatus::Deleting);
    assert_eq!(refusal(world.kinesis.list_shards(S, &ListShards::default(), world.now)), ErrorCode::ResourceInUse);
    world.put_at(0, "writes may go on");
    assert_eq!(refusal(world.kinesis.delete_stream(S, world.now)), ErrorCode::ResourceInUse);
    world.pass(1000);
    assert_eq!(refusal(world.kinesis.describe_stream(S, world.now)), ErrorCode::ResourceNotFound);
    assert_eq!(refusal(world.kinesis.delete_stream(S, world.now)), ErrorCode::ResourceNotFound);
}

#[test]
fn only_an_active_stream_can_be_deleted_or_changed() {
    let mut world = World::with_stream(2);
    world.kinesis.split_shard_in_half(S, ShardId(0), world.now).expect("accepted");
    let now = world.now;
    assert_eq!(refusal(world.kinesis.delete_stream(S, now)), ErrorCode::ResourceInUse);
    assert_eq!(refusal(world.kinesis.split_shard_in_half(S, ShardId(1), now)), ErrorCode::ResourceInUse);
    assert_eq!(refusal(world.kinesis.merge_shards(S, ShardId(0), ShardId(1), now)), ErrorCode::ResourceInUse);
    assert_eq!(refusal(world.kinesis.update_shard_count(S, 4, now)), ErrorCode::ResourceInUse);
    assert_eq!(refusal(world.kinesis.increase_retention(S, 48, now)), ErrorCode::ResourceInUse);
    assert_eq!(refusal(world.kinesis.update_stream_mode(S, StreamMode::OnDemand, now)), ErrorCode::ResourceInUse);
    assert_eq!(refusal(world.kinesis.update_max_record_size(S, 2048, now)), ErrorCode::ResourceInUse);
    assert_eq!(refusal(world.kinesis.scale_on_demand(S, 4, now)), ErrorCode::ResourceInUse);
    let strategy = Strategy::UserPartitionKey;
    assert_eq!(refusal(world.kinesis.update_record_distribution(S, strategy, now)), ErrorCode::ResourceInUse);
    world.put_at(0, "writes go on");
}

#[test]
fn invalid_specifications_are_refused() {
    let provisioned = StreamSpec::provisioned;
    let auto = StreamSpec::on_demand(Strategy::Auto);
    let cases = [
        ("", provisioned(1), ErrorCode::Validation),
        ("a b", provisioned(1), ErrorCode::Validation),
        ("no-shards", provisioned(0), ErrorCode::Validation),
        ("no-count", StreamSpec { shards: None, ..provisioned(1) }, ErrorCode::Validation),
        ("count", StreamSpec { shards: Some(2), ..auto.clone() }, ErrorCode::InvalidArgument),
        ("auto", StreamSpec { distribution: Strategy::Auto, ..provisioned(1) }, ErrorCode::InvalidArgument),
        ("small", StreamSpec { max_record_size_kib: Some(1023), ..provisioned(1) }, ErrorCode::Validation),
        ("large", StreamSpec { max_record_size_kib: Some(10_241), ..provisioned(1) }, ErrorCode::Validation),
        ("many", provisioned(20_001), ErrorCode::LimitExceeded),
        (S, provisioned(1), ErrorCode::ResourceInUse),
    ];
    let mut world = World::with_stream(1);
    for (name, spec, code) in cases {
        assert_eq!(refusal(world.kinesis.create_stream(name, spec, world.now)), code, "{name}");
    }
    world.kinesis.create_stream("fine", auto, world.now).expect("accepted");
}

#[test]
fn five_streams_may_be_creating_at_once() {
    let mut world = World::new(Settings::default());
    for i in 0..5 {
        let name = format!("s{i}");
        world.kinesis.create_stream(&name, StreamSpec::provisioned(1), world.now).expect("accepted");
    }
    let sixth = world.kinesis.create_stream("s5", StreamSpec::provisioned(1), world.now);
    assert_eq!(refusal(sixth), ErrorCode::LimitExceeded);
    world.settle();
    world.kinesis.create_stream("s5", StreamSpec::provisioned(1), world.now).expect("the others are ACTIVE");
}

#[test]
fn the_shard_limit_of_the_account_counts_open_and_coming_shards() {
    let settings = Settings { shards_per_account: 5, ..Settings::default() };
    let mut world = World::with_settings(2, settings);
    world.kinesis.create_stream("other", StreamSpec::provisioned(2), world.now).expect("4 of 5");
    let third = world.kinesis.create_stream("third", StreamSpec::provisioned(2), world.now);
    assert_eq!(refusal(third), ErrorCode::LimitExceeded);
    assert_eq!(refusal(world.kinesis.update_shard_count(S, 4, world.now)), ErrorCode::LimitExceeded);
    world.split(0);
    let split = world.kinesis.split_shard_in_half(S, ShardId(1), world.now);
    assert_eq!(refusal(split), ErrorCode::LimitExceeded);
}

#[test]
fn the_account_has_a_limit_of_on_demand_streams() {
    let mut world = World::with_settings(1, Settings { on_demand_streams: 2, ..Settings::default() });
    let spec = StreamSpec::on_demand(Strategy::UserPartitionKey);
    world.create("first", spec.clone());
    world.create("second", spec.clone());
    assert_eq!(refusal(world.kinesis.create_stream("third", spec, world.now)), ErrorCode::LimitExceeded);
    world.create("provisioned", StreamSpec::provisioned(1));
}

#[test]
fn an_on_demand_stream_begins_with_four_shards() {
    let mut world = World::new(Settings::default());
    world.create(S, StreamSpec::on_demand(Strategy::UserPartitionKey));
    assert_eq!(world.kinesis.describe_stream(S, world.now).expect("described").open_shard_count, 4);
}

#[test]
fn owners_cannot_reshard_an_on_demand_stream_but_the_service_does() {
    let mut world = World::new(Settings::default());
    world.create(S, StreamSpec::on_demand(Strategy::UserPartitionKey));
    let now = world.now;
    assert_eq!(refusal(world.kinesis.split_shard_in_half(S, ShardId(0), now)), ErrorCode::Validation);
    assert_eq!(refusal(world.kinesis.merge_shards(S, ShardId(0), ShardId(1), now)), ErrorCode::Validation);
    assert_eq!(refusal(world.kinesis.update_shard_count(S, 8, now)), ErrorCode::Validation);
    world.kinesis.scale_on_demand(S, 9, now).expect("accepted");
    world.settle();
    assert_eq!(world.kinesis.describe_stream(S, world.now).expect("described").open_shard_count, 9);
}

#[test]
fn the_mode_changes_after_a_while_and_twice_a_day() {
    let mut world = World::with_stream(3);
    for mode in [StreamMode::OnDemand, StreamMode::Provisioned] {
        world.kinesis.update_stream_mode(S, mode, world.now).expect("accepted");
        assert_eq!(world.kinesis.describe_stream(S, world.now).expect("described").status, StreamStatus::Updating);
        world.settle();
        let described = world.kinesis.describe_stream(S, world.now).expect("described");
        assert_eq!((described.mode, described.open_shard_count), (mode, 3));
    }
    let third = world.kinesis.update_stream_mode(S, StreamMode::OnDemand, world.now);
    assert_eq!(refusal(third), ErrorCode::LimitExceeded);
    world.pass(24 * HOUR);
    world.kinesis.update_stream_mode(S, StreamMode::OnDemand, world.now).expect("a day later");
}

#[test]
fn only_on_demand_streams_distribute_records_themselves() {
    let mut world = World::with_stream(1);
    let auto = world.kinesis.update_record_distribution(S, Strategy::Auto, world.now);
    assert_eq!(refusal(auto), ErrorCode::InvalidArgument);
    world.kinesis.update_stream_mode(S, StreamMode::OnDemand, world.now).expect("accepted");
    world.settle();
    world.kinesis.update_record_distribution(S, Strategy::Auto, world.now).expect("accepted");
    assert_eq!(world.kinesis.describe_stream(S, world.now).expect("described").distribution, Strategy::Auto);
    let back = world.kinesis.update_stream_mode(S, StreamMode::Provisioned, world.now);
    assert_eq!(refusal(back), ErrorCode::InvalidArgument);
}

#[test]
fn the_record_size_can_be_set_within_its_bounds() {
    let mut world = World::with_stream(1);
    for (kib, allowed) in [(1023, false), (1024, true), (10_240, true), (10_241, false)] {
        let result = world.kinesis.update_max_record_size(S, kib, world.now);
        assert_eq!(
            result.map_err(|error| error.code),
            if allowed { Ok(()) } else { Err(ErrorCode::Validation) },
            "{kib}"
        );
    }
    assert_eq!(world.kinesis.describe_stream(S, world.now).expect("described").max_record_size_kib, 10_240);
}

#[test]
fn streams_are_listed_by_name_in_pages() {
    let mut world = World::new(Settings { list_streams_page: 3, ..Settings::default() });
    for name in ["e", "b", "d", "a", "c"] {
        world.create(name, StreamSpec::provisioned(1));
    }
    let names = |start, limit, world: &mut World| {
        let page = world.kinesis.list_streams(start, limit, world.now);
        let names: String = page.streams.iter().map(|stream| stream.name.as_str()).collect();
        (names, page.has_more_streams)
    };
    assert_eq!(names(None, None, &mut world), ("abc".to_owned(), true));
    assert_eq!(names(Some("c"), None, &mut world), ("de".to_owned(), false));
    assert_eq!(names(Some("a"), Some(1), &mut world), ("b".to_owned(), true));
    assert_eq!(names(Some("e"), None, &mut world), (String::new(), false));
}

#[test]
fn tags_are_added_overwritten_removed_and_limited() {
    let tags = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let mut world = World::with_settings(1, Settings { tags_per_stream: 2, ..Settings::default() });
    let three = StreamSpec { tags: tags(&[("a", "1"), ("b", "2"), ("c", "3")]), ..StreamSpec::provisioned(1) };
    assert_eq!(refusal(world.kinesis.create_stream("tagged", three, world.now)), ErrorCode::InvalidArgument);
    world.kinesis.add_tags(S, tags(&[("a", "1"), ("b", "2")]), world.now).expect("two");
    world.kinesis.add_tags(S, tags(&[("a", "3")]), world.now).expect("still two");
    let third = world.kinesis.add_tags(S, tags(&[("c", "4")]), world.now);
    assert_eq!(refusal(third), ErrorCode::InvalidArgument);
    world.kinesis.remove_tags(S, &["b".to_owned(), "z".to_owned()], world.now).expect("removed");
    assert_eq!(world.kinesis.tags(S, world.now).expect("tags"), &tags(&[("a", "3")]));
}

#[test]
fn time_never_goes_back() {
    let mut world = World::with_stream(1);
    world.put_at(0, "a");
    let later = world.now;
    let record = NewRecord::keyed("k", "b");
    world.kinesis.put_record(S, record, Timestamp(5), &mut world.rng).expect("stored");
    let records = world.kinesis.records(S, ShardId(0), later).expect("records");
    assert_eq!(records.iter().map(|r| r.approximate_arrival_timestamp).collect::<Vec<_>>(), [later, later]);
}
