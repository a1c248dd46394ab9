//! Consumers with enhanced fan-out, from `RegisterStreamConsumer` to `DeregisterStreamConsumer`.

use std::collections::BTreeMap;

use super::error::Error;
use super::lifecycle::require_active;
use super::limits::Window;
use super::modes::StreamMode;
use super::names::{ConsumerId, ShardId, check_consumer_name};
use super::settings::Settings;
use super::stream::Stream;
use super::subscribe::Slot;
use super::tags::check_tag_count;
use super::{Kinesis, Timestamp, find};

/// The state of a consumer as the API names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsumerStatus {
    /// Being registered; it cannot subscribe yet.
    Creating,
    /// Ready to subscribe.
    Active,
    /// Being deregistered; the subscriptions that it has go on until it is gone.
    Deleting,
}

impl ConsumerStatus {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Deleting => "DELETING",
        }
    }
}

/// A consumer as `DescribeStreamConsumer` and `ListStreamConsumers` show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerDescription {
    /// Its name, unique in its stream.
    pub name: String,
    /// Its ARN. A consumer that is registered again under its name has another.
    pub arn: String,
    /// Its state.
    pub status: ConsumerStatus,
    /// When it was registered. The API shows whole seconds.
    pub created: Timestamp,
    /// The ARN of its stream.
    pub stream_arn: String,
}

/// What a consumer is doing and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Creating { until: Timestamp },
    Active,
    Deleting { until: Timestamp },
}

#[derive(Debug)]
pub(super) struct Consumer {
    phase: Phase,
    created: Timestamp,
    /// What its ARN ends in: the second of its registration, or a later one if that was given out before.
    pub(super) epoch: u64,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) slots: BTreeMap<ShardId, Slot>,
}

impl Consumer {
    pub(super) fn status(&self) -> ConsumerStatus {
        match self.phase {
            Phase::Creating { .. } => ConsumerStatus::Creating,
            Phase::Active => ConsumerStatus::Active,
            Phase::Deleting { .. } => ConsumerStatus::Deleting,
        }
    }

    /// When something happens to the consumer that nobody asks for any more.
    pub(super) fn next_change(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Active => None,
            Phase::Creating { until } | Phase::Deleting { until } => Some(until),
        }
    }

    /// Does what is due by `now`; whether the consumer is still there.
    pub(super) fn settle(&mut self, now: Timestamp) -> bool {
        match self.phase {
            Phase::Creating { until } if until <= now => self.phase = Phase::Active,
            Phase::Deleting { until } if until <= now => return false,
            _ => {}
        }
        true
    }

    pub(super) fn describe(&self, settings: &Settings, stream: &str, name: &str) -> ConsumerDescription {
        ConsumerDescription {
            name: name.to_owned(),
            arn: settings.consumer_arn(stream, name, self.epoch),
            status: self.status(),
            created: self.created,
            stream_arn: settings.stream_arn(stream),
        }
    }
}

