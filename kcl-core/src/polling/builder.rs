//! Settings, checked before anything is sent.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kinesis::Client;

use super::Polling;
use super::calls::Calls;
use crate::error::ConfigError;
use crate::ids::StreamId;
use crate::kinesis::{KinesisStream, Terms, in_range};
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
        // The same for all requests: each pair of connect and read timeouts has connections of its own.
        let read_timeout = self.request_timeout.max(Terms::SHORT);
        let stream = KinesisStream::new(self.client, &self.stream, self.stream_id, self.clock, read_timeout)?;
        in_range("idle_interval", &IDLE_INTERVALS, &self.idle_interval)?;
        in_range("limit", &LIMITS, &self.limit)?;
        in_range("request_timeout", &TIMEOUTS, &self.request_timeout)?;
        let calls = Calls::new(stream, self.limit, read_timeout, self.request_timeout);
        Ok(Polling { calls: Arc::new(calls), idle_interval: self.idle_interval })
    }
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
