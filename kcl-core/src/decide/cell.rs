//! The holder's side of one lease: which write comes next, and what an answer to it means.
//!
//! There is one cell for each tenure, and all writes of the tenure go through it one after the other. A write whose
//! answer is lost is sent again, the same bytes with the same stamp; the stamp in a refusal tells whether the first one
//! was applied. A different write after that gets another stamp and rests on the same version.

use tokio::time::Instant;

use crate::error::{StoreError, StoreErrorKind};
use crate::ids::WorkerId;
use crate::lease::{EndReason, Instance, Lease, LeaseAction, LeaseWrite, Stamp, WriteOutcome};
use crate::time::Timestamp;

/// What the holder of a lease knows of it.
#[derive(Debug)]
pub struct Cell {
    me: WorkerId,
    instance: Instance,
    tenure: u64,
    writes: u64,
    lease: Lease,
    /// When the last write that is known to be applied was first sent.
    sent: Instant,
    /// When the oldest write of unknown fate was first sent.
    unresolved: Option<Instant>,
    /// When the write under way was first sent. Still set when the next one begins if its future was dropped.
    in_flight: Option<Instant>,
    over: Option<EndReason>,
}

/// What to do after an answer.
#[derive(Debug)]
#[must_use]
pub enum Verdict {
    /// The write was applied.
    Applied,
    /// The write was not applied, but the lease is still held: make it anew.
    Again,
    /// It is not known whether the write was applied, or it was not and can be: send the same once more.
    Repeat(StoreError),
    /// The store will not apply it however often it is sent; the lease is still held.
    Failed(StoreError),
    /// The tenure is over.
    Over {
        /// Whether this write was applied before that.
        applied: bool,
    },
}

impl Cell {
    /// A tenure that began with a write sent at `sent`, and answered with `lease`.
    #[must_use]
    pub fn new(me: WorkerId, instance: Instance, tenure: u64, lease: Lease, sent: Instant) -> Self {
        Self { me, instance, tenure, writes: 1, lease, sent, unresolved: None, in_flight: None, over: None }
    }

    /// The stamp of the write that begins a tenure.
    #[must_use]
    pub fn first_stamp(instance: Instance, tenure: u64) -> Stamp {
        Stamp::held(instance, tenure, 1)
    }

    /// The lease as it is known.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// When the last write that is known to be applied was first sent.
    pub fn sent(&self) -> Instant {
        self.sent
    }

    /// To whom the holder is asked to give the lease, if it is.
    pub fn asked_for(&self) -> Option<&WorkerId> {
        let asked = self.lease.checkpoint_owner.as_ref() == Some(&self.me);
        self.lease.owner.as_ref().filter(|owner| asked && **owner != self.me)
    }

    /// How the tenure ended, if it did.
    pub fn over(&self) -> Option<EndReason> {
        self.over
    }

    /// Ends the tenure for a reason that no answer told.
    pub fn end(&mut self, reason: EndReason) {
        self.over.get_or_insert(reason);
    }

    /// A new logical write, first sent at `now`.
    pub fn begin(&mut self, action: LeaseAction, now: Instant, wall: Timestamp) -> LeaseWrite {
        if let Some(dropped) = self.in_flight.take() {
            self.unresolved.get_or_insert(dropped);
        }
        self.writes += 1;
        self.in_flight = Some(now);
        let stamp = match action {
            LeaseAction::Pass { .. } => Stamp::offered(self.instance, self.tenure, self.writes),
            _ => Stamp::held(self.instance, self.tenure, self.writes),
        };
        LeaseWrite { seen: self.lease.clone(), by: self.me.clone(), stamp, now: wall, action }
    }

    /// Takes the answer to a write that was first sent at `first_sent`.
    pub fn resolve(
        &mut self,
        write: &LeaseWrite,
        first_sent: Instant,
        answer: Result<WriteOutcome, StoreError>,
    ) -> Verdict {
        match answer {
            Ok(WriteOutcome::Applied(lease)) => self.applied(write, first_sent, lease),
            Ok(WriteOutcome::Refused(Some(row))) if row.stamp.as_ref() == Some(&write.stamp) => {
                self.applied(write, first_sent, row)
            }
            Ok(WriteOutcome::Refused(Some(row))) if self.is_one_step_on(&row, write) => {
                self.in_flight = None;
                // An earlier write of this tenure landed late, or somebody took back a move that had not happened.
                // Nobody held the lease in between: away and back is two steps at least.
                let landed = row.stamp != self.lease.stamp;
                if let Some(first) = self.unresolved.take().filter(|_| landed) {
                    self.sent = self.sent.max(first);
                }
                self.lease = row;
                Verdict::Again
            }
            Ok(WriteOutcome::Refused(_)) => {
                self.end(EndReason::Taken);
                Verdict::Over { applied: false }
            }
            Err(error) => self.failed(first_sent, error),
        }
    }

