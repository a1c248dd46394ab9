//! Reading records.

use kcl_local::kinesis::StartingPosition::{Latest, TrimHorizon};
use kcl_local::kinesis::{ErrorCode, HashKeyRange, KmsFault, NewRecord, Record, Settings, ShardId};

use super::world::{HOUR, S, World, payloads, refusal};

const MIB: usize = 1024 * 1024;

/// A stream of one shard without write limits.
fn unlimited() -> World {
    let settings = Settings {
        write_bytes_per_second: u64::MAX / 1000,
        write_records_per_second: u64::MAX / 1000,
        ..Settings::default()
    };
    let mut world = World::with_settings(1, settings);
    world.kinesis.update_max_record_size(S, 10_240, world.now).expect("accepted");
    world
}

fn put_bytes(world: &mut World, size: usize) {
    world.try_put(NewRecord::keyed("k", vec![b'x'; size - 1])).expect("stored");
}

#[test]
fn pages_go_on_where_the_last_ended() {
    let mut world = World::with_stream(1);
    world.put_some(10);
    let mut iterator = world.iterator(0, TrimHorizon);
    let mut sizes = Vec::new();
    let mut seen = Vec::new();
    for _ in 0..5 {
        world.pass(1000);
        let page = world.kinesis.get_records(&iterator, Some(3), world.now, &mut world.rng).expect("a page");
        sizes.push(page.records.len());
        seen.extend(payloads(&page));
        iterator = page.next_shard_iterator.expect("open");
    }
    assert_eq!(sizes, [3, 3, 3, 1, 0]);
    assert_eq!(seen.concat(), "0123456789");
}

#[test]
fn reading_again_with_one_iterator_gives_the_same() {
    let mut world = World::with_stream(1);
    world.put_some(3);
    let iterator = world.iterator(0, TrimHorizon);
    assert_eq!(world.get(&iterator).records, world.get(&iterator).records);
}

#[test]
fn the_limit_is_from_1_to_10000() {
    let mut world = World::with_stream(1);
    let iterator = world.iterator(0, TrimHorizon);
    let mut get = |limit| world.kinesis.get_records(&iterator, Some(limit), world.now, &mut world.rng);
    assert_eq!(refusal(get(0)), ErrorCode::Validation);
    assert_eq!(refusal(get(10_001)), ErrorCode::InvalidArgument);
    get(1).expect("allowed");
    get(10_000).expect("allowed");
}

#[test]
fn a_page_has_at_most_10000_records() {
    let mut world = unlimited();
    for _ in 0..10_001 {
        put_bytes(&mut world, 2);
    }
    let iterator = world.iterator(0, TrimHorizon);
    let page = world.get(&iterator);
    assert_eq!(page.records.len(), 10_000);
    assert!(page.millis_behind_latest > 0);
}

#[test]
fn a_page_has_at_most_10_mebibytes_and_at_least_one_record() {
    let mut world = unlimited();
    for size in [4 * MIB, 4 * MIB, 2 * MIB, 1000, 10 * MIB, 1000] {
        put_bytes(&mut world, size);
    }
    let mut iterator = world.iterator(0, TrimHorizon);
    let mut pages = Vec::new();
    for _ in 0..4 {
        world.pass(5000);
        let page = world.try_get(&iterator).expect("a page");
        pages.push(page.records.iter().map(Record::size).collect::<Vec<_>>());
        iterator = page.next_shard_iterator.expect("open");
    }
    let mib = |count: u64| count * 1024 * 1024;
    assert_eq!(pages, [vec![mib(4), mib(4), mib(2)], vec![1000], vec![mib(10)], vec![1000]]);
}

#[test]
fn after_10_mebibytes_the_shard_is_closed_to_all_readers_for_5_seconds() {
    let mut world = unlimited();
    put_bytes(&mut world, 10 * MIB);
    let iterator = world.iterator(0, TrimHorizon);
    let other = world.iterator(0, Latest);
    world.get(&iterator);
    world.pass(4999);
    assert_eq!(refusal(world.try_get(&other)), ErrorCode::ProvisionedThroughputExceeded);
    world.pass(1);
    world.try_get(&other).expect("5 seconds later");
}

