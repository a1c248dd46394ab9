//! A position in a shard, of five kinds; and `GetShardIterator`, which makes an iterator of one.

use super::error::Error;
use super::iterator::ShardIterator;
use super::names::ShardId;
use super::put::rate_exceeded;
use super::sequence::SequenceNumber;
use super::settings::Settings;
use super::shard::Shard;
use super::{Kinesis, Timestamp, find, no_such_shard};

/// Where to start reading a shard (API reference, GetShardIterator, ShardIteratorType; StartingPosition, Type).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartingPosition {
    /// At the oldest record that is still held.
    TrimHorizon,
    /// After the most recent record.
    Latest,
    /// At this record. If it has left retention, at the oldest that is still held, without an error.
    AtSequenceNumber(SequenceNumber),
    /// Right after this record. If it has left retention, as above.
    AfterSequenceNumber(SequenceNumber),
    /// At the first record that arrived at this time or later; a time before the trim horizon means the horizon.
    AtTimestamp(Timestamp),
}

impl Kinesis {
    /// `GetShardIterator`. A closed shard still gives iterators, until it expires.
    pub fn get_shard_iterator(
        &mut self,
        stream: &str,
        shard: ShardId,
        position: StartingPosition,
        now: Timestamp,
    ) -> Result<String, Error> {
        let now = self.advance(now);
        let settings = &self.settings;
        let found = find(&mut self.streams, settings, stream)?;
        let found = found.shard_mut(shard, now).ok_or_else(|| no_such_shard(settings, stream, shard))?;
        let place = place("GetShardIterator", found, position, settings, stream, now)?;
        if !found.iterator_calls.admit_in_a_second(now, settings.iterator_calls_per_second) {
            return Err(rate_exceeded(settings, stream, shard));
        }
        let epoch = found.epoch;
        Ok(ShardIterator { stream: stream.to_owned(), shard, epoch, place, issued: now }.seal())
    }
}

/// The place that a position means. `operation` is who asks, for the words of the refusal.
pub(super) fn place(
    operation: &str,
    shard: &Shard,
    position: StartingPosition,
    settings: &Settings,
    stream: &str,
    now: Timestamp,
) -> Result<u64, Error> {
    let account = &settings.account;
    let ours =
        |number| check_origin(number, shard).map_err(|origin| origin.error(operation, account, stream, shard.id));
    Ok(match position {
        StartingPosition::TrimHorizon => 0,
        StartingPosition::Latest => shard.tip(),
        // Beyond the tip there is nothing to be at or after: a number that was never given out skips no record.
        StartingPosition::AtSequenceNumber(number) => ours(number)?.at().min(shard.tip()),
        StartingPosition::AfterSequenceNumber(number) => ours(number)?.after().min(shard.tip()),
        StartingPosition::AtTimestamp(time) => {
            check_past(time, now)?;
            shard.place_at(time)
        }
    })
}

/// Why a sequence number is no position in a shard.
enum WrongOrigin {
    Shard(ShardId),
    Stream(SequenceNumber),
}

fn check_origin(number: SequenceNumber, shard: &Shard) -> Result<SequenceNumber, WrongOrigin> {
    if number.shard != shard.id {
        Err(WrongOrigin::Shard(number.shard))
    } else if number.epoch != shard.epoch {
        Err(WrongOrigin::Stream(number))
    } else {
        Ok(number)
    }
}

impl WrongOrigin {
    fn error(self, operation: &str, account: &str, stream: &str, shard: ShardId) -> Error {
        match self {
            Self::Shard(encoded) => Error::invalid(format!(
                "Invalid StartingSequenceNumber. It encodes {encoded}, while it was used in a call to a shard with \
                 {shard}"
            )),
            Self::Stream(number) => foreign_number(operation, &number.to_string(), account, stream, shard),
        }
    }
}

/// The sign that the stream was deleted and made again, or that a checkpoint is of another stream.
pub(super) fn foreign_number(operation: &str, number: &str, account: &str, stream: &str, shard: ShardId) -> Error {
    Error::invalid(format!(
        "StartingSequenceNumber {number} used in {operation} on shard {shard} in stream {stream} under account \
         {account} is invalid because it did not come from this stream."
    ))
}

/// A reader whose clock is ahead meets this; the service gives both numbers so that it can correct itself.
fn check_past(time: Timestamp, now: Timestamp) -> Result<(), Error> {
    if time <= now {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: \
         {time}, currentTimestampInMillis: {now}"
    )))
}
