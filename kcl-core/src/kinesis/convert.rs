//! From the SDK's types to ours.

use std::time::Duration;

use aws_sdk_kinesis::types::{self, ShardIteratorType};
use aws_smithy_types::DateTime;
use bytes::Bytes;

use crate::ids::ShardId;
use crate::position::{InvalidSequenceNumber, SequenceNumber};
use crate::retrieval::{RawRecord, StartAt};
use crate::shard::{ChildShard, HashKeyRange, Shard};
use crate::time::Timestamp;

/// A record. The payload is moved, not copied.
///
/// # Errors
/// If its sequence number is none.
pub fn record(record: types::Record) -> Result<RawRecord, InvalidSequenceNumber> {
    Ok(RawRecord {
        sequence_number: SequenceNumber::parse(&record.sequence_number)?,
        partition_key: record.partition_key,
        data: Bytes::from(record.data.into_inner()),
        arrival: record.approximate_arrival_timestamp.and_then(timestamp),
    })
}

/// A shard of a listing.
pub fn shard(shard: types::Shard) -> Shard {
    let sequences = shard.sequence_number_range;
    Shard {
        id: ShardId::new(shard.shard_id),
        parents: [shard.parent_shard_id, shard.adjacent_parent_shard_id]
            .into_iter()
            .flatten()
            .map(ShardId::new)
            .collect(),
        hash_range: shard.hash_key_range.as_ref().and_then(hash_range),
        starting_sequence: sequences
            .as_ref()
            .and_then(|range| SequenceNumber::parse(&range.starting_sequence_number).ok()),
        closed: sequences.is_some_and(|range| range.ending_sequence_number.is_some()),
    }
}

/// A child that a shard ended with.
pub fn child(child: types::ChildShard) -> ChildShard {
    ChildShard {
        id: ShardId::new(child.shard_id),
        parents: child.parent_shards.into_iter().map(ShardId::new).collect(),
        hash_range: child.hash_key_range.as_ref().and_then(hash_range),
    }
}

/// `None` also where the numbers are none: a range is a help for placing records, not a reason not to read a shard.
fn hash_range(range: &types::HashKeyRange) -> Option<HashKeyRange> {
    HashKeyRange::new(range.starting_hash_key.parse().ok()?, range.ending_hash_key.parse().ok()?)
}

/// A time. `None` for a time before 1970 and for 1970 itself, which the SDK puts where a service says nothing.
pub fn timestamp(time: DateTime) -> Option<Timestamp> {
    // Rounded: the SDK reads a fraction of a second as a binary one, which may be a little less than what was sent.
    let millis = u64::try_from((time.as_nanos() + 500_000) / 1_000_000).ok();
    millis.filter(|millis| *millis > 0).map(Timestamp::from_millis)
}

/// A time, for a request.
pub fn date_time(time: Timestamp) -> DateTime {
    DateTime::from_millis(i64::try_from(time.millis()).unwrap_or(i64::MAX))
}

/// A position as requests name it: its type, and the sequence number or the time that goes with it. The SDK writes times as
/// this protocol wants them: in seconds, with a fraction.
pub fn position(from: &StartAt) -> (ShardIteratorType, Option<&str>, Option<DateTime>) {
    match from {
        StartAt::TrimHorizon => (ShardIteratorType::TrimHorizon, None, None),
        StartAt::Latest => (ShardIteratorType::Latest, None, None),
        StartAt::Timestamp(time) => (ShardIteratorType::AtTimestamp, None, Some(date_time(*time))),
        StartAt::At(number) => (ShardIteratorType::AtSequenceNumber, Some(number.as_str()), None),
        StartAt::After(number) => (ShardIteratorType::AfterSequenceNumber, Some(number.as_str()), None),
    }
}

/// `MillisBehindLatest`, which is never taken for less than nothing.
pub fn behind(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use aws_sdk_kinesis::primitives::Blob;

    use super::*;

    #[test]
    fn a_record_without_a_key_is_not_one_with_an_empty_key() {
        for key in [None, Some(String::new()), Some("k".to_owned())] {
            let from =
                types::Record::builder().sequence_number("7").data(Blob::new("x")).set_partition_key(key.clone());
            let to = record(from.build().expect("complete")).expect("a number");
            assert_eq!((to.partition_key, &to.data[..], to.arrival), (key, &b"x"[..], None));
        }
    }

    #[test]
    fn a_sequence_number_must_be_one() {
        let from = types::Record::builder().sequence_number("").data(Blob::new("x")).build().expect("complete");
        record(from).expect_err("no number");
    }

    fn range(start: &str, end: &str) -> types::HashKeyRange {
        types::HashKeyRange::builder().starting_hash_key(start).ending_hash_key(end).build().expect("complete")
    }

    #[test]
    fn a_shard_without_an_end_is_open() {
        let numbers = types::SequenceNumberRange::builder().starting_sequence_number("12");
        for (end, closed) in [(None, false), (Some("99".to_owned()), true)] {
            let numbers = numbers.clone().set_ending_sequence_number(end).build().expect("complete");
            let from = types::Shard::builder().shard_id("c").parent_shard_id("a").adjacent_parent_shard_id("b");
            let from = from.hash_key_range(range("0", "9")).sequence_number_range(numbers).build().expect("complete");
            let expected = Shard {
                id: ShardId::new("c"),
                parents: vec![ShardId::new("a"), ShardId::new("b")],
                hash_range: HashKeyRange::new(0, 9),
                starting_sequence: SequenceNumber::parse("12").ok(),
                closed,
            };
            assert_eq!(shard(from), expected);
        }
    }

    #[test]
    fn what_is_no_range_of_hash_keys_is_left_out() {
        let most = u128::MAX.to_string();
        assert_eq!(hash_range(&range("0", &most)), Some(HashKeyRange::FULL));
        for (start, end) in
            [("", "5"), ("5", "5"), ("9", "5"), ("-1", "5"), ("0", "340282366920938463463374607431768211456")]
        {
            assert_eq!(hash_range(&range(start, end)), None, "{start} {end}");
        }
    }

    #[test]
    fn times_go_there_and_back() {
        let time = Timestamp::from_millis(1_700_000_000_123);
        assert_eq!(timestamp(date_time(time)), Some(time));
        assert_eq!(timestamp(DateTime::from_secs(0)), None);
        assert_eq!(timestamp(DateTime::from_secs(-1)), None);
        assert_eq!(
            timestamp(DateTime::from_secs_f64(1_700_000_000.189)),
            Some(Timestamp::from_millis(1_700_000_000_189))
        );
        assert_eq!(behind(-1), Duration::ZERO);
    }
}