    fn applied(&mut self, write: &LeaseWrite, first_sent: Instant, row: Lease) -> Verdict {
        self.in_flight = None;
        self.unresolved = None;
        if matches!(write.action, LeaseAction::Pass { .. }) {
            self.end(if row.is_finished() { EndReason::Finished } else { EndReason::Released });
            return Verdict::Over { applied: true };
        }
        if row.holder() != Some(&self.me) || row.version != write.seen.version.next() {
            self.end(EndReason::Taken);
            return Verdict::Over { applied: true };
        }
        self.sent = first_sent;
        self.lease = row;
        Verdict::Applied
    }

    fn is_one_step_on(&self, row: &Lease, write: &LeaseWrite) -> bool {
        row.stamp.as_ref().is_some_and(|stamp| stamp.is_of(self.instance, self.tenure))
            && row.holder() == Some(&self.me)
            && row.version == write.seen.version.next()
    }

    fn failed(&mut self, first_sent: Instant, error: StoreError) -> Verdict {
        match error.kind() {
            StoreErrorKind::Throttled => {
                self.in_flight = None;
                Verdict::Repeat(error)
            }
            StoreErrorKind::Denied | StoreErrorKind::Unusable => {
                self.in_flight = None;
                Verdict::Failed(error)
            }
            StoreErrorKind::Unavailable => {
                self.unresolved.get_or_insert(first_sent);
                Verdict::Repeat(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ids::{ShardKey, StreamId};
    use crate::lease::{Load, Version};
    use crate::position::Position;

    const ME: Instance = Instance::new(1);
    const TWIN: Instance = Instance::new(2);

    fn row(version: u64, owner: Option<&str>, holder: Option<&str>, stamp: &Stamp) -> Lease {
        let mut lease = Lease::new(ShardKey::new(StreamId::named("s"), "shardId-0"), Position::TrimHorizon, None);
        lease.version = Version::new(version);
        lease.owner = owner.map(WorkerId::from);
        lease.checkpoint_owner = holder.map(WorkerId::from);
        lease.stamp = Some(stamp.clone());
        lease
    }

    fn unavailable() -> StoreError {
        StoreError::new(StoreErrorKind::Unavailable, "no answer")
    }

    struct Table {
        cell: Cell,
        start: Instant,
    }

    impl Table {
        /// A tenure of worker `me` that began at version 5.
        fn new() -> Self {
            let start = Instant::now();
            let lease = row(5, Some("me"), None, &Cell::first_stamp(ME, 3));
            Self { cell: Cell::new("me".into(), ME, 3, lease, start), start }
        }

        fn at(&self, seconds: u64) -> Instant {
            self.start + Duration::from_secs(seconds)
        }

        fn renew(&mut self, seconds: u64) -> LeaseWrite {
            let now = self.at(seconds);
            self.cell.begin(LeaseAction::Renew { load: Load::default() }, now, Timestamp::default())
        }

        fn answer(&mut self, write: &LeaseWrite, seconds: u64, outcome: WriteOutcome) -> Verdict {
            let sent = self.at(seconds);
            self.cell.resolve(write, sent, Ok(outcome))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_applied_write_counts_from_the_moment_it_was_sent() {
        let mut table = Table::new();
        let write = table.renew(7);
        assert_eq!(write.stamp, Stamp::held(ME, 3, 2));
        let applied = row(6, Some("me"), None, &write.stamp);
        assert!(matches!(table.answer(&write, 7, WriteOutcome::Applied(applied)), Verdict::Applied));
        assert_eq!((table.cell.sent(), table.cell.lease().version), (table.at(7), Version::new(6)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_was_applied_and_reported_as_refused_is_known_by_its_stamp() {
        let mut table = Table::new();
        let write = table.renew(7);
        assert!(matches!(table.cell.resolve(&write, table.start, Err(unavailable())), Verdict::Repeat(_)));
        let landed = row(6, Some("me"), None, &write.stamp);
        assert!(matches!(table.answer(&write, 7, WriteOutcome::Refused(Some(landed))), Verdict::Applied));
        assert_eq!((table.cell.sent(), table.cell.lease().version), (table.at(7), Version::new(6)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_applied_write_counts_although_the_lease_was_taken_after_it() {
        let mut table = Table::new();
        let write = table.renew(7);
        // Taken away and given back: the stamp is still ours, the version is not one step on.
        let later = row(8, Some("me"), None, &write.stamp);
        assert!(matches!(table.answer(&write, 7, WriteOutcome::Refused(Some(later))), Verdict::Over { applied: true }));
        assert_eq!(table.cell.over(), Some(EndReason::Taken));
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_that_landed_late_is_not_taken_for_the_commit_after_it() {
        let mut table = Table::new();
        let renewal = table.renew(7);
        assert!(matches!(table.cell.resolve(&renewal, table.at(7), Err(unavailable())), Verdict::Repeat(_)));
        let commit =
            LeaseAction::Checkpoint { position: Position::ShardEnd, load: Load::default(), children: Vec::new() };
        let now = table.at(8);
        let write = table.cell.begin(commit, now, Timestamp::default());
        assert_eq!((write.seen.version, write.stamp.clone()), (Version::new(5), Stamp::held(ME, 3, 3)));
        let landed = row(6, Some("me"), None, &renewal.stamp);
        assert!(matches!(table.answer(&write, 8, WriteOutcome::Refused(Some(landed))), Verdict::Again));
        assert_eq!(table.cell.sent(), table.at(7), "held since the renewal was sent, not since the commit was");
        assert_eq!(table.cell.lease().version, Version::new(6));
        assert!(!table.cell.lease().is_finished());
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_whose_future_was_dropped_is_remembered() {
        let mut table = Table::new();
        let dropped = table.renew(7);
        let write = table.renew(9);
        let landed = row(6, Some("me"), None, &dropped.stamp);
        assert!(matches!(table.answer(&write, 9, WriteOutcome::Refused(Some(landed))), Verdict::Again));
        assert_eq!(table.cell.sent(), table.at(7));
    }

    /// The rows of the table of answers: whose stamp, who holds, how many steps on; and what it means.
    #[tokio::test(start_paused = true)]
    async fn a_refusal_means_loss_unless_nobody_can_have_held_the_lease_in_between() {
        let mine = |write: u64| Stamp::held(ME, 3, write);
        let held = |version, stamp: &Stamp| row(version, Some("me"), None, stamp);
        let cases = [
            ("one step, my stamp, mine", held(6, &mine(1)), true),
            ("one step, my stamp, moving to B, still mine", row(6, Some("B"), Some("me"), &mine(1)), true),
            ("two steps", held(7, &mine(1)), false),
            ("no step", held(5, &mine(1)), false),
            ("one step, another process with my id", held(6, &Stamp::held(TWIN, 3, 2)), false),
            ("one step, another tenure of mine", held(6, &Stamp::held(ME, 2, 9)), false),
            ("one step, taken by B", row(6, Some("B"), None, &mine(1)), false),
            ("one step, free", row(6, None, None, &mine(1)), false),
            ("one step, odd: somebody else is named as holder", row(6, Some("me"), Some("B"), &mine(1)), false),
        ];
        for (name, seen, still_mine) in cases {
            let mut table = Table::new();
            let write = table.renew(7);
            let verdict = table.answer(&write, 7, WriteOutcome::Refused(Some(seen)));
            let again = matches!(verdict, Verdict::Again);
            assert_eq!(again, still_mine, "{name}: {verdict:?}");
            assert_eq!(table.cell.over().is_none(), still_mine, "{name}");
        }
        let mut table = Table::new();
        let write = table.renew(7);
        assert!(matches!(table.answer(&write, 7, WriteOutcome::Refused(None)), Verdict::Over { applied: false }));
    }

    #[tokio::test(start_paused = true)]
    async fn giving_up_ends_the_tenure_whatever_follows() {
        let mut table = Table::new();
        let now = table.at(1);
        let write = table.cell.begin(LeaseAction::Pass { to: None, checkpoint: None }, now, Timestamp::default());
        assert!(write.stamp.as_str().starts_with("o."));
        let mut freed = row(6, None, None, &write.stamp);
        freed.checkpoint = Position::ShardEnd;
        assert!(matches!(table.answer(&write, 1, WriteOutcome::Refused(Some(freed))), Verdict::Over { applied: true }));
        assert_eq!(table.cell.over(), Some(EndReason::Finished));
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_store_certainly_did_not_apply_is_not_waited_for() {
        let mut table = Table::new();
        let write = table.renew(7);
        let throttled = StoreError::new(StoreErrorKind::Throttled, "slow down");
        assert!(matches!(table.cell.resolve(&write, table.at(7), Err(throttled)), Verdict::Repeat(_)));
        assert_eq!(table.cell.unresolved, None);
        let denied = StoreError::new(StoreErrorKind::Denied, "no");
        assert!(matches!(table.cell.resolve(&write, table.at(7), Err(denied)), Verdict::Failed(_)));
        assert_eq!(table.cell.over(), None);
    }
}
