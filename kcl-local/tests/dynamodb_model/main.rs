//! The DynamoDB model as a lease table meets it: through the real SDK client, under virtual time.

mod capacity;
mod items;
mod reads;
mod tables;

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndexUpdate,
    KeySchemaElement, KeyType, Projection, ProjectionType, ScalarAttributeType,
};
use kcl_local::{Local, Settings};

const TABLE: &str = "leases";
const INDEX: &str = "by-owner";

/// A world whose network takes no time, so that every time in a test is the model's.
fn world(change: impl FnOnce(&mut Settings)) -> (Local, Client) {
    let mut settings = Settings { latency: Duration::ZERO..=Duration::ZERO, ..Settings::default() };
    change(&mut settings);
    let local = Local::new(settings);
    let client = local.dynamodb_client("test");
    (local, client)
}

/// The same, with an active table.
async fn world_with_table(change: impl FnOnce(&mut Settings)) -> (Local, Client) {
    let (local, client) = world(change);
    create_table(&client).await;
    seconds(8).await;
    (local, client)
}

async fn create_table(client: &Client) {
    client
        .create_table()
        .table_name(TABLE)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key("leaseKey", KeyType::Hash))
        .attribute_definitions(text_attribute("leaseKey"))
        .send()
        .await
        .expect("table created");
}

async fn add_index(client: &Client) -> Result<(), String> {
    let index = CreateGlobalSecondaryIndexAction::builder()
        .index_name(INDEX)
        .key_schema(key("leaseOwner", KeyType::Hash))
        .key_schema(key("leaseKey", KeyType::Range))
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
        .build()
        .expect("complete");
    let updated = client
        .update_table()
        .table_name(TABLE)
        .attribute_definitions(text_attribute("leaseKey"))
        .attribute_definitions(text_attribute("leaseOwner"))
        .global_secondary_index_updates(GlobalSecondaryIndexUpdate::builder().create(index).build())
        .send()
        .await;
    updated.map(drop).map_err(|error| code(&error))
}

fn key(name: &str, kind: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("complete")
}

fn text_attribute(name: &str) -> AttributeDefinition {
    let kind = ScalarAttributeType::S;
    AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().expect("complete")
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Puts a lease without any condition.
async fn put(client: &Client, lease: &str, owner: &str) -> Result<(), String> {
    let put = client.put_item().table_name(TABLE).item("leaseKey", text(lease)).item("leaseOwner", text(owner));
    put.send().await.map(drop).map_err(|error| code(&error))
}

/// The lease's owner as a read of this consistency sees it.
async fn owner(client: &Client, lease: &str, consistent: bool) -> Option<String> {
    let get = client.get_item().table_name(TABLE).key("leaseKey", text(lease)).consistent_read(consistent);
    let item = get.send().await.expect("read").item?;
    item.get("leaseOwner")?.as_s().ok().cloned()
}

/// How many leases the index lists for `owner`.
async fn owned(client: &Client, owner: &str) -> Result<i32, String> {
    let query = client
        .query()
        .table_name(TABLE)
        .index_name(INDEX)
        .key_condition_expression("leaseOwner = :owner")
        .expression_attribute_values(":owner", text(owner));
    query.send().await.map(|page| page.count).map_err(|error| code(&error))
}

/// The service's name for an error.
fn code<E>(error: &aws_sdk_dynamodb::error::SdkError<E>) -> String
where
    E: aws_sdk_dynamodb::error::ProvideErrorMetadata + std::fmt::Debug,
{
    use aws_sdk_dynamodb::error::ProvideErrorMetadata;
    error.code().unwrap_or("no code").to_owned()
}

async fn seconds(count: u64) {
    tokio::time::sleep(Duration::from_secs(count)).await;
}
