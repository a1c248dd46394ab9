use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    ConditionCheck, Put, ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem, Update,
};

use super::*;

/// Renews a lease as its holder does, and says what a refused renewal brought back.
async fn renew(client: &Client, counter: u64, on_failure: OnFailure) -> Result<(), Option<AttributeValue>> {
    let renewed = client
        .update_item()
        .table_name(TABLE)
        .key("leaseKey", text("a"))
        .update_expression("SET leaseCounter = :next")
        .condition_expression("leaseCounter = :held")
        .expression_attribute_values(":next", number(counter + 1))
        .expression_attribute_values(":held", number(counter))
        .return_values_on_condition_check_failure(on_failure)
        .send()
        .await;
    match renewed.map_err(SdkError::into_service_error) {
        Ok(_) => Ok(()),
        Err(UpdateItemError::ConditionalCheckFailedException(refused)) => {
            Err(refused.item.and_then(|item| item.get("leaseCounter").cloned()))
        }
        Err(other) => panic!("unexpected {other:?}"),
    }
}

async fn lease_at(client: &Client, counter: u64) {
    let put = client.put_item().table_name(TABLE).item("leaseKey", text("a")).item("leaseCounter", number(counter));
    put.send().await.expect("put");
}

#[tokio::test(start_paused = true)]
async fn a_refused_renewal_brings_back_the_winning_item_if_asked_to() {
    let (_, client) = world_with_table(|_| {}).await;
    lease_at(&client, 7).await;
    assert_eq!(renew(&client, 7, OnFailure::AllOld).await, Ok(()));
    assert_eq!(renew(&client, 7, OnFailure::AllOld).await, Err(Some(number(8))));
    assert_eq!(renew(&client, 7, OnFailure::None).await, Err(None));
}

#[tokio::test(start_paused = true)]
async fn a_transaction_with_a_failed_condition_changes_nothing() {
    let (_, client) = world_with_table(|_| {}).await;
    let put = Put::builder().table_name(TABLE).item("leaseKey", text("new")).build().expect("complete");
    let check = ConditionCheck::builder().table_name(TABLE).key("leaseKey", text("missing"));
    let check = check.condition_expression("attribute_exists(leaseKey)").build().expect("complete");
    let refused = client
        .transact_write_items()
        .transact_items(TransactWriteItem::builder().put(put).build())
        .transact_items(TransactWriteItem::builder().condition_check(check).build())
        .send()
        .await
        .expect_err("cancelled")
        .into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = refused else {
        panic!("unexpected {refused:?}")
    };
    let codes: Vec<_> =
        cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or_default()).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed"]);
    assert_eq!(client.scan().table_name(TABLE).send().await.expect("scanned").count, 0);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_is_applied_once_per_token_for_ten_minutes() {
    let (_, client) = world_with_table(|_| {}).await;
    lease_at(&client, 0).await;
    let add = |by: u64| {
        let update = Update::builder().table_name(TABLE).key("leaseKey", text("a"));
        let update = update.update_expression("ADD leaseCounter :by").expression_attribute_values(":by", number(by));
        let item = TransactWriteItem::builder().update(update.build().expect("complete")).build();
        client.transact_write_items().client_request_token("one").transact_items(item).send()
    };
    add(1).await.expect("applied");
    add(1).await.expect("answered again");
    assert_eq!(renew(&client, 0, OnFailure::AllOld).await, Err(Some(number(1))));
    let other = add(2).await.expect_err("the same token for something else").into_service_error();
    assert!(other.is_idempotent_parameter_mismatch_exception());
    seconds(600).await;
    add(1).await.expect("applied again");
    assert_eq!(renew(&client, 0, OnFailure::AllOld).await, Err(Some(number(2))));
}

#[tokio::test(start_paused = true)]
async fn a_request_without_the_operations_shape_is_refused() {
    let (local, _) = world_with_table(|_| {}).await;
    for (request, kind) in [
        (serde_json::json!({"TableName": TABLE, "Key": {"leaseKey": {"N": "1"}}}), "ValidationException"),
        (serde_json::json!({"TableName": TABLE, "Key": {"leaseKey": {}}}), "ValidationException"),
        (serde_json::json!({"TableName": 7}), "SerializationException"),
        (serde_json::json!({"TableName": "missing", "Key": {"leaseKey": {"S": "a"}}}), "ResourceNotFoundException"),
    ] {
        let reply = local.ask(kcl_local::Service::DynamoDb, "GetItem", request.clone());
        assert_eq!(reply.status, 400, "{request}");
        let full = reply.body["__type"].as_str().expect("a type").to_owned();
        assert!(full.ends_with(kind), "{request} was answered {}", reply.body);
    }
}
