//! What each write does to a row of the Java KCL: exactly what is listed here, and nothing to what it does not know.

use kcl_core::ids::ShardId;
use kcl_core::lease::Load;
use kcl_core::position::Position;
use kcl_core::shard::HashKeyRange;
use kcl_core::store::{LeaseAction, LeaseStore, LeaseWrite};
use kcl_core::time::Timestamp;
use kcl_dynamo_leases::DynamoLeases;
use kcl_local::Local;
use serde_json::{Map, Value, json};

use super::java_items::java_item;
use super::{applied, at, item, multi, prepared, put, shard, single, worker, world, write};

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
async fn a_renewal_moves_the_counter_and_rounds_the_load_to_six_decimals() {
    let (local, store) = one_stream().await;
    let renew = |kbps, busy| LeaseAction::Renew { load: Load { kbps, busy } };
    let row = java_item("hand_off");
    check(&store, &local, &row, "worker-a", renew(None, None), json!({}), &[]).await;
    for (kbps, written) in [(1.0 / 3.0, "0.333333"), (0.0, "0"), (2.0, "2"), (123_456.789_012_3, "123456.789012")] {
        let set = json!({"throughputKBps": {"N": written}, "rs_busy": {"N": written}});
        check(&store, &local, &row, "worker-a", renew(Some(kbps), Some(kbps)), set, &[]).await;
    }
    for kbps in [f64::NAN, f64::INFINITY, -1.0, f64::MAX] {
        check(&store, &local, &row, "worker-a", renew(Some(kbps), Some(kbps)), json!({}), &[]).await;
    }
}

const PENDING: [&str; 3] = ["pendingCheckpoint", "pendingCheckpointSubSequenceNumber", "pendingCheckpointState"];

#[tokio::test(start_paused = true)]
async fn a_checkpoint_drops_the_pending_one() {
    let (local, store) = one_stream().await;
    let commit = LeaseAction::Checkpoint { position: at("7", 2), load: Load::default(), children: Vec::new() };
    let set = json!({"checkpoint": {"S": "7"}, "checkpointSubSequenceNumber": {"N": "2"},
        "ownerSwitchesSinceCheckpoint": {"N": "0"}});
    check(&store, &local, &java_item("pending"), "worker-a", commit, set, &PENDING).await;
}

#[tokio::test(start_paused = true)]
async fn the_last_checkpoint_of_a_shard_names_its_children() {
    let (local, store) = one_stream().await;
    let children = vec![ShardId::new("shardId-000000000022"), ShardId::new("shardId-000000000021")];
    let commit =
        LeaseAction::Checkpoint { position: Position::ShardEnd, load: Load { kbps: Some(1.0), busy: None }, children };
    let set = json!({"checkpoint": {"S": "SHARD_END"}, "checkpointSubSequenceNumber": {"N": "0"},
        "ownerSwitchesSinceCheckpoint": {"N": "0"}, "throughputKBps": {"N": "1"},
        "childShardIds": {"SS": ["shardId-000000000021", "shardId-000000000022"]}});
    check(&store, &local, &java_item("hand_off"), "worker-a", commit, set, &[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_freed_row_names_nobody() {
    let (local, store) = one_stream().await;
    let free = LeaseAction::Pass { to: None, checkpoint: None };
    let removed = ["leaseOwner", "checkpointOwner"];
    check(&store, &local, &java_item("hand_off"), "worker-a", free, json!({}), &removed).await;

    let (local, store) = one_stream().await;
    let free = LeaseAction::Pass { to: None, checkpoint: Some(at("8", 0)) };
    let set = json!({"checkpoint": {"S": "8"}, "checkpointSubSequenceNumber": {"N": "0"},
        "ownerSwitchesSinceCheckpoint": {"N": "0"}});
    let removed = ["leaseOwner", PENDING[0], PENDING[1], PENDING[2]];
    check(&store, &local, &java_item("pending"), "worker-a", free, set, &removed).await;
}

#[tokio::test(start_paused = true)]
async fn a_passed_row_names_its_receiver_and_counts_the_switch() {
    let next = || Some(worker("worker-b"));
    let (local, store) = one_stream().await;
    let pass = LeaseAction::Pass { to: next(), checkpoint: None };
    let set = json!({"leaseOwner": {"S": "worker-b"}, "ownerSwitchesSinceCheckpoint": {"N": "1"}});
    check(&store, &local, &java_item("hand_off"), "worker-a", pass, set, &["checkpointOwner"]).await;

    let (local, store) = one_stream().await;
    let pass = LeaseAction::Pass { to: next(), checkpoint: Some(at("8", 0)) };
    let set = json!({"leaseOwner": {"S": "worker-b"}, "checkpoint": {"S": "8"},
        "checkpointSubSequenceNumber": {"N": "0"}, "ownerSwitchesSinceCheckpoint": {"N": "1"}});
    check(&store, &local, &java_item("pending"), "worker-a", pass, set, &PENDING).await;
}

#[tokio::test(start_paused = true)]
async fn an_offered_row_names_its_receiver_and_begins_nothing() {
    for (name, switches, removed) in
        [("new", "1", &[][..]), ("held", "3", &[]), ("hand_off", "1", &["checkpointOwner"])]
    {
        let (local, store) = one_stream().await;
        let offer = LeaseAction::Offer { to: worker("worker-c") };
        let set = json!({"leaseOwner": {"S": "worker-c"}, "ownerSwitchesSinceCheckpoint": {"N": switches}});
        check(&store, &local, &java_item(name), "me", offer, set, removed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_hand_over_is_begun_as_a_java_leader_begins_it() {
    let (local, store) = one_stream().await;
    let mut row = java_item("pending");
    row.as_object_mut().expect("object").extend(unknown());
    put(&local, &row);
    let seen = store.get(&shard("shardId-000000000001")).await.expect("answered").expect("it is there");
    applied(store.initiate(&seen, &worker("worker-b")).await.expect("answered"));
    row["leaseOwner"] = json!({"S": "worker-b"});
    row["checkpointOwner"] = json!({"S": "worker-a"});
    assert_eq!(item(&local, "shardId-000000000001"), row, "neither the counter nor anything else moved");
}

#[tokio::test(start_paused = true)]
async fn hash_keys_are_added_to_an_old_row_and_to_nothing_that_is_no_lease() {
    let (local, store) = one_stream().await;
    let range = HashKeyRange::new(3, 9).expect("in order");
    let mut old = java_item("old");
    put(&local, &old);
    store.note_hash_range(&shard("shardId-000000000009"), range).await.expect("answered");
    old["startingHashKey"] = json!({"S": "3"});
    old["endingHashKey"] = json!({"S": "9"});
    assert_eq!(item(&local, "shardId-000000000009"), old);
    let held = java_item("held");
    put(&local, &held);
    store.note_hash_range(&shard("shardId-000000000007"), range).await.expect("answered");
    assert_eq!(item(&local, "shardId-000000000007"), held, "it knew its own");
    for row in java_item("other_entities").as_array().expect("array") {
        put(&local, row);
        let key = row["leaseKey"]["S"].as_str().expect("text");
        store.note_hash_range(&shard(key), range).await.expect("answered");
        assert_eq!(&item(&local, key), row);
    }
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
    let commit = LeaseAction::Checkpoint { position: at("9", 0), load: Load::default(), children: Vec::new() };
    let set = json!({"checkpoint": {"S": "9"}});
    check(&store, &local, &java_item("multi_stream"), "worker-a", commit, set, &[]).await;
}

async fn one_stream() -> (Local, DynamoLeases) {
    let local = world();
    let store = prepared(single(&local)).await;
    (local, store)
}
