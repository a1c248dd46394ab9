//! Kinesis in CBOR, as the AWS SDK for Java speaks it.

use ciborium::Value as Cbor;

use super::h2c::Connection;
use super::*;

const CBOR: &str = "application/x-amz-cbor-1.1";

/// Calls an operation of Kinesis in CBOR and reads the answer.
async fn call(connection: &mut Connection, operation: &str, request: &Cbor) -> (u16, Cbor) {
    let mut body = Vec::new();
    ciborium::into_writer(request, &mut body).expect("written");
    let target = format!("Kinesis_20131202.{operation}");
    let answer = connection.post(&target, CBOR, body).await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], CBOR);
    (answer.status().as_u16(), ciborium::from_reader(&answer.body()[..]).expect("CBOR"))
}

/// A request: members in pairs.
fn map<const N: usize>(members: [(&str, Cbor); N]) -> Cbor {
    Cbor::Map(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

/// A member of an answer, or of what is in it.
fn member<'a>(answer: &'a Cbor, name: &str) -> &'a Cbor {
    let members = answer.as_map().expect("a map");
    members.iter().find_map(|(key, value)| (key.as_text() == Some(name)).then_some(value)).expect(name)
}

fn names(answer: &Cbor) -> Vec<&str> {
    answer.as_map().expect("a map").iter().filter_map(|(name, _)| name.as_text()).collect()
}

async fn orders() -> (World, Connection) {
    let world = World::start().await;
    let mut connection = Connection::open(world.address).await;
    let create = map([("StreamName", "orders".into()), ("ShardCount", 1.into())]);
    assert_eq!(call(&mut connection, "CreateStream", &create).await, (200, map([])));
    world.advance(5_000);
    (world, connection)
}

#[tokio::test]
async fn a_record_that_was_put_in_cbor_is_read_in_cbor_byte_by_byte() {
    let (_world, mut connection) = orders().await;
    let data = Cbor::Bytes((0..=255).collect());
    let record = [("PartitionKey", "k".into()), ("Data", data.clone())];
    let put = map([("StreamName", "orders".into()), ("Records", Cbor::Array(vec![map(record)]))]);
    let (status, answer) = call(&mut connection, "PutRecords", &put).await;
    assert_eq!((status, member(&answer, "FailedRecordCount")), (200, &0.into()));

    let get = [("ShardId", "shardId-000000000000".into()), ("ShardIteratorType", "TRIM_HORIZON".into())];
    let [shard, kind] = get;
    let get = map([("StreamName", "orders".into()), shard, kind, ("StartingSequenceNumber", Cbor::Null)]);
    let (_, answer) = call(&mut connection, "GetShardIterator", &get).await;
    let read = map([("ShardIterator", member(&answer, "ShardIterator").clone()), ("Limit", 10.into())]);
    let (_, answer) = call(&mut connection, "GetRecords", &read).await;
    let records = member(&answer, "Records").as_array().expect("a list");
    assert_eq!(member(&records[0], "Data"), &data);
    let arrival = Cbor::Tag(1, Box::new((Clock::BEGINNING.0 + 5_000).into()));
    assert_eq!(member(&records[0], "ApproximateArrivalTimestamp"), &arrival);
    // An open shard has no children: the member is left out, it is not null.
    assert_eq!(names(&answer), ["Records", "MillisBehindLatest", "NextShardIterator"]);
}

#[tokio::test]
async fn a_time_in_a_request_is_in_milliseconds() {
    let (world, mut connection) = orders().await;
    for (milliseconds, expected) in [(0, 200), (5_000, 200), (5_001, 400)] {
        let time = Cbor::Tag(1, Box::new((Clock::BEGINNING.0 + milliseconds).into()));
        let get = map([
            ("StreamName", "orders".into()),
            ("ShardId", "shardId-000000000000".into()),
            ("ShardIteratorType", "AT_TIMESTAMP".into()),
            ("Timestamp", time),
        ]);
        let (status, answer) = call(&mut connection, "GetShardIterator", &get).await;
        assert_eq!(status, expected, "{milliseconds} ms: {answer:?}");
    }
    let summary = map([("StreamName", "orders".into())]);
    let (_, answer) = call(&mut connection, "DescribeStreamSummary", &summary).await;
    let created = member(member(&answer, "StreamDescriptionSummary"), "StreamCreationTimestamp");
    assert_eq!(created, &Cbor::Tag(1, Box::new(Clock::BEGINNING.0.into())));
    drop(world);
}

#[tokio::test]
async fn an_error_has_its_type_and_message_in_cbor() {
    let (_world, mut connection) = orders().await;
    for (operation, request, kind) in [
        ("ListShards", map([("StreamName", "invoices".into())]), "ResourceNotFoundException"),
        ("ListShards", map([("StreamName", 7.into())]), "SerializationException"),
        ("ListShards", "orders".into(), "SerializationException"),
        ("Fly", map([]), "UnknownOperationException"),
    ] {
        let (status, answer) = call(&mut connection, operation, &request).await;
        assert_eq!((status, member(&answer, "__type")), (400, &kind.into()), "{operation} {request:?}");
        assert!(member(&answer, "message").is_text(), "{answer:?}");
    }
}

#[tokio::test]
async fn cbor_is_spoken_over_http_1_as_well_and_json_over_http_2() {
    let (world, mut connection) = orders().await;
    let list = "Kinesis_20131202.ListStreams";
    let response = post(world.address, Some(list), CBOR, "").await;
    assert_eq!(response.status, 200, "{response:?}");
    assert!(response.head.starts_with("http/1.1") && response.head.contains(CBOR), "{}", response.head);
    let answer = connection.post(list, JSON, b"{}".to_vec()).await.expect("an answer");
    let answer: Value = serde_json::from_slice(answer.body()).expect("JSON");
    assert_eq!(answer["StreamNames"][0], "orders");
}
