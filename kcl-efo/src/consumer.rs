//! The application's consumer at the stream: found, or registered, and waited for; once for all shards of a worker.
//!
//! Nothing of it is ever deregistered but by [`FanOut::deregister`](crate::FanOut::deregister): a consumer that went with
//! the last worker would come back with another ARN, and its registration takes the service a while.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use aws_sdk_kinesis::types::ConsumerStatus;
use kcl_core::error::{SourceError, SourceErrorKind};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::calls::{Calls, Described, NotRegistered, Which};

/// How long one shard waits for the consumer to become ACTIVE before it says so. The next one goes on waiting.
const WAIT: Duration = Duration::from_secs(30);
/// Between two looks at a consumer that is not ACTIVE yet: 20 calls a second are allowed for all workers together.
const LOOKS: [Duration; 4] =
    [Duration::from_millis(300), Duration::from_millis(700), Duration::from_millis(1500), Duration::from_secs(3)];
/// How often a look that is throttled is repeated before that is told.
const THROTTLED: u32 = 3;
/// For how long an answer of the service is told to all shards that ask, without asking again for each.
const TOLD_FOR: Duration = Duration::from_secs(1);
/// The same where a limit is reached: only people, or much time, help against that, and an account makes few registrations.
const FULL_FOR: Duration = Duration::from_secs(30);

/// What a worker knows of its consumer.
#[derive(Debug)]
pub(crate) struct Consumer {
    identity: Identity,
    active: RwLock<Option<Active>>,
    /// Whoever asks the service has it; the others wait for the same answer. Those who need no answer do not wait.
    search: Mutex<Option<Failed>>,
}

/// A consumer that is ACTIVE, or was when it was looked at.
#[derive(Debug, Clone)]
struct Active {
    arn: String,
    seen: Instant,
}

/// What went wrong when it was looked for.
#[derive(Debug)]
struct Failed {
    until: Instant,
    kind: SourceErrorKind,
    message: String,
    retry_after: Option<Duration>,
}

/// How the user names the consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// It is registered if it is missing.
    Name(String),
    /// Somebody registers it, perhaps in another account.
    Arn(String),
}

impl Identity {
    pub(crate) fn which(&self) -> Which<'_> {
        match self {
            Self::Name(name) => Which::Name(name),
            Self::Arn(arn) => Which::Arn(arn),
        }
    }

    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Name(text) | Self::Arn(text) => text,
        }
    }
}

impl Failed {
    fn of(error: &SourceError) -> Self {
        let lasting = error.retry_after().unwrap_or(TOLD_FOR);
        let (kind, message) = (error.kind(), error.to_string());
        Self { until: Instant::now() + lasting, kind, message, retry_after: error.retry_after() }
    }

    fn again(&self) -> SourceError {
        let error = SourceError::new(self.kind, self.message.clone());
        match self.retry_after {
            Some(_) => error.with_retry_after(self.until.saturating_duration_since(Instant::now())),
            None => error,
        }
    }
}

