//! Events of `SubscribeToShard`.

use aws_sdk_kinesis::types::SubscribeToShardEvent;
use aws_smithy_json::protocol::aws_json_rpc::AwsJsonRpcProtocol;
use aws_smithy_schema::protocol::ClientProtocolInner;

use super::super::protocol::LeanJson;

fn event(protocol: &impl ClientProtocolInner, text: &str) -> Result<SubscribeToShardEvent, String> {
    let codec = protocol.payload_codec().expect("one for events");
    let mut payload = codec.create_deserializer(text.as_bytes());
    SubscribeToShardEvent::deserialize(&mut *payload).map_err(|error| error.to_string())
}

#[test]
fn events_are_read_as_by_the_sdk() {
    let theirs = AwsJsonRpcProtocol::aws_json_1_1();
    for text in [
        r#"{"Records":[{"SequenceNumber":"1","Data":"aGk=","PartitionKey":"\u00e9","ApproximateArrivalTimestamp":1.5}],"ContinuationSequenceNumber":"2","MillisBehindLatest":3}"#,
        r#"{"Records":[],"ContinuationSequenceNumber":"2","MillisBehindLatest":0,"ChildShards":[{"ShardId":"c","ParentShards":["p"],"HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"1"}}]}"#,
        "{}",
        r#"{"Records":[{"SequenceNumber":"1","Data":"aGk"}]}"#,
        r#"{"Records":"#,
        "",
    ] {
        assert_eq!(event(&LeanJson::default(), text), event(&theirs, text), "{text}");
    }
}
