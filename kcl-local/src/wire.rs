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
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn millis(delay: Duration) -> u64 {
    u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)
}
