//! A subscription as the network holds it: asked by its reader, woken by whoever changes the world.

use std::task::Waker;
use std::time::Duration;

use serde_json::Value;

use super::Local;
use super::state::State;
use super::target::target;
use crate::kinesis::{Push, Subscription};
use crate::stream_fault::{Pushed, StreamFault};
use crate::wire::Timestamp;

/// An open subscription. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct LiveSubscription {
    local: Local,
    /// The number of the request that began it.
    number: u64,
    client: String,
    request: Value,
    subscription: Subscription,
    /// How long a message travels to the reader.
    travel: Duration,
}

/// A message of a subscription, before its fate is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) number: u64,
    pub(crate) kind: &'a str,
    pub(crate) body: &'a Value,
    pub(crate) bytes: usize,
    pub(crate) bytes_before: u64,
}

impl LiveSubscription {
    pub(super) fn new(
        local: Local,
        number: u64,
        client: String,
        request: Value,
        subscription: Subscription,
        travel: Duration,
    ) -> Self {
        Self { local, number, client, request, subscription, travel }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.local.clock.now()
    }

    pub(crate) fn travel(&self) -> Duration {
        self.travel
    }

    /// What there is now. Where it is to be waited, `waker` is woken when the world changes before.
    pub(crate) fn ask(&mut self, waker: &Waker) -> Push {
        let now = self.now();
        self.local.lock().push(self.number, &mut self.subscription, now, waker)
    }

    /// What becomes of a message that is sent now.
    pub(crate) fn judge(&self, message: Message<'_>) -> StreamFault {
        let named = |member: &str| self.request.get(member).and_then(Value::as_str).unwrap_or_default();
        let Message { number, kind, body, bytes, bytes_before } = message;
        self.local.lock().stream_fault(&Pushed {
            subscription: self.number,
            now: self.now(),
            client: &self.client,
            stream: target(&self.request).unwrap_or_default(),
            consumer_arn: named("ConsumerARN"),
            shard: named("ShardId"),
            number,
            kind,
            body,
            bytes,
            bytes_before,
        })
    }
}

impl Drop for LiveSubscription {
    fn drop(&mut self) {
        let now = self.now();
        self.local.lock().close(self.number, &self.subscription, now);
    }
}

impl State {
    /// What a subscription gives. `waker` is woken when the account changes while it gives nothing.
    fn push(&mut self, number: u64, subscription: &mut Subscription, now: Timestamp, waker: &Waker) -> Push {
        let now = self.settle(now);
        match self.kinesis.push(subscription, now) {
            Push::Wait(until) => {
                self.wakers.insert(number, waker.clone());
                Push::Wait(self.next_due().map_or(until, |due| due.min(until)))
            }
            push => push,
        }
    }

    fn stream_fault(&mut self, pushed: &Pushed<'_>) -> StreamFault {
        self.stream_faults.as_mut().map_or_else(StreamFault::none, |faults| faults(pushed))
    }

    /// The reader of a subscription is gone.
    fn close(&mut self, number: u64, subscription: &Subscription, now: Timestamp) {
        let now = self.settle(now);
        self.wakers.remove(&number);
        self.kinesis.unsubscribe(subscription, now);
    }

    /// The readers of subscriptions ask again, in the order in which they began.
    pub(super) fn wake(&mut self) {
        for waker in std::mem::take(&mut self.wakers).into_values() {
            waker.wake();
        }
    }
}
