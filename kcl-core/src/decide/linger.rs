//! How long the leases of finished shards are kept. A request to make a lease may be on its way for a while: sent twice by a
//! network, or by a worker that looked at the table, stood still, and went on. It is refused as long as the lease is there;
//! when that is removed, it would be made anew, and its shard read a second time from the beginning.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::ids::{ShardKey, StreamId};
use crate::lease::Lease;

/// For how long after a look at the table was answered a lease that was not there may be made.
pub const MADE_WITHIN: Duration = Duration::from_secs(5);

/// For how long a finished lease is kept after it was first seen: longer than [`MADE_WITHIN`], the time that a look takes, that
/// for which it may be behind, and that which a request is on its way, taken together. The Java KCL looks for such leases every minute.
const KEPT: Duration = Duration::from_secs(20);

/// The finished leases of a stream that one worker has seen, and since when.
#[derive(Debug, Default)]
pub struct Finished {
    since: BTreeMap<ShardKey, Instant>,
}

impl Finished {
    /// Takes in a look at the table, answered now.
    pub fn look(&mut self, stream: &StreamId, leases: &[Lease], now: Instant) {
        let before = std::mem::take(&mut self.since);
        let finished = leases.iter().filter(|lease| lease.is_finished()).map(|lease| &lease.shard);
        let finished = finished.filter(|shard| shard.stream == *stream);
        self.since = finished.map(|shard| (shard.clone(), before.get(shard).copied().unwrap_or(now))).collect();
    }

    /// Whether a lease was kept for long enough.
    #[must_use]
    pub fn is_old(&self, shard: &ShardKey, now: Instant) -> bool {
        self.since.get(shard).is_some_and(|since| now.saturating_duration_since(*since) >= KEPT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::position::Position;

    #[tokio::test(start_paused = true)]
    async fn a_finished_lease_is_old_twenty_seconds_after_it_was_first_seen_and_counts_anew_when_it_comes_back() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let stream = StreamId::named("s");
        let lease = |checkpoint| Lease::new(ShardKey::new(stream.clone(), "0"), checkpoint, None);
        let (open, finished) = ([lease(Position::TrimHorizon)], [lease(Position::ShardEnd)]);
        let mut seen = Finished::default();
        seen.look(&stream, &open, at(0));
        seen.look(&stream, &finished, at(5));
        seen.look(&stream, &finished, at(20));
        assert_eq!([24, 25].map(|seconds| seen.is_old(&open[0].shard, at(seconds))), [false, true]);
        seen.look(&stream, &[], at(26));
        seen.look(&stream, &finished, at(27));
        assert!(!seen.is_old(&open[0].shard, at(46)));
    }
}
