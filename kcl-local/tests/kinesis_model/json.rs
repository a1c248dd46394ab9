//! The JSON form: names, types and what is left out.

use kcl_local::kinesis::{RecordDistributionStrategy, Settings, StreamSpec};
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
fn a_stream_lives_its_life_in_json() {
    let mut world = World::new(Settings::default());
    let create = json!({"StreamName": S, "ShardCount": 1, "Tags": {"team": "a"}});
    assert_eq!(ok(&mut world, "CreateStream", &create), json!({}));
    world.settle();

    let put = json!({"StreamARN": ARN, "PartitionKey": "k", "Data": "aGVsbG8="});
    let placed = ok(&mut world, "PutRecord", &put);
    let arrived = world.now;
    assert_eq!(placed["ShardId"], "shardId-000000000000");

    let get = json!({"StreamName": S, "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = ok(&mut world, "GetShardIterator", &get)["ShardIterator"].clone();
    let page = ok(&mut world, "GetRecords", &json!({"ShardIterator": iterator, "StreamARN": ARN, "Limit": 10}));
    let record = json!({
        "SequenceNumber": placed["SequenceNumber"],
        "ApproximateArrivalTimestamp": format!("{}.123", arrived.seconds()).parse::<f64>().expect("a number"),
        "Data": "aGVsbG8=",
        "EncryptionType": "NONE",
        "PartitionKey": "k",
    });
    assert_eq!(page["Records"], json!([record]));
    assert_eq!(page["MillisBehindLatest"], 0);
    assert!(page["NextShardIterator"].is_string() && page.get("ChildShards").is_none());

    let middle = (1_u128 << 127).to_string();
    let split = json!({"StreamName": S, "ShardToSplit": "shardId-000000000000", "NewStartingHashKey": middle});
    assert_eq!(ok(&mut world, "SplitShard", &split), json!({}));
    world.settle();
    let end = ok(&mut world, "GetRecords", &json!({"ShardIterator": page["NextShardIterator"]}));
    assert!(end.get("NextShardIterator").is_none(), "left out, not null");
    let child = json!({
        "ShardId": "shardId-000000000001",
        "ParentShards": ["shardId-000000000000"],
        "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": ((1_u128 << 127) - 1).to_string()},
    });
    assert_eq!(end["ChildShards"][0], child);

    assert_eq!(ok(&mut world, "DeleteStream", &json!({"StreamName": S})), json!({}));
    world.settle();
    assert_eq!(code(&mut world, "DescribeStreamSummary", &json!({"StreamName": S})), "ResourceNotFoundException");
}

#[test]
fn a_summary_has_the_fields_of_the_api_and_the_strategy_on_demand_only() {
    let mut world = World::with_stream(2);
    let summary = ok(&mut world, "DescribeStreamSummary", &json!({"StreamARN": ARN}));
    let expected = json!({
        "StreamName": S,
        "StreamARN": ARN,
        "StreamStatus": "ACTIVE",
        "StreamModeDetails": {"StreamMode": "PROVISIONED"},
        "StreamCreationTimestamp": 1_700_000_000.0,
        "RetentionPeriodHours": 24,
        "EnhancedMonitoring": [{"ShardLevelMetrics": []}],
        "EncryptionType": "NONE",
        "OpenShardCount": 2,
        "ConsumerCount": 0,
        "MaxRecordSizeInKiB": 1024,
    });
    assert_eq!(summary["StreamDescriptionSummary"], expected);
    world.create("auto", StreamSpec::on_demand(RecordDistributionStrategy::Auto));
    let summary = ok(&mut world, "DescribeStreamSummary", &json!({"StreamName": "auto"}));
    assert_eq!(summary["StreamDescriptionSummary"]["RecordDistributionStrategy"], "AUTO");
}

#[test]
fn describe_stream_gives_shards_in_pages() {
    let mut world = World::with_stream(5);
    let first = ok(&mut world, "DescribeStream", &json!({"StreamName": S, "Limit": 3}))["StreamDescription"].clone();
    assert_eq!((first["Shards"].as_array().map(Vec::len), &first["HasMoreShards"]), (Some(3), &json!(true)));
    let shard = &first["Shards"][0];
    assert_eq!(shard["ShardId"], "shardId-000000000000");
    assert!(shard.get("ParentShardId").is_none() && shard.get("AdjacentParentShardId").is_none());
    assert!(shard["SequenceNumberRange"].get("EndingSequenceNumber").is_none());
    let rest = json!({"StreamName": S, "ExclusiveStartShardId": first["Shards"][2]["ShardId"]});
    let rest = ok(&mut world, "DescribeStream", &rest)["StreamDescription"].clone();
    assert_eq!((rest["Shards"].as_array().map(Vec::len), &rest["HasMoreShards"]), (Some(2), &json!(false)));
    assert!(rest.get("RecordDistributionStrategy").is_none() && rest.get("OpenShardCount").is_none());
}

#[test]
fn streams_are_listed_with_summaries_and_a_token() {
    let mut world = World::new(Settings::default());
    for name in ["a", "b", "c"] {
        world.create(name, StreamSpec::provisioned(1));
    }
    let first = ok(&mut world, "ListStreams", &json!({"Limit": 2}));
    assert_eq!((&first["StreamNames"], &first["HasMoreStreams"]), (&json!(["a", "b"]), &json!(true)));
    assert_eq!(first["StreamSummaries"][1]["StreamName"], "b");
    for request in [json!({"NextToken": first["NextToken"]}), json!({"ExclusiveStartStreamName": "b"})] {
        let rest = ok(&mut world, "ListStreams", &request);
        assert_eq!((&rest["StreamNames"], &rest["HasMoreStreams"]), (&json!(["c"]), &json!(false)));
        assert!(rest.get("NextToken").is_none());
    }
    assert_eq!(code(&mut world, "ListStreams", &json!({"NextToken": "junk"})), "InvalidArgumentException");
}

#[test]
fn put_records_answers_record_by_record() {
    let mut world = World::with_settings(1, Settings { write_records_per_second: 1, ..Settings::default() });
    let records = json!([{"Data": "YQ==", "PartitionKey": "k"}, {"Data": "Yg==", "PartitionKey": "k"}]);
    let body = ok(&mut world, "PutRecords", &json!({"StreamName": S, "Records": records}));
    assert_eq!(body["FailedRecordCount"], 1);
    assert_eq!(body["Records"][0]["ShardId"], "shardId-000000000000");
    assert_eq!(body["Records"][1]["ErrorCode"], "ProvisionedThroughputExceededException");
    assert!(text(&body["Records"][1]["ErrorMessage"]).contains("under account 123456789012"));
    assert!(body["Records"][1].get("SequenceNumber").is_none());
}

#[test]
fn a_record_without_a_key_comes_back_without_one() {
    let mut world = World::new(Settings { on_demand_shards: 1, ..Settings::default() });
    let mode = json!({"StreamMode": "ON_DEMAND"});
    let create = json!({"StreamName": S, "StreamModeDetails": mode, "RecordDistributionStrategy": "AUTO"});
    ok(&mut world, "CreateStream", &create);
    world.settle();
    ok(&mut world, "PutRecord", &json!({"StreamName": S, "Data": "YQ=="}));
    let get = json!({"StreamName": S, "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = ok(&mut world, "GetShardIterator", &get)["ShardIterator"].clone();
    let page = ok(&mut world, "GetRecords", &json!({"ShardIterator": iterator}));
    assert_eq!(page["Records"][0]["Data"], "YQ==");
    assert!(page["Records"][0].get("PartitionKey").is_none());
}

#[test]
fn the_kinds_of_iterators_need_their_own_parameters() {
    let mut world = World::with_stream(1);
    let number = world.put_at(0, "d").sequence_number.to_string();
    let cases = [
        (json!({"ShardIteratorType": "LATEST"}), None),
        (json!({"ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": number}), None),
        (json!({"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": number}), None),
        (json!({"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 1_700_000_000.5}), None),
        (json!({"ShardIteratorType": "AT_SEQUENCE_NUMBER"}), Some("no StartingSequenceNumber")),
        (json!({"ShardIteratorType": "TRIM_HORIZON", "StartingSequenceNumber": number}), Some("TRIM_HORIZON and also")),
        (json!({"ShardIteratorType": "AT_TIMESTAMP"}), Some("no timestamp parameter")),
        (json!({"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 1.7e12}), Some("cannot be greater than")),
        (json!({"ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": "0"}), Some("did not come from")),
        (json!({"ShardIteratorType": "AT_NOON"}), Some("enum value set")),
    ];
    for (mut request, refused) in cases {
        request["StreamName"] = json!(S);
        request["ShardId"] = json!("shardId-000000000000");
        world.pass(1000);
        match (world.call("GetShardIterator", &request), refused) {
            (Ok(body), None) => assert!(body["ShardIterator"].is_string()),
            (Err((_, message)), Some(part)) => assert!(message.contains(part), "{message}"),
            (result, _) => panic!("{request}: {result:?}"),
        }
    }
}

#[test]
fn an_arn_beside_an_iterator_must_be_of_its_stream() {
    let mut world = World::with_stream(1);
    let iterator = world.iterator(0, kcl_local::kinesis::StartingPosition::Latest);
    let other = ARN.replace("orders", "invoices");
    let elsewhere = ARN.replace("us-east-1", "eu-west-1");
    let cases = [(other, "InvalidArgumentException"), (elsewhere, "ResourceNotFoundException")];
    for (arn, expected) in cases {
        assert_eq!(code(&mut world, "GetRecords", &json!({"ShardIterator": iterator, "StreamARN": arn})), expected);
    }
}

#[test]
fn scaling_and_changes_of_a_stream_in_json() {
    let mut world = World::with_stream(2);
    let scale = json!({"StreamName": S, "TargetShardCount": 4, "ScalingType": "UNIFORM_SCALING"});
    let body = ok(&mut world, "UpdateShardCount", &scale);
    assert_eq!(body, json!({"StreamName": S, "StreamARN": ARN, "CurrentShardCount": 2, "TargetShardCount": 4}));
    world.settle();
    let merge = json!({"StreamARN": ARN, "ShardToMerge": "shardId-000000000002", "AdjacentShardToMerge": "shardId-000000000003"});
    ok(&mut world, "MergeShards", &merge);
    world.settle();
    ok(&mut world, "IncreaseStreamRetentionPeriod", &json!({"StreamName": S, "RetentionPeriodHours": 48}));
    ok(&mut world, "DecreaseStreamRetentionPeriod", &json!({"StreamName": S, "RetentionPeriodHours": 30}));
    ok(&mut world, "UpdateMaxRecordSize", &json!({"StreamARN": ARN, "MaxRecordSizeInKiB": 2048}));
    ok(&mut world, "UpdateStreamMode", &json!({"StreamARN": ARN, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}}));
    world.settle();
    let auto = json!({"StreamARN": ARN, "RecordDistributionStrategy": "AUTO"});
    ok(&mut world, "UpdateStreamRecordDistributionStrategy", &auto);
    let summary =
        ok(&mut world, "DescribeStreamSummary", &json!({"StreamName": S}))["StreamDescriptionSummary"].clone();
    let facts = ["OpenShardCount", "RetentionPeriodHours", "MaxRecordSizeInKiB", "RecordDistributionStrategy"];
    assert_eq!(facts.map(|fact| summary[fact].clone()), [json!(3), json!(30), json!(2048), json!("AUTO")]);
}

#[test]
fn tags_are_listed_in_pages() {
    let mut world = World::with_stream(1);
    ok(&mut world, "AddTagsToStream", &json!({"StreamName": S, "Tags": {"a": "1", "b": "2", "c": "3"}}));
    ok(&mut world, "RemoveTagsFromStream", &json!({"StreamName": S, "TagKeys": ["b"]}));
    let first = ok(&mut world, "ListTagsForStream", &json!({"StreamName": S, "Limit": 1}));
    assert_eq!(first, json!({"Tags": [{"Key": "a", "Value": "1"}], "HasMoreTags": true}));
    let both = ok(&mut world, "ListTagsForStream", &json!({"StreamName": S, "Limit": 2}));
    assert_eq!((both["Tags"].as_array().map(Vec::len), &both["HasMoreTags"]), (Some(2), &json!(false)));
    let rest = ok(&mut world, "ListTagsForStream", &json!({"StreamName": S, "ExclusiveStartTagKey": "a"}));
    assert_eq!(rest, json!({"Tags": [{"Key": "c", "Value": "3"}], "HasMoreTags": false}));
}

#[test]
fn requests_that_break_the_schema_are_refused_by_name() {
    let mut world = World::with_stream(1);
    let shard = "shardId-000000000000";
    let cases = [
        ("DescribeStream", json!({}), "InvalidArgumentException"),
        ("DescribeStream", json!({"StreamName": 5}), "SerializationException"),
        ("DescribeStream", json!([]), "SerializationException"),
        ("CreateStream", json!({"StreamName": "s", "ShardCount": -1}), "ValidationException"),
        ("CreateStream", json!({"StreamName": "s", "StreamModeDetails": {"StreamMode": "X"}}), "ValidationException"),
        ("PutRecord", json!({"StreamName": S, "PartitionKey": "k", "Data": "%%"}), "SerializationException"),
        (
            "SplitShard",
            json!({"StreamName": S, "ShardToSplit": shard, "NewStartingHashKey": "x"}),
            "ValidationException",
        ),
        (
            "SplitShard",
            json!({"StreamName": S, "ShardToSplit": "x", "NewStartingHashKey": "5"}),
            "ResourceNotFoundException",
        ),
        (
            "UpdateShardCount",
            json!({"StreamName": S, "TargetShardCount": 2, "ScalingType": "X"}),
            "ValidationException",
        ),
        ("UpdateMaxRecordSize", json!({"StreamName": S, "MaxRecordSizeInKiB": 2048}), "ValidationException"),
        ("UpdateMaxRecordSize", json!({"StreamARN": ARN, "MaxRecordSizeInKiB": 1}), "ValidationException"),
    ];
    for (operation, request, expected) in cases {
        assert_eq!(code(&mut world, operation, &request), expected, "{operation} {request}");
    }
}

#[test]
fn operations_that_the_model_does_not_have_are_refused_by_name() {
    let mut world = World::with_stream(1);
    for operation in ["CreateChannel", "StartStreamEncryption", "MakeCoffee"] {
        let (code, message) = world.call(operation, &json!({})).expect_err("refused");
        assert_eq!(code, "UnknownOperationException");
        assert!(message.contains(operation), "{message}");
    }
}

#[test]
fn a_dry_run_is_refused_rather_than_done() {
    let mut world = World::with_stream(1);
    let delete = json!({"StreamName": S, "DryRun": true});
    assert!(world.call("DeleteStream", &delete).expect_err("refused").1.contains("DryRun"));
    assert_eq!(ok(&mut world, "ListStreams", &json!({}))["StreamNames"], json!([S]));
    let put = json!({"StreamName": S, "PartitionKey": "k", "Data": "", "DryRun": false});
    ok(&mut world, "PutRecord", &put);
}

#[test]
fn calls_about_whole_streams_are_limited_by_the_second() {
    let cases = [("DescribeStream", 10), ("DescribeStreamSummary", 20), ("ListStreams", 5)];
    for (operation, most) in cases {
        let mut world = World::with_stream(1);
        let request = json!({"StreamName": S});
        for _ in 0..most {
            world.call(operation, &request).expect("within the limit");
        }
        assert_eq!(world.call(operation, &request).expect_err("one more").0, "LimitExceededException", "{operation}");
        world.pass(1000);
        world.call(operation, &request).expect("a second later");
    }
}
