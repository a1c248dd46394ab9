//! What every model of a service takes and gives: a time and an answer.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

/// What a service answers to one request.
///
/// An error has a `body` of the form `{"__type": "...Exception", "message": "..."}` and a `status` of 400 or more.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body, before it is encoded for the wire.
    pub body: Value,
}

impl Reply {
    /// A successful answer.
    pub fn ok(body: Value) -> Self {
        Self { status: 200, body }
    }

    /// An error, in the form that the AWS JSON protocols give it.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self { status, body: json!({"__type": code, "message": message}) }
    }
}

/// A point in time: milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The time `delay` after this one.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(millis(delay)))
    }

    /// The time `delay` before this one, or `None` if that is before 1970.
    pub fn before(self, delay: Duration) -> Option<Self> {
        self.0.checked_sub(millis(delay)).map(Self)
    }

    /// Milliseconds from `earlier` to this time; 0 when `earlier` is later.
    pub fn millis_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whole seconds since the Unix epoch.
    pub fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// A time as the AWS JSON protocols write it: seconds, with the milliseconds as a fraction. `None` before 1970,
    /// and for what is no number.
    pub(crate) fn from_json(seconds: f64) -> Option<Self> {
        // Half a millisecond more makes the cut to whole ones a rounding: most fractions have no exact binary form.
        let since_epoch = Duration::try_from_secs_f64(seconds + 0.000_5).ok()?;
        u64::try_from(since_epoch.as_millis()).ok().map(Self)
    }

    /// The number nearest to the decimal form of a time, which is also how a reader of JSON takes it.
    pub(crate) fn to_json(self) -> Value {
        json!(format!("{}.{:03}", self.seconds(), self.0 % 1000).parse::<f64>().unwrap_or_default())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn millis(delay: Duration) -> u64 {
    u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)
}
