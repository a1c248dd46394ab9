//! How much of the worker's byte budget the next event of a subscription takes.
//!
//! Nobody knows before it comes. At the tip of a shard events are small and far between: what one takes is reserved when it
//! is there, since a part that is kept for minutes would be kept from all others. Behind the tip the next event comes at
//! once and may be large: its part is reserved before it is read.

use std::time::Duration;

use kcl_core::budget::{ByteBudget, ByteShare};
use kcl_core::retrieval::StartAt;

const KIB: usize = 1024;
/// A small event.
const LEAST: usize = 64 * KIB;
/// What a shard pushes in a second to one consumer: 2 MiB (Kinesis quotas).
const MOST: usize = 2 * KIB * KIB;

/// The room of one shard.
#[derive(Debug)]
pub(crate) struct Room {
    budget: ByteBudget,
    /// Bytes to reserve before an event is read; `None` at the tip.
    ahead: Option<usize>,
    kept: Option<ByteShare>,
}

impl Room {
    pub(crate) fn new(budget: ByteBudget, from: &StartAt) -> Self {
        Self { ahead: (*from != StartAt::Latest).then_some(MOST / 2), budget, kept: None }
    }

    pub(crate) fn budget(&self) -> &ByteBudget {
        &self.budget
    }

    /// The bytes that must be there before an event is read.
    pub(crate) fn ahead(&self) -> Option<usize> {
        // A quarter at most: one reader that waits for much must not keep those from reading that want little.
        self.ahead.map(|bytes| bytes.min(self.budget.total() / 4))
    }

    /// Waits for a part of this size; one that is kept will do, whatever its size.
    pub(crate) async fn get(&mut self, bytes: usize) -> ByteShare {
        match self.kept.take() {
            Some(kept) => kept,
            None => self.budget.reserve(bytes).await,
        }
    }

    /// Keeps a part for the event that comes next.
    pub(crate) fn keep(&mut self, share: Option<ByteShare>) {
        self.kept = share;
    }

    /// An event of this size was taken, and the shard is this far behind its tip.
    pub(crate) fn took(&mut self, bytes: usize, behind: Duration) {
        self.ahead = (!behind.is_zero()).then(|| bytes.saturating_mul(2).clamp(LEAST, MOST));
    }

    /// Nothing is read for a while, and an event of this size was not taken: there will be something to catch up with.
    pub(crate) fn past(&mut self, bytes: usize) {
        self.kept = None;
        self.ahead = Some(bytes.max(self.ahead.unwrap_or(LEAST)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn room_is_made_beforehand_behind_the_tip_only() {
        let budget = ByteBudget::new(64 * KIB * KIB);
        assert_eq!(Room::new(budget.clone(), &StartAt::Latest).ahead(), None);
        let mut room = Room::new(budget.clone(), &StartAt::TrimHorizon);
        assert_eq!(room.ahead(), Some(MOST / 2));
        for (bytes, behind, ahead) in [
            (10, 5, Some(LEAST)),
            (100 * KIB, 5, Some(200 * KIB)),
            (10 * KIB * KIB, 5, Some(MOST)),
            (100 * KIB, 0, None),
        ] {
            room.took(bytes, Duration::from_millis(behind));
            assert_eq!(room.ahead(), ahead, "{bytes} {behind}");
        }
        room.past(3_000_000);
        assert_eq!(room.ahead(), Some(3_000_000));
        assert_eq!(Room::new(ByteBudget::new(400 * KIB), &StartAt::TrimHorizon).ahead(), Some(100 * KIB));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_is_used_and_given_back() {
        let budget = ByteBudget::new(10 * KIB);
        let mut room = Room::new(budget.clone(), &StartAt::Latest);
        let share = room.get(4 * KIB).await;
        room.keep(Some(share));
        assert_eq!(room.get(8 * KIB).await.bytes(), 4 * KIB);
        assert_eq!(budget.used(), 0);
        let share = room.get(4 * KIB).await;
        room.keep(Some(share));
        room.past(0);
        assert_eq!(budget.used(), 0);
    }
}
