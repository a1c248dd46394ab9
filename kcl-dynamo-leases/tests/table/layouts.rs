//! Applications that workers of this library can take part in, and those that they cannot.

use std::time::Duration;

use futures_util::future::join;
use kcl_core::error::StoreErrorKind;
use kcl_core::store::LeaseStore;
use kcl_core::time::{Timestamp, WallClock};
use kcl_dynamo_leases::{Builder, DynamoLeases};
use kcl_local::{Fault, Local};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::java_items::java_item;
use super::{STREAM, TABLE, ask, create_table, describe, item, put, seconds, sent, world};

fn builder(local: &Local) -> Builder {
    let now = WallClock::new(|| Timestamp::from_millis(1_767_225_600_000));
    DynamoLeases::single_stream(local.dynamodb_client("leases"), TABLE, STREAM).wall_clock(now)
}

async fn prepare(builder: Builder) -> Result<(), (StoreErrorKind, String)> {
    let prepared = builder.build().expect("valid").prepare().await;
    prepared.map_err(|error| (error.kind(), error.to_string()))
}

/// Makes the table in which the Java KCL 3.0 to 3.4 keeps an application's markers, with this one if it has one.
async fn make_coordinator_table(local: &Local, application: &str, marker: Option<Value>) {
    let name = format!("{application}-CoordinatorState");
    ask(
        local,
        "CreateTable",
        json!({"TableName": name, "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "key", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "key", "AttributeType": "S"}]}),
    );
    seconds(10).await;
    if let Some(mut marker) = marker {
        marker["key"] = json!({"S": "TableMigration3.5"});
        ask(local, "PutItem", json!({"TableName": name, "Item": marker}));
    }
}

fn says(state: &str) -> Value {
    let state = format!("TABLE_MIGRATION_STATUS_{state}");
    json!({"tm": {"S": state}, "mb": {"S": "worker-a"}, "mts": {"N": "1767225600000"}, "h": {"L": []}})
}

/// What is written, beside the leases.
fn writes(local: &Local) -> u64 {
    ["CreateTable", "UpdateTable", "PutItem", "UpdateItem", "DeleteItem"].iter().map(|name| sent(local, name)).sum()
}

#[tokio::test(start_paused = true)]
async fn an_application_without_a_marker_is_given_the_one_that_java_writes() {
    let local = world();
    prepare(builder(&local)).await.expect("an empty account");
    let mut expected = java_item("other_entities")[2].clone();
    expected["mb"] = json!({"S": "kcl-dynamo-leases"});
    expected["h"]["L"][0]["M"]["mb"] = expected["mb"].clone();
    assert_eq!(item(&local, "Migration3.0"), expected);
    let tables = ask(&local, "ListTables", json!({}));
    assert_eq!(tables["TableNames"], json!([TABLE]), "never the tables of the KCL 3.0 to 3.4");

    let before = writes(&local);
    prepare(builder(&local)).await.expect("the second start");
    assert_eq!((writes(&local), item(&local, "Migration3.0")), (before, expected));
}

#[tokio::test(start_paused = true)]
async fn a_table_that_must_not_be_changed_is_given_the_marker_too() {
    let local = world();
    create_table(&local, "leaseKey", "S");
    seconds(10).await;
    prepare(builder(&local).create_table(false)).await.expect("it is there");
    assert_eq!(item(&local, "Migration3.0")["cv"], json!({"S": "CLIENT_VERSION_3X"}));
    assert_eq!(writes(&local), 1);
}

#[tokio::test(start_paused = true)]
async fn a_start_is_not_held_up() {
    let local = world();
    create_table(&local, "leaseKey", "S");
    seconds(10).await;
    let began = Instant::now();
    prepare(builder(&local)).await.expect("it is there");
    assert!(began.elapsed().as_millis() < 500, "{:?}", began.elapsed());
    assert_eq!((sent(&local, "DescribeTable"), sent(&local, "GetItem"), sent(&local, "PutItem")), (2, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_marker_that_another_worker_writes_first_is_as_good() {
    for (version, fits) in [("CLIENT_VERSION_3X", true), ("CLIENT_VERSION_2X", false)] {
        let local = world();
        create_table(&local, "leaseKey", "S");
        seconds(10).await;
        // It is written between our look and our write.
        local.set_faults(|request| match request.operation {
            "PutItem" => Fault::none().late(Duration::from_secs(2)),
            _ => Fault::none(),
        });
        let other = async {
            seconds(1).await;
            let mut marker = java_item("other_entities")[2].clone();
            marker["cv"] = json!({"S": version});
            put(&local, &marker);
        };
        let (prepared, ()) = join(prepare(builder(&local)), other).await;
        assert_eq!(prepared.is_ok(), fits, "{version}");
        assert_eq!(item(&local, "Migration3.0")["mb"], json!({"S": "worker-a"}));
    }
}

#[tokio::test(start_paused = true)]
async fn a_fleet_that_is_not_yet_one_of_the_kcl_3_is_refused() {
    let upgrade = "the Java workers still take leases from each other as of the KCL 2; finish their upgrade to the KCL 3 \
                   first, or use another table";
    let rollback = "the Java workers may still go back to the KCL 2; deploy them with the client version 3X first, or use \
                    another table";
    let repair = "repair the item, or delete it if the application has no Java workers, or use another table";
    for (version, found, to_do) in [
        (json!({"S": "CLIENT_VERSION_2X"}), "says that cv is CLIENT_VERSION_2X", upgrade),
        (json!({"S": "CLIENT_VERSION_UPGRADE_FROM_2X"}), "says that cv is CLIENT_VERSION_UPGRADE_FROM_2X", upgrade),
        (json!({"S": "CLIENT_VERSION_3X_WITH_ROLLBACK"}), "says that cv is CLIENT_VERSION_3X_WITH_ROLLBACK", rollback),
        (json!({"S": "CLIENT_VERSION_4X"}), "says that cv is CLIENT_VERSION_4X", repair),
        (json!({"N": "3"}), "cannot be understood (attribute cv has the type N, not S)", repair),
        (Value::Null, "has no cv", repair),
    ] {
        let local = world();
        create_table(&local, "leaseKey", "S");
        seconds(10).await;
        let mut marker = java_item("other_entities")[2].clone();
        marker.as_object_mut().expect("object").remove("cv");
        if !version.is_null() {
            marker["cv"] = version;
        }
        put(&local, &marker);
        let expected =
            format!("in table orders-app the item Migration3.0 {found}, not that cv is CLIENT_VERSION_3X: {to_do}");
        assert_eq!(prepare(builder(&local)).await, Err((StoreErrorKind::Unusable, expected)));
        assert_eq!((writes(&local), item(&local, "Migration3.0")), (0, marker), "nothing was written");
        assert_eq!(describe(&local).get("GlobalSecondaryIndexes"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn an_application_that_finished_its_move_to_one_table_is_fine() {
    let local = world();
    make_coordinator_table(&local, TABLE, Some(says("COMPLETE"))).await;
    prepare(builder(&local)).await.expect("everything is in the lease table");
}

#[tokio::test(start_paused = true)]
async fn an_application_of_three_tables_is_refused() {
    for (marker, found) in [
        (None, "is missing, which should say"),
        (Some(says("INIT")), "says that tm is TABLE_MIGRATION_STATUS_INIT"),
        (Some(says("DEPLOYED")), "says that tm is TABLE_MIGRATION_STATUS_DEPLOYED"),
        (Some(says("PENDING")), "says that tm is TABLE_MIGRATION_STATUS_PENDING"),
        (Some(json!({"mb": {"S": "worker-a"}})), "has no tm"),
        (Some(json!({"tm": {"N": "1"}})), "cannot be understood (attribute tm has the type N, not S)"),
    ] {
        let local = world();
        make_coordinator_table(&local, TABLE, marker).await;
        let expected = format!(
            "table orders-app-CoordinatorState is there, and its item TableMigration3.5 {found}, not that tm is \
             TABLE_MIGRATION_STATUS_COMPLETE: this application has the three tables of the Java KCL 3.0 to 3.4, and workers \
             of this library can only share one; finish the Java workers' migration to one table \
             (migrateAllEntitiesToLeaseTable of KCL 3.5), or use another application name"
        );
        assert_eq!(prepare(builder(&local)).await, Err((StoreErrorKind::Unusable, expected)));
        assert_eq!(writes(&local), 0, "nothing was written, and no table made");
    }
}

#[tokio::test(start_paused = true)]
async fn the_tables_of_an_application_are_named_after_it_and_are_where_its_lease_table_is() {
    let local = world();
    create_table(&local, "leaseKey", "S");
    make_coordinator_table(&local, "orders", Some(says("PENDING"))).await;
    prepare(builder(&local)).await.expect("that is another application's");
    let refused = prepare(builder(&local).application("orders")).await.expect_err("it is this one's");
    assert!(refused.1.starts_with("table orders-CoordinatorState is there"), "{refused:?}");

    let arn = describe(&local)["TableArn"].as_str().expect("text").to_owned();
    let by_arn = || DynamoLeases::single_stream(local.dynamodb_client("leases"), arn.clone(), STREAM);
    prepare(by_arn()).await.expect("that is another application's");
    let refused = prepare(by_arn().application("orders")).await.expect_err("it is this one's");
    let table =
        format!("table {}/orders-CoordinatorState is there", arn.strip_suffix("/orders-app").expect("its name"));
    assert!(refused.1.starts_with(&table), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_too_long_for_a_second_table_has_none() {
    let local = world();
    let name = "a".repeat(239);
    prepare(builder(&local).application(&name)).await.expect("there can be no such table");
    assert_eq!(local.requests().into_keys().filter(|(_, _, operation)| operation == "GetItem").count(), 1);
    let refused = |name: &str| builder(&local).application(name).build().err().map(|error| error.setting);
    assert_eq!(refused("orders app"), Some("application"));
    assert_eq!(refused(""), Some("application"));
    assert_eq!(refused("o"), None);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_may_not_look_for_the_other_tables_is_told_why_it_must() {
    for (operation, there) in [("DescribeTable", false), ("GetItem", true)] {
        let local = world();
        if there {
            make_coordinator_table(&local, TABLE, Some(says("COMPLETE"))).await;
        }
        local.set_faults(move |request| {
            let legacy = request.target.is_some_and(|name| name.ends_with("-CoordinatorState"));
            if legacy && request.operation == operation {
                Fault::refused(400, "AccessDeniedException", "User: arn:aws:sts::1:assumed-role/w is not authorized")
            } else {
                Fault::none()
            }
        });
        let (kind, text) = prepare(builder(&local)).await.expect_err("refused");
        assert_eq!(kind, StoreErrorKind::Denied);
        let advice = "Allow dynamodb:DescribeTable and dynamodb:GetItem on table orders-app-CoordinatorState";
        assert!(text.starts_with(operation) && text.ends_with(advice), "{text}");
        assert_eq!(writes(&local), 0);
    }
}
