//! The leader lock as the DynamoDB lock client 1.4.0 writes and reads it.

use std::time::Duration;

use kcl_core::error::StoreErrorKind;
use kcl_core::member::{LeaderLock, LockWrite};
use kcl_core::store::{LeaseStore, MemberStore};
use serde_json::{Value, json};

use super::java_items::java_item;
use super::{item, prepared, put, single, worker, world};

/// The lock as a Java worker holds it.
fn java_lock() -> Value {
    java_item("other_entities")[1].clone()
}

fn seen() -> LeaderLock {
    LeaderLock {
        owner: worker("worker-a"),
        version: "0a1b2c3d-0000-4000-8000-000000000001".to_owned(),
        lasts: Duration::from_mins(2),
        released: false,
    }
}

fn ours(version: &str) -> LeaderLock {
    LeaderLock {
        owner: worker("me"),
        version: version.to_owned(),
        lasts: Duration::from_millis(15_000),
        released: false,
    }
}

#[tokio::test(start_paused = true)]
async fn the_lock_of_a_java_worker_is_understood() {
    let local = world();
    let store = prepared(single(&local)).await;
    put(&local, &java_lock());
    assert_eq!(store.leader().await.expect("answered"), Some(seen()));
    assert_eq!(store.list().await.expect("answered").lock, Some(seen()));
    let mut released = java_lock();
    released["isReleased"] = json!({"S": "1"});
    put(&local, &released);
    assert_eq!(store.leader().await.expect("answered"), Some(LeaderLock { released: true, ..seen() }));
}

#[tokio::test(start_paused = true)]
async fn the_lock_is_written_as_the_lock_client_writes_it() {
    let local = world();
    let store = prepared(single(&local)).await;
    let mut row = java_lock();
    row["isReleased"] = json!({"S": "1"});
    row["data"] = json!({"B": "AJ+S"});
    put(&local, &row);
    let write = async |write: LockWrite| store.lock(&write).await.expect("answered");
    assert!(write(LockWrite::Acquire { seen: None, new: ours("1") }).await);
    let expected = |version: &str| {
        json!({"leaseKey": {"S": "Leader"}, "entityType": {"S": "LEADER"}, "ownerName": {"S": "me"},
            "leaseDuration": {"S": "15000"}, "recordVersionNumber": {"S": version}})
    };
    assert_eq!(item(&local, "Leader"), expected("1"), "the whole item is a new one");
    assert!(write(LockWrite::Beat { from: "1".to_owned(), new: ours("2") }).await);
    assert_eq!(item(&local, "Leader"), expected("2"));
    assert!(write(LockWrite::Release { held: ours("2") }).await);
    assert_eq!(item(&local, "Leader"), json!(null));
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_cannot_be_understood_is_an_error_where_it_is_asked_for() {
    let local = world();
    let store = prepared(single(&local)).await;
    for (name, value, problem) in [
        ("ownerName", Value::Null, "attribute ownerName is missing"),
        ("recordVersionNumber", json!({"N": "1"}), "attribute recordVersionNumber has the type N, not S"),
        ("leaseDuration", json!({"S": "long"}), "attribute leaseDuration is not a number of milliseconds"),
    ] {
        let mut row = java_lock();
        row.as_object_mut().expect("object").remove(name);
        if !value.is_null() {
            row[name] = value;
        }
        put(&local, &row);
        let error = store.leader().await.expect_err(name);
        assert_eq!(error.kind(), StoreErrorKind::Unusable);
        let expected = format!(
            "GetItem on table orders-app for item Leader met an item that cannot be read as Leader: {problem}; repair or \
             delete the item"
        );
        assert_eq!(error.to_string(), expected);
        let listing = store.list().await.expect("answered");
        assert_eq!((listing.lock, listing.unreadable), (None, vec![("Leader".to_owned(), problem.to_owned())]));
    }
}
