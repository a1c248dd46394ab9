//! Writing records.

use kcl_local::kinesis::{
    ErrorCode, HashKeyRange, NewRecord, RecordDistributionStrategy as Strategy, Settings, ShardFilter, ShardId,
    StreamSpec, hash_key,
};
use serde_json::json;

use super::world::{HOUR, S, World, refusal};

const MIB: usize = 1024 * 1024;

#[test]
fn the_hash_of_the_key_or_the_explicit_one_decides_the_shard() {
    let mut world = World::with_stream(4);
    let parts = HashKeyRange::equal_parts(4);
    for i in 0..40_u128 {
        world.pass(100);
        let key = format!("key-{i}");
        let placed = world.try_put(NewRecord::keyed(key.as_str(), "d")).expect("stored");
        assert!(parts[placed.shard_id.0 as usize].contains(hash_key(&key)));
        let explicit = i * (u128::MAX / 39);
        let placed = world.try_put(NewRecord::hashed(explicit, key, "d")).expect("stored");
        assert!(parts[placed.shard_id.0 as usize].contains(explicit));
    }
}

#[test]
fn numbers_grow_within_a_shard_and_leave_gaps() {
    let mut world = World::with_stream(1);
    let numbers: Vec<_> = world.put_some(50).iter().map(|placed| placed.sequence_number).collect();
    assert!(numbers.is_sorted() && numbers.windows(2).all(|pair| pair[0] != pair[1]));
    let starting = world.kinesis.shards(S, world.now).expect("shards")[0].starting_sequence_number;
    assert!(starting < numbers[0]);
    assert!(numbers.iter().all(|number| number.to_string().len() == 56));
}

#[test]
fn invalid_records_are_refused() {
    let keyed = |key: String, size: usize| NewRecord::keyed(key, vec![b'x'; size]);
    let cases = [
        ("no key", NewRecord { partition_key: None, ..NewRecord::keyed("k", "d") }, false),
        ("empty key", keyed(String::new(), 1), false),
        ("long key", keyed("é".repeat(257), 1), false),
        ("longest key", keyed("é".repeat(256), 1), true),
        ("too large", keyed("key".to_owned(), MIB - 2), false),
        ("largest", keyed("key".to_owned(), MIB - 3), true),
        ("empty data", keyed("key".to_owned(), 0), true),
    ];
    let mut world = World::with_stream(1);
    for (name, record, allowed) in cases {
        world.settle();
        match world.try_put(record) {
            Ok(_) => assert!(allowed, "{name}"),
            Err(error) => assert_eq!((error.code, allowed), (ErrorCode::Validation, false), "{name}"),
        }
    }
}

#[test]
fn a_shard_takes_a_mebibyte_a_second() {
    let mut world = World::with_stream(2);
    let half = || NewRecord::hashed(0, "k", vec![0; MIB / 2 - 1]);
    world.try_put(half()).expect("half");
    world.try_put(half()).expect("all");
    let error = world.try_put(half()).expect_err("more");
    assert_eq!(error.code, ErrorCode::ProvisionedThroughputExceeded);
    assert_eq!(
        error.message,
        "Rate exceeded for shard shardId-000000000000 in stream orders under account 123456789012."
    );
    world.try_put(NewRecord::hashed(u128::MAX, "k", "d")).expect("the other shard has its own limit");
    world.pass(499);
    assert_eq!(refusal(world.try_put(half())), ErrorCode::ProvisionedThroughputExceeded);
    world.pass(1);
    world.try_put(half()).expect("half a second later");
}

#[test]
fn a_shard_takes_a_thousand_records_a_second() {
    let mut world = World::with_stream(1);
    let taken = (0..1100).filter(|_| world.try_put(NewRecord::keyed("k", "d")).is_ok()).count();
    assert_eq!(taken, 1000);
    world.pass(50);
    let taken = (0..1100).filter(|_| world.try_put(NewRecord::keyed("k", "d")).is_ok()).count();
    assert_eq!(taken, 50);
}

#[test]
fn a_record_larger_than_a_second_is_taken_and_paid_off() {
    let mut world = World::with_stream(1);
    world.kinesis.update_max_record_size(S, 10_240, world.now).expect("accepted");
    world.try_put(NewRecord::keyed("key", vec![0; 10 * MIB - 3])).expect("stored");
    world.pass(9000);
    assert_eq!(refusal(world.try_put(NewRecord::keyed("k", "d"))), ErrorCode::ProvisionedThroughputExceeded);
    world.pass(1000);
    world.try_put(NewRecord::keyed("k", "d")).expect("10 seconds later");
}

