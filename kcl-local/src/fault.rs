//! What can go wrong between a client and a service, decided by the caller for each request.

use std::time::Duration;

use serde_json::Value;

use crate::wire::Timestamp;

/// A function that decides the fate of every request.
///
/// It runs while the world is locked: it must not call [`Local`](crate::Local).
pub type Faults = Box<dyn FnMut(&Request<'_>) -> Fault + Send>;

/// The service that a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Kinesis Data Streams.
    Kinesis,
    /// DynamoDB.
    DynamoDb,
}

/// A request that has just been sent.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Its number, from 1, over all clients.
    pub number: u64,
    /// When it was sent.
    pub now: Timestamp,
    /// The label of the client that sent it.
    pub client: &'a str,
    /// Whom it is for.
    pub service: Service,
    /// The operation, as `GetRecords`.
    pub operation: &'a str,
    /// The stream or table, if the request names one.
    pub target: Option<&'a str>,
    /// The body.
    pub body: &'a Value,
}

/// The fate of one request: on the way there, at the service, and on the way back.
///
/// Start from one of the constructors and add delays. All delays come on top of the latency of the network.
///
/// ```
/// use std::time::Duration;
/// use kcl_local::Fault;
///
/// // Applied four seconds late, and nobody is told.
/// let fault = Fault::lost_after().late(Duration::from_secs(4));
/// # let _ = fault;
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fault {
    pub(crate) before: Duration,
    pub(crate) service: AtService,
    pub(crate) again: Option<Duration>,
    pub(crate) after: Duration,
    pub(crate) answer: Answer,
}

/// What happens at the service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum AtService {
    #[default]
    Serves,
    Refuses {
        status: u16,
        kind: String,
        message: String,
    },
    Fails,
    IsNotReached,
}

/// What the client gets to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Answer {
    #[default]
    Arrives,
    ConnectionLost,
    Nothing,
}

impl Fault {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// The service answers an error and does nothing: `Fault::refused(400, "LimitExceededException", "...")`.
    pub fn refused(status: u16, kind: &str, message: &str) -> Self {
        let service = AtService::Refuses { status, kind: kind.to_owned(), message: message.to_owned() };
        Self { service, ..Self::default() }
    }

    /// The service answers 500 and does nothing: Kinesis with `InternalFailure`, DynamoDB with `InternalServerError`.
    pub fn internal_error() -> Self {
        Self { service: AtService::Fails, ..Self::default() }
    }

    /// The service answers that there is no capacity left, in the words that both services know, and does nothing.
    pub fn throttled() -> Self {
        Self::refused(400, "ProvisionedThroughputExceededException", "Rate exceeded: a fault was asked for")
    }

    /// The connection breaks before the service has the request.
    pub fn lost_before() -> Self {
        Self { service: AtService::IsNotReached, answer: Answer::ConnectionLost, ..Self::default() }
    }

    /// The service serves the request and the connection breaks before the answer.
    pub fn lost_after() -> Self {
        Self { answer: Answer::ConnectionLost, ..Self::default() }
    }

    /// The request vanishes, the connection stays open and silent.
    pub fn hang_before() -> Self {
        Self { service: AtService::IsNotReached, answer: Answer::Nothing, ..Self::default() }
    }

    /// The service serves the request, the connection stays open and silent.
    pub fn hang_after() -> Self {
        Self { answer: Answer::Nothing, ..Self::default() }
    }

    /// The request takes `by` longer to reach the service. A client that gives up meanwhile does not call it back.
    #[must_use]
    pub fn late(mut self, by: Duration) -> Self {
        self.before += by;
        self
    }

    /// The answer takes `by` longer to reach the client.
    #[must_use]
    pub fn answered_late(mut self, by: Duration) -> Self {
        self.after += by;
        self
    }

    /// The service gets the request a second time, `after` the first. Nobody sees the second answer.
    #[must_use]
    pub fn duplicated(mut self, after: Duration) -> Self {
        self.again = Some(after);
        self
    }
}
