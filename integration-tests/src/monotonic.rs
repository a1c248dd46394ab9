//! The clock that all processes of a machine have in common.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since some moment before any process of this machine began. It never goes back, whoever reads it, and goes on
/// while a process stands still.
#[must_use]
pub fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let number = |part: i64| u64::try_from(part).unwrap_or(0);
    number(now.tv_sec) * 1_000_000_000 + number(now.tv_nsec)
}
