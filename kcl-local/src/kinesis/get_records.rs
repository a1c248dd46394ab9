//! `GetRecords`: what a shard holds from an iterator on.

use super::error::Error;
use super::hash::HashKeyRange;
use super::iterator::ShardIterator;
use super::names::ShardId;
use super::put::rate_exceeded;
use super::record::Record;
use super::settings::Settings;
use super::shard::Shard;
use super::stream::Stream;
use super::{Kinesis, Timestamp, find, no_such_shard};

/// What `GetRecords` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordsPage {
    /// The records, in order.
    pub records: Vec<Record>,
    /// Where to go on; `None` at the end of a closed shard, which is the only sign of it.
    pub next_shard_iterator: Option<String>,
    /// Age in milliseconds of the first record after this page; 0 when there is none.
    ///
    /// The API reference says only "how far behind current time the consumer is", and that 0 means caught up.
    pub millis_behind_latest: u64,
    /// The children of the shard, with the last page of a closed shard only.
    pub child_shards: Option<Vec<ChildShard>>,
}

/// A shard that goes on where another ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildShard {
    /// The child.
    pub shard_id: ShardId,
    /// One parent after a split, both after a merge, whichever of them was read.
    pub parent_shards: Vec<ShardId>,
    /// The hash keys that the child takes.
    pub hash_key_range: HashKeyRange,
}

impl Kinesis {
    /// `GetRecords`. `limit` is a number of records from 1 to the setting `read_max_records`.
    pub fn get_records(
        &mut self,
        iterator: &str,
        limit: Option<usize>,
        now: Timestamp,
        rng: &mut fastrand::Rng,
    ) -> Result<RecordsPage, Error> {
        let now = self.advance(now);
        let iterator = ShardIterator::open(iterator)?;
        iterator.check_age(&self.settings, now)?;
        let limit = check_limit(limit, self.settings.read_max_records)?;
        self.check_key(&iterator.stream)?;

        let settings = &self.settings;
        let stream = find(&mut self.streams, settings, &iterator.stream)?;
        let shard = stream.shard_mut(iterator.shard, now).filter(|shard| shard.epoch == iterator.epoch);
        let shard = shard.ok_or_else(|| no_such_shard(settings, &iterator.stream, iterator.shard))?;
        admit(shard, settings, &iterator.stream, now)?;

        let empty = rng.u8(..100) < settings.empty_reads_percent;
        let records = if empty { Vec::new() } else { take(shard, iterator.place, limit, settings.read_max_bytes) };
        let place = records.last().map_or(iterator.place, |record| record.sequence_number.place + 1);
        let bytes = records.iter().map(Record::size).sum();
        shard.read_bytes.charge(bytes, now, settings.read_bytes_per_second);

        let unread = shard.records_from(place).next().map(|record| record.approximate_arrival_timestamp);
        let at_end = shard.closed.is_some() && unread.is_none();
        let child_shards = at_end.then(|| children(stream, iterator.shard));
        let next = ShardIterator { place, issued: now, ..iterator };
        Ok(RecordsPage {
            records,
            next_shard_iterator: (!at_end).then(|| next.seal()),
            millis_behind_latest: millis_behind(unread, now),
            child_shards,
        })
    }

    /// Every record that a shard holds, for checking: no limit holds and nothing is counted.
    pub fn records(&mut self, stream: &str, shard: ShardId, now: Timestamp) -> Result<Vec<Record>, Error> {
        let now = self.advance(now);
        let settings = &self.settings;
        let found = find(&mut self.streams, settings, stream)?.shard_mut(shard, now);
        let found = found.ok_or_else(|| no_such_shard(settings, stream, shard))?;
        Ok(found.records_from(0).cloned().collect())
    }
}

/// The age of the first record that is still to be read, if there is one. A record of this very millisecond is one to
/// read, and 0 would say that there is none.
pub(super) fn millis_behind(unread: Option<Timestamp>, now: Timestamp) -> u64 {
    unread.map_or(0, |arrival| now.millis_since(arrival).max(1))
}

/// API reference, GetRecords, Limit.
fn check_limit(limit: Option<usize>, most: usize) -> Result<usize, Error> {
    match limit {
        None => Ok(most),
        Some(0) => Err(Error::constraint("limit", "Member must have value greater than or equal to 1")),
        Some(limit) if limit > most => {
            Err(Error::invalid(format!("Limit {limit} is greater than the {most} records that GetRecords returns.")))
        }
        Some(limit) => Ok(limit),
    }
}

/// 5 calls a second, 2 MiB a second, shared by all readers of the shard (API reference, GetRecords).
fn admit(shard: &mut Shard, settings: &Settings, stream: &str, now: Timestamp) -> Result<(), Error> {
    let admitted = shard.read_bytes.admits(now, settings.read_bytes_per_second)
        && shard.read_calls.admit_in_a_second(now, settings.read_calls_per_second);
    if admitted { Ok(()) } else { Err(rate_exceeded(settings, stream, shard.id)) }
}

fn take(shard: &Shard, place: u64, limit: usize, max_bytes: u64) -> Vec<Record> {
    let (count, _) = fitting(shard, place, limit, max_bytes);
    shard.records_from(place).take(count).cloned().collect()
}

/// How many records fit, and their bytes. At least one does: a record may be as large as a whole response.
pub(super) fn fitting(shard: &Shard, place: u64, limit: usize, max_bytes: u64) -> (usize, u64) {
    let (mut count, mut bytes) = (0, 0);
    for record in shard.records_from(place).take(limit) {
        let more = bytes + record.size();
        if more > max_bytes && count > 0 {
            break;
        }
        (count, bytes) = (count + 1, more);
    }
    (count, bytes)
}

pub(super) fn children(stream: &Stream, parent: ShardId) -> Vec<ChildShard> {
    let ids = stream.shard(parent).map_or(&[][..], |shard| &shard.children);
    let child = |shard: &Shard| ChildShard {
        shard_id: shard.id,
        parent_shards: [shard.parents.parent, shard.parents.adjacent].into_iter().flatten().collect(),
        hash_key_range: shard.keys,
    };
    ids.iter().filter_map(|id| stream.shard(*id)).map(child).collect()
}
