//! The durations that follow from the failover time. None of them is a setting: they are chosen together so that two
//! workers never read one shard at once.

use std::time::Duration;

use crate::error::ConfigError;

/// The failover time and what follows from it. All workers of an application use the same.
///
/// The holder of a lease may read until `deadline` after it *sent* its last successful write; another worker waits for
/// the whole `failover` F after it *received* the first sight of that write. With clocks that run up to 1 % wrong on both
/// sides, and 0.3 s to stop, a deadline D is safe if `D / 0.99 + 0.3 s <= F / 1.01`: 0.95 F from a failover time of 10 s on,
/// and less of a shorter one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// After how long without a sign of life a lease may be taken from its holder.
    pub failover: Duration,
    /// For how long after a successful write was sent the holder may read.
    pub deadline: Duration,
    /// When a lease is renewed, counted from its last successful write: early enough for one silent loss.
    pub renew_after: Duration,
    /// How long one write to a lease may take before it is sent again.
    pub attempt: Duration,
    /// How soon after its failure, or its sending where it failed at once, a renewal is sent again.
    pub repeat: Duration,
    /// How often the lease table is looked at.
    pub look: Duration,
    /// The longest pause between two looks that still counts, in full, as having watched.
    pub watched_gap: Duration,
    /// How often a worker reports.
    pub report: Duration,
    /// For how long a worker's row that does not move still counts: one report may be lost.
    pub fresh: Duration,
}

/// Whether a failover time can be used.
///
/// # Errors
/// If it is shorter than a second or longer than an hour; the error names the setting.
pub fn check_failover(setting: &'static str, failover: Duration) -> Result<(), ConfigError> {
    if (Duration::from_secs(1)..=Duration::from_hours(1)).contains(&failover) {
        return Ok(());
    }
    Err(ConfigError::new(setting, format!("is {failover:?}; it must be from 1 s to 1 h, 10 s is usual")))
}

impl Timing {
    /// What follows from this failover time.
    #[must_use]
    pub fn new(failover: Duration) -> Self {
        let safe = failover.div_f64(1.01).saturating_sub(Duration::from_millis(300)).mul_f64(0.99);
        let (deadline, attempt) = (failover.mul_f64(0.95).min(safe), failover / 10);
        // The Java KCL reports every 30 s, and gives leases to none that has not for 60 s.
        let report = (failover / 2).min(Duration::from_secs(25));
        Self {
            failover,
            deadline,
            // Two attempts, and half of one to spare, before the deadline.
            renew_after: deadline.saturating_sub(attempt.mul_f64(2.5)),
            attempt,
            // Many leases may be waiting for one table.
            repeat: (attempt / 5).min(Duration::from_secs(1)),
            look: failover.mul_f64(0.15),
            watched_gap: failover / 2,
            report,
            // Reports have whole seconds.
            fresh: (report * 3).max(Duration::from_secs(5)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_stops_before_anybody_takes_its_lease_although_both_clocks_are_a_hundredth_wrong() {
        for seconds in [1, 2, 3, 5, 10, 30, 3600] {
            let timing = Timing::new(Duration::from_secs(seconds));
            let stopped = timing.deadline.as_secs_f64() / 0.99 + 0.3;
            let taken = timing.failover.as_secs_f64() / 1.01;
            assert!(stopped <= taken + 1e-9, "{seconds} s: {stopped} {taken}");
        }
        assert_eq!(Timing::new(Duration::from_secs(10)).deadline, Duration::from_millis(9500));
    }

    #[test]
    fn one_silent_loss_of_a_renewal_is_survived() {
        for seconds in [1, 2, 3, 5, 10, 30, 3600] {
            let timing = Timing::new(Duration::from_secs(seconds));
            assert!(timing.renew_after + 2 * timing.attempt <= timing.deadline, "{seconds} s");
            assert!(timing.renew_after >= timing.failover / 3, "{seconds} s");
        }
    }

    #[test]
    fn at_most_nine_renewals_a_minute_at_the_default_failover_time() {
        let timing = Timing::new(Duration::from_secs(10));
        assert!(60.0 / timing.renew_after.as_secs_f64() < 9.0);
    }
}
