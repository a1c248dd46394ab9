use aws_sdk_dynamodb::types::{IndexStatus, PointInTimeRecoverySpecification, TableDescription, TableStatus, Tag};
use kcl_local::{Clock, Service};
use serde_json::json;

use super::*;

async fn describe(client: &Client) -> TableDescription {
    client.describe_table().table_name(TABLE).send().await.expect("described").table.expect("a table")
}

#[tokio::test(start_paused = true)]
async fn a_new_table_is_creating_for_eight_seconds_and_then_active() {
    let (_, client) = world(|_| {});
    create_table(&client).await;
    assert_eq!(describe(&client).await.table_status, Some(TableStatus::Creating));
    assert_eq!(put(&client, "a", "w").await, Err("ResourceNotFoundException".to_owned()));
    let read = client.scan().table_name(TABLE).send().await;
    assert!(read.expect_err("not yet").into_service_error().is_resource_not_found_exception());

    seconds(8).await;
    assert_eq!(describe(&client).await.table_status, Some(TableStatus::Active));
    assert_eq!(put(&client, "a", "w").await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_not_active_cannot_be_changed_or_deleted_or_created_again() {
    let (_, client) = world(|_| {});
    create_table(&client).await;
    assert_eq!(add_index(&client).await, Err("ResourceInUseException".to_owned()));
    let deleted = client.delete_table().table_name(TABLE).send().await;
    assert!(deleted.expect_err("in use").into_service_error().is_resource_in_use_exception());

    seconds(8).await;
    let again = client.create_table().table_name(TABLE).billing_mode(BillingMode::PayPerRequest);
    let again = again.key_schema(key("k", KeyType::Hash)).attribute_definitions(text_attribute("k")).send().await;
    assert!(again.expect_err("exists").into_service_error().is_resource_in_use_exception());
}

#[tokio::test(start_paused = true)]
async fn a_described_table_has_the_times_and_arns_of_the_world() {
    let (_, client) = world(|settings| *settings = settings.clone().region("eu-west-1").account("000000000042"));
    create_table(&client).await;
    let table = describe(&client).await;
    assert_eq!(table.table_arn(), Some("arn:aws:dynamodb:eu-west-1:000000000042:table/leases"));
    assert_eq!(table.table_id(), Some("00000000-0000-4000-8000-000000000001"));
    let created = table.creation_date_time().expect("a time").to_millis().expect("in range");
    assert_eq!(u64::try_from(created), Ok(Clock::BEGINNING.0));
}

#[tokio::test(start_paused = true)]
async fn an_added_index_is_allocated_then_backfilled_then_active() {
    let (_, client) = world_with_table(|_| {}).await;
    put(&client, "a", "w").await.expect("put");
    add_index(&client).await.expect("accepted");
    for (table, index, backfilling, query) in [
        (TableStatus::Updating, IndexStatus::Creating, Some(false), Err("ValidationException".to_owned())),
        (TableStatus::Active, IndexStatus::Creating, Some(true), Err("ValidationException".to_owned())),
        (TableStatus::Active, IndexStatus::Active, None, Ok(1)),
    ] {
        let described = describe(&client).await;
        let added = &described.global_secondary_indexes()[0];
        let seen = (described.table_status.clone(), added.index_status.clone(), added.backfilling);
        assert_eq!(seen, (Some(table), Some(index), backfilling));
        assert_eq!(owned(&client, "w").await, query);
        assert_eq!(put(&client, "a", "w").await, Ok(()), "the table stays writable");
        seconds(30).await;
    }
}

#[tokio::test(start_paused = true)]
async fn while_an_index_is_built_no_other_change_is_accepted() {
    let (_, client) = world_with_table(|_| {}).await;
    add_index(&client).await.expect("accepted");
    assert_eq!(add_index(&client).await, Err("ResourceInUseException".to_owned()), "the table is UPDATING");
    seconds(10).await;
    assert_eq!(add_index(&client).await, Err("LimitExceededException".to_owned()), "one index at a time");
    let deleted = client.delete_table().table_name(TABLE).send().await;
    assert!(deleted.expect_err("in use").into_service_error().is_resource_in_use_exception());
}

#[tokio::test(start_paused = true)]
async fn an_index_made_with_its_table_is_active_with_it() {
    let (local, client) = world(|_| {});
    let reply = local.ask(
        Service::DynamoDb,
        "CreateTable",
        json!({
        "TableName": TABLE, "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "leaseKey", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "leaseKey", "AttributeType": "S"},
            {"AttributeName": "leaseOwner", "AttributeType": "S"}],
        "GlobalSecondaryIndexes": [{"IndexName": INDEX, "Projection": {"ProjectionType": "KEYS_ONLY"},
            "KeySchema": [{"AttributeName": "leaseOwner", "KeyType": "HASH"}]}]}),
    );
    assert_eq!(reply.body["TableDescription"]["GlobalSecondaryIndexes"][0]["IndexStatus"], "CREATING");
    seconds(8).await;
    assert_eq!(owned(&client, "w").await, Ok(0));
    assert_eq!(describe(&client).await.global_secondary_indexes()[0].backfilling, None);
}

#[tokio::test(start_paused = true)]
async fn a_protected_table_is_not_deleted() {
    let (_, client) = world_with_table(|_| {}).await;
    let protect = |on| client.update_table().table_name(TABLE).deletion_protection_enabled(on).send();
    protect(true).await.expect("protected");
    let refused = client.delete_table().table_name(TABLE).send().await.expect_err("protected");
    assert_eq!(code(&refused), "ValidationException");
    protect(false).await.expect("unprotected");
    let deleted = client.delete_table().table_name(TABLE).send().await.expect("deleted");
    assert_eq!(deleted.table_description.expect("described").table_status, Some(TableStatus::Deleting));
    let gone = client.describe_table().table_name(TABLE).send().await.expect_err("gone");
    assert!(gone.into_service_error().is_resource_not_found_exception());
    create_table(&client).await;
}

#[tokio::test(start_paused = true)]
async fn continuous_backups_cannot_be_changed_before_the_table_is_active() {
    let (_, client) = world(|_| {});
    create_table(&client).await;
    let enable = || {
        let recovery = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(true).build();
        let recovery = recovery.expect("complete");
        client.update_continuous_backups().table_name(TABLE).point_in_time_recovery_specification(recovery).send()
    };
    let early = enable().await.expect_err("too early").into_service_error();
    assert!(early.is_continuous_backups_unavailable_exception());
    seconds(8).await;
    enable().await.expect("enabled");
    let described = client.describe_continuous_backups().table_name(TABLE).send().await.expect("described");
    let recovery = described.continuous_backups_description.expect("some").point_in_time_recovery_description;
    assert_eq!(recovery.expect("some").point_in_time_recovery_status.expect("some").as_str(), "ENABLED");
    let missing = client.describe_continuous_backups().table_name("missing").send().await.expect_err("missing");
    assert!(missing.into_service_error().is_table_not_found_exception());
}

#[tokio::test(start_paused = true)]
async fn tables_are_listed_and_carry_tags() {
    let (_, client) = world_with_table(|_| {}).await;
    assert_eq!(client.list_tables().send().await.expect("listed").table_names(), [TABLE]);
    let arn = "arn:aws:dynamodb:us-east-1:123456789012:table/leases";
    let tag = Tag::builder().key("team").value("orders").build().expect("complete");
    client.tag_resource().resource_arn(arn).tags(tag.clone()).send().await.expect("tagged");
    let tags = client.list_tags_of_resource().resource_arn(arn).send().await.expect("listed");
    assert_eq!(tags.tags(), [tag]);
    let described = client.describe_table().table_name(arn).send().await.expect("an ARN names a table");
    assert_eq!(described.table.expect("some").table_name.as_deref(), Some(TABLE));
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_is_not_modelled_is_named() {
    let (local, client) = world(|_| {});
    let refused = client.list_backups().send().await.expect_err("not modelled");
    assert_eq!(code(&refused), "UnknownOperationException");
    let reply = local.ask(Service::DynamoDb, "ListBackups", json!({}));
    assert!(reply.body["message"].as_str().expect("message").contains("ListBackups"));
}
