//! Answers, one by one.

use super::{compare, leanly};

const RECORD: &str = r#"{"Records":[{"SequenceNumber":"49","ApproximateArrivalTimestamp":1796000000.125,"Data":"aGVsbG8=","PartitionKey":"k"}],"NextShardIterator":"AAA","MillisBehindLatest":60}"#;

/// One record with these members beside what it must have.
fn record(members: &str) -> String {
    format!(r#"{{"Records":[{{"SequenceNumber":"1","Data":"",{members}}}]}}"#)
}

/// Its partition key, read leanly.
fn key(written: &str) -> Option<String> {
    let text = record(&format!(r#""PartitionKey":"{written}""#));
    assert!(compare(text.as_bytes()), "{written}");
    leanly(text.as_bytes()).expect("read").records.remove(0).partition_key
}

#[test]
fn an_answer_is_read() {
    let answer = leanly(RECORD.as_bytes()).expect("read");
    let record = &answer.records[0];
    assert_eq!((record.sequence_number(), record.partition_key()), ("49", Some("k")));
    assert_eq!(record.data().as_ref(), b"hello");
    assert_eq!(record.approximate_arrival_timestamp().expect("a time").as_nanos(), 1_796_000_000_125_000_000);
    assert_eq!((answer.next_shard_iterator(), answer.millis_behind_latest()), (Some("AAA"), Some(60)));
    assert!(answer.child_shards.is_none());
}

#[test]
fn a_string_is_what_its_escapes_say() {
    for (written, meant) in [
        (r"\u00e9\n\/\\\u0022", "é\n/\\\""),
        (r"\ud83d\ude00", "😀"),
        ("é漢😀", "é漢😀"),
        (r"\u0000", "\0"),
        ("raw\u{1}control", "raw\u{1}control"),
    ] {
        assert_eq!(key(written).as_deref(), Some(meant));
    }
}

#[test]
fn these_are_read_leanly() {
    for text in [
        RECORD,
        "{}",
        " \n\t\r{ \"Records\" : [ ] } \n",
        r#"{"Records":null,"NextShardIterator":null,"MillisBehindLatest":null,"ChildShards":null}"#,
        r#"{"Records":[{"Data":"aGk=","SequenceNumber":"1"}],"MillisBehindLatest":0}"#,
        r#"{"Records":[{"D\u0061ta":"aGk=","SequenceNumber":"1"}]}"#,
        r#"{"Records":[{}]}"#,
        r#"{"Records":[{"Data":"a\/8=","SequenceNumber":"1","EncryptionType":"KMS"}]}"#,
        r#"{"NextShardIterator":"a","NextShardIterator":"b","NextShardIterator":null}"#,
        r#"{"MillisBehindLatest":-9223372036854775808}"#,
        r#"{"Unknown":{"a":[1,-2.5e-3,true,false,null,"x\u0041\"",{}],"b":{}},"__type":"x","MillisBehindLatest":1}"#,
        r#"{"Records":[],"ChildShards":[{"ShardId":"c","ParentShards":["a","b"],"HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"9"}},{"ShardId":"d","ParentShards":[],"HashKeyRange":{}}]}"#,
    ] {
        assert!(compare(text.as_bytes()), "{text}");
    }
    for time in ["0", "-0", "1796000000", "1.796e9", "1796000000.189", "17960000001.8E-1", "-1.5", "0.0000000001"] {
        assert!(compare(record(&format!(r#""ApproximateArrivalTimestamp":{time}"#)).as_bytes()), "{time}");
    }
}

#[test]
fn these_are_left_to_the_sdk() {
    for text in [
        "",
        "null",
        "[]",
        "{",
        "{}x",
        "{,}",
        "{\"Records\":[,]}",
        "{\"Records\":[]]}",
        "{\"Records\":[],}",
        "{\"Records\":[]\"MillisBehindLatest\":1}",
        "{\"Records\":[{},]}",
        "{\"Records\":[null]}",
        "{\"Records\":{}}",
        "{\"Records\":\"\"}",
        "{\"Records\" []}",
        "{Records:[]}",
        "{\"NextShardIterator\":1}",
        "{\"NextShardIterator\":\"",
        "{\"NextShardIterator\":\"\\",
        "{\"NextShardIterator\":\"\\\"}",
        "{\"NextShardIterator\":nullx}",
        r#"{"NextShardIterator":"\ud83d"}"#,
        r#"{"NextShardIterator":"\ud83d\u0041"}"#,
        r#"{"NextShardIterator":"\x"}"#,
        r#"{"NextShardIterator":"\u+041"}"#,
        r#"{"MillisBehindLatest":1.0}"#,
        r#"{"MillisBehindLatest":1e3}"#,
        r#"{"MillisBehindLatest":"1"}"#,
        r#"{"MillisBehindLatest":+1}"#,
        r#"{"MillisBehindLatest":1-2}"#,
        r#"{"MillisBehindLatest":01}"#,
        r#"{"MillisBehindLatest":9223372036854775808}"#,
        r#"{"Unknown":{"a":[1,]}}"#,
        r#"{"Unknown":tru}"#,
        r#"{"Unknown":01}"#,
        r#"{"Unknown":"\ud800"}"#,
        "{\"Unknown\":\"\u{1}\"}",
        r#"{"ChildShards":[{"ShardId":"c","ParentShards":[null]}]}"#,
        "\u{feff}{}",
    ] {
        assert!(!compare(text.as_bytes()), "{text}");
    }
    for time in [
        "1.",
        ".5",
        "1e",
        "1e999",
        "-1e999",
        "1e300",
        "99999999999999999999",
        "\"1796000000\"",
        "\"2026-01-01T00:00:00Z\"",
    ] {
        assert!(!compare(record(&format!(r#""ApproximateArrivalTimestamp":{time}"#)).as_bytes()), "{time}");
    }
    for data in ["a", "aGVsbG8", "aGVsbG9=", "a GVs", "aGVs\\n", "____", "é", "=", "aGk=aGk="] {
        let text = format!(r#"{{"Records":[{{"SequenceNumber":"1","Data":"{data}"}}]}}"#);
        assert!(!compare(text.as_bytes()), "{data}");
    }
    for text in [&b"{\"NextShardIterator\":\"\xff\"}"[..], b"{\"Unknown\":\"\xff\"}", b"{\"\xff\":1}"] {
        assert!(!compare(text));
    }
}

#[test]
fn an_answer_cut_off_anywhere_is_refused_as_by_the_sdk() {
    for end in 0..RECORD.len() {
        assert!(!compare(&RECORD.as_bytes()[..end]), "{end}");
    }
}

#[test]
fn what_was_read_before_a_failure_leaves_nothing_behind() {
    // The first record is read twice, and must not be there twice.
    let text = r#"{"NextShardIterator":"a","Records":[{"SequenceNumber":"1","Data":"aGk="},{"SequenceNumber":"2","Data":"aGk=","New":"\ud800"}]}"#;
    assert!(!compare(text.as_bytes()));
    assert_eq!(super::ours(text.as_bytes()).expect("by the SDK").records.len(), 2);
}

#[test]
fn nesting_is_bounded() {
    for (deep, lean) in [(32, true), (33, false), (100, false), (200, false), (100_000, false)] {
        let text = format!("{{\"Unknown\":{}{}}}", "[".repeat(deep), "]".repeat(deep));
        assert_eq!(compare(text.as_bytes()), lean, "{deep}");
        assert!(!compare(format!("{{\"Unknown\":{}", "[".repeat(deep)).as_bytes()));
        assert!(!compare(format!("{{\"Records\":{}", "[".repeat(deep)).as_bytes()));
    }
}
