//! Pieces that many requests and answers share.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::kinesis::error::{Error, ErrorCode};
use crate::kinesis::names::{self, ShardId};
use crate::kinesis::settings::Settings;
use crate::kinesis::{HashKeyRange, Kinesis, ShardDescription, Timestamp, no_such_shard};

/// The part of a request that an operation knows. Fields that it does not know are ignored, as the service does.
pub(super) fn parse<'a, T: Deserialize<'a>>(request: &'a Value) -> Result<T, Error> {
    T::deserialize(request).map_err(|error| Error::new(ErrorCode::Serialization, error.to_string()))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamRef<'a> {
    stream_name: Option<&'a str>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<&'a str>,
}

/// The name of the stream that a request is about, by name or ARN.
pub(super) fn stream<'a>(settings: &Settings, request: &'a Value) -> Result<&'a str, Error> {
    let StreamRef { stream_name, stream_arn } = parse(request)?;
    names::resolve(settings, stream_name, stream_arn)
}

/// As [`stream`], where the service takes an ARN only.
pub(super) fn stream_by_arn<'a>(settings: &Settings, request: &'a Value) -> Result<&'a str, Error> {
    let StreamRef { stream_arn, .. } = parse(request)?;
    if stream_arn.is_none() {
        return Err(Error::constraint("streamARN", "Member must not be null"));
    }
    names::resolve(settings, None, stream_arn)
}

/// A shard of a stream. A text that is no shard id names no shard.
pub(super) fn shard(kinesis: &Kinesis, stream: &str, text: &str) -> Result<ShardId, Error> {
    text.parse().map_err(|_| no_such_shard(&kinesis.settings, stream, text))
}

/// A shard to list after.
pub(super) fn shard_bound(field: &str, text: &str) -> Result<ShardId, Error> {
    text.parse().map_err(|_| Error::invalid(format!("{field} {text} is not a shard id.")))
}

/// The value whose name on the wire is `text`.
pub(super) fn one_of<T: Copy>(field: &str, text: &str, all: &[T], name: fn(T) -> &'static str) -> Result<T, Error> {
    all.iter().copied().find(|value| name(*value) == text).ok_or_else(|| {
        let names: Vec<&str> = all.iter().copied().map(name).collect();
        Error::constraint(field, &format!("Member must satisfy enum value set: [{}]", names.join(", ")))
    })
}

/// A number that the service wants to be in the range of `T`.
pub(super) fn number<T: TryFrom<i64>>(field: &str, value: i64) -> Result<T, Error> {
    T::try_from(value).map_err(|_| Error::constraint(field, "Member must be within its range"))
}

/// A hash key: `0|([1-9]\d{0,38})`, and below 2^128 (API reference, PutRecord and SplitShard).
pub(super) fn hash_key(field: &str, text: &str) -> Result<u128, Error> {
    let decimal = (1..=39).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !decimal || (text.len() > 1 && text.starts_with('0')) {
        let rule = r"Member must satisfy regular expression pattern: 0|([1-9]\d{0,38})";
        return Err(Error::constraint(field, rule));
    }
    text.parse().map_err(|_| {
        Error::invalid(format!(
            "Invalid {field}. {field} must be in the range: [0, 2^128-1]. Specified value was {text}"
        ))
    })
}

/// A time in the JSON protocol: seconds since the epoch, with the milliseconds as a fraction.
pub(super) fn time(field: &str, seconds: f64) -> Result<Timestamp, Error> {
    Timestamp::from_json(seconds).ok_or_else(|| Error::invalid(format!("{field} is not a time since the Unix epoch.")))
}

pub(super) fn time_json(time: Timestamp) -> Value {
    time.to_json()
}

pub(super) fn hash_keys_json(keys: HashKeyRange) -> Value {
    json!({"StartingHashKey": keys.start.to_string(), "EndingHashKey": keys.end.to_string()})
}

pub(super) fn shard_json(shard: &ShardDescription) -> Value {
    let mut body = json!({"ShardId": shard.shard_id.to_string()});
    if let Some(parent) = shard.parent_shard_id {
        body["ParentShardId"] = json!(parent.to_string());
    }
    if let Some(parent) = shard.adjacent_parent_shard_id {
        body["AdjacentParentShardId"] = json!(parent.to_string());
    }
    body["HashKeyRange"] = hash_keys_json(shard.hash_key_range);
    let mut numbers = json!({"StartingSequenceNumber": shard.starting_sequence_number.to_string()});
    if let Some(ending) = shard.ending_sequence_number {
        numbers["EndingSequenceNumber"] = json!(ending.to_string());
    }
    body["SequenceNumberRange"] = numbers;
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        let mut rng = fastrand::Rng::with_seed(3);
        for _ in 0..10_000 {
            let made = Timestamp(rng.u64(0..4_000_000_000_000));
            let text = time_json(made).to_string();
            let seconds: f64 = text.parse().expect("a number");
            assert_eq!(time("Timestamp", seconds), Ok(made), "{text}");
        }
        assert_eq!(time_json(Timestamp(1_699_999_999_123)).to_string(), "1699999999.123");
        assert!(time("Timestamp", -1.0).is_err());
        assert!(time("Timestamp", f64::NAN).is_err());
    }

    #[test]
    fn hash_keys_are_canonical_decimals_below_two_to_the_128() {
        assert_eq!(hash_key("k", "0"), Ok(0));
        assert_eq!(hash_key("k", &u128::MAX.to_string()), Ok(u128::MAX));
        let cases = [
            ("", ErrorCode::Validation),
            ("00", ErrorCode::Validation),
            ("+1", ErrorCode::Validation),
            ("1x", ErrorCode::Validation),
            ("1000000000000000000000000000000000000000", ErrorCode::Validation),
            ("340282366920938463463374607431768211456", ErrorCode::InvalidArgument),
        ];
        for (text, code) in cases {
            assert_eq!(hash_key("k", text).map_err(|e| e.code), Err(code), "{text}");
        }
    }
}
