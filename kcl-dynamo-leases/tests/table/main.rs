//! The lease table on the model of DynamoDB, through the real SDK client, under virtual time.

mod conformance;
mod errors;
mod java_items;
mod java_writes;
mod layouts;
mod lock;
mod members;
mod prepare;
mod settings;
mod size;

use std::time::Duration;

use kcl_core::ids::{ShardKey, StreamId, WorkerId};
use kcl_core::lease::{Instance, Lease, Stamp};
use kcl_core::position::{Position, SequenceNumber};
use kcl_core::store::{LeaseAction, LeaseStore, LeaseWrite, WriteOutcome};
use kcl_core::time::Timestamp;
use kcl_dynamo_leases::DynamoLeases;
use kcl_local::{Local, Reply, Service, Settings};
use serde_json::{Value, json};

const TABLE: &str = "orders-app";
const STREAM: &str = "orders";
const MULTI_STREAM: &str = "123456789012:orders:1699999999";
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_123);

fn world() -> Local {
    Local::new(Settings::default())
}

/// A store of one stream's leases on the table of this world, not prepared.
fn single(local: &Local) -> DynamoLeases {
    DynamoLeases::single_stream(local.dynamodb_client("leases"), TABLE, STREAM).build().expect("valid")
}

fn multi(local: &Local) -> DynamoLeases {
    DynamoLeases::multi_stream(local.dynamodb_client("leases"), TABLE).build().expect("valid")
}

async fn prepared(store: DynamoLeases) -> DynamoLeases {
    store.prepare().await.expect("the table becomes ready");
    store
}

fn multi_stream() -> StreamId {
    StreamId::parse_qualified(MULTI_STREAM).expect("qualified")
}

fn shard(id: &str) -> ShardKey {
    ShardKey::new(StreamId::named(STREAM), id)
}

fn worker(name: &str) -> WorkerId {
    WorkerId::new(name)
}

fn at(sequence: &str, sub: u64) -> Position {
    Position::At { sequence: SequenceNumber::parse(sequence).expect("digits"), sub }
}

fn write(seen: &Lease, by: &str, action: LeaseAction) -> LeaseWrite {
    let stamp = Stamp::held(Instance::new(0xfeed), 3, seen.version.number());
    LeaseWrite { seen: seen.clone(), by: worker(by), stamp, now: NOW, action }
}

#[track_caller]
fn applied(outcome: WriteOutcome) -> Lease {
    match outcome {
        WriteOutcome::Applied(lease) => lease,
        WriteOutcome::Refused(lease) => panic!("refused; the lease is {lease:?}"),
    }
}

/// Asks DynamoDB past the store, the network, and the SDK.
fn ask(local: &Local, operation: &str, request: Value) -> Value {
    let Reply { status, body } = local.ask(Service::DynamoDb, operation, request);
    assert_eq!(status, 200, "{operation}: {body}");
    body
}

/// Puts an item as another program would have written it.
fn put(local: &Local, item: &Value) {
    ask(local, "PutItem", json!({"TableName": TABLE, "Item": item}));
}

/// An item as it is in the table, with its sets in order.
fn item(local: &Local, lease_key: &str) -> Value {
    let request = json!({"TableName": TABLE, "Key": {"leaseKey": {"S": lease_key}}, "ConsistentRead": true});
    let mut item = ask(local, "GetItem", request)["Item"].take();
    for value in item.as_object_mut().into_iter().flat_map(|item| item.values_mut()) {
        if let Some(set) = value.get_mut("SS").and_then(Value::as_array_mut) {
            set.sort_by_key(ToString::to_string);
        }
    }
    item
}

/// Creates the table past the store, with this key.
fn create_table(local: &Local, key: &str, kind: &str) {
    ask(
        local,
        "CreateTable",
        json!({"TableName": TABLE, "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": kind}]}),
    );
}

fn describe(local: &Local) -> Value {
    ask(local, "DescribeTable", json!({"TableName": TABLE}))["Table"].take()
}

/// How many requests for `operation` were sent through SDK clients.
fn sent(local: &Local, operation: &str) -> u64 {
    let requests = local.requests();
    requests.iter().filter(|((_, _, name), _)| name == operation).map(|(_, count)| count).sum()
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}
