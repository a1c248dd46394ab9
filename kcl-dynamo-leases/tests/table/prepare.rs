//! How the table comes to be, while others use it or make it too.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use kcl_core::error::StoreErrorKind;
use kcl_core::lease::Lease;
use kcl_core::position::Position;
use kcl_core::store::{LeaseAction, LeaseStore};
use kcl_dynamo_leases::{Billing, Builder, DynamoLeases};
use kcl_local::{Fault, Local, Settings};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    STREAM, TABLE, applied, ask, create_table, describe, prepared, seconds, sent, shard, single, worker, world, write,
};

fn builder(local: &Local) -> Builder {
    DynamoLeases::single_stream(local.dynamodb_client("leases"), TABLE, STREAM)
}

fn index(local: &Local) -> Value {
    describe(local)["GlobalSecondaryIndexes"][0].take()
}

#[tokio::test(start_paused = true)]
async fn a_missing_table_is_created_and_used_as_soon_as_it_is_there() {
    let local = world();
    let began = Instant::now();
    prepared(single(&local)).await;
    let creating = Settings::default().dynamodb.table_creating;
    assert!(began.elapsed() < creating + Duration::from_secs(2), "{:?}", began.elapsed());
    let table = describe(&local);
    assert_eq!(table["KeySchema"], json!([{"AttributeName": "leaseKey", "KeyType": "HASH"}]));
    assert_eq!(table["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table["DeletionProtectionEnabled"], false);
    assert_eq!(sent(&local, "UpdateContinuousBackups"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_table_is_created_as_it_was_asked_for() {
    let local = world();
    let billing = Billing::Provisioned { read_units: 7, write_units: 9 };
    let store = builder(&local).billing(billing).deletion_protection(true).point_in_time_recovery(true);
    let index = Arc::new(Mutex::new(Value::Null));
    let seen = Arc::clone(&index);
    local.observe(move |exchange| {
        if exchange.operation == "UpdateTable" {
            *seen.lock().expect("not poisoned") = exchange.request["GlobalSecondaryIndexUpdates"][0]["Create"].clone();
        }
    });
    prepared(store.tags([("team", "checkout")]).build().expect("valid")).await;
    let index = index.lock().expect("not poisoned").clone();
    let table = describe(&local);
    assert_eq!(table["DeletionProtectionEnabled"], true);
    for described in [&table, &index] {
        let units = &described["ProvisionedThroughput"];
        assert_eq!((&units["ReadCapacityUnits"], &units["WriteCapacityUnits"]), (&json!(7), &json!(9)), "{described}");
    }
    let tags = ask(&local, "ListTagsOfResource", json!({"ResourceArn": table["TableArn"]}));
    assert_eq!(tags["Tags"], json!([{"Key": "team", "Value": "checkout"}]));
    let backups = ask(&local, "DescribeContinuousBackups", json!({"TableName": TABLE}));
    let recovery = &backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"];
    assert_eq!(recovery["PointInTimeRecoveryStatus"], "ENABLED");
}

#[tokio::test(start_paused = true)]
async fn the_index_is_asked_for_and_nobody_waits_for_it() {
    let local = world();
    let store = prepared(single(&local)).await;
    let described = index(&local);
    assert_eq!(described["IndexName"], "LeaseOwnerToLeaseKeyIndex");
    assert_eq!(described["IndexStatus"], "CREATING");
    assert_eq!(described["Projection"], json!({"ProjectionType": "KEYS_ONLY"}));
    let keys =
        json!([{"AttributeName": "leaseOwner", "KeyType": "HASH"}, {"AttributeName": "leaseKey", "KeyType": "RANGE"}]);
    assert_eq!(described["KeySchema"], keys);

    let me = worker("me");
    let free = applied(store.create(&Lease::new(shard("shardId-0"), Position::Latest, None)).await.expect("answered"));
    let lease = applied(store.write(&write(&free, "me", LeaseAction::Take)).await.expect("answered"));
    assert_eq!(store.list().await.expect("answered").leases, [lease]);

    let looked = sent(&local, "DescribeTable");
    for _ in 0..30 {
        assert_eq!(store.list_owned(&me).await.expect("answered"), None, "it is not active yet");
        seconds(1).await;
    }
    assert!(sent(&local, "DescribeTable") - looked <= 4, "it is not asked for again and again");
    seconds(60).await;
    assert_eq!(store.list_owned(&me).await.expect("answered"), Some(vec![shard("shardId-0")]));
    assert_eq!(store.list_owned(&worker("nobody")).await.expect("answered"), Some(vec![]));
    let looked = sent(&local, "DescribeTable");
    store.list_owned(&me).await.expect("answered");
    assert_eq!(sent(&local, "DescribeTable"), looked, "it is known to be there");
}

#[tokio::test(start_paused = true)]
async fn an_index_that_disappears_is_done_without() {
    let local = world();
    let store = prepared(single(&local)).await;
    seconds(90).await;
    assert_eq!(store.list_owned(&worker("me")).await.expect("answered"), Some(vec![]));
    let delete = json!([{"Delete": {"IndexName": "LeaseOwnerToLeaseKeyIndex"}}]);
    ask(&local, "UpdateTable", json!({"TableName": TABLE, "GlobalSecondaryIndexUpdates": delete}));
    for _ in 0..3 {
        assert_eq!(store.list_owned(&worker("me")).await.expect("answered"), None);
        seconds(20).await;
    }
    assert_eq!(sent(&local, "Query"), 2, "it is not asked again once it is known to be gone");
}

#[tokio::test(start_paused = true)]
async fn an_index_over_many_leases_is_read_to_its_end() {
    let local = world();
    let store = prepared(single(&local)).await;
    // An entry is about a kilobyte long, and an answer at most a megabyte.
    let me = worker(&"w".repeat(1_000));
    let mut mine = Vec::new();
    for number in 0..1_200 {
        let shard = shard(&format!("shardId-{number:012}"));
        let lease = Lease { owner: Some(me.clone()), ..Lease::new(shard.clone(), Position::Latest, None) };
        applied(store.create(&lease).await.expect("answered"));
        mine.push(shard);
    }
    seconds(90).await;
    let listed = store.list_owned(&me).await.expect("answered").expect("active");
    assert!(listed == mine, "{} of {} were listed", listed.len(), mine.len());
    assert!(sent(&local, "Query") > 1, "there were several pages");
}

#[tokio::test(start_paused = true)]
async fn workers_that_start_at_once_make_one_table_and_one_index() {
    for seed in 0..5 {
        let local = Local::new(Settings { seed, ..Settings::default() });
        let stores: Vec<_> = (0..8).map(|_| single(&local)).collect();
        for prepared in join_all(stores.iter().map(LeaseStore::prepare)).await {
            prepared.expect("a lost race is none");
        }
        assert!(sent(&local, "CreateTable") > 1, "they raced");
        assert_eq!(describe(&local)["GlobalSecondaryIndexes"].as_array().map(Vec::len), Some(1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_there_is_used_as_it_is_and_given_the_index() {
    let local = world();
    create_table(&local, "leaseKey", "S");
    seconds(10).await;
    let began = Instant::now();
    prepared(single(&local)).await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(index(&local)["IndexStatus"], "CREATING");
    prepared(single(&local)).await;
    assert_eq!((sent(&local, "CreateTable"), sent(&local, "UpdateTable")), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_table_of_others_is_not_changed() {
    for by_arn in [false, true] {
        let local = world();
        create_table(&local, "leaseKey", "S");
        seconds(10).await;
        let store = if by_arn {
            let arn = describe(&local)["TableArn"].as_str().expect("text").to_owned();
            DynamoLeases::single_stream(local.dynamodb_client("leases"), arn, STREAM)
        } else {
            builder(&local).create_table(false)
        };
        let store = prepared(store.build().expect("valid")).await;
        applied(store.create(&Lease::new(shard("shardId-0"), Position::Latest, None)).await.expect("answered"));
        assert_eq!(store.list().await.expect("answered").leases.len(), 1);
        let operations: Vec<_> = local.requests().into_keys().map(|(_, _, operation)| operation).collect();
        assert_eq!(operations, ["DescribeTable", "GetItem", "PutItem", "Scan"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_table_that_must_not_be_created_is_an_error() {
    let local = world();
    let store = builder(&local).create_table(false).build().expect("valid");
    let error = store.prepare().await.expect_err("there is no table");
    assert_eq!(error.kind(), StoreErrorKind::Unusable);
    assert!(error.to_string().starts_with("there is no table orders-app in this account and region"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_table_of_another_shape_is_an_error() {
    for (key, kind, described) in [("id", "S", "id (S, HASH)"), ("leaseKey", "N", "leaseKey (N, HASH)")] {
        let local = world();
        create_table(&local, key, kind);
        let error = single(&local).prepare().await.expect_err("it is no lease table");
        assert_eq!(error.kind(), StoreErrorKind::Unusable);
        assert!(error.to_string().contains(&format!("its key is {described}")), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_worker_is_told_which_permission_it_lacks() {
    for (operation, refused) in [("DescribeTable", true), ("CreateTable", true), ("UpdateTable", false)] {
        let local = world();
        local.set_faults(move |request| {
            if request.operation == operation {
                Fault::refused(400, "AccessDeniedException", "User: arn:aws:sts::1:assumed-role/w is not authorized")
            } else {
                Fault::none()
            }
        });
        let prepared = single(&local).prepare().await;
        if !refused {
            prepared.expect("the index is not needed");
            continue;
        }
        let error = prepared.expect_err("refused");
        assert_eq!(error.kind(), StoreErrorKind::Denied);
        let text = error.to_string();
        assert!(text.contains(TABLE) && text.contains(&format!("dynamodb:{operation}")), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_start_goes_on_when_it_can() {
    let local = world();
    local.set_faults(|request| match (request.operation, request.number) {
        ("CreateTable", 0..=20) => Fault::refused(400, "LimitExceededException", "too many tables are being created"),
        ("DescribeTable", 0..=9) => Fault::refused(400, "ThrottlingException", "Rate exceeded"),
        _ => Fault::none(),
    });
    prepared(single(&local)).await;
}

#[tokio::test(start_paused = true)]
async fn a_start_without_a_network_ends_after_a_few_tries() {
    let local = world();
    local.set_faults(|_| Fault::lost_before());
    let error = single(&local).prepare().await.expect_err("nobody answers");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(sent(&local, "DescribeTable"), 12, "of two tables each time");
}

#[tokio::test(start_paused = true)]
async fn a_table_that_never_becomes_active_is_given_up_after_ten_minutes() {
    let mut settings = Settings::default();
    settings.dynamodb.table_creating = Duration::from_hours(1);
    let local = Local::new(settings);
    let began = Instant::now();
    let error = single(&local).prepare().await.expect_err("it is not ready");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().starts_with("table orders-app was CREATING for 10 minutes"), "{error}");
    assert!((595..=600).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn backups_are_asked_for_again_until_they_can_be_switched_on() {
    let local = world();
    local.set_faults(|request| match (request.operation, request.number) {
        ("UpdateContinuousBackups", 0..=25) => {
            Fault::refused(400, "ContinuousBackupsUnavailableException", "Backups are being enabled for the table")
        }
        _ => Fault::none(),
    });
    prepared(builder(&local).point_in_time_recovery(true).build().expect("valid")).await;
    assert!(sent(&local, "UpdateContinuousBackups") > 1);
}
