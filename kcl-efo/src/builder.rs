//! Settings, checked before anything is sent.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use kcl_core::error::ConfigError;
use kcl_core::ids::StreamId;
use kcl_core::kinesis::{KinesisStream, Target, in_range};
use kcl_core::time::WallClock;

use crate::FanOut;
use crate::calls::{Calls, READ_TIMEOUT};
use crate::consumer::{Consumer, Identity};
use crate::link::{Link, Resting};

const SILENCES: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_mins(5);

/// Settings of a [`FanOut`]; made by [`FanOut::builder`]. One of [`consumer_name`](Self::consumer_name) and
/// [`consumer_arn`](Self::consumer_arn) must be given.
#[derive(Clone)]
#[must_use]
pub struct FanOutBuilder {
    client: Client,
    stream: String,
    consumer: Option<Identity>,
    stream_id: Option<StreamId>,
    silence_timeout: Duration,
    clock: WallClock,
}

impl FanOutBuilder {
    pub(super) fn new(client: Client, stream: String) -> Self {
        Self {
            client,
            stream,
            consumer: None,
            stream_id: None,
            silence_timeout: Duration::from_secs(30),
            clock: WallClock::system(),
        }
    }

    /// The consumer by its name, 1 to 128 letters, digits, underscores, hyphens and dots. It is registered if it is
    /// missing. One application has one consumer; what another application reads by it, this one does not get.
    pub fn consumer_name(mut self, name: impl Into<String>) -> Self {
        self.consumer = Some(Identity::Name(name.into()));
        self
    }

    /// The consumer by its ARN, registered by somebody else: for a stream of another account, or workers that may not
    /// register.
    pub fn consumer_arn(mut self, arn: impl Into<String>) -> Self {
        self.consumer = Some(Identity::Arn(arn.into()));
        self
    }

    /// What the stream is called in the lease table. Default: [`StreamId::named`] of its name, as in an application of
    /// one stream.
    pub fn stream_id(mut self, id: StreamId) -> Self {
        self.stream_id = Some(id);
        self
    }

    /// After how long without an event a subscription is taken for dead, from 10 s to 5 minutes. Default: 30 s.
    ///
    /// The service sends an event about every 5 seconds, be it an empty one; it promises no interval. Nothing else
    /// notices a connection that is silently gone: the SDK waits for an hour and more.
    pub fn silence_timeout(mut self, silence: Duration) -> Self {
        self.silence_timeout = silence;
        self
    }

    /// The clock that tells the milliseconds of the service's time, where it agrees with the service to the second.
    /// Default: the machine's. A simulation passes its own.
    pub fn clock(mut self, clock: WallClock) -> Self {
        self.clock = clock;
        self
    }

    /// Checks the settings. Nothing is sent.
    ///
    /// # Errors
    /// If a setting is out of its range, no consumer is named, or the stream or the consumer is not named as they must be.
    pub fn build(self) -> Result<FanOut, ConfigError> {
        let stream = KinesisStream::new(self.client, &self.stream, self.stream_id, self.clock, READ_TIMEOUT)?;
        let consumer = check_consumer(self.consumer, stream.target())?;
        in_range("silence_timeout", &SILENCES, &self.silence_timeout)?;
        let link = Link {
            calls: Calls::new(stream),
            consumer: Consumer::new(consumer),
            silence: self.silence_timeout,
            resting: Resting::default(),
        };
        Ok(FanOut { link: Arc::new(link) })
    }
}

