//! Consumers are registered, described, listed and deregistered, within their limits.

use std::collections::BTreeMap;

use kcl_local::kinesis::{
    ConsumerDescription, ConsumerStatus, Error, ErrorCode, RecordDistributionStrategy, Settings, StreamSpec,
};

use super::world::{S, World, refusal};

fn register(world: &mut World, name: &str) -> Result<ConsumerDescription, Error> {
    world.kinesis.register_consumer(S, name, BTreeMap::new(), world.now)
}

fn status(world: &mut World, name: &str) -> Result<ConsumerStatus, ErrorCode> {
    let described = world.kinesis.describe_consumer(S, name, world.now);
    described.map(|consumer| consumer.status).map_err(|error| error.code)
}

#[test]
fn a_consumer_is_creating_then_active_then_deleting_then_gone() {
    let mut world = World::with_stream(1);
    let registered = register(&mut world, "app").expect("registered");
    let seconds = world.now.seconds();
    assert_eq!(registered.arn, format!("arn:aws:kinesis:us-east-1:123456789012:stream/orders/consumer/app:{seconds}"));
    assert_eq!((registered.status, registered.created), (ConsumerStatus::Creating, world.now));
    world.pass(999);
    assert_eq!(status(&mut world, "app"), Ok(ConsumerStatus::Creating));
    world.pass(1);
    assert_eq!(status(&mut world, "app"), Ok(ConsumerStatus::Active));
    world.kinesis.deregister_consumer(S, "app", world.now).expect("accepted");
    assert_eq!(status(&mut world, "app"), Ok(ConsumerStatus::Deleting));
    world.pass(500);
    world.kinesis.deregister_consumer(S, "app", world.now).expect("it is being done");
    assert_eq!(refusal(register(&mut world, "app")), ErrorCode::ResourceInUse);
    world.pass(500);
    assert_eq!(status(&mut world, "app"), Err(ErrorCode::ResourceNotFound));
    assert_eq!(refusal(world.kinesis.deregister_consumer(S, "app", world.now)), ErrorCode::ResourceNotFound);
}

#[test]
fn a_consumer_that_is_registered_again_has_another_arn_even_in_the_same_second() {
    let mut world =
        World::with_settings(1, Settings { consumer_delete_delay: std::time::Duration::ZERO, ..Settings::default() });
    let first = register(&mut world, "app").expect("registered");
    world.kinesis.deregister_consumer(S, "app", world.now).expect("accepted");
    let second = register(&mut world, "app").expect("registered");
    assert_eq!(first.created, second.created);
    assert_ne!(first.arn, second.arn);
}

#[test]
fn names_are_unique_in_a_stream_and_well_formed() {
    let mut world = World::with_stream(1);
    world.create("invoices", StreamSpec::provisioned(1));
    register(&mut world, "app").expect("registered");
    assert_eq!(refusal(register(&mut world, "app")), ErrorCode::ResourceInUse);
    world.kinesis.register_consumer("invoices", "app", BTreeMap::new(), world.now).expect("another stream's");
    for wrong in ["", "a b", &"x".repeat(129)] {
        assert_eq!(refusal(register(&mut world, wrong)), ErrorCode::Validation, "{wrong}");
    }
    let nowhere = world.kinesis.register_consumer("none", "app", BTreeMap::new(), world.now);
    assert_eq!(refusal(nowhere), ErrorCode::ResourceNotFound);
}

#[test]
fn a_stream_that_is_not_active_takes_no_consumer() {
    let mut world = World::with_stream(1);
    world.kinesis.split_shard_in_half(S, kcl_local::kinesis::ShardId(0), world.now).expect("accepted");
    assert_eq!(refusal(register(&mut world, "app")), ErrorCode::ResourceInUse);
    world.settle();
    register(&mut world, "app").expect("registered");
}

#[test]
fn five_consumers_may_be_creating_at_once_whatever_their_streams() {
    let mut world = World::with_stream(1);
    world.create("invoices", StreamSpec::provisioned(1));
    for name in ["a", "b", "c"] {
        register(&mut world, name).expect("registered");
    }
    for name in ["a", "b"] {
        world.kinesis.register_consumer("invoices", name, BTreeMap::new(), world.now).expect("registered");
    }
    assert_eq!(refusal(register(&mut world, "f")), ErrorCode::LimitExceeded);
    world.pass(1000);
    register(&mut world, "f").expect("the others are ACTIVE");
}

