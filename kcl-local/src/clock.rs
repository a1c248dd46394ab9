//! The one place that says what time it is.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_async::time::TimeSource;

use crate::wire::Timestamp;

/// Where the models' time comes from.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// When the simulated world begins: 1 January 2026, 00:00 UTC.
    pub const BEGINNING: Timestamp = Timestamp(1_767_225_600_000);

    /// Tokio's clock, which reads `start` now: virtual time where tokio's clock is paused.
    pub fn tokio(start: Timestamp) -> Self {
        let began = tokio::time::Instant::now();
        Self::from_fn(move || start.after(began.elapsed()))
    }

    /// The machine's wall clock.
    #[expect(clippy::disallowed_methods, reason = "this is the wall clock")]
    pub fn wall() -> Self {
        Self::from_fn(|| Timestamp(0).after(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()))
    }

    /// A clock of the caller's own.
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(Clock::now(self).0)
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({} ms)", self.now())
    }
}
