//! Splits, merges and scalings.

use kcl_local::Timestamp;
use kcl_local::kinesis::{ErrorCode, HashKeyRange, Settings, ShardDescription, ShardFilter, ShardId, StreamStatus};

use super::world::{HOUR, S, World, refusal};

fn shards(world: &mut World) -> Vec<ShardDescription> {
    world.kinesis.shards(S, world.now).expect("shards")
}

fn status(world: &mut World) -> StreamStatus {
    world.kinesis.describe_stream(S, world.now).expect("described").status
}

fn open_ranges(world: &mut World) -> Vec<HashKeyRange> {
    let mut ranges: Vec<_> =
        shards(world).iter().filter(|s| s.ending_sequence_number.is_none()).map(|s| s.hash_key_range).collect();
    ranges.sort_by_key(|range| range.start);
    ranges
}

#[test]
fn a_split_closes_the_parent_and_opens_its_children_at_one_instant() {
    let mut world = World::with_stream(1);
    world.kinesis.split_shard(S, ShardId(0), 1000, world.now).expect("accepted");
    assert_eq!(status(&mut world), StreamStatus::Updating);
    world.pass(999);
    let last_of_parent = world.put_at(5, "before").sequence_number;
    assert_eq!((last_of_parent.to_string().len(), shards(&mut world).len()), (56, 1));
    world.pass(1);
    assert_eq!(status(&mut world), StreamStatus::Active);
    let after = shards(&mut world);
    let [parent, low, high] = after.as_slice() else { panic!("{after:?}") };
    let ending = parent.ending_sequence_number.expect("closed");
    assert!(last_of_parent < ending);
    assert_eq!(low.hash_key_range, HashKeyRange { start: 0, end: 999 });
    assert_eq!(high.hash_key_range, HashKeyRange { start: 1000, end: u128::MAX });
    for child in [low, high] {
        assert_eq!((child.parent_shard_id, child.adjacent_parent_shard_id), (Some(ShardId(0)), None));
        assert_eq!(child.ending_sequence_number, None);
        assert!(child.starting_sequence_number > ending, "children come after their parent");
    }
    assert_eq!(world.put_at(999, "a").shard_id, ShardId(1));
    assert_eq!(world.put_at(1000, "b").shard_id, ShardId(2));
}

#[test]
fn a_merge_names_both_parents_in_the_order_of_the_request() {
    let mut world = World::with_stream(3);
    world.merge(2, 1);
    let all = shards(&mut world);
    let child = &all[3];
    assert_eq!(child.parent_shard_id, Some(ShardId(2)));
    assert_eq!(child.adjacent_parent_shard_id, Some(ShardId(1)));
    assert_eq!(child.hash_key_range, HashKeyRange { start: all[1].hash_key_range.start, end: u128::MAX });
    for parent in &all[1..3] {
        assert!(child.starting_sequence_number > parent.ending_sequence_number.expect("closed"));
    }
    assert_eq!(world.put_at(u128::MAX, "d").shard_id, ShardId(3));
    assert_eq!(world.listed(ShardFilter::AtLatest), [0, 3]);
}

#[test]
fn what_cannot_be_split_is_refused() {
    let mut world = World::with_stream(2);
    let end = HashKeyRange::equal_parts(2)[0].end;
    for (key, allowed) in [(0, false), (1, false), (2, true), (end - 1, true), (end, false), (end + 1, false)] {
        let mut fresh = World::with_stream(2);
        let result = fresh.kinesis.split_shard(S, ShardId(0), key, fresh.now);
        assert_eq!(result.is_ok(), allowed, "{key}");
        assert!(allowed || refusal(result) == ErrorCode::InvalidArgument);
    }
    assert_eq!(refusal(world.kinesis.split_shard(S, ShardId(9), 5, world.now)), ErrorCode::ResourceNotFound);
    world.split(0);
    let again = world.kinesis.split_shard_in_half(S, ShardId(0), world.now).expect_err("closed");
    assert_eq!(again.code, ErrorCode::InvalidArgument);
    assert!(again.message.contains("already been merged or split"), "{again}");
}

