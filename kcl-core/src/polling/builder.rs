//! Settings, checked before anything is sent.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kinesis::Client;

use super::Polling;
use super::calls::Calls;
use super::target::Target;
use crate::error::ConfigError;
use crate::ids::StreamId;
use crate::time::WallClock;

const IDLE_INTERVALS: RangeInclusive<Duration> = Duration::from_millis(200)..=Duration::from_mins(1);
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_mins(1);
/// Kinesis API reference, `GetRecords`, `Limit`.
const LIMITS: RangeInclusive<u32> = 1..=10_000;

/// Settings of a [`Polling`]; made by [`Polling::builder`].
#[derive(Clone)]
#[must_use]
pub struct PollingBuilder {
    client: Client,
    stream: String,
    stream_id: Option<StreamId>,
    idle_interval: Duration,
    limit: u32,
    request_timeout: Duration,
    clock: WallClock,
}

impl PollingBuilder {
    pub(super) fn new(client: Client, stream: String) -> Self {
        Self {
            client,
            stream,
            stream_id: None,
            idle_interval: Duration::from_secs(1),
            limit: *LIMITS.end(),
            request_timeout: Duration::from_secs(10),
            clock: WallClock::system(),
        }
    }

    /// What the stream is called in the lease table. Default: [`StreamId::named`] of its name, as in an application of
    /// one stream.
    pub fn stream_id(mut self, id: StreamId) -> Self {
        self.stream_id = Some(id);
        self
    }

    /// The longest pause between two calls of `GetRecords` on a shard that has nothing to read: how late a record may be
    /// read. From 200 ms, which is as often as a shard allows, to 1 minute. Default: 1 s.
    ///
    /// A shard with records to read is read as fast as it allows, whatever this is.
    pub fn idle_interval(mut self, interval: Duration) -> Self {
        self.idle_interval = interval;
        self
    }

    /// The most records that one `GetRecords` asks for, 1 to 10,000. Default: 10,000.
    ///
    /// It does not bound memory, since one record may have 10 MiB; the worker's byte budget does. It is lowered for a
    /// slow connection on which full answers do not arrive within the time-out.
    pub fn limit(mut self, records: u32) -> Self {
        self.limit = records;
        self
    }

    /// How long one `GetRecords` may take until its answer is read, from 1 s to 1 minute. Default: 10 s, for answers of
    /// up to 14 MB. Other requests have 5 s.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
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
    /// If a setting is out of its range, or the stream is not named as [`Polling::new`] asks for.
    pub fn build(self) -> Result<Polling, ConfigError> {
        let target = Target::parse(&self.stream, self.client.config().region().map(AsRef::as_ref))?;
        let id = self.stream_id.unwrap_or_else(|| StreamId::named(target.name()));
        check_id(&id, &target)?;
        check("idle_interval", &IDLE_INTERVALS, &self.idle_interval)?;
        check("limit", &LIMITS, &self.limit)?;
        check("request_timeout", &TIMEOUTS, &self.request_timeout)?;
        let calls = Calls::new(self.client, target, self.clock, self.limit, self.request_timeout);
        Ok(Polling { id, calls: Arc::new(calls), idle_interval: self.idle_interval })
    }
}

fn check<T: PartialOrd + fmt::Debug>(
    setting: &'static str,
    range: &RangeInclusive<T>,
    value: &T,
) -> Result<(), ConfigError> {
    if range.contains(value) {
        return Ok(());
    }
    let problem = format!("is {value:?}; it must be from {:?} to {:?}", range.start(), range.end());
    Err(ConfigError::new(setting, problem))
}

/// The leases of one stream must not be made under the name of another.
fn check_id(id: &StreamId, target: &Target) -> Result<(), ConfigError> {
    let account = target.account().filter(|_| id.is_qualified());
    let fits = account.is_none_or(|account| id.as_str().split(':').next() == Some(account));
    if id.name() == target.name() && fits {
        return Ok(());
    }
    Err(ConfigError::new("stream_id", format!("`{id}` is not the identifier of stream `{target}`")))
}

impl fmt::Debug for PollingBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PollingBuilder({})", self.stream)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_kinesis::config::{BehaviorVersion, Region};

    use super::*;
    use crate::retrieval::Retrieval;

    const ARN: &str = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders";

    fn client() -> Client {
        let config = aws_sdk_kinesis::Config::builder().behavior_version(BehaviorVersion::v2026_01_12());
        Client::from_conf(config.region(Region::from_static("eu-west-1")).build())
    }

    fn builder() -> PollingBuilder {
        Polling::builder(client(), "orders")
    }

    #[test]
    fn a_name_or_an_arn_is_enough() {
        for stream in ["orders", ARN] {
            let polling = Polling::new(client(), stream).expect("works");
            assert_eq!(polling.stream(), &StreamId::named("orders"));
            assert_eq!(polling.idle_interval, Duration::from_secs(1));
            assert_eq!(format!("{polling:?}"), format!("Polling({stream})"));
        }
        let elsewhere = ARN.replace("eu-west-1", "us-east-1");
        assert_eq!(Polling::new(client(), elsewhere).expect_err("another region").setting, "stream");
    }

    #[test]
    fn values_out_of_range_are_refused_by_name() {
        let (ms, s) = (Duration::from_millis, Duration::from_secs);
        let refused = |builder: PollingBuilder| builder.build().expect_err("out of range").to_string();
        assert_eq!(
            refused(builder().idle_interval(ms(199))),
            "setting `idle_interval`: is 199ms; it must be from 200ms to 60s"
        );
        assert_eq!(refused(builder().limit(0)), "setting `limit`: is 0; it must be from 1 to 10000");
        assert_eq!(
            refused(builder().request_timeout(ms(999))),
            "setting `request_timeout`: is 999ms; it must be from 1s to 60s"
        );
        for builder in [builder().idle_interval(s(61)), builder().limit(10_001), builder().request_timeout(s(61))] {
            refused(builder);
        }
        for builder in [builder().idle_interval(ms(200)), builder().limit(1), builder().request_timeout(s(60))] {
            builder.build().expect("in range");
        }
    }

    #[test]
    fn an_identifier_must_be_the_streams() {
        let id = |text| StreamId::parse_qualified(text).expect("an identifier");
        let arn = || Polling::builder(client(), ARN);
        let mine = id("123456789012:orders:1700000000");
        let polling = arn().stream_id(mine.clone()).build().expect("its own");
        assert_eq!(polling.stream(), &mine);
        builder().stream_id(mine).build().expect("the account of a name is not known");
        for wrong in ["123456789012:invoices:1700000000", "999999999999:orders:1700000000"] {
            let error = arn().stream_id(id(wrong)).build().expect_err(wrong);
            assert_eq!(error.setting, "stream_id", "{wrong}");
        }
        assert_eq!(builder().stream_id(StreamId::named("x")).build().expect_err("another").setting, "stream_id");
    }
}
