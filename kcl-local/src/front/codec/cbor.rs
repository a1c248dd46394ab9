//! Bodies in CBOR, as `application/x-amz-cbor-1.1` has them.
//!
//! The members are those of the JSON form. Two kinds of value differ, and are translated here:
//!
//! | | JSON | CBOR |
//! |---|---|---|
//! | blob | base64 in a string | byte string |
//! | time | seconds since the epoch, with a fraction | milliseconds since the epoch, an integer with tag 1 |
//!
//! The milliseconds are the protocol's own: by RFC 8949, 3.4.2 an integer with tag 1 is in seconds. Byte strings and
//! tagged times tell by themselves what they are when they are read. To write them, and to read a time that a client
//! did not tag, the members of the Kinesis API that hold them are known by name.

use std::io;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ciborium::Value as Cbor;
use serde_json::{Number, Value};

use crate::wire::Timestamp;

/// The tag of a time.
const TIME: u64 = 1;

/// Every member of the Kinesis API that is a blob.
const BLOBS: [&str; 1] = ["Data"];

/// Every member of the Kinesis API that is a time.
const TIMES: [&str; 4] =
    ["ApproximateArrivalTimestamp", "ConsumerCreationTimestamp", "StreamCreationTimestamp", "Timestamp"];

/// Reads a body into its JSON form.
pub(super) fn read(mut body: &[u8]) -> Result<Value, String> {
    let cbor: Cbor =
        ciborium::from_reader(&mut body).map_err(|error| format!("the body is not CBOR: {}", why(&error)))?;
    if !body.is_empty() {
        return Err(format!("the body is not CBOR: {} bytes follow its end", body.len()));
    }
    to_json(cbor, "")
}

/// `ciborium` prints its errors in the form of Rust's `Debug`.
fn why(error: &ciborium::de::Error<io::Error>) -> String {
    match error {
        ciborium::de::Error::Io(_) => "it ends early".to_owned(),
        ciborium::de::Error::Syntax(offset) => format!("no value can begin with byte {offset}"),
        ciborium::de::Error::Semantic(_, reason) => reason.clone(),
        ciborium::de::Error::RecursionLimitExceeded => "its values are nested too deeply".to_owned(),
    }
}

/// The JSON form of the value of the member `name`; elements have the name of their list.
fn to_json(cbor: Cbor, name: &str) -> Result<Value, String> {
    Ok(match cbor {
        Cbor::Null => Value::Null,
        Cbor::Bool(bool) => bool.into(),
        Cbor::Integer(milliseconds) if TIMES.contains(&name) => time(milliseconds, name)?,
        Cbor::Integer(integer) => integer_json(integer, name)?,
        Cbor::Float(float) => Number::from_f64(float).ok_or_else(|| format!("{name} is not a number"))?.into(),
        Cbor::Text(text) => text.into(),
        Cbor::Bytes(bytes) => BASE64_STANDARD.encode(bytes).into(),
        Cbor::Array(items) => items.into_iter().map(|item| to_json(item, name)).collect::<Result<_, _>>()?,
        Cbor::Map(members) => members.into_iter().map(member).collect::<Result<_, _>>()?,
        Cbor::Tag(TIME, tagged) => match *tagged {
            Cbor::Integer(milliseconds) => time(milliseconds, name)?,
            _ => return Err(format!("{name} is tagged as a time and is not an integer")),
        },
        Cbor::Tag(_, tagged) => to_json(*tagged, name)?,
        _ => return Err(format!("{name} has a value of an unknown kind")),
    })
}

fn member((name, value): (Cbor, Cbor)) -> Result<(String, Value), String> {
    let name = name.into_text().map_err(|_| "the name of a member is not a text".to_owned())?;
    let value = to_json(value, &name)?;
    Ok((name, value))
}

fn integer_json(integer: ciborium::value::Integer, name: &str) -> Result<Value, String> {
    let unsigned = u64::try_from(integer).map(Value::from);
    unsigned.or_else(|_| i64::try_from(integer).map(Value::from)).map_err(|_| format!("{name} is out of range"))
}

