//! The JSON form of consumers and of what they are pushed.

use kcl_local::kinesis::{Push, Settings};
use serde_json::{Value, json};

use super::world::{S, World, text};

const ARN: &str = "arn:aws:kinesis:us-east-1:123456789012:stream/orders";

fn ok(world: &mut World, operation: &str, request: &Value) -> Value {
    world.pass(1000);
    world.call(operation, request).unwrap_or_else(|error| panic!("{operation} {request}: {error:?}"))
}

fn code(world: &mut World, operation: &str, request: &Value) -> String {
    world.pass(1000);
    world.call(operation, request).expect_err("a refusal").0
}

#[test]
fn a_consumer_lives_its_life_in_json() {
    let mut world = World::with_stream(1);
    let registered = ok(&mut world, "RegisterStreamConsumer", &json!({"StreamARN": ARN, "ConsumerName": "app"}));
    let seconds = world.now.seconds();
    let expected = json!({
        "ConsumerName": "app",
        "ConsumerARN": format!("{ARN}/consumer/app:{seconds}"),
        "ConsumerStatus": "CREATING",
        "ConsumerCreationTimestamp": format!("{seconds}.0").parse::<f64>().expect("a number"),
    });
    assert_eq!(registered, json!({"Consumer": expected}));
    let arn = &registered["Consumer"]["ConsumerARN"];
    for request in [
        json!({"ConsumerARN": arn}),
        json!({"StreamARN": ARN, "ConsumerName": "app"}),
        json!({"StreamARN": ARN, "ConsumerName": "app", "ConsumerARN": arn}),
    ] {
        let described = ok(&mut world, "DescribeStreamConsumer", &request)["ConsumerDescription"].clone();
        assert_eq!((&described["ConsumerStatus"], &described["StreamARN"]), (&json!("ACTIVE"), &json!(ARN)));
    }
    let listed = ok(&mut world, "ListStreamConsumers", &json!({"StreamARN": ARN}));
    assert_eq!((&listed["Consumers"][0]["ConsumerARN"], listed.get("NextToken")), (arn, None));
    let summary = ok(&mut world, "DescribeStreamSummary", &json!({"StreamName": S}));
    assert_eq!(summary["StreamDescriptionSummary"]["ConsumerCount"], 1);
    assert_eq!(ok(&mut world, "DeregisterStreamConsumer", &json!({"ConsumerARN": arn})), json!({}));
    assert_eq!(code(&mut world, "DescribeStreamConsumer", &json!({"ConsumerARN": arn})), "ResourceNotFoundException");
}

#[test]
fn a_list_of_consumers_goes_on_by_its_token() {
    let mut world = World::with_stream(1);
    for name in ["a", "b", "c"] {
        world.register(name);
    }
    let first = ok(&mut world, "ListStreamConsumers", &json!({"StreamARN": ARN, "MaxResults": 2}));
    assert_eq!(first["Consumers"].as_array().map(Vec::len), Some(2));
    let next = json!({"StreamARN": ARN, "NextToken": first["NextToken"]});
    assert_eq!(ok(&mut world, "ListStreamConsumers", &next)["Consumers"][0]["ConsumerName"], "c");
    let mixed = json!({"StreamARN": ARN, "NextToken": first["NextToken"], "StreamCreationTimestamp": 1});
    assert_eq!(code(&mut world, "ListStreamConsumers", &mixed), "InvalidArgumentException");
}

#[test]
fn consumers_that_are_not_named_whole_or_not_there_are_refused() {
    let mut world = World::with_stream(1);
    let arn = world.register("app");
    let earlier = format!("{ARN}/consumer/app:17");
    let cases = [
        ("DescribeStreamConsumer", json!({"ConsumerName": "app"}), "InvalidArgumentException"),
        ("DescribeStreamConsumer", json!({"StreamARN": ARN}), "InvalidArgumentException"),
        ("DescribeStreamConsumer", json!({"ConsumerARN": arn, "ConsumerName": "x"}), "InvalidArgumentException"),
        ("DescribeStreamConsumer", json!({"StreamARN": ARN, "ConsumerName": "x"}), "ResourceNotFoundException"),
        ("DescribeStreamConsumer", json!({"ConsumerARN": earlier}), "ResourceNotFoundException"),
        ("DescribeStreamConsumer", json!({"ConsumerARN": ARN}), "ValidationException"),
        ("RegisterStreamConsumer", json!({"StreamName": S, "ConsumerName": "b"}), "ValidationException"),
        ("RegisterStreamConsumer", json!({"StreamARN": ARN}), "SerializationException"),
        ("ListStreamConsumers", json!({}), "ValidationException"),
        ("SubscribeToShard", json!({"ConsumerARN": arn, "ShardId": "shardId-0"}), "SerializationException"),
    ];
    for (operation, request, expected) in cases {
        assert_eq!(code(&mut world, operation, &request), expected, "{operation} {request}");
    }
}

