//! What happens to leases.

use std::collections::{BTreeMap, BTreeSet};

use kcl_core::event::Event;

use super::Findings;
use super::java::StaleStarts;
use super::overlaps::Overlaps;
use super::stops::Stops;
use crate::history::{Happening, History, HowOver, Run, Seat, What};
use crate::row::Row;
use crate::timeline::Short;

/// The checkpoint of a lease never moves back, and a lease that was removed does not come back.
pub(super) fn commits_never_move_back(history: &History) -> Findings {
    let mut before: BTreeMap<&str, Option<&Row>> = BTreeMap::new();
    let mut stale_starts = StaleStarts::default();
    let mut found = Findings::new();
    for Happening { at, what } in &history.happenings {
        if let What::Seated { run, shard, start, .. } = what {
            let committed = before.get(shard.as_str()).copied().flatten().map(|row| &row.checkpoint);
            stale_starts.seated(*run, shard, start, committed);
        }
        let What::Lease { run, shard, row } = what else { continue };
        match (before.insert(shard, row.as_ref()), row) {
            (Some(Some(old)), Some(new)) if new.checkpoint < old.checkpoint && !stale_starts.allow(*run, shard) => {
                let (old, new) = (Short(&old.checkpoint), Short(&new.checkpoint));
                found.push((*at, format!("{shard} goes back from {old} to {new}")));
            }
            (Some(None), Some(new)) => found.push((*at, format!("the lease of {shard} comes back: {new}"))),
            _ => {}
        }
    }
    found
}

/// Every lease is at every instant one that the Java KCL reads: all that it needs is there, of the types that it expects.
pub(super) fn rows_are_readable_by_java(history: &History) -> Findings {
    let unreadable = |happening: &Happening| match &happening.what {
        What::Unreadable { shard, why, .. } => {
            Some((happening.at, format!("the lease of {shard} is written so that {why}")))
        }
        _ => None,
    };
    history.happenings.iter().filter_map(unreadable).collect()
}

/// Who holds each lease, by the writes that were applied.
#[derive(Default)]
pub(super) struct Holders<'a> {
    workers: BTreeMap<Run, &'a str>,
    rows: BTreeMap<&'a str, &'a Row>,
    held: BTreeMap<&'a str, Run>,
}

/// What one write to a lease did.
pub(super) struct Write<'a> {
    pub(super) shard: &'a str,
    pub(super) by: Option<Run>,
    pub(super) row: &'a Row,
    before: Option<&'a Row>,
    /// Who held the lease before.
    pub(super) holder: Option<Run>,
    /// The writer did not hold it, and does now.
    pub(super) begins: bool,
}

impl<'a> Holders<'a> {
    /// The worker id of a run.
    pub(super) fn id(&self, run: Run) -> Option<&'a str> {
        self.workers.get(&run).copied()
    }

    /// Who holds the lease of a shard.
    pub(super) fn holder(&self, shard: &str) -> Option<Run> {
        self.held.get(shard).copied()
    }

    pub(super) fn take_in(&mut self, what: &'a What) -> Option<Write<'a>> {
        match what {
            What::Begun { run, worker } => {
                self.workers.insert(*run, worker);
                None
            }
            What::Lease { shard, row: None, .. } => {
                self.rows.remove(shard.as_str());
                self.held.remove(shard.as_str());
                None
            }
            What::Lease { run, shard, row: Some(row) } => {
                let before = self.rows.insert(shard, row);
                let holder = self.held.get(shard.as_str()).copied();
                let same_counter = before.is_some_and(|before| before.counter == row.counter);
                let same_holder = before.is_some_and(|before| before.holder() == row.holder());
                let now = if same_counter && (row.checkpoint_owner.is_some() || same_holder) {
                    // Somebody asked the holder to give the lease away, or noted something in it.
                    holder
                } else {
                    run.filter(|run| row.holder().is_some() && row.holder() == self.workers.get(run).copied())
                };
                match now {
                    Some(now) => self.held.insert(shard, now),
                    None => self.held.remove(shard.as_str()),
                };
                Some(Write { shard, by: *run, row, before, holder, begins: now.is_some() && now != holder })
            }
            _ => None,
        }
    }
}

