//! The world: both services, the network before them, the clock, and luck.

mod live;
mod settings;
mod state;
mod target;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use self::state::{Awaited, Call, Served, State};
use crate::clock::Clock;
use crate::dynamodb::DynamoDb;
use crate::fault::{Answer, Fault, Request, Service};
use crate::kinesis::Kinesis;
use crate::stream_fault::{Pushed, StreamFault};
use crate::wire::{Reply, Timestamp};

pub(crate) use self::live::{LiveSubscription, Message};
pub use self::settings::Settings;
pub use self::state::{Exchange, Observer};

/// Both services and the network before them: the handle to a world of one account in one region.
///
/// Clones are handles to the same world. Nothing here spawns a task, opens a socket or blocks.
#[derive(Clone)]
pub struct Local {
    clock: Clock,
    region: Arc<str>,
    state: Arc<Mutex<State>>,
}

/// What a client gets for a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The answer of the service.
    pub reply: Reply,
    /// The id of the request, the same in every run with the same seed.
    pub request_id: String,
    /// When the service gave the answer.
    pub date: Timestamp,
}

/// The connection broke: whether the request was served is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("connection reset before an answer came; the request may have been served")]
pub struct ConnectionLost;

impl Local {
    /// A world by tokio's clock, which begins at [`Clock::BEGINNING`]: virtual time where that clock is paused.
    pub fn new(settings: Settings) -> Self {
        Self::with_clock(settings, Clock::tokio(Clock::BEGINNING))
    }

    /// A world by `clock`.
    pub fn with_clock(settings: Settings, clock: Clock) -> Self {
        let region = settings.kinesis.region.as_str().into();
        Self { clock, region, state: Arc::new(Mutex::new(State::new(settings))) }
    }

    /// Decides the fate of every request from now on.
    pub fn set_faults(&self, faults: impl FnMut(&Request<'_>) -> Fault + Send + 'static) {
        self.lock().faults = Some(Box::new(faults));
    }

    /// Gives the next requests of an operation these fates, in turn. Nothing else goes wrong.
    pub fn set_fates(&self, operation: &'static str, fates: impl IntoIterator<Item = Fault>) {
        let mut fates: VecDeque<Fault> = fates.into_iter().collect();
        self.set_faults(move |request| {
            let fate = if request.operation == operation { fates.pop_front() } else { None };
            fate.unwrap_or_default()
        });
    }

    /// Nothing goes wrong from now on. What is late or to be repeated stays so.
    pub fn clear_faults(&self) {
        self.lock().faults = None;
    }

    /// Decides the fate of every message of every subscription from now on.
    pub fn set_stream_faults(&self, faults: impl FnMut(&Pushed<'_>) -> StreamFault + Send + 'static) {
        self.lock().stream_faults = Some(Box::new(faults));
    }

    /// Nothing goes wrong within subscriptions from now on. One that is cut or silent stays so.
    pub fn clear_stream_faults(&self) {
        self.lock().stream_faults = None;
    }

    /// Shows `observer` everything that the services serve from now on.
    pub fn observe(&self, observer: impl FnMut(&Exchange<'_>) + Send + 'static) {
        self.lock().observer = Some(Box::new(observer));
    }

    /// Looks into the Kinesis model, or calls it past the network, at the present time.
    ///
    /// Subscriptions are told that something may have changed, also the time where the clock is the caller's own.
    pub fn kinesis<T>(&self, look: impl FnOnce(&mut Kinesis, Timestamp) -> T) -> T {
        let mut state = self.lock();
        let now = state.settle(self.clock.now());
        let seen = look(&mut state.kinesis, now);
        state.wake();
        seen
    }

    /// Looks into the DynamoDB model, or calls it past the network, at the present time.
    pub fn dynamodb<T>(&self, look: impl FnOnce(&mut DynamoDb, Timestamp) -> T) -> T {
        let mut state = self.lock();
        let now = state.settle(self.clock.now());
        look(&mut state.dynamodb, now)
    }

    /// Serves one request at once: no latency, no faults, and it is not counted.
    pub fn ask(&self, service: Service, operation: &str, body: Value) -> Reply {
        let call = Call { client: "ask".to_owned(), service, operation: operation.to_owned(), body };
        self.lock().ask(&call, self.clock.now())
    }

    /// How many requests were sent, by client, service and operation.
    pub fn requests(&self) -> BTreeMap<(String, Service, String), u64> {
        self.lock().requests.clone()
    }

    /// How many requests of an operation were sent.
    pub fn sent(&self, operation: &str) -> u64 {
        self.lock().requests.iter().filter(|((_, _, sent), _)| sent == operation).map(|(_, count)| count).sum()
    }

    /// The world's clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The region that both services are in.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Sends one request and waits for what comes back. A subscription that it begins is closed again.
    ///
    /// Cancel safety: as with a real network. A request that was sent reaches the service, at its time, even if the
    /// returned future is dropped; only the answer is lost.
    ///
    /// # Errors
    ///
    /// [`ConnectionLost`] where a fault says so.
    pub async fn call(
        &self,
        client: &str,
        service: Service,
        operation: &str,
        body: Value,
    ) -> Result<Answered, ConnectionLost> {
        self.exchange(client, service, operation, body).await.map(|(answered, _)| answered)
    }

    /// As [`Local::call`], with the subscription that the request began.
    pub(crate) async fn exchange(
        &self,
        client: &str,
        service: Service,
        operation: &str,
        body: Value,
    ) -> Result<(Answered, Option<LiveSubscription>), ConnectionLost> {
        let request = if operation == state::SUBSCRIBE { Some(body.clone()) } else { None };
        let call = Call { client: client.to_owned(), service, operation: operation.to_owned(), body };
        let sent = self.lock().send(call, self.clock.now());
        if sent.answer == Answer::Nothing {
            return std::future::pending().await;
        }
        self.sleep_until(sent.due).await;
        let served = match sent.reply {
            Awaited::Served(mut receiver) => {
                self.lock().settle(self.clock.now().max(sent.due));
                receiver.try_recv().ok()
            }
            Awaited::Given(reply) => Some(Served { reply, subscription: None }),
            Awaited::None => None,
        };
        sleep(sent.back + sent.late).await;
        match (sent.answer, served) {
            (Answer::Arrives, Some(Served { reply, subscription })) => {
                let live = subscription.zip(request).map(|(subscription, request)| {
                    LiveSubscription::new(
                        self.clone(),
                        sent.number,
                        client.to_owned(),
                        request,
                        subscription,
                        sent.back,
                    )
                });
                Ok((Answered { reply, request_id: request_id(sent.number), date: sent.due }, live))
            }
            _ => Err(ConnectionLost),
        }
    }

    async fn sleep_until(&self, due: Timestamp) {
        sleep(Duration::from_millis(due.millis_since(self.clock.now()))).await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in a caller's fault function poisons the lock; the models are still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local").field("clock", &self.clock).field("region", &self.region).finish_non_exhaustive()
    }
}

async fn sleep(duration: Duration) {
    if !duration.is_zero() {
        tokio::time::sleep(duration).await;
    }
}

fn request_id(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}