#[test]
fn one_call_stores_some_records_and_throttles_others() {
    let mut world = World::with_settings(2, Settings { write_records_per_second: 2, ..Settings::default() });
    let records = [0, 0, 0, u128::MAX, 0].map(|key| NewRecord::hashed(key, "k", "d")).to_vec();
    let results = world.kinesis.put_records(S, records, world.now, &mut world.rng).expect("a result each");
    let stored: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(stored, [true, true, false, true, false]);
    assert_eq!(world.kinesis.records(S, ShardId(0), world.now).expect("records").len(), 2);
}

#[test]
fn one_call_takes_500_records_of_10_mebibytes_together() {
    let mut world = World::with_stream(4);
    let mut put = |records: Vec<NewRecord>| {
        world.settle();
        world.kinesis.put_records(S, records, world.now, &mut world.rng).map(|results| results.len())
    };
    let small = || NewRecord::keyed("k", "d");
    let large = || NewRecord::keyed("k", vec![0; MIB - 1]);
    assert_eq!(refusal(put(vec![])), ErrorCode::Validation);
    assert_eq!(put((0..500).map(|_| small()).collect()), Ok(500));
    assert_eq!(refusal(put((0..501).map(|_| small()).collect())), ErrorCode::Validation);
    assert_eq!(put((0..10).map(|_| large()).collect()), Ok(10));
    let mut too_much: Vec<_> = (0..10).map(|_| large()).collect();
    too_much.push(small());
    assert_eq!(refusal(put(too_much)), ErrorCode::InvalidArgument);
    assert_eq!(refusal(put(vec![small(), NewRecord::default()])), ErrorCode::Validation);
}

#[test]
fn a_stream_that_distributes_records_looks_at_no_key_and_returns_those_it_got() {
    let mut world = World::new(Settings::default());
    world.create(S, StreamSpec::on_demand(Strategy::Auto));
    let mut shards = std::collections::BTreeSet::new();
    for _ in 0..100 {
        world.pass(10);
        shards.insert(world.try_put(NewRecord::hashed(0, "same", "d")).expect("stored").shard_id);
        world.try_put(NewRecord { partition_key: None, ..NewRecord::keyed("", "d") }).expect("no key is needed");
    }
    assert_eq!(shards.len(), 4, "the explicit hash key does not decide");
    let records = world.kinesis.records(S, ShardId(0), world.now).expect("records");
    assert!(records.iter().any(|record| record.partition_key.is_none()), "absent stays absent");
    assert!(records.iter().any(|record| record.partition_key.as_deref() == Some("same")));
}

#[test]
fn the_number_for_ordering_must_be_of_this_stream_and_have_a_meaning() {
    let mut world = World::with_stream(2);
    let ours = world.put_at(0, "a").sequence_number.to_string();
    world.create("other", StreamSpec::provisioned(2));
    let record = NewRecord::hashed(0, "k", "d");
    let theirs = world.kinesis.put_record("other", record, world.now, &mut world.rng).expect("stored").sequence_number;
    let mut put = |number: &str| {
        let request = json!({"StreamName": S, "PartitionKey": "k", "Data": "", "SequenceNumberForOrdering": number});
        world.call("PutRecord", &request).map(|_| ())
    };
    assert_eq!(put(&ours), Ok(()));
    for foreign in [theirs.to_string().as_str(), "17"] {
        let (code, message) = put(foreign).expect_err("foreign");
        assert_eq!(code, "InvalidArgumentException");
        assert!(message.contains(foreign) && message.contains("did not come from this stream"), "{message}");
    }

    world.split(0);
    world.pass(24 * HOUR);
    assert_eq!(world.listed(ShardFilter::FromTrimHorizon), [1, 2, 3]);
    let request = json!({"StreamName": S, "PartitionKey": "k", "Data": "", "SequenceNumberForOrdering": ours});
    world.call("PutRecord", &request).expect("of a shard that has expired");

    world.create("auto", StreamSpec::on_demand(Strategy::Auto));
    let request = json!({"StreamName": "auto", "Data": "", "SequenceNumberForOrdering": ours});
    assert_eq!(world.call("PutRecord", &request).expect_err("no order there").0, "InvalidArgumentException");
}