impl Consumer {
    pub(crate) fn new(identity: Identity) -> Self {
        Self { identity, active: RwLock::default(), search: Mutex::default() }
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The ARN of the consumer, which is ACTIVE or was when it was looked at.
    pub(crate) async fn arn(&self, calls: &Calls) -> Result<String, SourceError> {
        if let Some(active) = self.active() {
            return Ok(active.arn);
        }
        let mut search = self.search.lock().await;
        if let Some(active) = self.active() {
            return Ok(active.arn);
        }
        told_again(search.as_ref())?;
        match self.find(calls).await {
            Ok(arn) => {
                self.set(Some(Active { arn: arn.clone(), seen: Instant::now() }));
                Ok(arn)
            }
            Err(error) => {
                *search = Some(Failed::of(&error));
                Err(error)
            }
        }
    }

    /// Says that the service knows no such consumer or shard. Answers the consumer's ARN if that is another one now.
    pub(crate) async fn not_found(&self, calls: &Calls, arn: &str) -> Result<Option<String>, SourceError> {
        let mut search = self.search.lock().await;
        if let Some(active) = self.active().filter(|active| active.arn == arn) {
            if active.seen.elapsed() < TOLD_FOR {
                return Ok(None);
            }
            told_again(search.as_ref())?;
            // The consumer itself may be gone: with its stream, or because somebody deregistered it.
            let found =
                calls.describe(self.identity.which()).await.inspect_err(|error| *search = Some(Failed::of(error)))?;
            if found.is_some_and(|found| found.arn == arn && found.status == ConsumerStatus::Active) {
                self.set(Some(Active { seen: Instant::now(), ..active }));
                return Ok(None);
            }
            self.set(None);
        }
        drop(search);
        let now = self.arn(calls).await?;
        Ok((now != arn).then_some(now))
    }

    fn active(&self) -> Option<Active> {
        self.active.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, active: Option<Active>) {
        *self.active.write().unwrap_or_else(PoisonError::into_inner) = active;
    }

    async fn find(&self, calls: &Calls) -> Result<String, SourceError> {
        let deadline = Instant::now() + WAIT;
        let mut looks = LOOKS.into_iter().chain(std::iter::repeat(LOOKS[LOOKS.len() - 1]));
        let mut throttled = 0;
        loop {
            let status = match self.look(calls).await {
                Ok(Some(Described { arn, status: ConsumerStatus::Active })) => return Ok(arn),
                Ok(Some(other)) => other.status.as_str().to_owned(),
                Ok(None) => "in the way of another change of the stream".to_owned(),
                // Workers that start at the same moment all find it missing, and one registration is enough.
                Err(error) if error.kind() == SourceErrorKind::Throttled && throttled < THROTTLED => {
                    throttled += 1;
                    "not looked at".to_owned()
                }
                Err(error) => return Err(error),
            };
            // Not in step with other workers.
            let look = looks.next().unwrap_or(WAIT).mul_f64(0.5 + fastrand::f64());
            if Instant::now() + look > deadline {
                return Err(self.not_ready(calls, &status));
            }
            tracing::debug!(consumer = self.identity.text(), status, "the consumer is not ACTIVE yet; waiting");
            tokio::time::sleep(look).await;
        }
    }

    /// The consumer as it is now, registered if it was missing; `None` if that cannot be done yet.
    async fn look(&self, calls: &Calls) -> Result<Option<Described>, SourceError> {
        if let Some(found) = calls.describe(self.identity.which()).await? {
            return Ok(Some(found));
        }
        let Identity::Name(name) = &self.identity else { return Err(self.missing(calls)) };
        match calls.register(name).await {
            Ok(registered) => {
                tracing::info!(consumer = name, stream = %calls.stream.target(), "registered the consumer");
                Ok(Some(registered))
            }
            // Another worker was faster, or the stream is being changed.
            Err(NotRegistered::InUse(error)) => {
                tracing::debug!(consumer = name, %error, "the consumer is not registered yet");
                Ok(None)
            }
            Err(NotRegistered::Failed(error)) => Err(with_limits(error)),
        }
    }

    fn missing(&self, calls: &Calls) -> SourceError {
        let message = format!(
            "there is no consumer {} of stream {}: it was never registered, or deregistered; register it, or configure \
             the consumer by its name, which registers it",
            self.identity.text(),
            calls.stream.target()
        );
        SourceError::new(SourceErrorKind::Invalid, message)
    }

    fn not_ready(&self, calls: &Calls, status: &str) -> SourceError {
        let message = format!(
            "consumer {} of stream {} is {status} for {WAIT:?}; it is waited for. If this goes on, look at the consumer and \
             the stream with DescribeStreamConsumer and DescribeStreamSummary",
            self.identity.text(),
            calls.stream.target()
        );
        SourceError::new(SourceErrorKind::Unavailable, message)
    }
}

/// What went wrong a moment ago is told again, in place of asking again.
fn told_again(search: Option<&Failed>) -> Result<(), SourceError> {
    match search.filter(|failed| failed.until > Instant::now()) {
        Some(failed) => Err(failed.again()),
        None => Ok(()),
    }
}

/// The service answers the same for three limits.
fn with_limits(error: SourceError) -> SourceError {
    if error.kind() != SourceErrorKind::Throttled {
        return error;
    }
    let message = format!(
        "{error}. A stream has 20 consumers at most (50 with on-demand advantage), 5 of them in registration at a time, and \
         an account makes 5 registrations a second: if this goes on, deregister consumers that nobody uses, or read this \
         application by polling"
    );
    SourceError::new(SourceErrorKind::Throttled, message).with_retry_after(FULL_FOR.mul_f64(1.0 + fastrand::f64()))
}
