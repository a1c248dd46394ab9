//! Whatever happens to a stream, a reader who follows the children reads every record once, in order.

use std::collections::BTreeMap;
use std::time::Duration;

use kcl_local::kinesis::StartingPosition::TrimHorizon;
use kcl_local::kinesis::{NewRecord, RecordsPage, SequenceNumber, Settings, ShardDescription, ShardFilter, ShardId};

use super::world::{S, World};

/// Does something to the stream that may or may not be possible now.
pub(crate) fn disturb(world: &mut World, chance: &mut fastrand::Rng) {
    let open = world.listed(ShardFilter::AtLatest);
    let shard = ShardId(open[chance.usize(..open.len())]);
    let other = ShardId(open[chance.usize(..open.len())]);
    let target = chance.u32(1..=6);
    // A refusal is an outcome like any other here.
    let _ = match chance.u8(..4) {
        0 => world.kinesis.split_shard_in_half(S, shard, world.now),
        1 => world.kinesis.merge_shards(S, shard, other, world.now),
        2 => world.kinesis.update_shard_count(S, target, world.now).map(|_| ()),
        _ => world.kinesis.scale_on_demand(S, target, world.now),
    };
}

/// Reads a shard to its end; the records and what the last page said.
fn drain(world: &mut World, shard: ShardId, limit: usize) -> (Vec<SequenceNumber>, RecordsPage) {
    let mut numbers = Vec::new();
    let mut iterator = world.iterator(shard.0, TrimHorizon);
    loop {
        world.pass(1000);
        let page = world.kinesis.get_records(&iterator, Some(limit), world.now, &mut world.rng).expect("a page");
        numbers.extend(page.records.iter().map(|record| record.sequence_number));
        match &page.next_shard_iterator {
            Some(next) if page.millis_behind_latest > 0 => iterator.clone_from(next),
            _ => return (numbers, page),
        }
    }
}

fn history(seed: u64) {
    let mut chance = fastrand::Rng::with_seed(seed);
    let update_delay = Duration::from_millis(chance.u64(..3000));
    let empty_reads_percent = chance.u8(..60);
    let settings = Settings { update_delay, empty_reads_percent, scalings_per_day: 1000, ..Settings::default() };
    let mut world = World::with_settings(chance.u32(1..5), settings);
    let mut written: BTreeMap<ShardId, Vec<SequenceNumber>> = BTreeMap::new();
    for i in 0..200 {
        world.pass(chance.u64(..500));
        if chance.u8(..6) == 0 {
            disturb(&mut world, &mut chance);
        }
        let placed = world.try_put(NewRecord::hashed(chance.u128(..), "k", format!("{i}"))).expect("stored");
        written.entry(placed.shard_id).or_default().push(placed.sequence_number);
    }
    world.settle();

    let shards: BTreeMap<ShardId, ShardDescription> =
        world.kinesis.shards(S, world.now).expect("shards").into_iter().map(|s| (s.shard_id, s)).collect();
    check_ranges(&shards);
    for (id, shard) in &shards {
        let (read, last) = drain(&mut world, *id, chance.usize(1..20));
        assert_eq!(read, written.remove(id).unwrap_or_default(), "seed {seed}, {id}");
        let ends = shard.ending_sequence_number;
        assert_eq!(last.child_shards.is_some(), ends.is_some(), "seed {seed}, {id}");
        assert!(
            read.iter().all(|number| *number > shard.starting_sequence_number && ends.is_none_or(|end| *number < end))
        );
        for child in last.child_shards.into_iter().flatten() {
            let listed = &shards[&child.shard_id];
            let parents = [listed.parent_shard_id, listed.adjacent_parent_shard_id];
            assert_eq!(child.parent_shards, parents.into_iter().flatten().collect::<Vec<_>>(), "seed {seed}");
            assert!(child.parent_shards.contains(id) && listed.starting_sequence_number > ends.expect("closed"));
        }
    }
    assert!(written.is_empty(), "seed {seed}: {written:?}");
}

/// The open shards take every hash key once.
fn check_ranges(shards: &BTreeMap<ShardId, ShardDescription>) {
    let open = shards.values().filter(|shard| shard.ending_sequence_number.is_none());
    let mut ranges: Vec<_> = open.map(|shard| shard.hash_key_range).collect();
    ranges.sort_by_key(|range| range.start);
    assert_eq!((ranges[0].start, ranges[ranges.len() - 1].end), (0, u128::MAX));
    assert!(ranges.windows(2).all(|pair| pair[0].end + 1 == pair[1].start));
}

#[test]
fn every_record_is_read_once_and_in_order_whatever_happens() {
    (0..60).for_each(history);
}

#[test]
fn one_history_has_one_outcome() {
    let run = || {
        let mut world = World::with_stream(2);
        let mut chance = fastrand::Rng::with_seed(9);
        let mut outcome = Vec::new();
        for _ in 0..100 {
            world.pass(300);
            disturb(&mut world, &mut chance);
            outcome.push(world.try_put(NewRecord::hashed(chance.u128(..), "k", "d")));
        }
        (outcome, world.kinesis.shards(S, world.now))
    };
    assert_eq!(run(), run());
}
