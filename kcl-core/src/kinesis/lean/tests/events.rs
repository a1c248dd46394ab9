//! Events of `SubscribeToShard`.

use super::compare_events;

#[test]
fn events_are_read_as_by_the_sdk() {
    for (text, lean) in [
        (
            r#"{"Records":[{"SequenceNumber":"1","Data":"aGk=","PartitionKey":"\u00e9","ApproximateArrivalTimestamp":1.5}],"ContinuationSequenceNumber":"2","MillisBehindLatest":3}"#,
            true,
        ),
        (
            r#"{"Records":[],"ContinuationSequenceNumber":"2","MillisBehindLatest":0,"ChildShards":[{"ShardId":"c","ParentShards":["p"],"HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"1"}}]}"#,
            true,
        ),
        ("{}", true),
        (r#"{"Records":[{"SequenceNumber":"1","Data":"aGk"}]}"#, false),
        (r#"{"Records":"#, false),
        ("", false),
    ] {
        assert_eq!(compare_events(text.as_bytes()), lean, "{text}");
    }
}
