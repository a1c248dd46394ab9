//! What a subscription gives: asked at a time, it says what is to be sent, or when to ask again.

use super::consumers::{find_consumer, no_such_consumer};
use super::error::Error;
use super::get_records::{ChildShard, children, fitting, millis_behind};
use super::names::ShardId;
use super::record::Record;
use super::sequence::SequenceNumber;
use super::settings::Settings;
use super::shard::Shard;
use super::stream::Stream;
use super::subscribe::{Subscription, TakenOver};
use super::{Kinesis, Timestamp, find, no_such_shard};

/// The next thing that a subscription gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Push {
    /// An event; there may be more at once.
    Event(SubscriptionEvent),
    /// Nothing before this time, unless the account changes: whoever changes it asks again.
    Wait(Timestamp),
    /// An error in the stream, and then its end.
    Failed(Error),
    /// The end of the stream.
    End,
}

/// One event of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionEvent {
    /// The records, in order. None in an event that only shows that the subscription lives.
    pub records: Vec<Record>,
    /// Where to go on, with `AT_SEQUENCE_NUMBER` or `AFTER_SEQUENCE_NUMBER`; `None` at the end of a closed shard. It is
    /// the number of no record.
    pub continuation_sequence_number: Option<SequenceNumber>,
    /// Age in milliseconds of the first record after this event; 0 when there is none.
    pub millis_behind_latest: u64,
    /// The children of the shard, with the last event of a closed shard only.
    pub child_shards: Option<Vec<ChildShard>>,
}

impl Kinesis {
    /// What `subscription` gives at `now`. After an error, the end, or the last event of a closed shard there is nothing
    /// more but [`Push::End`].
    pub fn push(&mut self, subscription: &mut Subscription, now: Timestamp) -> Push {
        let now = self.advance(now);
        if subscription.over || now >= subscription.ends {
            subscription.over = true;
            return Push::End;
        }
        match self.next(subscription, now) {
            Ok(Next::Event(event)) => {
                subscription.last_event = now;
                subscription.place = event.continuation_sequence_number.map_or(subscription.place, SequenceNumber::at);
                subscription.over = event.child_shards.is_some();
                Push::Event(event)
            }
            // A caller that is told to wait must not be told to wait until now.
            Ok(Next::Nothing { until }) => Push::Wait(until.min(subscription.ends).max(Timestamp(now.0 + 1))),
            Ok(Next::TakenOver) => {
                subscription.over = true;
                match self.settings.taken_over {
                    TakenOver::Fails => Push::Failed(taken_over(&self.settings, subscription)),
                    TakenOver::Ends => Push::End,
                }
            }
            Err(error) => {
                subscription.over = true;
                Push::Failed(error)
            }
        }
    }

    fn next(&mut self, subscription: &Subscription, now: Timestamp) -> Result<Next, Error> {
        let Subscription { consumer: id, shard, place, .. } = subscription;
        let settings = &self.settings;
        let stream = find(&mut self.streams, settings, &id.stream)?;
        let consumer = stream.consumers.get(&id.name).filter(|consumer| consumer.epoch == id.epoch);
        let consumer = consumer.ok_or_else(|| no_such_consumer(settings, &id.stream, &id.name))?;
        let changes = [stream.next_change(), consumer.next_change()];
        let holder = consumer.slots.get(shard).and_then(|slot| slot.holder.as_ref());
        if holder.is_none_or(|holder| holder.id != subscription.id) {
            return Ok(Next::TakenOver);
        }
        self.check_key(&id.stream)?;

        let stream = find(&mut self.streams, settings, &id.stream)?;
        let found = stream.shard_mut(*shard, now).filter(|found| found.epoch == subscription.shard_epoch);
        let found = found.ok_or_else(|| no_such_shard(settings, &id.stream, *shard))?;
        let batch = Batch::next(found, *place, settings);
        let at_end = found.closed.is_some() && batch.is_none();
        let bytes = &mut find_consumer(stream, settings, &id.stream, &id.name)?.slots.entry(*shard).or_default().bytes;
        let rate = settings.push_bytes_per_second;
        let due = batch.map(|batch| batch.due.max(bytes.fits_at(batch.bytes, now, rate)));
        let heartbeat = subscription.last_event.after(settings.heartbeat);
        let ready = batch.filter(|_| due <= Some(now));
        if ready.is_none() && !at_end && now < heartbeat {
            let until = changes.into_iter().chain([due]).flatten().fold(heartbeat, Timestamp::min);
            return Ok(Next::Nothing { until });
        }
        bytes.charge(ready.map_or(0, |batch| batch.bytes));
        let count = ready.map_or(0, |batch| batch.count);
        Ok(Next::Event(
            event(stream, *shard, *place, count, now).ok_or_else(|| no_such_shard(settings, &id.stream, *shard))?,
        ))
    }
}

/// What [`Kinesis::push`] finds where nothing has failed.
enum Next {
    Event(SubscriptionEvent),
    Nothing { until: Timestamp },
    TakenOver,
}

/// The records that go into one event.
#[derive(Debug, Clone, Copy)]
struct Batch {
    count: usize,
    bytes: u64,
    /// From when on they are pushed: the first of them waits for others.
    due: Timestamp,
}

impl Batch {
    fn next(shard: &Shard, place: u64, settings: &Settings) -> Option<Self> {
        let first = shard.records_from(place).next()?.approximate_arrival_timestamp;
        // To a closed shard no others come.
        let due = if shard.closed.is_some() { first } else { first.after(settings.push_delay) };
        let (count, bytes) = fitting(shard, place, settings.push_max_records, settings.push_max_bytes);
        Some(Self { count, bytes, due })
    }
}

/// The event of the next `count` records; `None` if there is no such shard.
fn event(stream: &Stream, id: ShardId, place: u64, count: usize, now: Timestamp) -> Option<SubscriptionEvent> {
    let shard = stream.shard(id)?;
    let records: Vec<Record> = shard.records_from(place).take(count).cloned().collect();
    let place = records.last().map_or(place, |record| record.sequence_number.after());
    let unread = shard.records_from(place).next().map(|record| record.approximate_arrival_timestamp);
    let at_end = shard.closed.is_some() && unread.is_none();
    Some(SubscriptionEvent {
        records,
        continuation_sequence_number: (!at_end).then(|| SequenceNumber::continuation(shard.epoch, id, place, now)),
        millis_behind_latest: millis_behind(unread, now),
        child_shards: at_end.then(|| children(stream, id)),
    })
}

/// In the words of the API reference, SubscribeToShard, the first call "fails with a ResourceInUseException".
fn taken_over(settings: &Settings, subscription: &Subscription) -> Error {
    let (account, Subscription { consumer, shard, .. }) = (&settings.account, subscription);
    Error::in_use(format!(
        "Another active subscription exists for this consumer: {account}:{}:{shard}:{}",
        consumer.stream, consumer.name
    ))
}
