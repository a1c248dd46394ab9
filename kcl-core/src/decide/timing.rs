//! The durations that follow from the failover time. None of them is a setting: they are chosen together so that two
//! workers never read one shard at once.

use std::time::Duration;

/// The failover time and what follows from it. All workers of an application use the same.
///
/// The holder of a lease may read until `deadline` after it *sent* its last successful write; another worker waits for
/// the whole `failover` after it *received* the first sight of that write. With clocks that run up to 1 % wrong on
/// both sides, and 0.3 s to stop, `0.95 F / 0.99 + 0.3 s <= F / 1.01` holds from a failover time of about 10 s on.
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
    /// How often the lease table is looked at.
    pub look: Duration,
    /// The longest pause between two looks that still counts, in full, as having watched.
    pub watched_gap: Duration,
}

impl Timing {
    /// What follows from this failover time.
    #[must_use]
    pub fn new(failover: Duration) -> Self {
        Self {
            failover,
            deadline: failover.mul_f64(0.95),
            renew_after: failover.mul_f64(0.7),
            attempt: failover / 10,
            look: failover.mul_f64(0.15),
            watched_gap: failover / 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_stops_before_anybody_takes_its_lease_although_both_clocks_are_a_hundredth_wrong() {
        let timing = Timing::new(Duration::from_secs(10));
        let stopped = timing.deadline.as_secs_f64() / 0.99 + 0.3;
        let taken = timing.failover.as_secs_f64() / 1.01;
        assert!(stopped <= taken, "{stopped} {taken}");
    }

    #[test]
    fn one_silent_loss_of_a_renewal_is_survived() {
        let timing = Timing::new(Duration::from_secs(10));
        assert!(timing.renew_after + 2 * timing.attempt <= timing.deadline);
    }

    #[test]
    fn at_most_nine_renewals_a_minute_at_the_default_failover_time() {
        let timing = Timing::new(Duration::from_secs(10));
        assert!(60.0 / timing.renew_after.as_secs_f64() < 9.0);
    }
}
