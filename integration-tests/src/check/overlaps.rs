//! Where two readers of one shard are allowed for a time: beside Java workers, and where two processes have one worker id. Each
//! exception is of the run that it speaks of; nothing here lets anything through for workers of ours with ids of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::leases::{Holders, Write};
use crate::history::{Happening, History, Run, What};

/// A holder of ours reads no longer than this part of the failover time after it sent its last renewal.
const HOLDER: f64 = 0.95;
/// How much later than it was written an answer may come, and a Java worker looks whether it still may read. It takes its
/// time from the answer.
const LATE: Duration = Duration::from_secs(6 + 1);

/// How long after another has begun a reader may go on.
pub(super) struct Overlaps {
    failover: Duration,
    /// When a lease was taken from its holder before that could know of it. A Java leader gives away leases whose holders it has
    /// not seen renew: its write asks for the owner only. And of two that live at the same time under one worker id, both take
    /// the leases that name them, or give them to whom they were asked for, until the earlier one has read that it is not the
    /// only one; whose lease was taken so reads on until it writes, or the lease runs out.
    seized: BTreeMap<(Run, String), u64>,
    /// When Java workers that had been frozen went on: they look whether they still may read a second later.
    woke: BTreeMap<Run, Vec<u64>>,
}

impl Overlaps {
    pub(super) fn of(history: &History) -> Self {
        let mut holders = Holders::default();
        let mut seized = BTreeMap::new();
        let mut woke: BTreeMap<Run, Vec<u64>> = BTreeMap::new();
        let mut live: BTreeSet<Run> = BTreeSet::new();
        for Happening { at, what } in &history.happenings {
            match what {
                What::Woke { run } if run.is_java() => woke.entry(*run).or_default().push(*at),
                What::Begun { run, .. } => drop(live.insert(*run)),
                What::Over { run, .. } => drop(live.remove(run)),
                _ => {}
            }
            if let Some(Write { shard, by: Some(by), holder: Some(holder), row, .. }) = holders.take_in(what)
                && by != holder
            {
                let by_twin = holders.id(by) == holders.id(holder) && live.contains(&holder);
                if by_twin || (by.is_java() && row.holder() != holders.id(holder)) {
                    seized.insert((holder, shard.to_owned()), *at);
                }
            }
        }
        Self { failover: history.failover, seized, woke }
    }

    /// Whether `run` may be given records of the shard at that time, though another began at `begun`. A Java worker may
    /// also have adopted the lease, at `seated`, on the word of a row that had changed already.
    pub(super) fn allow(&self, run: Run, shard: &str, at: u64, begun: u64, seated: u64) -> bool {
        let after = |from: u64| Duration::from_millis(at.saturating_sub(from));
        if run.is_java() {
            let woke = self.woke.get(&run).into_iter().flatten();
            return after(begun.max(seated)) <= self.failover + LATE
                || woke.filter(|woke| **woke <= at).any(|woke| after(*woke) <= LATE);
        }
        let seized = self.seized.get(&(run, shard.to_owned()));
        seized.is_some_and(|seized| after(*seized) <= self.failover.mul_f64(HOLDER))
    }

    /// Whether the shard may have been taken from this run before it could commit: by a Java leader, or by another process
    /// with its id.
    pub(super) fn may_be_taken(&self, run: Run, shard: &str) -> bool {
        self.seized.contains_key(&(run, shard.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use kcl_core::position::Position;

    use super::*;
    use crate::history::HowOver;
    use crate::row::Row;

    /// Whether a worker may read on, so long after another process gave its lease to a third one.
    fn may_read_on(giver: &str, over: bool, later: u64) -> bool {
        let (holder, by) = (Run(1), Run(2));
        let lease = |run, owner: &str, counter| {
            let (owner, checkpoint) = (Some(owner.to_owned()), Position::TrimHorizon);
            let row = Row { counter, owner, checkpoint_owner: None, checkpoint, born: 1 };
            What::Lease { run: Some(run), shard: "s".to_owned(), row: Some(row) }
        };
        let begun = |run, worker: &str| What::Begun { run, worker: worker.to_owned() };
        let end = over.then_some(What::Over { run: holder, how: HowOver::Killed });
        let story = [begun(holder, "a"), lease(holder, "a", 1), begun(by, giver)].into_iter().chain(end);
        let story = story.chain([lease(by, "c", 2)]).map(|what| Happening { at: 1_000, what }).collect();
        let history = History::plain(story, BTreeMap::new(), Duration::from_secs(10));
        Overlaps::of(&history).allow(holder, "s", 1_000 + later, 1_000, 0)
    }

    #[test]
    fn who_lives_beside_another_process_of_its_id_may_read_on_until_its_lease_runs_out() {
        assert_eq!((may_read_on("a", false, 9_500), may_read_on("a", false, 9_501)), (true, false));
        assert!(!may_read_on("b", false, 0), "given away by a worker with another id");
        assert!(!may_read_on("a", true, 0), "it is dead");
    }
}
