//! On which terms a request is made: how often, and how long it may take.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_kinesis::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_kinesis::config::timeout::{TimeoutConfig, TimeoutConfigBuilder};
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::{Client, Config, config};

use super::errors::Attempt;
use super::lean;
use super::target::Target;
use crate::error::SourceError;

/// As the SDK's own default, which a client may have been made without.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3100);
/// Attempts at a request that the SDK repeats.
const ATTEMPTS: u32 = 3;
/// How much longer than the SDK to wait for the SDK. It keeps its time by the timer of the client it was given, which may
/// be none that runs.
const SLACK: Duration = Duration::from_secs(1);

/// On which terms a request is made, whatever the client that makes it is set to.
#[derive(Debug)]
pub struct Terms {
    overrides: config::Builder,
    within: Duration,
}

impl Terms {
    /// For small answers.
    pub const SHORT: Duration = Duration::from_secs(5);

    /// One attempt. A shard counts every one, so its readers must decide on each. `read_timeout` is for the head of the
    /// answer, `within` for all of it; requests with the same `read_timeout` share connections.
    #[must_use]
    pub fn once(read_timeout: Duration, within: Duration) -> Self {
        let times = times(read_timeout).operation_attempt_timeout(within).operation_timeout(within).build();
        Self { overrides: Config::builder().retry_config(RetryConfig::disabled()).timeout_config(times), within }
    }

    /// Some attempts, which take nothing from those that the clients of this process share: one that fails much would
    /// leave the others without.
    #[must_use]
    pub fn repeated(read_timeout: Duration, target: &Target) -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let within = Self::SHORT * ATTEMPTS;
        let times = times(read_timeout).operation_attempt_timeout(Self::SHORT).operation_timeout(within).build();
        let name = format!("kcl-{}-{target}", MADE.fetch_add(1, Ordering::Relaxed));
        let overrides = Config::builder()
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .retry_partition(RetryPartition::custom(name).build())
            .timeout_config(times);
        Self { overrides, within }
    }

    /// The same, with answers read leanly: those of `GetRecords`, and the events of `SubscribeToShard`.
    ///
    /// A client with a [`protocol`](config::Builder::protocol) of its own keeps it. One that a runtime plugin puts in cannot
    /// be seen, and is overridden for the request.
    #[must_use]
    pub fn reading_leanly(mut self, client: &Client) -> Self {
        if client.config().protocol().is_none() {
            self.overrides.set_protocol(Some(lean::protocol()));
        }
        self
    }

    /// What to give to `config_override` of the request.
    #[must_use]
    pub fn overrides(&self) -> config::Builder {
        self.overrides.clone()
    }

    /// Waits for the answer as long as the terms say.
    ///
    /// # Errors
    /// If the request fails or is not answered in time.
    pub async fn answer<T, E>(
        &self,
        attempt: Attempt<'_>,
        request: impl Future<Output = Result<T, SdkError<E>>> + Send,
    ) -> Result<T, SourceError>
    where
        T: Send,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match tokio::time::timeout(self.within + SLACK, request).await {
            Ok(answered) => answered.map_err(|error| attempt.failed(error, self.within)),
            Err(elapsed) => Err(attempt.unanswered(self.within).with_source(elapsed)),
        }
    }
}

fn times(read_timeout: Duration) -> TimeoutConfigBuilder {
    TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(read_timeout)
}
