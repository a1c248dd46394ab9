//! How much of the worker's byte budget the next event of a subscription takes.
//!
//! Nobody knows before it comes. At the tip of a shard events are small and far between: what one takes is reserved when it
//! is there, since a part that is kept for minutes would be kept from all others. Behind the tip the next event comes at
//! once and may be large: its part is reserved before it is read. Where nothing has come yet nobody knows which of the two
//! it is, but an event that does not come within a moment is one of a quiet shard.
//!
//! An event that is larger than its part waits for a part of its size. Only what is larger than anything that a shard gives
//! in a second is let pass with less, so that one huge record is never stuck.

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
        // A quarter at most, unless an event was seen that takes more: one reader that waits for much must not keep those
        // from reading that want little.
        let most = self.budget.total() / 4;
        self.ahead.map(|bytes| if bytes <= MOST { bytes.min(most) } else { bytes })
    }

    /// Whether an event may be read.
    pub(crate) fn is_ready(&self) -> bool {
        self.ahead.is_none() || self.kept.is_some()
    }

    /// Waits for a part of this size. One that is kept will do if it is as large, or as large as any is that is kept.
    pub(crate) async fn get(&mut self, bytes: usize) -> ByteShare {
        let enough = bytes.min(MOST).min(self.budget.total());
        match self.kept.take().filter(|kept| kept.bytes() >= enough) {
            Some(kept) => kept,
            None => self.budget.reserve(bytes).await,
        }
    }

    /// Keeps a part for the event that comes next.
    pub(crate) fn keep(&mut self, share: Option<ByteShare>) {
        self.kept = share;
    }

    /// Nothing is read for now.
    pub(crate) fn give_back(&mut self) {
        self.kept = None;
    }

    /// Nothing has come, so that the shard is a quiet one.
    pub(crate) fn is_quiet(&mut self) {
        (self.kept, self.ahead) = (None, None);
    }

    /// An event of this size was taken, and the shard is this far behind its tip.
    pub(crate) fn took(&mut self, bytes: usize, behind: Duration) {
        self.ahead = (!behind.is_zero()).then(|| bytes.saturating_mul(2).clamp(LEAST, MOST));
    }

    /// An event of this size was read and there was no room for it: it will come again.
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
        assert_eq!(room.get(2 * KIB).await.bytes(), 4 * KIB);
        let share = room.get(4 * KIB).await;
        room.keep(Some(share));
        assert_eq!(room.get(8 * KIB).await.bytes(), 8 * KIB, "what is too small is exchanged");
        assert_eq!(budget.used(), 0);
        let share = room.get(4 * KIB).await;
        room.keep(Some(share));
        room.past(0);
        assert_eq!(budget.used(), 0);
    }
}
