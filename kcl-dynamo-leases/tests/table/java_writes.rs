//! What each write does to a row of the Java KCL: exactly what is listed here, and nothing to what it does not know.

use kcl_core::ids::ShardId;
use kcl_core::position::Position;
use kcl_core::store::{LeaseAction, LeaseStore, LeaseWrite};
use kcl_core::time::Timestamp;
use kcl_dynamo_leases::DynamoLeases;
use kcl_local::Local;
use serde_json::{Map, Value, json};

use super::java_items::java_item;
use super::{applied, at, item, multi, prepared, put, single, world, write};

/// Attributes that this crate does not know, of every type.
fn unknown() -> Map<String, Value> {
    let unknown = json!({
        "someday": {"M": {"nested": {"L": [{"S": "kept"}, {"NULL": true}]}}},
        "flag": {"BOOL": false},
        "numbers": {"NS": ["1"]},
    });
    unknown.as_object().expect("object").clone()
}

/// Applies `action` to `row` and compares the row after it: `set` and `removed` are all that may differ, beside the
/// counter and the stamp.
async fn check(
    store: &DynamoLeases,
    local: &Local,
    row: &Value,
    by: &str,
    action: LeaseAction,
    set: Value,
    removed: &[&str],
) {
    let mut row = row.clone();
    let attributes = row.as_object_mut().expect("object");
    attributes.extend(unknown());
    put(local, &row);

    let listing = store.list().await.expect("answered");
    let seen = listing.leases.into_iter().next().expect("the row is a lease");
    let write: LeaseWrite = write(&seen, by, action);
    applied(store.write(&write).await.expect("answered"));

    let attributes = row.as_object_mut().expect("object");
    attributes.insert("leaseCounter".to_owned(), json!({"N": seen.version.next().to_string()}));
    attributes.insert("rs_stamp".to_owned(), json!({"S": write.stamp.as_str()}));
    attributes.extend(set.as_object().expect("object").clone());
    for name in removed {
        assert!(attributes.remove(*name).is_some(), "{name} was there");
    }
    let key = row["leaseKey"]["S"].as_str().expect("text");
    assert_eq!(item(local, key), row, "{write:?}");
}

const BORN: &str = "1800000000123";

#[tokio::test(start_paused = true)]
async fn a_claim_stamps_the_row() {
    let (local, store) = one_stream().await;
    let born = json!({"rs_born": {"N": BORN}});
    check(&store, &local, &java_item("pending"), "worker-a", LeaseAction::Claim, born, &[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_take_names_the_new_owner_and_counts_the_switch() {
    for (name, switches, removed) in
        [("new", "1", &[][..]), ("held", "3", &[]), ("hand_off", "1", &["checkpointOwner"])]
    {
        let (local, store) = one_stream().await;
        let set =
            json!({"leaseOwner": {"S": "me"}, "ownerSwitchesSinceCheckpoint": {"N": switches}, "rs_born": {"N": BORN}});
        check(&store, &local, &java_item(name), "me", LeaseAction::Take, set, removed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_moves_the_counter_and_rounds_the_throughput_to_six_decimals() {
    let (local, store) = one_stream().await;
    let renew = |kbps| LeaseAction::Renew { throughput_kbps: kbps };
    let row = java_item("hand_off");
    check(&store, &local, &row, "worker-a", renew(None), json!({}), &[]).await;
    for (kbps, written) in [(1.0 / 3.0, "0.333333"), (0.0, "0"), (2.0, "2"), (123_456.789_012_3, "123456.789012")] {
        let set = json!({"throughputKBps": {"N": written}});
        check(&store, &local, &row, "worker-a", renew(Some(kbps)), set, &[]).await;
    }
    for kbps in [f64::NAN, f64::INFINITY, -1.0, f64::MAX] {
        check(&store, &local, &row, "worker-a", renew(Some(kbps)), json!({}), &[]).await;
    }
}

const PENDING: [&str; 3] = ["pendingCheckpoint", "pendingCheckpointSubSequenceNumber", "pendingCheckpointState"];

#[tokio::test(start_paused = true)]
async fn a_checkpoint_drops_the_pending_one() {
    let (local, store) = one_stream().await;
    let commit = LeaseAction::Checkpoint { position: at("7", 2), throughput_kbps: None, children: Vec::new() };
    let set = json!({"checkpoint": {"S": "7"}, "checkpointSubSequenceNumber": {"N": "2"},
        "ownerSwitchesSinceCheckpoint": {"N": "0"}});
    check(&store, &local, &java_item("pending"), "worker-a", commit, set, &PENDING).await;
}

#[tokio::test(start_paused = true)]
async fn the_last_checkpoint_of_a_shard_names_its_children() {
    let (local, store) = one_stream().await;
    let children = vec![ShardId::new("shardId-000000000022"), ShardId::new("shardId-000000000021")];
    let commit = LeaseAction::Checkpoint { position: Position::ShardEnd, throughput_kbps: Some(1.0), children };
    let set = json!({"checkpoint": {"S": "SHARD_END"}, "checkpointSubSequenceNumber": {"N": "0"},
        "ownerSwitchesSinceCheckpoint": {"N": "0"}, "throughputKBps": {"N": "1"},
        "childShardIds": {"SS": ["shardId-000000000021", "shardId-000000000022"]}});
    check(&store, &local, &java_item("hand_off"), "worker-a", commit, set, &[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_freed_row_names_nobody() {
    let (local, store) = one_stream().await;
    let free = LeaseAction::Free { checkpoint: None };
    let removed = ["leaseOwner", "checkpointOwner"];
    check(&store, &local, &java_item("hand_off"), "worker-a", free, json!({}), &removed).await;

    let (local, store) = one_stream().await;
    let free = LeaseAction::Free { checkpoint: Some(at("8", 0)) };
    let set = json!({"checkpoint": {"S": "8"}, "checkpointSubSequenceNumber": {"N": "0"},
        "ownerSwitchesSinceCheckpoint": {"N": "0"}});
    let removed = ["leaseOwner", PENDING[0], PENDING[1], PENDING[2]];
    check(&store, &local, &java_item("pending"), "worker-a", free, set, &removed).await;
}

#[tokio::test(start_paused = true)]
async fn a_reset_row_starts_where_it_is_told() {
    let (local, store) = one_stream().await;
    let start = Timestamp::from_millis(1_750_000_000_000);
    let reset = LeaseAction::Reset { position: Position::AtTimestamp, start: Some(start) };
    let set = json!({"checkpoint": {"S": "AT_TIMESTAMP"}, "rs_start": {"N": "1750000000000"}});
    let mut row = java_item("finished");
    row.as_object_mut().expect("object").remove("leaseOwner");
    check(&store, &local, &row, "operator", reset, set, &[]).await;

    row["rs_start"] = json!({"N": "5"});
    let reset = LeaseAction::Reset { position: Position::TrimHorizon, start: None };
    check(&store, &local, &row, "operator", reset, json!({"checkpoint": {"S": "TRIM_HORIZON"}}), &["rs_start"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_repeats_the_names_of_a_shard_of_several_streams() {
    let local = world();
    let store = prepared(multi(&local)).await;
    let commit = LeaseAction::Checkpoint { position: at("9", 0), throughput_kbps: None, children: Vec::new() };
    let set = json!({"checkpoint": {"S": "9"}});
    check(&store, &local, &java_item("multi_stream"), "worker-a", commit, set, &[]).await;
}

async fn one_stream() -> (Local, DynamoLeases) {
    let local = world();
    let store = prepared(single(&local)).await;
    (local, store)
}