/// Each ownership of a shard has a greater epoch than every one before it, whoever held it; and the epoch that a worker
/// is told is that of a write that it made.
pub(super) fn epochs_grow(history: &History) -> Findings {
    let mut holders = Holders::default();
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    let mut written: BTreeSet<(Run, &str, u64)> = BTreeSet::new();
    let mut told: BTreeMap<(Run, &str), u64> = BTreeMap::new();
    let mut found = Findings::new();
    for Happening { at, what } in &history.happenings {
        if let Some(Write { shard, by, row, begins, .. }) = holders.take_in(what) {
            let epoch = row.epoch();
            if let Some(run) = by {
                written.insert((run, shard, epoch));
            }
            if begins && let Some(before) = last.insert(shard, epoch).filter(|before| *before >= epoch) {
                found.push((*at, format!("{shard}: epoch {epoch} begins after epoch {before}")));
            }
        }
        if let What::Event { run, event: Event::LeaseTaken { shard, epoch, .. } } = what {
            let (shard, epoch) = (shard.shard.as_str(), epoch.number());
            if !written.contains(&(*run, shard, epoch)) {
                found.push((*at, format!("{run} holds {shard} under epoch {epoch}, and made no such write")));
            }
            if let Some(before) = told.insert((*run, shard), epoch).filter(|before| *before >= epoch) {
                found.push((*at, format!("{run} holds {shard} under epoch {epoch} after epoch {before}")));
            }
        }
    }
    found
}

/// Only the run that made the newest ownership of a shard commits: never one whose lease another run has begun to hold
/// since, under whatever worker id.
pub(super) fn only_the_holder_commits(history: &History) -> Findings {
    let mut holders = Holders::default();
    let mut found = Findings::new();
    for Happening { at, what } in &history.happenings {
        if let Some(Write { shard, by, row, before: Some(before), holder, .. }) = holders.take_in(what)
            && before.checkpoint != row.checkpoint
            && (by.is_none() || by != holder)
            // A Java worker begins to hold what names it without a write.
            && !by.is_some_and(|by| by.is_java() && before.holder() == holders.id(by))
        {
            let name = |run: Option<Run>| run.map_or_else(|| "nobody".to_owned(), |run| run.to_string());
            found.push((*at, format!("{} commits {shard}, which {} holds", name(by), name(holder))));
        }
    }
    found
}

/// Once an ownership has begun to work on a shard, no processor of an earlier one is given records of it.
pub(super) fn one_reader_at_a_time(history: &History) -> Findings {
    let overlaps = Overlaps::of(history);
    // The epoch, and when it began to work.
    let mut newest: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let mut seats: BTreeMap<Seat, (u64, u64)> = BTreeMap::new();
    let mut found = Findings::new();
    for Happening { at, what } in &history.happenings {
        match what {
            What::Seated { seat, shard, epoch, .. } => {
                seats.insert(*seat, (*epoch, *at));
                let newest = newest.entry(shard).or_default();
                if newest.0 < *epoch {
                    *newest = (*epoch, *at);
                }
            }
            What::Called { run, seat, shard, .. } => {
                let (Some((mine, seated)), Some((newest, begun))) = (seats.get(seat), newest.get(shard.as_str()))
                else {
                    continue;
                };
                if mine < newest && !overlaps.allow(*run, shard, *at, *begun, *seated) {
                    found.push((*at, format!("{run} reads {shard} in epoch {mine}, and epoch {newest} has begun")));
                }
            }
            _ => {}
        }
    }
    found
}

/// A worker that was told to stop and did holds no lease any more, and the row that says that it lives is gone, unless its
/// requests met faults meanwhile or another process of its id keeps it. (A lease that still names it because an earlier process of
/// that id died with it is not one that it held.)
pub(super) fn stopped_workers_hold_nothing(history: &History) -> Findings {
    let mut holders = Holders::default();
    let mut rows: BTreeMap<&str, Run> = BTreeMap::new();
    let mut stops = Stops::default();
    let mut found = Findings::new();
    for Happening { at, what } in &history.happenings {
        holders.take_in(what);
        stops.take_in(*at, what);
        match what {
            What::WorkerRow { run: Some(run), worker, is_there: true } => drop(rows.insert(worker, *run)),
            What::WorkerRow { worker, is_there: false, .. } => drop(rows.remove(worker.as_str())),
            // Java workers give nothing back: what they held runs out.
            What::Over { run, how: HowOver::Stopped } if !run.is_java() && stops.was_spared(*run, *at) => {
                // A finished lease is there to be removed, whomever it names.
                let finished = |shard: &str| holders.rows.get(shard).is_some_and(|row| row.checkpoint.is_end());
                let held = holders.held.iter().filter(|(shard, holder)| *holder == run && !finished(shard));
                found.extend(held.map(|(shard, _)| (*at, format!("{run} has stopped and still holds {shard}"))));
                let row = holders.id(*run).filter(|id| rows.get(id) == Some(run));
                found.extend(row.map(|id| (*at, format!("{run} has stopped and the row of {id} is still there"))));
            }
            _ => {}
        }
    }
    found
}
