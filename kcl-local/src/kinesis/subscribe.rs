//! `SubscribeToShard`: who may read a shard for a consumer, and from where.
//!
//! A [`Subscription`] is a value that its holder keeps; [`Kinesis::push`] says what it gives.

use super::consumers::{ConsumerStatus, find_consumer};
use super::error::Error;
use super::get_iterator::{StartingPosition, place};
use super::limits::{Bucket, Window};
use super::names::{ConsumerId, ShardId};
use super::{Kinesis, Timestamp, find, no_such_shard};

/// How a subscription ends that another call took over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenOver {
    /// With a `ResourceInUseException` in the stream.
    Fails,
    /// As if its time was up.
    Ends,
}

/// A reader that the service pushes the records of a shard to: what `SubscribeToShard` begins.
#[derive(Debug, PartialEq, Eq)]
pub struct Subscription {
    pub(super) id: u64,
    pub(super) consumer: ConsumerId,
    pub(super) shard: ShardId,
    /// The epoch of the shard: one of the same name in a later incarnation of the stream has another.
    pub(super) shard_epoch: u64,
    /// The next record is the first at this place or after it.
    pub(super) place: u64,
    pub(super) ends: Timestamp,
    pub(super) last_event: Timestamp,
    /// It has given all that it will.
    pub(super) over: bool,
}

/// What a consumer has of one shard: the subscription that holds it now, and what is left of the limits.
#[derive(Debug, Default)]
pub(super) struct Slot {
    calls: Window,
    last_success: Option<Timestamp>,
    pub(super) holder: Option<Holder>,
    /// The throughput belongs to consumer and shard, whichever subscription uses it.
    pub(super) bytes: Bucket,
}

#[derive(Debug)]
pub(super) struct Holder {
    pub(super) id: u64,
    began: Timestamp,
    ends: Timestamp,
}

/// A subscription that is open, for checking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSubscription {
    /// The name of the consumer.
    pub consumer: String,
    /// The shard.
    pub shard_id: ShardId,
    /// When it began.
    pub began: Timestamp,
}

impl Kinesis {
    /// `SubscribeToShard`. The consumer's subscription to the shard, if it has one, is taken over from now on.
    ///
    /// Refused within the setting `subscribe_again_after` of the last success, whether or not anybody still reads.
    pub fn subscribe_to_shard(
        &mut self,
        consumer_arn: &str,
        shard: ShardId,
        position: StartingPosition,
        now: Timestamp,
    ) -> Result<Subscription, Error> {
        let now = self.advance(now);
        let consumer = self.consumer_of_arn(consumer_arn)?;
        let settings = &self.settings;
        let stream = find(&mut self.streams, settings, &consumer.stream)?;
        let found = stream.shard_mut(shard, now).ok_or_else(|| no_such_shard(settings, &consumer.stream, shard))?;
        let place = place("SubscribeToShard", found, position, settings, &consumer.stream, now)?;
        let shard_epoch = found.epoch;
        let id = self.subscriptions + 1;
        let ends = now.after(settings.subscription_life);

        let registered = find_consumer(stream, settings, &consumer.stream, &consumer.name)?;
        if registered.status() != ConsumerStatus::Active {
            return Err(Error::in_use(format!(
                "Consumer {} with creation timestamp {} under stream: {}, account {} is not in ACTIVE status.",
                consumer.name, consumer.epoch, consumer.stream, settings.account
            )));
        }
        let slot = registered.slots.entry(shard).or_default();
        if !slot.calls.admit_in_a_second(now, settings.subscribe_calls_per_second) {
            return Err(Error::limit(format!("Rate exceeded for consumer {} and shard {shard}.", consumer.name)));
        }
        if slot.last_success.is_some_and(|last| now < last.after(settings.subscribe_again_after)) {
            let text = "Another active subscription exists for this consumer";
            let (stream, account) = (&consumer.stream, &settings.account);
            return Err(Error::in_use(format!("{text}: {account}:{stream}:{shard}:{}", consumer.name)));
        }
        self.check_key(&consumer.stream)?;
        let slot = self.slot_mut(&consumer, shard)?;
        slot.last_success = Some(now);
        slot.holder = Some(Holder { id, began: now, ends });
        self.subscriptions = id;
        Ok(Subscription { id, consumer, shard, shard_epoch, place, ends, last_event: now, over: false })
    }

    /// Nobody reads the subscription any more. Its holder need not say so: it then counts as open until its time is up.
    pub fn unsubscribe(&mut self, subscription: &Subscription, now: Timestamp) {
        self.advance(now);
        // Where stream or consumer are gone, the subscription went with them.
        if let Ok(slot) = self.slot_mut(&subscription.consumer, subscription.shard)
            && slot.holder.as_ref().is_some_and(|holder| holder.id == subscription.id)
        {
            slot.holder = None;
        }
    }

    /// The subscriptions to shards of a stream that are open, by consumer and shard.
    pub fn open_subscriptions(&mut self, stream: &str, now: Timestamp) -> Result<Vec<OpenSubscription>, Error> {
        let now = self.advance(now);
        let mut open = Vec::new();
        for (name, consumer) in &self.stream(stream)?.consumers {
            for (shard, slot) in &consumer.slots {
                if let Some(holder) = slot.holder.as_ref().filter(|holder| now < holder.ends) {
                    open.push(OpenSubscription { consumer: name.clone(), shard_id: *shard, began: holder.began });
                }
            }
        }
        Ok(open)
    }

    fn slot_mut(&mut self, consumer: &ConsumerId, shard: ShardId) -> Result<&mut Slot, Error> {
        let settings = &self.settings;
        let stream = find(&mut self.streams, settings, &consumer.stream)?;
        let found = find_consumer(stream, settings, &consumer.stream, &consumer.name)?;
        Ok(found.slots.entry(shard).or_default())
    }
}
