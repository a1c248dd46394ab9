//! What is behind the lock: the models, and the requests on their way to them.

use std::collections::BTreeMap;
use std::task::Waker;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::settings::Settings;
use super::target::target;
use crate::dynamodb::DynamoDb;
use crate::fault::{Answer, AtService, Fault, Faults, Request, Service};
use crate::kinesis::{Kinesis, Subscription};
use crate::stream_fault::StreamFaults;
use crate::wire::{Reply, Timestamp};

/// One request as a service served it, for an [`Observer`].
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// The number of the request. One that was duplicated is seen twice.
    pub number: u64,
    /// When the service served it.
    pub at: Timestamp,
    /// The label of the client that sent it.
    pub client: &'a str,
    /// The service.
    pub service: Service,
    /// The operation.
    pub operation: &'a str,
    /// The body of the request.
    pub request: &'a Value,
    /// The answer, whether or not it reaches the client.
    pub reply: &'a Reply,
}

/// A function that is shown everything that the services serve, in order.
///
/// It runs while the world is locked: it must not call [`Local`](crate::Local).
pub type Observer = Box<dyn FnMut(&Exchange<'_>) + Send>;

/// Who asked what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) client: String,
    pub(super) service: Service,
    pub(super) operation: String,
    pub(super) body: Value,
}

/// A request that has been sent, as its sender waits for it.
pub(super) struct Sent {
    pub(super) number: u64,
    /// When the service has it.
    pub(super) due: Timestamp,
    /// How long the answer travels.
    pub(super) back: Duration,
    /// How much longer it takes, by a fault.
    pub(super) late: Duration,
    pub(super) answer: Answer,
    pub(super) reply: Awaited,
}

/// Where the reply comes from.
pub(super) enum Awaited {
    /// From the model, once the request is due.
    Served(oneshot::Receiver<Served>),
    /// From nowhere: the fault has decided it.
    Given(Reply),
    /// There is none.
    None,
}

/// What the model made of a request.
pub(super) struct Served {
    pub(super) reply: Reply,
    /// The subscription that it began.
    pub(super) subscription: Option<Subscription>,
}

/// The operation that is answered with a stream.
pub(super) const SUBSCRIBE: &str = "SubscribeToShard";

pub(super) struct State {
    pub(super) kinesis: Kinesis,
    pub(super) dynamodb: DynamoDb,
    pub(super) faults: Option<Faults>,
    pub(super) stream_faults: Option<StreamFaults>,
    pub(super) observer: Option<Observer>,
    pub(super) requests: BTreeMap<(String, Service, String), u64>,
    latency: std::ops::RangeInclusive<Duration>,
    rng: fastrand::Rng,
    sent: u64,
    latest: Timestamp,
    /// Requests on their way, by the time when they are due and then by the order in which they were sent.
    on_the_way: BTreeMap<(Timestamp, u64), Delivery>,
    deliveries: u64,
    /// The readers of subscriptions that wait, by the numbers of the requests that began them.
    pub(super) wakers: BTreeMap<u64, Waker>,
}

struct Delivery {
    number: u64,
    call: Call,
    sender: Option<oneshot::Sender<Served>>,
}

