//! Rows as the Java KCL 3.5 writes them: read as they are meant, and written back the same.

use kcl_core::ids::{ShardId, ShardKey};
use kcl_core::lease::{Heartbeat, Lease, Load, PendingCheckpoint, Version};
use kcl_core::position::Position;
use kcl_core::shard::HashKeyRange;
use kcl_core::store::{LeaseStore, WriteOutcome};
use serde_json::{Value, json};

use super::{at, create_table, item, multi, multi_stream, prepared, put, seconds, shard, single, worker, world};

/// The row in a file beside these tests, or the rows.
pub(crate) fn java_item(name: &str) -> Value {
    let path = format!("{}/tests/java_items/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(&path).expect(&path)).expect(&path)
}

const SEQUENCE: &str = "49590338271490256608559692538361571095921575989136588898";

fn shards(ids: &[&str]) -> Vec<ShardId> {
    ids.iter().map(|id| ShardId::new(*id)).collect()
}

/// Every row of a single stream, and what it says.
fn single_stream_rows() -> Vec<(Value, Lease)> {
    let lease = |id: &str, checkpoint: Position, counter: u64| Lease {
        version: Version::new(counter),
        ..Lease::new(shard(id), checkpoint, None)
    };
    vec![
        (
            java_item("new"),
            Lease { hash_range: Some(HashKeyRange::FULL), ..lease("shardId-000000000000", Position::TrimHorizon, 0) },
        ),
        (
            java_item("held"),
            Lease {
                owner: Some(worker("ip-10-0-12-34.eu-central-1.compute.internal:6f1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d")),
                owner_switches: 2,
                parents: shards(&["shardId-000000000002", "shardId-000000000003"]),
                hash_range: HashKeyRange::new(
                    113_427_455_640_312_821_154_458_202_477_256_070_485,
                    226_854_911_280_625_642_308_916_404_954_512_140_969,
                ),
                load: Load { kbps: Some(871.203_125), busy: None },
                ..lease("shardId-000000000007", at(SEQUENCE, 3), 184_467)
            },
        ),
        (
            java_item("pending"),
            Lease {
                owner: Some(worker("worker-a")),
                owner_switches: 1,
                pending: Some(PendingCheckpoint {
                    position: at("49590338271490256608559692538361571095921575989136588899", 1),
                    state: Some(vec![0, 159, 146, 150, 255, 10].into()),
                }),
                hash_range: HashKeyRange::new(0, u128::MAX / 2),
                ..lease("shardId-000000000001", Position::Latest, 12)
            },
        ),
        (
            java_item("pending_without_state"),
            Lease {
                owner: Some(worker("worker-a")),
                pending: Some(PendingCheckpoint { position: Position::ShardEnd, state: None }),
                ..lease("shardId-000000000001", at(SEQUENCE, 0), 13)
            },
        ),
        (
            java_item("hand_off"),
            Lease {
                owner: Some(worker("worker-b")),
                checkpoint_owner: Some(worker("worker-a")),
                hash_range: Some(HashKeyRange::FULL),
                load: Load { kbps: Some(0.000_001), busy: None },
                ..lease("shardId-000000000004", Position::AtTimestamp, 501)
            },
        ),
        (
            java_item("finished"),
            Lease {
                owner: Some(worker("worker-a")),
                parents: shards(&["shardId-000000000000"]),
                children: shards(&["shardId-000000000007", "shardId-000000000008"]),
                hash_range: HashKeyRange::new(0, 113_427_455_640_312_821_154_458_202_477_256_070_484),
                ..lease("shardId-000000000002", Position::ShardEnd, 77)
            },
        ),
    ]
}

fn without_heartbeat(lease: Lease) -> Lease {
    Lease { heartbeat: Heartbeat::default(), ..lease }
}

/// Reads `row` as `expected`, by both ways of reading; then creates `expected` on an empty table, where it must become
/// the row again.
async fn check_round_trip(
    make: impl AsyncFn(&kcl_local::Local) -> kcl_dynamo_leases::DynamoLeases,
    row: &Value,
    expected: Lease,
) {
    let local = world();
    let store = make(&local).await;
    put(&local, row);
    let read = store.get(&expected.shard).await.expect("answered").expect("it is there");
    let listing = store.list().await.expect("answered");
    assert_eq!((listing.leases, listing.unreadable), (vec![read.clone()], vec![]));
    assert_eq!(without_heartbeat(read), expected);

    let local = world();
    let store = make(&local).await;
    let created = store.create(&expected).await.expect("answered");
    assert!(matches!(created, WriteOutcome::Applied(_)), "{created:?}");
    assert_eq!(&item(&local, row["leaseKey"]["S"].as_str().expect("text")), row);
}

#[tokio::test(start_paused = true)]
async fn rows_of_one_stream_are_read_and_written_as_java_does() {
    for (row, expected) in single_stream_rows() {
        check_round_trip(async |local| prepared(single(local)).await, &row, expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn rows_of_several_streams_are_read_and_written_as_java_does() {
    let expected = Lease {
        owner: Some(worker("worker-a")),
        version: Version::new(44),
        parents: shards(&["shardId-000000000001"]),
        children: shards(&["shardId-000000000011"]),
        hash_range: HashKeyRange::new(0, u128::MAX / 2),
        load: Load { kbps: Some(12.5), busy: None },
        ..Lease::new(ShardKey::new(multi_stream(), "shardId-000000000005"), at(SEQUENCE, 0), None)
    };
    check_round_trip(async |local| prepared(multi(local)).await, &java_item("multi_stream"), expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_of_an_old_kcl_lacks_what_was_not_known_then() {
    let local = world();
    let store = prepared(single(&local)).await;
    put(&local, &java_item("old"));
    let read = store.get(&shard("shardId-000000000009")).await.expect("answered").expect("it is there");
    let position = at("49590338271490256608559692538361571095921575989136588900", 0);
    let expected = Lease {
        version: Version::new(3),
        owner_switches: 1,
        ..Lease::new(shard("shardId-000000000009"), position, None)
    };
    assert_eq!(without_heartbeat(read), expected);
}

#[tokio::test(start_paused = true)]
async fn one_hash_key_alone_is_no_range_and_an_empty_pending_checkpoint_is_none() {
    let local = world();
    let store = prepared(single(&local)).await;
    let mut row = java_item("new");
    row.as_object_mut().expect("object").remove("endingHashKey");
    row["pendingCheckpoint"] = json!({"S": ""});
    put(&local, &row);
    let read = store.get(&shard("shardId-000000000000")).await.expect("answered").expect("it is there");
    assert_eq!((read.hash_range, read.pending), (None, None));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_a_lease_is_no_lease() {
    let local = world();
    let store = prepared(single(&local)).await;
    for row in java_item("other_entities").as_array().expect("array") {
        put(&local, row);
    }
    let listing = store.list().await.expect("answered");
    assert_eq!((listing.leases, listing.unreadable), (vec![], vec![]));
    assert_eq!(store.get(&shard("Leader")).await.expect("answered"), None);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_a_lease_is_neither_replaced_nor_deleted() {
    let local = world();
    let store = prepared(single(&local)).await;
    for row in java_item("other_entities").as_array().expect("array") {
        put(&local, row);
        let key = row["leaseKey"]["S"].as_str().expect("text");
        let lease = Lease::new(shard(key), Position::ShardEnd, None);
        let error = store.create(&lease).await.expect_err("the key is taken").to_string();
        assert!(error.contains("something else than a lease"), "{error}");
        let deleted = store.delete(&lease).await.expect("answered");
        assert_eq!(deleted, WriteOutcome::Applied(lease), "there is no such lease");
        assert_eq!(&item(&local, key), row);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_cannot_be_read_does_not_hide_the_others() {
    let local = world();
    // With the index of owners, DynamoDB itself would refuse owners of another type.
    create_table(&local, "leaseKey", "S");
    seconds(10).await;
    let store = single(&local);
    let mut expected = Vec::new();
    for (number, case) in java_item("unreadable").as_array().expect("array").iter().enumerate() {
        let mut row = java_item("held");
        let key = format!("shardId-{number:012}");
        row["leaseKey"] = json!({"S": key});
        if let Some(without) = case["without"].as_str() {
            row.as_object_mut().expect("object").remove(without);
        }
        for (name, value) in case["with"].as_object().into_iter().flatten() {
            row[name] = value.clone();
        }
        put(&local, &row);
        expected.push((key.clone(), case["why"].as_str().expect("text").to_owned()));
        let error = store.get(&shard(&key)).await.expect_err("it cannot be read");
        assert!(error.to_string().contains(&expected[number].1), "{error}");
    }
    put(
        &local,
        &json!({"leaseKey": {"S": "shardId-999999999999"}, "leaseCounter": {"N": "0"},
        "ownerSwitchesSinceCheckpoint": {"N": "0"}, "checkpoint": {"S": "LATEST"}}),
    );
    let listing = store.list().await.expect("answered");
    assert_eq!(listing.unreadable, expected);
    assert_eq!(listing.leases.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_table_of_several_streams_refuses_leases_of_one() {
    let local = world();
    let store = prepared(multi(&local)).await;
    put(&local, &java_item("held"));
    let mut contradicting = java_item("multi_stream");
    contradicting["shardId"] = json!({"S": "shardId-000000000006"});
    put(&local, &contradicting);
    let listing = store.list().await.expect("answered");
    assert_eq!(listing.leases, []);
    let [contradicting, plain] = listing.unreadable.as_slice() else { panic!("{:?}", listing.unreadable) };
    assert!(
        contradicting.1.starts_with("attribute leaseKey is not that of streamName and shardId"),
        "{contradicting:?}"
    );
    assert_eq!(plain.1, "attribute streamName is missing");
}
