//! How much of something a second allows: calls by a sliding window, bytes and records by a bucket that refills.

use std::collections::VecDeque;
use std::time::Duration;

use crate::wire::Timestamp;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);

/// At most so many of something in any period of a given length. What is refused does not count: the service
/// documents neither, and this is the strictest reading of "five transactions per second" under which a caller who
/// slows down gets through.
#[derive(Debug, Default)]
pub(super) struct Window {
    admitted: VecDeque<Timestamp>,
}

impl Window {
    pub(super) fn admit_in_a_second(&mut self, now: Timestamp, most: usize) -> bool {
        self.admit(now, SECOND, most)
    }

    pub(super) fn admit_in_a_day(&mut self, now: Timestamp, most: usize) -> bool {
        self.admit(now, DAY, most)
    }

    fn admit(&mut self, now: Timestamp, period: Duration, most: usize) -> bool {
        while self.admitted.front().is_some_and(|first| first.after(period) <= now) {
            self.admitted.pop_front();
        }
        let admitted = self.admitted.len() < most;
        if admitted {
            self.admitted.push_back(now);
        }
        admitted
    }
}

/// One second's worth of bytes or records, refilled evenly; a big item may overdraw it and is then paid off.
///
/// Whole numbers only: the debt is kept in thousandths, because a rate per second times milliseconds is that.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    debt: u64,
    at: Timestamp,
}

impl Bucket {
    /// Whether `amount` fits. What is larger than a full bucket fits when the bucket is full: the developer guide
    /// (Large records) lets a shard take one and catch up afterwards.
    pub(super) fn fits(&mut self, amount: u64, now: Timestamp, per_second: u64) -> bool {
        self.refill(now, per_second);
        let capacity = per_second.saturating_mul(1000);
        capacity.saturating_sub(self.debt) >= amount.saturating_mul(1000).min(capacity)
    }

    /// From when on `amount` fits, if nothing else is taken out: now or later.
    pub(super) fn fits_at(&mut self, amount: u64, now: Timestamp, per_second: u64) -> Timestamp {
        self.refill(now, per_second);
        let capacity = per_second.saturating_mul(1000);
        let room = capacity - amount.saturating_mul(1000).min(capacity);
        now.after(Duration::from_millis(self.debt.saturating_sub(room).div_ceil(per_second.max(1))))
    }

    /// Takes `amount` out, below zero if need be.
    pub(super) fn charge(&mut self, amount: u64) {
        self.debt = self.debt.saturating_add(amount.saturating_mul(1000));
    }

    fn overdrawn(&self, per_second: u64) -> bool {
        self.debt > per_second.saturating_mul(1000)
    }

    fn refill(&mut self, now: Timestamp, per_second: u64) {
        self.debt = self.debt.saturating_sub(per_second.saturating_mul(now.millis_since(self.at)));
        self.at = now;
    }
}

/// The read throughput of a shard (API reference, GetRecords): after a response of 10 MiB the calls of the next
/// 5 seconds are refused, after one that uses up the second's throughput those of the next second. Both are one rule:
/// a response that overdraws the 2 MiB of a second closes the shard for as long as its bytes take at 2 MiB/s, and for
/// at least a second.
#[derive(Debug, Default)]
pub(super) struct ReadBudget {
    bucket: Bucket,
    closed_until: Timestamp,
}

impl ReadBudget {
    pub(super) fn admits(&mut self, now: Timestamp, per_second: u64) -> bool {
        now >= self.closed_until && self.bucket.fits(1, now, per_second)
    }