fn time(milliseconds: ciborium::value::Integer, name: &str) -> Result<Value, String> {
    let milliseconds = u64::try_from(milliseconds).map_err(|_| format!("{name} is a time before 1970"))?;
    Ok(Timestamp(milliseconds).to_json())
}

/// Writes a body from its JSON form.
pub(super) fn write(body: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Nothing can fail: there is always more memory, and every value of this kind has a form in CBOR.
    let _ = ciborium::into_writer(&from_json(body, ""), &mut bytes);
    bytes
}

fn from_json(json: &Value, name: &str) -> Cbor {
    match json {
        Value::Null => Cbor::Null,
        Value::Bool(bool) => Cbor::Bool(*bool),
        Value::Number(number) => number_cbor(number, name),
        Value::String(text) => text_cbor(text, name),
        Value::Array(items) => Cbor::Array(items.iter().map(|item| from_json(item, name)).collect()),
        Value::Object(members) => {
            Cbor::Map(members.iter().map(|(name, member)| (name.as_str().into(), from_json(member, name))).collect())
        }
    }
}

fn number_cbor(number: &Number, name: &str) -> Cbor {
    let float = number.as_f64().unwrap_or_default();
    if TIMES.contains(&name)
        && let Some(time) = Timestamp::from_json(float)
    {
        return Cbor::Tag(TIME, Box::new(time.0.into()));
    }
    match (number.as_u64(), number.as_i64()) {
        (Some(unsigned), _) => unsigned.into(),
        (None, Some(signed)) => signed.into(),
        (None, None) => float.into(),
    }
}