#[test]
fn a_stream_with_consumers_needs_leave_to_be_deleted() {
    let mut world = World::with_stream(1);
    world.register("app");
    for request in [json!({"StreamName": S}), json!({"StreamName": S, "EnforceConsumerDeletion": false})] {
        assert_eq!(code(&mut world, "DeleteStream", &request), "ResourceInUseException");
    }
    ok(&mut world, "DeleteStream", &json!({"StreamName": S, "EnforceConsumerDeletion": true}));
}

#[test]
fn consumers_and_streams_have_tags_of_their_own() {
    let mut world = World::with_stream(1);
    let register = json!({"StreamARN": ARN, "ConsumerName": "app", "Tags": {"team": "a"}});
    let arn = ok(&mut world, "RegisterStreamConsumer", &register)["Consumer"]["ConsumerARN"].clone();
    ok(&mut world, "TagResource", &json!({"ResourceARN": arn, "Tags": {"cost": "1", "team": "b"}}));
    ok(&mut world, "TagResource", &json!({"ResourceARN": ARN, "Tags": {"of": "stream"}}));
    ok(&mut world, "UntagResource", &json!({"ResourceARN": arn, "TagKeys": ["cost"]}));
    let tags = ok(&mut world, "ListTagsForResource", &json!({"ResourceARN": arn}));
    assert_eq!(tags, json!({"Tags": [{"Key": "team", "Value": "b"}]}));
    let tags = ok(&mut world, "ListTagsForResource", &json!({"ResourceARN": ARN}));
    assert_eq!(tags, json!({"Tags": [{"Key": "of", "Value": "stream"}]}));
}

#[test]
fn registrations_are_limited_by_the_second() {
    let mut world = World::with_settings(1, Settings { creating_consumers: 20, ..Settings::default() });
    let register = |i: usize| json!({"StreamARN": ARN, "ConsumerName": format!("c{i}")});
    for i in 0..5 {
        world.call("RegisterStreamConsumer", &register(i)).expect("within the limit");
    }
    assert_eq!(world.call("RegisterStreamConsumer", &register(5)).expect_err("one more").0, "LimitExceededException");
}

#[test]
fn an_event_has_the_members_of_the_api() {
    let mut world = World::with_stream(1);
    let arn = world.register("app");
    let placed = world.put_at(0, "hello");
    let subscribe =
        |position: &Value| json!({"ConsumerARN": arn, "ShardId": "shardId-000000000000", "StartingPosition": position});
    let at = json!({"Type": "AT_SEQUENCE_NUMBER", "SequenceNumber": placed.sequence_number.to_string()});
    let mut subscription = world.kinesis.call_subscribe(&subscribe(&at), world.now).expect("subscribed");
    let event = world.event(&mut subscription).to_json();
    assert_eq!(event["Records"][0]["Data"], "aGVsbG8=");
    assert_eq!(event["Records"][0]["SequenceNumber"], placed.sequence_number.to_string());
    assert_eq!(event["MillisBehindLatest"], 0);
    assert!(text(&event["ContinuationSequenceNumber"]) > placed.sequence_number.to_string());
    assert!(event.get("ChildShards").is_none(), "left out, not null");

    world.split(0);
    let end = world.event(&mut subscription).to_json();
    assert!(end.get("ContinuationSequenceNumber").is_none(), "left out, not null");
    let child = json!({
        "ShardId": "shardId-000000000002",
        "ParentShards": ["shardId-000000000000"],
        "HashKeyRange": {"StartingHashKey": (1_u128 << 127).to_string(), "EndingHashKey": u128::MAX.to_string()},
    });
    assert_eq!((&end["Records"], &end["ChildShards"][1]), (&json!([]), &child));

    let wrong = json!({"Type": "AT_NOON"});
    let refused = world.kinesis.call_subscribe(&subscribe(&wrong), world.now).expect_err("no such position");
    assert!(refused.message.contains("startingPosition.type"), "{refused}");
    world.pass(5_000);
    let answer = world.call("SubscribeToShard", &subscribe(&json!({"Type": "LATEST"}))).expect("subscribed");
    assert_eq!(answer, json!({}), "whoever calls so has no use for events");
    assert_eq!(world.push(&mut subscription), Push::End);
}