    pub(super) fn charge(&mut self, bytes: u64, now: Timestamp, per_second: u64) {
        self.bucket.charge(bytes);
        if self.bucket.overdrawn(per_second) {
            let pay_off = Duration::from_millis(bytes.saturating_mul(1000) / per_second.max(1));
            self.closed_until = now.after(pay_off.max(SECOND));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn no_thousand_milliseconds_hold_more_calls_than_allowed() {
        let mut window = Window::default();
        let admitted: Vec<u64> =
            (0..3000).step_by(50).filter(|ms| window.admit_in_a_second(Timestamp(*ms), 5)).collect();
        assert_eq!(admitted[..6], [0, 50, 100, 150, 200, 1000]);
        assert!(admitted.windows(6).all(|six| six[5] - six[0] >= 1000), "{admitted:?}");
        assert_eq!(admitted.len(), 15);
    }

    #[test]
    fn a_bucket_gives_a_second_at_once_and_then_its_rate() {
        let mut bucket = Bucket::default();
        let now = Timestamp(5_000);
        assert!((0..10).all(|_| {
            let fits = bucket.fits(10, now, 100);
            bucket.charge(10);
            fits
        }));
        assert!(!bucket.fits(1, now, 100));
        assert!(!bucket.fits(1, Timestamp(5_009), 100));
        assert!(bucket.fits(1, Timestamp(5_010), 100));
    }

    #[test]
    fn an_item_larger_than_the_bucket_needs_it_full_and_is_paid_off_afterwards() {
        let mut bucket = Bucket::default();
        bucket.charge(1);
        assert!(!bucket.fits(10 * MIB, Timestamp(0), MIB));
        let now = Timestamp(1_000);
        assert!(bucket.fits(10 * MIB, now, MIB));
        bucket.charge(10 * MIB);
        assert!(!bucket.fits(1, Timestamp(10_000), MIB), "9 of 10 seconds paid");
        assert!(bucket.fits(MIB, Timestamp(11_000), MIB));
    }

    #[test]
    fn what_does_not_fit_yet_fits_when_it_was_said_to_and_no_millisecond_before() {
        for amount in [1, 30, 77, 100, 1_000] {
            let mut bucket = Bucket::default();
            bucket.charge(130);
            let at = bucket.fits_at(amount, Timestamp(0), 100);
            assert!(bucket.fits(amount, at, 100), "{amount} at {at}");
            let mut bucket = Bucket::default();
            bucket.charge(130);
            assert!(!bucket.fits(amount, Timestamp(at.0 - 1), 100), "{amount} before {at}");
        }
        assert_eq!(Bucket::default().fits_at(1_000, Timestamp(7), 100), Timestamp(7));
    }

    #[test]
    fn reads_within_the_rate_are_never_refused() {
        let mut budget = ReadBudget::default();
        for ms in (0..20_000).step_by(200) {
            assert!(budget.admits(Timestamp(ms), 2 * MIB), "{ms}");
            budget.charge(2 * MIB / 5, Timestamp(ms), 2 * MIB);
        }
    }

    #[test]
    fn a_read_that_overdraws_closes_the_shard_for_as_long_as_its_bytes_take() {
        let cases = [(10 * MIB, 5_000), (5 * MIB, 2_500), (3 * MIB, 1_500)];
        for (bytes, closed) in cases {
            let mut budget = ReadBudget::default();
            assert!(budget.admits(Timestamp(100), 2 * MIB));
            budget.charge(bytes, Timestamp(100), 2 * MIB);
            assert!(!budget.admits(Timestamp(100 + closed - 1), 2 * MIB), "{bytes}");
            assert!(budget.admits(Timestamp(100 + closed), 2 * MIB), "{bytes}");
        }
    }

    #[test]
    fn a_small_read_that_overdraws_closes_the_shard_for_a_second() {
        let mut budget = ReadBudget::default();
        budget.charge(2 * MIB - 1, Timestamp(0), 2 * MIB);
        assert!(budget.admits(Timestamp(0), 2 * MIB));
        budget.charge(1000, Timestamp(0), 2 * MIB);
        assert!(!budget.admits(Timestamp(999), 2 * MIB));
        assert!(budget.admits(Timestamp(1000), 2 * MIB));
    }

    #[test]
    fn a_read_of_exactly_a_second_does_not_overdraw() {
        let mut budget = ReadBudget::default();
        budget.charge(2 * MIB, Timestamp(0), 2 * MIB);
        assert!(!budget.admits(Timestamp(0), 2 * MIB));
        assert!(budget.admits(Timestamp(1), 2 * MIB));
    }
}
