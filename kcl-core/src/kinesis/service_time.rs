//! What time it is at the service, when it answers.
//!
//! No answer of the API tells it. The HTTP header `Date` does, in whole seconds. Where the local clock agrees with it to
//! the second, the local clock has the milliseconds.

use std::sync::{Arc, OnceLock};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;

use crate::time::Timestamp;

/// An answer and when it was given, by the service's clock.
#[derive(Debug)]
pub struct Dated<T> {
    /// The answer.
    pub answer: T,
    /// A time that is not later than when it was given, and as near to it as can be told.
    pub service_time: Timestamp,
}

/// Keeps the `Date` of the first answer to a request.
#[derive(Debug, Clone, Default)]
pub struct DateHeader(Arc<OnceLock<Timestamp>>);

impl DateHeader {
    /// The service's time at the first answer, to a request that was made at `before` by the local clock.
    pub fn service_time(&self, before: Timestamp) -> Timestamp {
        service_time(before, self.0.get().copied())
    }
}

impl Intercept for DateHeader {
    fn name(&self) -> &'static str {
        "DateHeader"
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date").and_then(parse);
        if let Some(date) = date {
            self.0.get_or_init(|| date);
        }
        Ok(())
    }
}

fn parse(date: &str) -> Option<Timestamp> {
    let millis = DateTime::from_str(date, Format::HttpDate).ok()?.to_millis().ok()?;
    u64::try_from(millis).ok().map(Timestamp::from_millis)
}

/// How far ahead a clock that is kept by NTP may be. What is taken for the time is earlier by this, so that it is not
/// later than the truth.
const CLOCK_ERROR: u64 = 100;

/// `date` is cut to the second, so it is not later than the answer. Nor is `before`, less what its clock may be ahead.
fn service_time(before: Timestamp, date: Option<Timestamp>) -> Timestamp {
    let local = Timestamp::from_millis(before.millis().saturating_sub(CLOCK_ERROR));
    match date {
        Some(date) if before.millis() / 1000 != date.millis() / 1000 => date,
        Some(date) => local.max(date),
        None => local,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_local_clock_gives_the_milliseconds_where_it_agrees_to_the_second() {
        let date = Some(5_000);
        for (before, date, expected) in [
            (4_999, date, 5_000),
            (5_000, date, 5_000),
            (5_099, date, 5_000),
            (5_123, date, 5_023),
            (5_999, date, 5_899),
            (6_000, date, 5_000),
            (0, date, 5_000),
            (9_999_999, date, 5_000),
            (5_123, None, 5_023),
        ] {
            let time = service_time(Timestamp::from_millis(before), date.map(Timestamp::from_millis));
            assert_eq!(time.millis(), expected, "{before} {date:?}");
        }
    }

    #[test]
    fn dates_are_read_as_http_writes_them() {
        assert_eq!(parse("Thu, 01 Jan 2026 00:00:01 GMT"), Some(Timestamp::from_millis(1_767_225_601_000)));
        for text in ["", "now", "2026-01-01T00:00:00Z", "Wed, 31 Dec 1969 23:59:59 GMT"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
