//! The way in through the SDK's HTTP client: what can go wrong on the way, and that it goes wrong the same way twice.

mod determinism;
mod faults;
mod stream_faults;
mod subscriber;
mod subscriptions;

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemOutput};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use kcl_local::{Local, Service};
use serde_json::json;

const TABLE: &str = "leases";

/// Creates the lease table and waits until it is active.
async fn create_table(local: &Local) {
    let reply = local.ask(
        Service::DynamoDb,
        "CreateTable",
        json!({"TableName": TABLE, "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "leaseKey", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "leaseKey", "AttributeType": "S"}]}),
    );
    assert_eq!(reply.status, 200, "{}", reply.body);
    tokio::time::sleep(Duration::from_secs(8)).await;
}

/// A client that does not try again, and gives up on an attempt after two seconds.
fn impatient(local: &Local, label: &str) -> Client {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(2)).build();
    let config = local.dynamodb_config(label).retry_config(RetryConfig::disabled()).timeout_config(timeouts);
    Client::from_conf(config.build())
}

/// Renews a lease that `owner` holds at `counter`.
async fn renew(
    client: &Client,
    lease: &str,
    owner: &str,
    counter: u64,
) -> Result<UpdateItemOutput, SdkError<UpdateItemError>> {
    client
        .update_item()
        .table_name(TABLE)
        .key("leaseKey", AttributeValue::S(lease.to_owned()))
        .update_expression("SET leaseCounter = :next, leaseOwner = :owner")
        .condition_expression("leaseCounter = :held OR attribute_not_exists(leaseKey)")
        .expression_attribute_values(":next", AttributeValue::N((counter + 1).to_string()))
        .expression_attribute_values(":held", AttributeValue::N(counter.to_string()))
        .expression_attribute_values(":owner", AttributeValue::S(owner.to_owned()))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .send()
        .await
}

/// The counter that is in the table now.
fn counter(local: &Local, lease: &str) -> Option<u64> {
    let get = json!({"TableName": TABLE, "Key": {"leaseKey": {"S": lease}}, "ConsistentRead": true});
    let reply = local.ask(Service::DynamoDb, "GetItem", get);
    reply.body["Item"]["leaseCounter"]["N"].as_str().map(|counter| counter.parse().expect("a number"))
}