fn text_cbor(text: &str, name: &str) -> Cbor {
    let blob = if BLOBS.contains(&name) { BASE64_STANDARD.decode(text).ok() } else { None };
    blob.map_or_else(|| text.into(), Cbor::Bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A request as the AWS SDK for Java 2.41.21 sent it: the map has no length, the time is tagged.
    #[test]
    fn a_request_of_the_java_sdk_is_read() {
        let body = b"\xbf\x6aStreamName\x66orders\x67ShardId\x74shardId-000000000001\
            \x71ShardIteratorType\x6cAT_TIMESTAMP\x69Timestamp\xc1\x1b\x00\x00\x01\x9b\x76\xdb\x20\x7b\xff";
        let expected = json!({
            "StreamName": "orders",
            "ShardId": "shardId-000000000001",
            "ShardIteratorType": "AT_TIMESTAMP",
            "Timestamp": 1_767_225_630.843,
        });
        assert_eq!(read(body), Ok(expected));
    }

    #[test]
    fn blobs_and_times_are_written_as_the_protocol_has_them() {
        let body = json!({"Records": [{"Data": "aGk=", "ApproximateArrivalTimestamp": 1_767_225_600.5}]});
        let expected = b"\xa1\x67Records\x81\xa2\x64Data\x42hi\
            \x78\x1bApproximateArrivalTimestamp\xc1\x1b\x00\x00\x01\x9b\x76\xda\xa9\xf4";
        assert_eq!(write(&body), expected);
    }

    #[test]
    fn texts_are_read_whole_and_in_segments() {
        assert_eq!(read(b"\xa1\x61a\x7f\x62bc\x61d\xff"), Ok(json!({"a": "bcd"})));
        assert_eq!(read(b"\xa1\x64Data\x5f\x41h\x41i\xff"), Ok(json!({"Data": "aGk="})));
    }

    #[test]
    fn a_member_without_a_value_is_null_and_one_left_out_is_absent() {
        assert_eq!(read(b"\xa1\x65Limit\xf6"), Ok(json!({"Limit": null})));
        assert_eq!(read(b"\xa0"), Ok(json!({})));
        assert_eq!(write(&json!({"NextToken": null})), b"\xa1\x69NextToken\xf6");
    }

    #[test]
    fn a_time_is_in_milliseconds_with_and_without_its_tag() {
        for body in
            [&b"\xa1\x69Timestamp\x19\x05\xdc"[..], b"\xa1\x69Timestamp\xc1\x19\x05\xdc", b"\xa1\x61t\xc1\x19\x05\xdc"]
        {
            let read = read(body).expect("CBOR");
            assert_eq!(read.as_object().and_then(|members| members.values().next()), Some(&json!(1.5)), "{body:?}");
        }
        assert_eq!(read(b"\xa1\x65Limit\x19\x05\xdc"), Ok(json!({"Limit": 1500})));
    }

    #[test]
    fn what_has_no_json_form_is_refused_in_words() {
        for (body, words) in [
            (&b"\xa1\x01\x02"[..], "the name of a member is not a text"),
            (b"\xa1\x69Timestamp\x20", "Timestamp is a time before 1970"),
            (b"\xa1\x69Timestamp\xc1\x61x", "Timestamp is tagged as a time and is not an integer"),
            (b"\xa1\x61f\xf9\x7e\x00", "f is not a number"),
            (b"\xa1\x61i\x3b\xff\xff\xff\xff\xff\xff\xff\xff", "i is out of range"),
            (b"\xa1\x61i", "the body is not CBOR: it ends early"),
            (b"\xa0\xa0", "the body is not CBOR: 1 bytes follow its end"),
            (b"\xfc", "the body is not CBOR"),
            (&b"\x81".repeat(10_000), "the body is not CBOR: its values are nested too deeply"),
        ] {
            let refused = read(body).expect_err("refused");
            assert!(refused.starts_with(words), "{body:?}: {refused}");
        }
    }

    #[test]
    fn any_value_that_is_written_is_read_back() {
        let mut rng = fastrand::Rng::with_seed(4);
        for _ in 0..5_000 {
            let made = json!({"Made": value(&mut rng, 4)});
            assert_eq!(read(&write(&made)), Ok(made));
        }
    }

    /// Any cut or changed byte is read as something or refused, and never more than that.
    #[test]
    fn damaged_bodies_are_read_or_refused() {
        let mut rng = fastrand::Rng::with_seed(5);
        for _ in 0..5_000 {
            let mut body = write(&value(&mut rng, 3));
            let at = rng.usize(..body.len());
            if rng.bool() {
                body.truncate(at);
            } else {
                body[at] = rng.u8(..);
            }
            let _ = read(&body);
        }
    }

    /// A value as the Kinesis API has them: times and blobs where their names are.
    fn value(rng: &mut fastrand::Rng, depth: u32) -> Value {
        let kinds = if depth == 0 { 7 } else { 9 };
        match rng.u8(..kinds) {
            0 => Value::Null,
            1 => rng.bool().into(),
            2 => (rng.u64(..) >> rng.u32(..64)).into(),
            3 => (rng.i64(..) >> rng.u32(..64)).into(),
            4 => rng.f64().into(),
            5 => text(rng).into(),
            6 => object(rng, 0),
            7 => (0..rng.usize(..4)).map(|_| value(rng, depth - 1)).collect(),
            _ => object(rng, depth - 1),
        }
    }

    fn object(rng: &mut fastrand::Rng, depth: u32) -> Value {
        let mut object = json!({});
        for _ in 0..rng.usize(..4) {
            match rng.u8(..3) {
                0 => object[TIMES[rng.usize(..TIMES.len())]] = Timestamp(rng.u64(..4_000_000_000_000)).to_json(),
                1 => object[BLOBS[0]] = BASE64_STANDARD.encode(text(rng)).into(),
                _ => object[text(rng)] = if depth == 0 { Value::Null } else { value(rng, depth - 1) },
            }
        }
        object
    }

    fn text(rng: &mut fastrand::Rng) -> String {
        (0..rng.usize(..40)).map(|_| rng.char(..)).collect()
    }
}
