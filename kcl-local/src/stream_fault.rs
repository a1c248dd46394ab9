//! What can go wrong within a subscription after it began, decided by the caller for each message of its stream.

use std::time::Duration;

use serde_json::Value;

use crate::wire::Timestamp;

/// A function that decides the fate of every message of every subscription.
///
/// It runs while the world is locked: it must not call [`Local`](crate::Local).
pub type StreamFaults = Box<dyn FnMut(&Pushed<'_>) -> StreamFault + Send>;

/// A message that the service has just pushed to a subscriber.
#[derive(Debug, Clone, Copy)]
pub struct Pushed<'a> {
    /// The number of the request that began the subscription: it tells subscriptions apart.
    pub subscription: u64,
    /// When the message was sent.
    pub now: Timestamp,
    /// The label of the client that subscribed.
    pub client: &'a str,
    /// The stream.
    pub stream: &'a str,
    /// The ARN of the consumer.
    pub consumer_arn: &'a str,
    /// The shard, as `shardId-000000000000`.
    pub shard: &'a str,
    /// Its number in the subscription. The initial response is 0, the first event 1.
    pub number: u64,
    /// What it is: `initial-response`, `SubscribeToShardEvent`, or the name of an exception.
    pub kind: &'a str,
    /// Its body.
    pub body: &'a Value,
    /// Its length on the wire.
    pub bytes: usize,
    /// The length of all messages before it.
    pub bytes_before: u64,
}

/// The fate of one message of a subscription, and with it of the subscription.
///
/// What the service has pushed counts as read by it, whatever becomes of the message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StreamFault {
    pub(crate) late: Duration,
    pub(crate) fate: Fate,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Fate {
    #[default]
    Arrives,
    ArrivesDamaged,
    CutAfter(usize),
    Silence,
    Failure {
        kind: String,
        message: String,
    },
    End,
}

impl StreamFault {
    /// The message arrives.
    pub fn none() -> Self {
        Self::default()
    }

    /// The connection breaks before the message.
    pub fn cut() -> Self {
        Self::cut_after(0)
    }

    /// The connection breaks after so many bytes of the message; all of it arrives if it has no more.
    pub fn cut_after(bytes: usize) -> Self {
        Self::from(Fate::CutAfter(bytes))
    }

    /// Neither this message arrives nor any after it, and the connection stays open.
    pub fn silent() -> Self {
        Self::from(Fate::Silence)
    }

    /// In place of the message there is an error, and then the end of the stream:
    /// `StreamFault::failed("InternalFailureException", "...")`.
    pub fn failed(kind: &str, message: &str) -> Self {
        Self::from(Fate::Failure { kind: kind.to_owned(), message: message.to_owned() })
    }

    /// In place of the message the stream ends, as it does when the time of a subscription is up.
    pub fn ended() -> Self {
        Self::from(Fate::End)
    }

    /// The message arrives with one byte changed.
    pub fn damaged() -> Self {
        Self::from(Fate::ArrivesDamaged)
    }

    /// The message and all after it arrive `by` later, on top of the latency of the network.
    #[must_use]
    pub fn late(mut self, by: Duration) -> Self {
        self.late += by;
        self
    }
}

impl From<Fate> for StreamFault {
    fn from(fate: Fate) -> Self {
        Self { fate, ..Self::default() }
    }
}