impl Kinesis {
    /// `RegisterStreamConsumer`: the consumer is CREATING for a while. The stream must be ACTIVE.
    pub fn register_consumer(
        &mut self,
        stream: &str,
        name: &str,
        tags: BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<ConsumerDescription, Error> {
        let now = self.advance(now);
        check_consumer_name(name)?;
        check_tag_count(tags.len(), &self.settings)?;
        self.check_consumers(stream, name)?;
        let phase = Phase::Creating { until: now.after(self.settings.consumer_create_delay) };
        let epoch = self.consumer_epochs.next(now);
        let consumer = Consumer { phase, created: now, epoch, tags, slots: BTreeMap::new() };
        let described = consumer.describe(&self.settings, stream, name);
        self.stream_mut(stream)?.consumers.insert(name.to_owned(), consumer);
        Ok(described)
    }

    fn check_consumers(&self, stream: &str, name: &str) -> Result<(), Error> {
        let settings = &self.settings;
        let account = &settings.account;
        let found = self.stream(stream)?;
        require_active(found, settings, stream)?;
        if found.consumers.contains_key(name) {
            return Err(Error::in_use(format!(
                "Consumer {name} under stream {stream} under account {account} already exists."
            )));
        }
        let all = self.streams.values().flat_map(|stream| stream.consumers.values());
        let creating = all.filter(|consumer| consumer.status() == ConsumerStatus::Creating).count();
        if creating >= settings.creating_consumers {
            let text = format!("Account {account} has {creating} consumers in the CREATING state already.");
            return Err(Error::limit(text));
        }
        let (count, most) = (found.consumers.len(), most_consumers(found, settings));
        if count >= most {
            return Err(Error::limit(format!(
                "Stream {stream} under account {account} has {count} registered consumers; it can have {most}."
            )));
        }
        Ok(())
    }

    /// The consumer that an ARN names, if it is there and was registered when the ARN says.
    pub(super) fn consumer_of_arn(&self, arn: &str) -> Result<ConsumerId, Error> {
        let id = ConsumerId::of_arn(&self.settings, arn)?;
        let found = self.stream(&id.stream)?.consumers.get(&id.name);
        match found.filter(|consumer| consumer.epoch == id.epoch) {
            Some(_) => Ok(id),
            None => Err(Error::not_found(format!("Consumer {arn} not found."))),
        }
    }

    /// `DescribeStreamConsumer`.
    pub fn describe_consumer(
        &mut self,
        stream: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<ConsumerDescription, Error> {
        let now = self.advance(now);
        let settings = &self.settings;
        let found = find(&mut self.streams, settings, stream)?;
        let most = settings.describe_consumer_calls_per_second;
        admit(&mut found.describe_consumer_calls, most, settings, stream, now)?;
        Ok(find_consumer(found, settings, stream, name)?.describe(settings, stream, name))
    }

    /// `DeregisterStreamConsumer`: the consumer is DELETING for a while, then gone. One that is DELETING stays so: no
    /// error for it is documented.
    pub fn deregister_consumer(&mut self, stream: &str, name: &str, now: Timestamp) -> Result<(), Error> {
        let now = self.advance(now);
        let settings = &self.settings;
        let found = find(&mut self.streams, settings, stream)?;
        let most = settings.deregister_consumer_calls_per_second;
        admit(&mut found.deregister_consumer_calls, most, settings, stream, now)?;
        let consumer = find_consumer(found, settings, stream, name)?;
        if consumer.status() != ConsumerStatus::Deleting {
            consumer.phase = Phase::Deleting { until: now.after(settings.consumer_delete_delay) };
        }
        Ok(())
    }
}

/// API reference, RegisterStreamConsumer: On-demand Advantage is a matter of the account and of the stream's mode.
fn most_consumers(stream: &Stream, settings: &Settings) -> usize {
    match stream.mode {
        StreamMode::OnDemand if settings.on_demand_advantage => settings.consumers_per_advantage_stream,
        StreamMode::OnDemand | StreamMode::Provisioned => settings.consumers_per_stream,
    }
}

/// Calls about the consumers of a stream are counted by stream.
pub(super) fn admit(
    calls: &mut Window,
    most: usize,
    settings: &Settings,
    stream: &str,
    now: Timestamp,
) -> Result<(), Error> {
    if calls.admit_in_a_second(now, most) {
        return Ok(());
    }
    let account = &settings.account;
    Err(Error::limit(format!("Rate exceeded for stream {stream} under account {account}: {most} calls a second.")))
}

pub(super) fn find_consumer<'a>(
    stream: &'a mut Stream,
    settings: &Settings,
    stream_name: &str,
    name: &str,
) -> Result<&'a mut Consumer, Error> {
    stream.consumers.get_mut(name).ok_or_else(|| no_such_consumer(settings, stream_name, name))
}

pub(super) fn no_such_consumer(settings: &Settings, stream: &str, name: &str) -> Error {
    let account = &settings.account;
    Error::not_found(format!("Consumer {name} under stream {stream} under account {account} not found."))
}
