//! Leases that are known to be newer than a look may still show. A look may be answered with what was there a while ago;
//! the answer to a refused write never is.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::ids::ShardKey;
use crate::lease::Lease;

/// For how long looks are corrected. Eventually consistent reads mostly catch up within a second; a look that is older
/// still costs one more refused write. Not for ever, since a lease that is deleted and made again begins with a low version.
const CORRECTED_FOR: Duration = Duration::from_secs(1);

/// What refused writes told lately.
#[derive(Debug, Default)]
pub struct Overtaken {
    /// The lease as it was, or that there was none; and until when that counts.
    rows: BTreeMap<ShardKey, (Option<Lease>, Instant)>,
}

impl Overtaken {
    /// A write to this lease was refused now, since the lease was this by then.
    pub fn note(&mut self, shard: ShardKey, row: Option<Lease>, now: Instant) {
        self.rows.insert(shard, (row, now + CORRECTED_FOR));
    }

    /// Puts what is known in place of what is no newer in a look that was answered now. Answers when to look again, if that
    /// changed anything: a lease that was deleted and made again is older too.
    pub fn correct(&mut self, leases: &mut Vec<Lease>, now: Instant) -> Option<Instant> {
        self.rows.retain(|_, (_, until)| now < *until);
        let mut again = None;
        leases.retain_mut(|lease| match self.rows.get(&lease.shard) {
            Some((None, until)) => {
                again = again.max(Some(*until));
                false
            }
            Some((Some(row), until)) => {
                if lease.version <= row.version && lease != row {
                    lease.clone_from(row);
                    again = again.max(Some(*until));
                }
                true
            }
            None => true,
        });
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{StreamId, WorkerId};
    use crate::lease::Version;
    use crate::position::Position;

    fn lease(shard: &str, version: u64) -> Lease {
        let key = ShardKey::new(StreamId::named("orders"), shard);
        let mut lease = Lease::new(key, Position::TrimHorizon, None);
        lease.version = Version::new(version);
        lease.owner = (version > 1).then(|| WorkerId::from("b"));
        lease
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_refused_write_told_stands_against_older_looks_for_a_second() {
        let start = Instant::now();
        let mut known = Overtaken::default();
        known.note(lease("0", 2).shard, Some(lease("0", 2)), start);
        known.note(lease("1", 2).shard, None, start);
        let look = [lease("0", 1), lease("1", 1), lease("2", 1)];
        let corrected = |known: &mut Overtaken, after: u64, look: &[Lease]| {
            let mut leases = look.to_vec();
            let again = known.correct(&mut leases, start + Duration::from_millis(after));
            assert_eq!(again, (leases != look).then(|| start + Duration::from_secs(1)));
            leases
        };
        assert_eq!(corrected(&mut known, 999, &look), [lease("0", 2), lease("2", 1)]);
        assert_eq!(corrected(&mut known, 999, &[lease("0", 3)]), [lease("0", 3)], "newer still");
        assert_eq!(corrected(&mut known, 999, &[]), [], "removed");
        assert_eq!(corrected(&mut known, 1_000, &look), look);
    }
}
