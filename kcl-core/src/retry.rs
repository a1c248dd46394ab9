//! Pauses between attempts.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// A row of growing, jittered pauses. It starts again after a success.
#[derive(Debug)]
pub(crate) struct Backoff {
    builder: ExponentialBuilder,
    pauses: backon::ExponentialBackoff,
    attempt: u32,
}

impl Backoff {
    /// Doubling from `shortest` on, each multiplied by a random factor from 1 to 2; never above `longest`.
    pub(crate) fn new(shortest: Duration, longest: Duration) -> Self {
        let builder = ExponentialBuilder::default()
            .with_min_delay(shortest)
            // The random factor comes on top.
            .with_max_delay(longest / 2)
            .with_jitter()
            .with_jitter_seed(fastrand::u64(..))
            .without_max_times();
        Self { builder, pauses: builder.build(), attempt: 0 }
    }

    /// For a write to a lease that may take `attempt` long: short, since the lease runs out meanwhile.
    pub(crate) fn lease_write(attempt: Duration) -> Self {
        Self::new(attempt / 20, attempt / 2)
    }

    /// For user code that fails.
    pub(crate) fn processor() -> Self {
        Self::new(Duration::from_millis(500), Duration::from_secs(30))
    }

    /// For reading a shard.
    pub(crate) fn read() -> Self {
        Self::new(Duration::from_millis(250), Duration::from_secs(10))
    }

    /// For reading a shard that others read too: what it gives is given anew each second, and who waits longest gets least.
    pub(crate) fn throttled() -> Self {
        Self::new(Duration::from_millis(200), Duration::from_secs(1))
    }

    /// For looking at the lease table or the stream.
    pub(crate) fn look() -> Self {
        Self::new(Duration::from_millis(250), Duration::from_secs(5))
    }

    /// One more failure: how many in a row now, and how long to wait.
    pub(crate) fn next(&mut self) -> (u32, Duration) {
        self.attempt = self.attempt.saturating_add(1);
        let longest = Duration::from_secs(30);
        (self.attempt, self.pauses.next().unwrap_or(longest))
    }

    /// A success. Answers how many failures came before it.
    pub(crate) fn reset(&mut self) -> u32 {
        if self.attempt > 0 {
            // Other jitter than last time: two that wait for the same must not stay in step.
            self.pauses = self.builder.with_jitter_seed(fastrand::u64(..)).build();
        }
        std::mem::take(&mut self.attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_start_again_after_a_success() {
        let (shortest, longest) = (Duration::from_millis(100), Duration::from_secs(2));
        let mut backoff = Backoff::new(shortest, longest);
        let pauses: Vec<_> = (0..20).map(|_| backoff.next().1).collect();
        assert!(pauses[0] >= shortest && pauses[0] <= 2 * shortest, "{pauses:?}");
        assert!(pauses.iter().all(|pause| *pause <= longest), "{pauses:?}");
        assert!(pauses[19] >= longest / 2, "{pauses:?}");
        assert_eq!(backoff.next().0, 21);
        backoff.reset();
        let (attempt, pause) = backoff.next();
        assert_eq!(attempt, 1);
        assert!(pause <= 2 * shortest, "{pause:?}");
    }
}