/// Kinesis API reference, `RegisterStreamConsumer`: names are as those of streams. An ARN is that of the stream, with
/// `/consumer/NAME:CREATION` after it.
fn check_consumer(consumer: Option<Identity>, stream: &Target) -> Result<Identity, ConfigError> {
    match consumer {
        None => {
            Err(ConfigError::new("consumer_name", "is missing; name the consumer, by convention as the application"))
        }
        Some(Identity::Name(name)) if !Target::is_name(&name) => {
            let problem =
                format!("`{name}` is not a consumer's name: 1 to 128 letters, digits, underscores, hyphens and dots");
            Err(ConfigError::new("consumer_name", problem))
        }
        Some(Identity::Arn(arn)) => {
            let of = arn.rsplit_once("/consumer/").filter(|(_, consumer)| is_creation(consumer)).map(|(of, _)| of);
            let of = of.and_then(|of| Target::parse(of, None).ok()).filter(|of| of.account().is_some());
            let Some(of) = of else {
                let problem = format!(
                    "`{arn}` is not the ARN of a consumer (arn:aws:kinesis:REGION:ACCOUNT:stream/NAME/consumer/NAME:CREATION)"
                );
                return Err(ConfigError::new("consumer_arn", problem));
            };
            let fits = stream.stream_arn().is_none_or(|stream| Some(stream) == of.stream_arn());
            if of.name() == stream.name() && fits {
                return Ok(Identity::Arn(arn));
            }
            Err(ConfigError::new("consumer_arn", format!("`{arn}` is not a consumer of stream `{stream}`")))
        }
        Some(name) => Ok(name),
    }
}

/// `NAME:1700000000`.
fn is_creation(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(name, created)| Target::is_name(name) && created.parse::<u64>().is_ok())
}

impl fmt::Debug for FanOutBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FanOutBuilder({})", self.stream)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_kinesis::config::{BehaviorVersion, Region};
    use kcl_core::retrieval::Retrieval;

    use super::*;

    const STREAM: &str = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders";

    fn client() -> Client {
        let config = aws_sdk_kinesis::Config::builder().behavior_version(BehaviorVersion::v2026_01_12());
        Client::from_conf(config.region(Region::from_static("eu-west-1")).build())
    }

    fn builder() -> FanOutBuilder {
        FanOut::builder(client(), "orders").consumer_name("app")
    }

    #[test]
    fn a_stream_and_a_consumer_are_enough() {
        for stream in ["orders", STREAM] {
            let fan_out = FanOut::new(client(), stream, "app").expect("works");
            assert_eq!(fan_out.stream(), &StreamId::named("orders"));
            assert_eq!(format!("{fan_out:?}"), format!("FanOut({stream} as app)"));
            let arn = format!("{STREAM}/consumer/app:1700000000");
            FanOut::builder(client(), stream).consumer_arn(arn).build().expect("works");
        }
        let error = FanOut::builder(client(), "orders").build().expect_err("no consumer");
        assert_eq!(
            error.to_string(),
            "setting `consumer_name`: is missing; name the consumer, by convention as the application"
        );
    }

    #[test]
    fn a_consumer_must_be_named_as_one() {
        for name in ["", "a b", "app:1", &"a".repeat(129)] {
            let error = FanOut::new(client(), "orders", name).expect_err(name);
            assert_eq!(error.setting, "consumer_name", "{name}");
        }
        for arn in [
            "app",
            STREAM,
            "orders/consumer/app:1700000000",
            "arn:aws:kinesis:eu-west-1:123456789012:stream/orders/consumer/app",
            "arn:aws:kinesis:eu-west-1:123456789012:stream/orders/consumer/app:now",
            "arn:aws:kinesis:eu-west-1:123456789012:stream/invoices/consumer/app:1700000000",
        ] {
            let error = FanOut::builder(client(), "orders").consumer_arn(arn).build().expect_err(arn);
            assert_eq!(error.setting, "consumer_arn", "{arn}");
        }
        let other = format!("{STREAM}/consumer/app:1700000000").replace("123456789012", "999999999999");
        FanOut::builder(client(), "orders").consumer_arn(&other).build().expect("the account of a name is not known");
        let error = FanOut::builder(client(), STREAM).consumer_arn(&other).build().expect_err("another account");
        assert_eq!(error.setting, "consumer_arn");
    }

    #[test]
    fn values_out_of_range_are_refused_by_name() {
        let (least, most, bit) = (Duration::from_secs(10), Duration::from_secs(300), Duration::from_millis(1));
        for silence in [least.saturating_sub(bit), most + bit] {
            let error = builder().silence_timeout(silence).build().expect_err("out of range");
            assert_eq!(error.setting, "silence_timeout");
        }
        for silence in [least, most] {
            builder().silence_timeout(silence).build().expect("in range");
        }
        let error = builder().stream_id(StreamId::named("x")).build().expect_err("another");
        assert_eq!(error.setting, "stream_id");
    }
}
