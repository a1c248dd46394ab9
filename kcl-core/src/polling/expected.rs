//! How many bytes of the budget to reserve before a call: what its answer may bring.
//!
//! An answer brings at most 10 MiB (Kinesis API reference, `GetRecords`), and it is not known before how much. Always to
//! reserve the most would let a worker read six shards at a time of a budget of 64 MiB; to reserve little would let
//! hundreds of shards that start with a backlog bring 10 MiB each at the same moment. So:
//!
//! - The first call from a position in the past may bring the most; one from the tip, little.
//! - Later, a reader may get all that a shard takes in the time by which it was `behind` and in the time since then, 1 MiB
//!   a second: a worker that stood still, was throttled, or waited for room, finds much wherever it reads. At the usual
//!   pace that would keep quiet shards from each other, so a second is let pass. At any rate it gets about as much as last,
//!   so twice that is reserved.
//!
//! What an answer brings less goes back to the budget at once, and what it brings more is added if it is free.

use std::time::Duration;

use tokio::time::Instant;

use crate::retrieval::StartAt;

const MIB: usize = 1024 * 1024;

/// Enough for the trickle of a quiet shard.
const LEAST: usize = 64 * 1024;
/// What one answer brings at most.
pub(super) const MOST: usize = 10 * MIB;
/// The time between two answers at the usual pace.
const USUAL: Duration = Duration::from_secs(1);
/// What a shard takes in a second.
const TAKEN_PER_SECOND: u128 = MIB as u128;

/// What the next answer may bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Expected {
    /// At any rate.
    bytes: usize,
    /// By how much the last answer was behind, and when it came.
    behind: Duration,
    answered: Instant,
}

impl Expected {
    /// Before anything was read, of a reader that is opened now.
    pub(super) fn at_first(from: &StartAt, now: Instant) -> Self {
        let bytes = if *from == StartAt::Latest { LEAST } else { MOST };
        Self { bytes, behind: Duration::ZERO, answered: now }
    }

    /// After an answer that took this many bytes, whose end is this far from the tip of the shard, and that came now.
    pub(super) fn after(bytes: usize, behind: Option<Duration>, now: Instant) -> Self {
        Self { bytes: bytes.saturating_mul(2), behind: behind.unwrap_or_default(), answered: now }
    }

    /// The bytes of an answer to a call that is made now.
    pub(super) fn bytes(self, now: Instant) -> usize {
        let stood_still = now.saturating_duration_since(self.answered).saturating_sub(USUAL);
        let since = self.behind.saturating_add(stood_still);
        let arrived = since.as_millis().saturating_mul(TAKEN_PER_SECOND) / 1000;
        let arrived = usize::try_from(arrived).unwrap_or(MOST);
        self.bytes.max(arrived).clamp(LEAST, MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reader_of_the_past_expects_the_most_and_one_at_the_tip_little() {
        let now = Instant::now();
        assert_eq!(Expected::at_first(&StartAt::TrimHorizon, now).bytes(now), MOST);
        assert_eq!(Expected::at_first(&StartAt::Latest, now).bytes(now), LEAST);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_expected_follows_the_last_answer_the_time_behind_and_the_time_since_then() {
        let now = Instant::now();
        let cases = [
            (0, Some(0), LEAST),
            (0, None, LEAST),
            (40_000, Some(0), 80_000),
            (3 * MIB, Some(0), 6 * MIB),
            (9 * MIB, Some(0), MOST),
            (0, Some(1_000), MIB),
            (0, Some(2_500), 2 * MIB + MIB / 2),
            (2 * MIB, Some(1_000), 4 * MIB),
            (0, Some(10_000), MOST),
            (0, Some(u64::MAX), MOST),
            (usize::MAX, Some(0), MOST),
        ];
        for (bytes, behind, expected) in cases {
            assert_eq!(
                Expected::after(bytes, behind.map(Duration::from_millis), now).bytes(now),
                expected,
                "{bytes} {behind:?}"
            );
        }
        let stood_still = now + Duration::from_secs(3);
        assert_eq!(Expected::after(40_000, Some(Duration::from_secs(1)), now).bytes(stood_still), 3 * MIB);
    }
}
