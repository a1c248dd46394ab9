//! How long records stay.

use kcl_local::kinesis::StartingPosition::TrimHorizon;
use kcl_local::kinesis::{ErrorCode, ShardFilter, ShardId};

use super::world::{HOUR, S, World, refusal};

fn held(world: &mut World) -> usize {
    world.kinesis.records(S, ShardId(0), world.now).expect("records").len()
}

#[test]
fn a_record_stays_for_the_retention() {
    let mut world = World::with_stream(1);
    world.put_at(0, "d");
    world.pass(24 * HOUR - 1);
    assert_eq!(held(&mut world), 1);
    world.pass(1);
    assert_eq!(held(&mut world), 0);
    assert_eq!(world.read(0, TrimHorizon), [""; 0]);
    assert_eq!(world.listed(ShardFilter::FromTrimHorizon), [0], "an open shard never expires");
}

#[test]
fn longer_retention_keeps_what_is_there_and_brings_nothing_back() {
    let mut world = World::with_stream(1);
    world.put_at(0, "lost");
    world.pass(12 * HOUR);
    world.put_at(0, "kept");
    world.pass(12 * HOUR);
    world.kinesis.increase_retention(S, 48, world.now).expect("accepted");
    assert_eq!(held(&mut world), 1);
    world.pass(36 * HOUR - 1);
    assert_eq!(held(&mut world), 1);
    world.pass(1);
    assert_eq!(held(&mut world), 0);
}

#[test]
fn longer_retention_does_not_bring_a_shard_back() {
    let mut world = World::with_stream(1);
    world.split(0);
    world.pass(24 * HOUR);
    world.kinesis.increase_retention(S, 8760, world.now).expect("accepted");
    assert_eq!(world.listed(ShardFilter::FromTrimHorizon), [1, 2]);
    assert_eq!(refusal(world.try_iterator(0, TrimHorizon)), ErrorCode::ResourceNotFound);
}

#[test]
fn shorter_retention_loses_at_once_what_is_older() {
    let mut world = World::with_stream(1);
    world.kinesis.increase_retention(S, 48, world.now).expect("accepted");
    world.put_at(0, "old");
    world.pass(30 * HOUR);
    world.put_at(0, "new");
    assert_eq!(held(&mut world), 2);
    world.kinesis.decrease_retention(S, 24, world.now).expect("accepted");
    assert_eq!(held(&mut world), 1);
}

#[test]
fn the_retention_has_bounds_and_two_directions() {
    let mut world = World::with_stream(1);
    for (hours, allowed) in [(23, false), (24, false), (25, true), (25, false), (8760, true), (8761, false)] {
        let result = world.kinesis.increase_retention(S, hours, world.now);
        assert_eq!(result.is_ok(), allowed, "up to {hours}");
        assert!(allowed || refusal(result) == ErrorCode::InvalidArgument);
    }
    for (hours, allowed) in [(8760, false), (8761, false), (100, true), (101, false), (24, true), (23, false)] {
        let result = world.kinesis.decrease_retention(S, hours, world.now);
        assert_eq!(result.is_ok(), allowed, "down to {hours}");
        assert!(allowed || refusal(result) == ErrorCode::InvalidArgument);
    }
}