#[test]
fn a_reader_who_waits_for_its_bytes_is_never_throttled() {
    let mut world = unlimited();
    for _ in 0..40 {
        put_bytes(&mut world, 300_000);
    }
    let mut iterator = world.iterator(0, TrimHorizon);
    let mut read = 0;
    while read < 40 {
        let page = world.kinesis.get_records(&iterator, Some(5), world.now, &mut world.rng).expect("a page");
        let bytes: u64 = page.records.iter().map(Record::size).sum();
        world.pass((bytes / 2097).max(200));
        read += page.records.len();
        iterator = page.next_shard_iterator.expect("open");
    }
}

#[test]
fn five_reads_a_second_and_shard_are_shared_by_all_readers() {
    let mut world = World::with_stream(2);
    let readers = [world.iterator(0, TrimHorizon), world.iterator(0, Latest)];
    let elsewhere = world.iterator(1, Latest);
    for i in 0..5 {
        world.try_get(&readers[i % 2]).expect("within the limit");
    }
    let error = world.try_get(&readers[0]).expect_err("the sixth");
    assert_eq!(error.code, ErrorCode::ProvisionedThroughputExceeded);
    assert!(error.message.contains("shardId-000000000000") && error.message.contains(S), "{error}");
    world.try_get(&elsewhere).expect("the other shard");
    world.pass(1000);
    world.try_get(&readers[1]).expect("a second later");
}

#[test]
fn a_page_says_how_old_the_first_unread_record_is() {
    let mut world = World::with_stream(1);
    world.put_some(3); // at 1, 2 and 3 seconds
    let iterator = world.iterator(0, TrimHorizon); // at 4
    let page = world.kinesis.get_records(&iterator, Some(1), world.now, &mut world.rng).expect("a page");
    assert_eq!(page.millis_behind_latest, 2000);
    let page = world.kinesis.get_records(&iterator, Some(3), world.now, &mut world.rng).expect("a page");
    assert_eq!(page.millis_behind_latest, 0);
    let at_tip = page.next_shard_iterator.expect("open");
    world.put_at(0, "a");
    world.put_at(0, "b");
    let page = world.kinesis.get_records(&at_tip, Some(1), world.now, &mut world.rng).expect("a page");
    assert_eq!(page.millis_behind_latest, 1, "there is one more of this very millisecond");
}

#[test]
fn the_end_of_a_closed_shard_gives_its_children_and_no_iterator() {
    let mut world = World::with_stream(1);
    world.put_some(2);
    let iterator = world.iterator(0, TrimHorizon);
    let page = world.get(&iterator);
    assert!(page.next_shard_iterator.is_some() && page.child_shards.is_none(), "open");
    world.split(0);
    world.pass(1000);
    let page = world.kinesis.get_records(&iterator, Some(1), world.now, &mut world.rng);
    assert!(page.is_ok_and(|page| page.next_shard_iterator.is_some() && page.child_shards.is_none()), "not at the end");
    let page = world.get(&iterator);
    assert_eq!(payloads(&page).concat(), "01", "the last records come with the end");
    assert_eq!(page.next_shard_iterator, None);
    let children = page.child_shards.expect("the end");
    assert_eq!(children.iter().map(|child| child.shard_id.0).collect::<Vec<_>>(), [1, 2]);
    assert!(children.iter().all(|child| child.parent_shards == [ShardId(0)]));
    let keys: Vec<_> = children.iter().map(|child| child.hash_key_range).collect();
    assert_eq!(keys, HashKeyRange::equal_parts(2));
    let iterator = world.iterator(0, Latest);
    assert_eq!(world.get(&iterator).child_shards, Some(children), "an iterator at the end is at the end");
}

