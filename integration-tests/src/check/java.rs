//! What is promised where Java workers are in the fleet, as far as it is less than what is promised of ours alone. Each
//! exception is of the holder, or of the writer, that it speaks of; nothing here lets anything through for ours alone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kcl_core::position::Position;

use super::leases::{Holders, Write};
use crate::history::{Happening, History, Run, What};
use crate::row::Row;

/// A holder of ours reads no longer than this part of the failover time after it sent its last renewal.
const HOLDER: f64 = 0.95;
/// How much later than it was written an answer may come, and a Java worker looks whether it still may read. It takes its
/// time from the answer.
const LATE: Duration = Duration::from_secs(6 + 1);

/// The worker ids of Java workers.
pub(super) fn ids(history: &History) -> BTreeSet<&str> {
    let mut ids = BTreeSet::new();
    for happening in &history.happenings {
        if let What::Begun { run, worker } = &happening.what
            && run.is_java()
        {
            ids.insert(worker.as_str());
        }
    }
    ids
}

/// Whether a lease names a Java worker, as its holder or as the one who is to have it.
pub(super) fn names(ids: &BTreeSet<&str>, row: &Row) -> bool {
    [&row.owner, &row.checkpoint_owner].into_iter().flatten().any(|id| ids.contains(id.as_str()))
}

/// How long after another has begun a reader may go on.
pub(super) struct Overlaps {
    failover: Duration,
    /// When a Java leader gave away a lease whose holder it had not seen renew: its write asks for the owner only.
    seized: BTreeMap<(Run, String), u64>,
}

impl Overlaps {
    pub(super) fn of(history: &History) -> Self {
        let mut holders = Holders::default();
        let mut seized = BTreeMap::new();
        for Happening { at, what } in &history.happenings {
            if let Some(Write { shard, by: Some(by), holder: Some(holder), row, .. }) = holders.take_in(what)
                && by.is_java()
                && by != holder
                && row.holder() != holders.id(holder)
            {
                seized.insert((holder, shard.to_owned()), *at);
            }
        }
        Self { failover: history.failover, seized }
    }

    /// Whether `run` may be given records of the shard at that time, though another began at `begun`. A Java worker may
    /// also have adopted the lease, at `seated`, on the word of a row that had changed already.
    pub(super) fn allow(&self, run: Run, shard: &str, at: u64, begun: u64, seated: u64) -> bool {
        let after = |from: u64| Duration::from_millis(at.saturating_sub(from));
        if run.is_java() {
            return after(begun.max(seated)) <= self.failover + LATE;
        }
        let seized = self.seized.get(&(run, shard.to_owned()));
        seized.is_some_and(|seized| after(*seized) <= self.failover.mul_f64(HOLDER))
    }

    /// Whether a Java leader ever took the shard from this run.
    pub(super) fn was_seized(&self, run: Run, shard: &str) -> bool {
        self.seized.contains_key(&(run, shard.to_owned()))
    }
}

/// Which commits may go back: those of a Java worker that began at a position that was old already when it was read. It
/// reads where to start by a read that is not consistent, after it has adopted the lease, and the counter is that of the
/// adoption.
#[derive(Default)]
pub(super) struct StaleStarts<'a> {
    stale: BTreeSet<(Run, &'a str)>,
}

impl<'a> StaleStarts<'a> {
    /// A processor began.
    pub(super) fn seated(&mut self, run: Run, shard: &'a str, start: &Position, committed: Option<&Position>) {
        if !run.is_java() {
            return;
        }
        if committed.is_some_and(|committed| start < committed) {
            self.stale.insert((run, shard));
        } else {
            self.stale.remove(&(run, shard));
        }
    }

    /// Whether a commit of this run may go back.
    pub(super) fn allow(&self, run: Option<Run>, shard: &str) -> bool {
        run.is_some_and(|run| self.stale.contains(&(run, shard)))
    }
}