/// How many consumers a stream takes before it refuses one.
fn most(spec: StreamSpec, advantage: bool) -> usize {
    let mut world = World::new(Settings { on_demand_advantage: advantage, ..Settings::default() });
    world.create(S, spec);
    (0..60)
        .find(|i| {
            world.pass(1000);
            register(&mut world, &format!("c{i}")).is_err_and(|error| error.code == ErrorCode::LimitExceeded)
        })
        .expect("a limit")
}

#[test]
fn a_stream_has_twenty_consumers_and_fifty_on_demand_with_the_advantage() {
    let on_demand = || StreamSpec::on_demand(RecordDistributionStrategy::UserPartitionKey);
    assert_eq!(most(StreamSpec::provisioned(1), false), 20);
    assert_eq!(most(on_demand(), false), 20);
    assert_eq!(most(StreamSpec::provisioned(1), true), 20);
    assert_eq!(most(on_demand(), true), 50);
}

#[test]
fn consumers_are_listed_in_pages_by_tokens_that_expire() {
    let mut world = World::with_stream(1);
    for name in ["c", "a", "b"] {
        world.register(name);
    }
    let names = |page: &kcl_local::kinesis::ConsumersPage| {
        page.consumers.iter().map(|consumer| consumer.name.clone()).collect::<Vec<_>>()
    };
    let first = world.kinesis.list_consumers(S, Some(2), None, world.now).expect("a page");
    assert_eq!(names(&first), ["a", "b"]);
    let token = first.next_token.expect("more");
    let rest = world.kinesis.list_more_consumers(&token, Some(2), world.now).expect("a page");
    assert_eq!((names(&rest), rest.next_token), (vec!["c".to_owned()], None));
    let whole = world.kinesis.list_consumers(S, Some(3), None, world.now).expect("a page");
    assert_eq!(whole.next_token, None, "a page that is full and the last");
    let created = world.kinesis.describe_stream(S, world.now).expect("described").created;
    world.kinesis.list_consumers(S, None, Some(created), world.now).expect("the stream of that second");
    let another = world.kinesis.list_consumers(S, None, Some(kcl_local::Timestamp(1_000)), world.now);
    assert_eq!(refusal(another), ErrorCode::ResourceNotFound);
    assert_eq!(refusal(world.kinesis.list_consumers(S, Some(0), None, world.now)), ErrorCode::Validation);
    assert_eq!(refusal(world.kinesis.list_more_consumers("junk", None, world.now)), ErrorCode::InvalidArgument);
    world.pass(300_001);
    assert_eq!(refusal(world.kinesis.list_more_consumers(&token, None, world.now)), ErrorCode::ExpiredNextToken);
}

#[test]
fn calls_about_the_consumers_of_a_stream_are_limited_by_the_second() {
    let mut world = World::with_stream(1);
    world.register("app");
    world.pass(1000);
    for _ in 0..20 {
        world.kinesis.describe_consumer(S, "app", world.now).expect("within the limit");
    }
    assert_eq!(refusal(world.kinesis.describe_consumer(S, "app", world.now)), ErrorCode::LimitExceeded);
    for _ in 0..5 {
        world.kinesis.list_consumers(S, None, None, world.now).expect("within the limit");
        world.kinesis.deregister_consumer(S, "app", world.now).expect("within the limit");
    }
    assert_eq!(refusal(world.kinesis.list_consumers(S, None, None, world.now)), ErrorCode::LimitExceeded);
    assert_eq!(refusal(world.kinesis.deregister_consumer(S, "app", world.now)), ErrorCode::LimitExceeded);
}

#[test]
fn a_stream_with_consumers_is_deleted_only_together_with_them() {
    let mut world = World::with_stream(1);
    world.register("app");
    assert_eq!(world.kinesis.describe_stream(S, world.now).expect("described").consumer_count, 1);
    assert_eq!(refusal(world.kinesis.delete_stream(S, world.now)), ErrorCode::ResourceInUse);
    world.kinesis.delete_stream_and_consumers(S, world.now).expect("accepted");
    world.settle();
    world.create(S, StreamSpec::provisioned(1));
    assert_eq!(status(&mut world, "app"), Err(ErrorCode::ResourceNotFound), "they died with the stream");
}