impl State {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            kinesis: Kinesis::new(settings.kinesis),
            dynamodb: DynamoDb::new(settings.dynamodb),
            faults: None,
            stream_faults: None,
            observer: None,
            requests: BTreeMap::new(),
            latency: settings.latency,
            rng: fastrand::Rng::with_seed(settings.seed),
            sent: 0,
            latest: Timestamp(0),
            on_the_way: BTreeMap::new(),
            deliveries: 0,
            wakers: BTreeMap::new(),
        }
    }

    /// Serves what is due by `now` and says what time it is: a clock that was set back is not followed.
    ///
    /// Requests travel by themselves: one whose sender has given up is served all the same, at its own time, before
    /// anything later is looked at.
    pub(super) fn settle(&mut self, now: Timestamp) -> Timestamp {
        let now = now.max(self.latest);
        while let Some(entry) = self.on_the_way.first_entry()
            && entry.key().0 <= now
        {
            let ((due, _), delivery) = entry.remove_entry();
            self.latest = due;
            let served = self.serve(delivery.number, &delivery.call, due);
            if let Some(sender) = delivery.sender {
                // A sender that has given up is gone; the request was served all the same.
                let _ = sender.send(served);
            }
        }
        self.latest = now;
        now
    }

    /// Sends a request into the world at `now`.
    pub(super) fn send(&mut self, call: Call, now: Timestamp) -> Sent {
        let now = self.settle(now);
        self.sent += 1;
        let key = (call.client.clone(), call.service, call.operation.clone());
        *self.requests.entry(key).or_default() += 1;
        let fault = self.fault(&call, now);
        let (there, back) = self.travel();
        let due = now.after(there + fault.before);
        let (service, changes) = (call.service, changes(&call));
        if let Some(again) = fault.again {
            self.post(due.after(again), call.clone(), None);
        }
        let reply = match fault.service {
            AtService::Serves => {
                let (sender, receiver) = oneshot::channel();
                self.post(due, call, Some(sender));
                Awaited::Served(receiver)
            }
            AtService::Refuses { status, kind, message } => Awaited::Given(Reply::error(status, &kind, &message)),
            AtService::Fails => Awaited::Given(internal_error(service)),
            AtService::IsNotReached => Awaited::None,
        };
        if changes {
            // Whoever waits learns that something is on its way, whether or not the sender waits for it.
            self.wake();
        }
        Sent { number: self.sent, due, back, late: fault.after, answer: fault.answer, reply }
    }

    /// Serves a request at once, without a network.
    pub(super) fn ask(&mut self, call: &Call, now: Timestamp) -> Reply {
        let now = self.settle(now);
        self.sent += 1;
        self.serve(self.sent, call, now).reply
    }

    fn fault(&mut self, call: &Call, now: Timestamp) -> Fault {
        let Some(faults) = &mut self.faults else { return Fault::none() };
        faults(&Request {
            number: self.sent,
            now,
            client: &call.client,
            service: call.service,
            operation: &call.operation,
            target: target(&call.body),
            body: &call.body,
        })
    }

    fn travel(&mut self) -> (Duration, Duration) {
        let milliseconds = |duration: &Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let (least, most) = (milliseconds(self.latency.start()), milliseconds(self.latency.end()));
        let total = if least < most { self.rng.u64(least..=most) } else { least };
        (Duration::from_millis(total / 2), Duration::from_millis(total - total / 2))
    }

    fn post(&mut self, due: Timestamp, call: Call, sender: Option<oneshot::Sender<Served>>) {
        self.deliveries += 1;
        self.on_the_way.insert((due, self.deliveries), Delivery { number: self.sent, call, sender });
    }

    /// When the next request on its way is due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.on_the_way.keys().next().map(|(due, _)| *due)
    }

    fn serve(&mut self, number: u64, call: &Call, at: Timestamp) -> Served {
        let Call { client, service, operation, body } = call;
        let (reply, subscription) = match service {
            Service::Kinesis if operation == SUBSCRIBE => match self.kinesis.call_subscribe(body, at) {
                Ok(subscription) => (Reply::ok(json!({})), Some(subscription)),
                Err(error) => (error.into(), None),
            },
            Service::Kinesis => (self.kinesis.call(operation, body, at, &mut self.rng), None),
            Service::DynamoDb => (self.dynamodb.call(operation, body, at, &mut self.rng), None),
        };
        if changes(call) {
            self.wake();
        }
        if let Some(observer) = &mut self.observer {
            observer(&Exchange { number, at, client, service: *service, operation, request: body, reply: &reply });
        }
        Served { reply, subscription }
    }
}

/// A service fails, and says so by the name that it has for that.
fn internal_error(service: Service) -> Reply {
    let code = match service {
        Service::Kinesis => "InternalFailure",
        Service::DynamoDb => "InternalServerError",
    };
    Reply::error(500, code, "The request processing has failed because of an unknown error")
}

/// Whether a subscription may have something to give for a request.
fn changes(call: &Call) -> bool {
    let reads = ["Describe", "Get", "List"];
    call.service == Service::Kinesis && !reads.iter().any(|prefix| call.operation.starts_with(prefix))
}
