use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use kcl_local::dynamodb::{Line, Throttle, Usage};

use super::*;

fn usage(local: &Local, operation: &str, index: Option<&str>) -> Usage {
    local.dynamodb(|dynamodb, _| {
        dynamodb.ledger().total(|line: &Line| line.operation == operation && line.index.as_deref() == index)
    })
}

#[tokio::test(start_paused = true)]
async fn every_request_is_counted_with_the_units_that_the_service_charges() {
    let (local, client) = world_with_table(|_| {}).await;
    add_index(&client).await.expect("accepted");
    seconds(60).await;

    put(&client, "a", "w").await.expect("put");
    assert_eq!(usage(&local, "PutItem", None), Usage { requests: 1, write_units: 1.0, ..Usage::default() });
    let index = Usage { write_units: 1.0, ..Usage::default() };
    assert_eq!(usage(&local, "PutItem", Some(INDEX)), index, "a new key is one write of the index");

    owner(&client, "a", true).await;
    owner(&client, "a", false).await;
    assert_eq!(usage(&local, "GetItem", None), Usage { requests: 2, read_units: 1.5, ..Usage::default() });

    owned(&client, "w").await.expect("query");
    assert_eq!(usage(&local, "Query", Some(INDEX)), Usage { requests: 1, read_units: 0.5, ..Usage::default() });
    assert_eq!(usage(&local, "Query", None), Usage::default());

    local.dynamodb(|dynamodb, _| dynamodb.ledger_mut().clear());
    assert_eq!(local.dynamodb(|dynamodb, _| dynamodb.ledger().lines().count()), 0);
}

#[tokio::test(start_paused = true)]
async fn a_failed_condition_costs_the_larger_of_both_items() {
    let (local, client) = world_with_table(|_| {}).await;
    let put_if_new = |bytes: usize| {
        let put = client.put_item().table_name(TABLE).item("leaseKey", text("a"));
        put.item("filler", text(&"x".repeat(bytes))).condition_expression("attribute_not_exists(leaseKey)").send()
    };
    put_if_new(2_500).await.expect("new");
    put_if_new(10).await.expect_err("there");
    put_if_new(4_500).await.expect_err("there");
    let puts = usage(&local, "PutItem", None);
    let write_units = 3.0 + 3.0 + 5.0;
    assert_eq!(puts, Usage { requests: 3, failed_conditions: 2, write_units, ..Usage::default() });
}

#[tokio::test(start_paused = true)]
async fn callers_see_as_much_of_the_capacity_as_they_ask_for() {
    let (_, client) = world_with_table(|_| {}).await;
    let get = |wanted: Option<ReturnConsumedCapacity>| {
        let get = client.get_item().table_name(TABLE).key("leaseKey", text("a"));
        get.set_return_consumed_capacity(wanted).consistent_read(true).send()
    };
    assert_eq!(get(None).await.expect("read").consumed_capacity, None);
    assert_eq!(get(Some(ReturnConsumedCapacity::None)).await.expect("read").consumed_capacity, None);
    let total = get(Some(ReturnConsumedCapacity::Total)).await.expect("read").consumed_capacity.expect("asked");
    assert_eq!((total.capacity_units, total.table), (Some(1.0), None));
    let all = get(Some(ReturnConsumedCapacity::Indexes)).await.expect("read").consumed_capacity.expect("asked");
    assert_eq!(all.table.expect("detailed").capacity_units, Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn a_limited_table_throttles_with_the_reason_and_recovers() {
    let (local, client) = world_with_table(|_| {}).await;
    let once = RetryConfig::disabled();
    let impatient = Client::from_conf(local.dynamodb_config("impatient").retry_config(once).build());
    let limit = Throttle { read: None, write: Some(1.0) };
    local.dynamodb(|dynamodb, now| dynamodb.throttle(TABLE, limit, now));

    put(&impatient, "a", "w").await.expect("within the limit");
    let refused = impatient.put_item().table_name(TABLE).item("leaseKey", text("b")).send().await;
    let refused = refused.expect_err("over the limit").into_service_error();
    let reasons = match &refused {
        PutItemError::ThrottlingException(error) => error.throttling_reasons(),
        other => panic!("unexpected {other:?}"),
    };
    assert_eq!(reasons[0].reason(), Some("TableWriteMaxOnDemandThroughputExceeded"));
    assert_eq!(reasons[0].resource(), Some("arn:aws:dynamodb:us-east-1:123456789012:table/leases"));
    assert_eq!(usage(&local, "PutItem", None).throttled, 1);
    assert_eq!(owner(&impatient, "b", true).await, None, "reads are not limited, and nothing was written");

    assert_eq!(put(&client, "b", "w").await, Ok(()), "the SDK's own retries get through");
    local.dynamodb(|dynamodb, now| dynamodb.throttle(TABLE, Throttle::default(), now));
    for lease in ["c", "d", "e"] {
        put(&impatient, lease, "w").await.expect("no limit");
    }
}
