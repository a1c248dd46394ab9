//! Writing: `PutRecord` and `PutRecords`.

use super::error::{Error, ErrorCode};
use super::hash::hash_key;
use super::modes::RecordDistributionStrategy;
use super::names::ShardId;
use super::record::NewRecord;
use super::sequence::SequenceNumber;
use super::settings::Settings;
use super::stream::{Stream, StreamStatus};
use super::{Kinesis, Timestamp, find, no_such_shard, no_such_stream};

/// API reference, PutRecord, PartitionKey.
const PARTITION_KEY_MAX_CHARS: usize = 256;
/// The widest gap between the places of two records in a row.
const PLACE_GAP: u64 = 16;

/// Where a record was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// The shard.
    pub shard_id: ShardId,
    /// The place in the shard.
    pub sequence_number: SequenceNumber,
}

impl Kinesis {
    /// `PutRecord`. `rng` decides the shard where the service does, and the gap between sequence numbers.
    pub fn put_record(
        &mut self,
        stream: &str,
        record: NewRecord,
        now: Timestamp,
        rng: &mut fastrand::Rng,
    ) -> Result<Placed, Error> {
        let now = self.advance(now);
        let settings = &self.settings;
        let found = writable(find(&mut self.streams, settings, stream)?, settings, stream)?;
        check(&record, found)?;
        store(found, settings, stream, record, now, rng)
    }

    /// Puts a record into this shard, whatever its partition key says.
    pub fn put_into_shard(
        &mut self,
        stream: &str,
        shard: ShardId,
        record: NewRecord,
        now: Timestamp,
        rng: &mut fastrand::Rng,
    ) -> Result<Placed, Error> {
        let now = self.advance(now);
        let settings = &self.settings;
        let found = find(&mut self.streams, settings, stream)?;
        let place = found.shard(shard).ok_or_else(|| no_such_shard(settings, stream, shard))?.keys.start;
        self.put_record(stream, NewRecord { explicit_hash_key: Some(place), ..record }, now, rng)
    }

    /// `PutRecords`: each record is stored or throttled for itself; a record that is not valid fails the whole call.
    pub fn put_records(
        &mut self,
        stream: &str,
        records: Vec<NewRecord>,
        now: Timestamp,
        rng: &mut fastrand::Rng,
    ) -> Result<Vec<Result<Placed, Error>>, Error> {
        let now = self.advance(now);
        let settings = &self.settings;
        let most = settings.put_records_max_records;
        if records.is_empty() || records.len() > most {
            return Err(Error::constraint("records", &format!("Member must have length between 1 and {most}")));
        }
        let found = writable(find(&mut self.streams, settings, stream)?, settings, stream)?;
        records.iter().try_for_each(|record| check(record, found))?;
        let (bytes, most) = (records.iter().map(NewRecord::size).sum::<u64>(), settings.put_records_max_bytes);
        if bytes > most {
            return Err(Error::invalid(format!("Records size exceeds {most} bytes: the records have {bytes} bytes.")));
        }
        Ok(records.into_iter().map(|record| store(found, settings, stream, record, now, rng)).collect())
    }

    /// The checks of `SequenceNumberForOrdering`. The number itself changes nothing: in this model every record of a
    /// shard comes after all before it.
    pub(super) fn check_ordering(&mut self, stream: &str, number: &str, now: Timestamp) -> Result<(), Error> {
        self.advance(now);
        let found = self.stream(stream)?;
        if found.distribution == RecordDistributionStrategy::Auto {
            let rule = "SequenceNumberForOrdering cannot be used with record distribution strategy AUTO";
            return Err(Error::invalid(format!("{rule}, which stream {stream} has.")));
        }
        let ours = |number: &SequenceNumber| match found.shard(number.shard) {
            Some(shard) => shard.epoch == number.epoch,
            // The shard may have been one of this stream's that has expired.
            None => number.epoch >= found.epoch,
        };
        match number.parse().ok().filter(ours) {
            Some(_) => Ok(()),
            None => Err(Error::invalid(format!(
                "ExclusiveMinimumSequenceNumber {number} used in PutRecord on stream {stream} under account {} is \
                 invalid because it did not come from this stream.",
                self.settings.account
            ))),
        }
    }
}

/// The stream, once it has shards: before that the service does not find it.
fn writable<'a>(stream: &'a mut Stream, settings: &Settings, name: &str) -> Result<&'a mut Stream, Error> {
    if stream.status() == StreamStatus::Creating { Err(no_such_stream(settings, name)) } else { Ok(stream) }
}

/// What makes a record invalid, whatever the load (API reference, PutRecord).
fn check(record: &NewRecord, stream: &Stream) -> Result<(), Error> {
    match &record.partition_key {
        None if stream.distribution == RecordDistributionStrategy::UserPartitionKey => {
            return Err(Error::constraint("partitionKey", "Member must not be null"));
        }
        Some(key) if key.is_empty() || key.chars().count() > PARTITION_KEY_MAX_CHARS => {
            let rule = format!("Member must have length between 1 and {PARTITION_KEY_MAX_CHARS}");
            return Err(Error::constraint("partitionKey", &rule));
        }
        _ => {}
    }
    let most = u64::from(stream.record_size_kib) * 1024;
    if record.size() > most {
        return Err(Error::constraint("data", &format!("Member must have length less than or equal to {most}")));
    }
    Ok(())
}

fn store(
    stream: &mut Stream,
    settings: &Settings,
    name: &str,
    record: NewRecord,
    now: Timestamp,
    rng: &mut fastrand::Rng,
) -> Result<Placed, Error> {
    let shard = choose_shard(stream, &record, rng).and_then(|id| stream.shard_mut(id, now));
    let shard = shard.ok_or_else(|| no_such_stream(settings, name))?;
    let (size, bytes, records) = (record.size(), settings.write_bytes_per_second, settings.write_records_per_second);
    if !shard.write_bytes.fits(size, now, bytes) || !shard.write_records.fits(1, now, records) {
        return Err(rate_exceeded(settings, name, shard.id));
    }
    shard.write_bytes.charge(size);
    shard.write_records.charge(1);
    let sequence_number = shard.append(record, rng.u64(1..=PLACE_GAP), now);
    Ok(Placed { shard_id: shard.id, sequence_number })
}

/// `AUTO` spreads records over the shards and looks at no key; otherwise the hash key decides.
fn choose_shard(stream: &Stream, record: &NewRecord, rng: &mut fastrand::Rng) -> Option<ShardId> {
    match stream.distribution {
        RecordDistributionStrategy::Auto => {
            let count = stream.open_shard_count();
            if count == 0 { None } else { stream.nth_open_shard(rng.usize(..count)) }
        }
        RecordDistributionStrategy::UserPartitionKey => {
            let key = record.explicit_hash_key.or_else(|| record.partition_key.as_deref().map(hash_key))?;
            stream.shard_of(key)
        }
    }
}

/// The message that writers and readers of a busy shard get.
pub(super) fn rate_exceeded(settings: &Settings, stream: &str, shard: ShardId) -> Error {
    let account = &settings.account;
    let text = format!("Rate exceeded for shard {shard} in stream {stream} under account {account}.");
    Error::new(ErrorCode::ProvisionedThroughputExceeded, text)
}
