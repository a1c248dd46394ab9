//! What the two owners of a lease say of it.

use crate::decide::observe::Observations;
use crate::decide::roster::Roster;
use crate::ids::WorkerId;
use crate::lease::{Lease, Stamp};

/// Where a lease is between its owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'a> {
    /// Nobody holds it, and nobody is named.
    Free,
    /// Nobody holds it; this worker is to begin.
    Named(&'a WorkerId),
    /// This worker holds it.
    Held(&'a WorkerId),
    /// The first holds it, and is asked to give it to the second.
    Moving {
        /// The holder.
        from: &'a WorkerId,
        /// The receiver.
        to: &'a WorkerId,
    },
}

/// Reads a lease.
///
/// A lease that names a worker without a hand-off is held by it, except if that worker has not begun: the last write was
/// an offer, or was made by another process than the one that keeps the worker's row. A Java worker begins without a
/// write, and leaves the offer's stamp in place: it has begun once its renewals were seen. A row of which a Java worker
/// left half a hand-off, with both owners the same or only the old one, is held by that one.
#[must_use]
pub fn standing<'a>(lease: &'a Lease, roster: &Roster, seen: &Observations) -> Standing<'a> {
    match (&lease.owner, &lease.checkpoint_owner) {
        (None, None) => Standing::Free,
        (Some(to), Some(from)) if to != from => Standing::Moving { from, to },
        (_, Some(holder)) => Standing::Held(holder),
        (Some(owner), None) if has_begun(lease, owner, roster, seen) => Standing::Held(owner),
        (Some(owner), None) => Standing::Named(owner),
    }
}

fn has_begun(lease: &Lease, owner: &WorkerId, roster: &Roster, seen: &Observations) -> bool {
    let instance = roster.row(owner).and_then(|row| row.instance);
    match (instance, &lease.stamp) {
        (Some(instance), Some(stamp)) => stamp.is_held() && stamp.is_by(instance),
        // Assigned to a worker of this library by one of another.
        (Some(_), None) => false,
        (None, stamp) => stamp.as_ref().is_none_or(Stamp::is_held) || seen.is_foreign(&lease.shard),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::decide::timing::Timing;
    use crate::ids::{ShardKey, StreamId};
    use crate::lease::{Heartbeat, Instance};
    use crate::member::Member;
    use crate::position::Position;
    use crate::time::Timestamp;

    /// The process that keeps the row of `a`, and the one before it.
    const RUNNING: Instance = Instance::new(1);
    const EARLIER: Instance = Instance::new(2);

    /// The row of `a`.
    #[derive(Debug, Clone, Copy)]
    enum Row {
        Absent,
        Java,
        Of(Instance),
    }

    fn roster(row: Row) -> Roster {
        let member = |instance| Member {
            worker: "a".into(),
            instance,
            reported: Timestamp::from_millis(0),
            leaving: false,
            assignable: true,
            cap: None,
            utilization: None,
            wakes: Vec::new(),
        };
        let members = match row {
            Row::Absent => Vec::new(),
            Row::Java => vec![member(None)],
            Row::Of(instance) => vec![member(Some(instance))],
        };
        let mut roster = Roster::default();
        let timing = Timing::new(Duration::from_secs(10));
        roster.look(&members, None, Instant::now(), Timestamp::from_millis(0), &timing);
        roster
    }

    fn lease(owner: Option<&str>, checkpoint_owner: Option<&str>, stamp: Option<Stamp>) -> Lease {
        let mut lease = Lease::new(ShardKey::new(StreamId::named("s"), "0"), Position::TrimHorizon, None);
        (lease.owner, lease.checkpoint_owner) = (owner.map(WorkerId::from), checkpoint_owner.map(WorkerId::from));
        lease.stamp = stamp;
        lease
    }

    /// What is seen of a lease that does, or does not, beat as those of another library.
    fn seen(lease: &Lease, beats: bool) -> Observations {
        let timing = Timing::new(Duration::from_secs(10));
        let mut seen = Observations::default();
        let earlier = Lease { heartbeat: Heartbeat::new("earlier"), ..lease.clone() };
        seen.look(&[if beats { earlier } else { lease.clone() }], Instant::now(), &timing);
        seen.look(std::slice::from_ref(lease), Instant::now(), &timing);
        seen
    }

    #[test]
    fn every_pair_of_owners_has_a_standing_whatever_the_stamp_is() {
        let (a, b, c) = (WorkerId::from("a"), WorkerId::from("b"), WorkerId::from("c"));
        for row in [Row::Absent, Row::Java, Row::Of(RUNNING), Row::Of(EARLIER)] {
            for stamp in [None, Some(Stamp::held(RUNNING, 1, 1)), Some(Stamp::offered(RUNNING, 1, 1))] {
                for beats in [false, true] {
                    let check = |owner, checkpoint_owner, expected: Standing<'_>| {
                        let lease = lease(owner, checkpoint_owner, stamp.clone());
                        assert_eq!(standing(&lease, &roster(row), &seen(&lease, beats)), expected);
                    };
                    check(None, None, Standing::Free);
                    check(Some("b"), Some("a"), Standing::Moving { from: &a, to: &b });
                    check(Some("a"), Some("c"), Standing::Moving { from: &c, to: &a });
                    check(Some("a"), Some("a"), Standing::Held(&a));
                    check(None, Some("a"), Standing::Held(&a));
                }
            }
        }
    }

    #[test]
    fn a_worker_that_is_named_alone_holds_the_lease_if_it_has_begun() {
        let (running, earlier) = (Row::Of(RUNNING), Row::Of(EARLIER));
        let (java, absent) = (Row::Java, Row::Absent);
        let held = || Some(Stamp::held(RUNNING, 1, 1));
        let offer = || Some(Stamp::offered(RUNNING, 1, 1));
        let nonsense = || Some(Stamp::from_text("nonsense"));
        // Its row, the stamp, and whether it has begun: if no foreign beat was seen, and if one was.
        let table = [
            (running, held(), [true, true]),
            (running, offer(), [false, false]),
            (running, nonsense(), [false, false]),
            (running, None, [false, false]),
            (earlier, held(), [false, false]),
            (earlier, offer(), [false, false]),
            (earlier, nonsense(), [false, false]),
            (earlier, None, [false, false]),
            (java, held(), [true, true]),
            (java, offer(), [false, true]),
            (java, nonsense(), [false, true]),
            (java, None, [true, true]),
            (absent, held(), [true, true]),
            (absent, offer(), [false, true]),
            (absent, nonsense(), [false, true]),
            (absent, None, [true, true]),
        ];
        let a = WorkerId::from("a");
        for (row, stamp, begun) in table {
            for (beats, begun) in [false, true].into_iter().zip(begun) {
                let lease = lease(Some("a"), None, stamp.clone());
                let expected = if begun { Standing::Held(&a) } else { Standing::Named(&a) };
                let found = standing(&lease, &roster(row), &seen(&lease, beats));
                assert_eq!(found, expected, "row {row:?}, stamp {stamp:?}, beats {beats}");
            }
        }
    }

    #[test]
    fn the_row_of_another_worker_says_nothing_of_an_owner() {
        let lease = lease(Some("b"), None, Some(Stamp::held(RUNNING, 1, 1)));
        assert_eq!(standing(&lease, &roster(Row::Of(EARLIER)), &seen(&lease, false)), Standing::Held(&"b".into()));
    }
}
