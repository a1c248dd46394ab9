//! How often a shard is read by `GetRecords`.
//!
//! A shard takes 5 calls and gives 2 MiB each second, to all consumers together that do not use enhanced fan-out; after
//! a call that brought more, the next ones are refused until the average is kept (Kinesis API reference, `GetRecords`).

use std::time::Duration;

use tokio::time::Instant;

/// When all was read: half of what a shard gives, so that a second application can read it too.
const CAUGHT_UP: Duration = Duration::from_millis(400);
/// 5 calls a second.
const SHORTEST: Duration = Duration::from_millis(200);
/// What a shard gives in a second.
const BYTES_PER_SECOND: f64 = 2.0 * 1024.0 * 1024.0;

/// When to read next.
#[derive(Debug, Clone)]
pub struct Pace {
    slowest: Duration,
    idle: Duration,
    next: Option<Instant>,
}

impl Pace {
    /// Reads at once; later, on a shard without records, every `slowest` at least.
    #[must_use]
    pub fn new(slowest: Duration) -> Self {
        Self { slowest: slowest.max(SHORTEST), idle: CAUGHT_UP.min(slowest.max(SHORTEST)), next: None }
    }

    /// The moment before which not to call; `None` for at once.
    #[must_use]
    pub fn next_call(&self) -> Option<Instant> {
        self.next
    }

    /// A call is made at `now`.
    pub fn called(&mut self, now: Instant) {
        self.next = Some(now + SHORTEST);
    }

    /// A call that was made at `called` brought this many bytes, and the shard has more to give if `behind`.
    ///
    /// While there is more to read, as fast as the shard allows. Else twice as slowly each time.
    pub fn answered(&mut self, called: Instant, bytes: usize, behind: bool) {
        #[expect(clippy::cast_precision_loss, reason = "a pause, not an account")]
        let paid_for = Duration::from_secs_f64(bytes as f64 / BYTES_PER_SECOND);
        let pause = if behind {
            self.idle = CAUGHT_UP;
            SHORTEST.max(paid_for)
        } else if bytes > 0 {
            self.idle = CAUGHT_UP;
            CAUGHT_UP.max(paid_for).min(self.slowest.max(paid_for))
        } else {
            let pause = self.idle;
            self.idle = (self.idle * 2).min(self.slowest);
            pause
        };
        self.next = Some(called + pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(answers: &[(usize, bool)]) -> Vec<u128> {
        let now = Instant::now();
        let mut pace = Pace::new(Duration::from_secs(1));
        assert_eq!(pace.next_call(), None);
        let mut pauses = Vec::new();
        for (bytes, behind) in answers {
            pace.called(now);
            pace.answered(now, *bytes, *behind);
            pauses.push(pace.next_call().map_or(0, |next| (next - now).as_millis()));
        }
        pauses
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_shard_is_read_less_and_less_often() {
        assert_eq!(pauses(&[(0, false); 4]), [400, 800, 1000, 1000]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_shard_with_records_is_read_as_fast_as_it_allows() {
        assert_eq!(pauses(&[(0, false), (0, false), (100, true), (0, true), (0, false)]), [400, 800, 200, 200, 400]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_shard_of_which_all_was_read_leaves_calls_for_another_application() {
        assert_eq!(pauses(&[(100, false); 3]), [400, 400, 400]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_answer_is_paid_for_before_the_next_call() {
        let mib = 1024 * 1024;
        assert_eq!(pauses(&[(10 * mib, true), (mib, true), (mib / 10, true)]), [5000, 500, 200]);
    }
}