#[test]
fn only_open_neighbours_can_be_merged() {
    let mut world = World::with_stream(4);
    let mut merge = |one, other| world.kinesis.merge_shards(S, ShardId(one), ShardId(other), world.now);
    assert_eq!(refusal(merge(0, 2)), ErrorCode::InvalidArgument);
    assert_eq!(refusal(merge(3, 0)), ErrorCode::InvalidArgument);
    assert_eq!(refusal(merge(1, 1)), ErrorCode::InvalidArgument);
    assert_eq!(refusal(merge(0, 9)), ErrorCode::ResourceNotFound);
    world.merge(0, 1);
    let closed = world.kinesis.merge_shards(S, ShardId(1), ShardId(2), world.now);
    assert_eq!(refusal(closed), ErrorCode::InvalidArgument);
    world.merge(2, 4);
}

#[test]
fn reshards_without_delays_in_one_instant_keep_numbers_in_order() {
    let settings = Settings {
        create_delay: std::time::Duration::ZERO,
        update_delay: std::time::Duration::ZERO,
        ..Settings::default()
    };
    let mut world = World::new(settings);
    world.kinesis.create_stream(S, kcl_local::kinesis::StreamSpec::provisioned(20), world.now).expect("created");
    // Shard 16 and its children straddle the four bits of the shard number that stand high in a sequence number.
    for shard in [16, 20, 22] {
        world.kinesis.split_shard_in_half(S, ShardId(shard), world.now).expect("accepted");
        let all = shards(&mut world);
        let parent = all[shard as usize].ending_sequence_number.expect("closed");
        for child in all.iter().filter(|child| child.parent_shard_id == Some(ShardId(shard))) {
            assert!(child.starting_sequence_number > parent, "{}", child.shard_id);
        }
    }
}

#[test]
fn a_scaling_ends_with_equal_shards_and_leaves_a_lineage_without_gaps() {
    let mut world = World::with_stream(3);
    let scaling = world.kinesis.update_shard_count(S, 4, world.now).expect("accepted");
    assert_eq!((scaling.current_shard_count, scaling.target_shard_count), (3, 4));
    assert_eq!(status(&mut world), StreamStatus::Updating);
    world.pass(1000);
    assert_eq!(status(&mut world), StreamStatus::Updating, "3 to 4 takes more than one round");
    world.put_at(0, "writes go on");
    world.settle();
    assert_eq!(status(&mut world), StreamStatus::Active);
    assert_eq!(open_ranges(&mut world), HashKeyRange::equal_parts(4));
    let all = shards(&mut world);
    for child in &all[3..] {
        let parents = [child.parent_shard_id, child.adjacent_parent_shard_id];
        for parent in parents.into_iter().flatten() {
            let ending = all[parent.0 as usize].ending_sequence_number.expect("a parent is closed");
            assert!(child.starting_sequence_number > ending);
        }
    }
}

#[test]
fn scalings_are_bounded_by_double_and_half_and_ten_a_day() {
    let mut world = World::with_stream(4);
    for target in [9, 1] {
        assert_eq!(refusal(world.kinesis.update_shard_count(S, target, world.now)), ErrorCode::LimitExceeded);
    }
    for target in [8, 4, 8, 4, 8, 4, 8, 4, 8, 4] {
        world.kinesis.update_shard_count(S, target, world.now).expect("accepted");
        world.settle();
        assert_eq!(open_ranges(&mut world).len(), target as usize);
    }
    assert_eq!(refusal(world.kinesis.update_shard_count(S, 8, world.now)), ErrorCode::LimitExceeded);
    world.pass(24 * HOUR);
    world.kinesis.update_shard_count(S, 8, world.now).expect("a day later");
}

#[test]
fn a_closed_shard_stays_for_the_retention_and_then_is_gone() {
    let mut world = World::with_stream(1);
    world.put_some(1);
    let closed = Timestamp(world.now.0 + 1000);
    world.split(0);
    world.now = Timestamp(closed.0 + 24 * HOUR - 1);
    assert_eq!(world.listed(ShardFilter::FromTrimHorizon), [0, 1, 2]);
    let position = kcl_local::kinesis::StartingPosition::TrimHorizon;
    world.now = Timestamp(closed.0 + 24 * HOUR - 2001);
    let iterator = world.iterator(0, position);
    assert!(world.get(&iterator).child_shards.is_some(), "trimmed and not yet expired");
    world.now = Timestamp(closed.0 + 24 * HOUR);
    assert_eq!(world.listed(ShardFilter::FromTrimHorizon), [1, 2]);
    assert_eq!(refusal(world.try_iterator(0, position)), ErrorCode::ResourceNotFound);
    assert_eq!(refusal(world.try_get(&iterator)), ErrorCode::ResourceNotFound);
    let children = shards(&mut world);
    assert!(children.iter().all(|child| child.parent_shard_id == Some(ShardId(0))), "parents may be gone");
}