#[test]
fn both_parents_of_a_merge_name_the_child_with_both_parents() {
    let mut world = World::with_stream(2);
    world.merge(1, 0);
    for parent in [0, 1] {
        let iterator = world.iterator(parent, TrimHorizon);
        let children = world.get(&iterator).child_shards.expect("closed and empty");
        assert_eq!(children.len(), 1);
        assert_eq!(children[0].shard_id, ShardId(2));
        assert_eq!(children[0].parent_shards, [ShardId(1), ShardId(0)]);
        assert_eq!(children[0].hash_key_range, HashKeyRange::FULL);
    }
}

#[test]
fn an_iterator_over_trimmed_records_goes_on_at_the_new_horizon() {
    let mut world = World::with_stream(1);
    world.put_at(0, "old");
    world.pass(24 * HOUR - 1001);
    world.put_at(0, "new");
    let iterator = world.iterator(0, TrimHorizon);
    assert_eq!(payloads(&world.try_get(&iterator).expect("a page")), ["old", "new"]);
    world.pass(1);
    assert_eq!(payloads(&world.try_get(&iterator).expect("a page")), ["new"]);
}

#[test]
fn reads_may_come_back_empty_before_the_tip() {
    let mut world = World::with_settings(1, Settings { empty_reads_percent: 50, ..Settings::default() });
    world.put_some(1);
    let mut iterator = world.iterator(0, TrimHorizon);
    let mut empty = 0;
    loop {
        let page = world.get(&iterator);
        if !page.records.is_empty() {
            assert_eq!(page.millis_behind_latest, 0);
            break;
        }
        assert!(page.millis_behind_latest > 0, "empty is not caught up");
        iterator = page.next_shard_iterator.expect("open");
        empty += 1;
        assert!(empty < 100);
    }
    let first = world.iterator(0, TrimHorizon);
    let some: Vec<bool> = (0..40).map(|_| world.get(&first).records.is_empty()).collect();
    assert!(some.contains(&true) && some.contains(&false));
}

#[test]
fn an_empty_read_is_never_the_end_of_a_closed_shard_that_holds_records() {
    let mut world = World::with_settings(1, Settings { empty_reads_percent: 100, ..Settings::default() });
    world.put_some(1);
    world.split(0);
    let iterator = world.iterator(0, TrimHorizon);
    let page = world.get(&iterator);
    assert!(page.records.is_empty() && page.next_shard_iterator.is_some() && page.child_shards.is_none());
}

#[test]
fn faults_of_the_key_fail_reads_and_not_writes_until_healed() {
    let cases = [
        (KmsFault::AccessDenied, "KMSAccessDeniedException"),
        (KmsFault::Disabled, "KMSDisabledException"),
        (KmsFault::InvalidState, "KMSInvalidStateException"),
        (KmsFault::NotFound, "KMSNotFoundException"),
        (KmsFault::OptInRequired, "KMSOptInRequired"),
        (KmsFault::Throttling, "KMSThrottlingException"),
    ];
    let mut world = World::with_stream(1);
    for (fault, code) in cases {
        let iterator = world.iterator(0, TrimHorizon);
        world.kinesis.set_kms_fault(S, Some(fault), world.now).expect("set");
        let error = world.try_get(&iterator).expect_err("the key fails");
        assert_eq!((error.code, error.code.to_string().as_str()), (ErrorCode::Kms(fault), code));
        world.put_at(0, "d");
        world.kinesis.set_kms_fault(S, None, world.now).expect("healed");
        world.try_get(&iterator).expect("a page");
    }
}

#[test]
fn reading_a_long_backlog_in_small_pages_takes_time_in_proportion_to_it() {
    let settings =
        Settings { write_records_per_second: 1_000_000, read_calls_per_second: 1_000_000, ..Settings::default() };
    let mut world = World::with_settings(1, settings);
    for _ in 0..100_000 {
        put_bytes(&mut world, 2);
    }
    let mut iterator = world.iterator(0, TrimHorizon);
    let mut read = 0;
    while read < 100_000 {
        let page = world.kinesis.get_records(&iterator, Some(10), world.now, &mut world.rng).expect("a page");
        assert_eq!(page.records.len(), 10, "no page is empty unless the settings say so");
        read += 10;
        iterator = page.next_shard_iterator.expect("open");
    }
    assert_eq!(read, 100_000);
}
