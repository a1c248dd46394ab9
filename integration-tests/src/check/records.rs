//! What processors are given, and what is committed of it.

use std::collections::BTreeMap;

use kcl_core::event::Event;
use kcl_core::position::Position;

use super::Findings;
use super::leases::{Holders, Write};
use crate::history::{Happening, History, HowReturned, Payload, Run, Seat, What};
use crate::timeline::{Records, Short};
use crate::work::Work;

/// When a commit is written, every record of the shard up to it has been processed: a processor was given it, and said
/// that it is done, before.
pub(super) fn commits_follow_processing(history: &History) -> Findings {
    let (mut work, mut found) = (Work::default(), Findings::new());
    for Happening { at, what } in &history.happenings {
        if let What::Lease { shard, row: Some(row), .. } = what
            && !row.checkpoint.is_start()
            && let Some(undone) = work.undone_through(shard, &row.checkpoint)
        {
            let (committed, undone) = (Short(&row.checkpoint), Short(undone));
            found.push((*at, format!("{shard} is committed through {committed}, and {undone} was not processed")));
        }
        work.take_in(what);
    }
    found
}

/// A processor starts at a position up to which every record was processed.
pub(super) fn processors_start_at_what_is_done(history: &History) -> Findings {
    let (mut work, mut found) = (Work::default(), Findings::new());
    for Happening { at, what } in &history.happenings {
        if let What::Seated { run, shard, start, .. } = what
            && !start.is_start()
            && let Some(undone) = work.undone_through(shard, start)
        {
            let (start, undone) = (Short(start), Short(undone));
            found.push((*at, format!("{run} starts {shard} after {start}, and {undone} was not processed")));
        }
        work.take_in(what);
    }
    found
}

/// A processor of ours begins nowhere before what was committed when its worker began to hold the shard, nor before what
/// that worker has told as committed since: a panic costs no more than what was not committed.
pub(super) fn processors_start_at_what_is_committed(history: &History) -> Findings {
    let mut holders = Holders::default();
    let mut committed: BTreeMap<(Run, &str), &Position> = BTreeMap::new();
    let mut found = Findings::new();
    for Happening { at, what } in &history.happenings {
        if let Some(Write { shard, by: Some(by), row, begins: true, .. }) = holders.take_in(what) {
            committed.insert((by, shard), &row.checkpoint);
        }
        match what {
            What::Event { run, event: Event::Checkpointed { shard, position } } => {
                let furthest = committed.entry((*run, shard.shard.as_str())).or_insert(position);
                *furthest = (*furthest).max(position);
            }
            What::Seated { run, shard, start, .. } if !run.is_java() => {
                if let Some(committed) = committed.get(&(*run, shard.as_str())).filter(|committed| start < **committed)
                {
                    let (start, committed) = (Short(start), Short(committed));
                    found.push((*at, format!("{run} starts {shard} after {start}, and {committed} was committed")));
                }
            }
            _ => {}
        }
    }
    found
}

/// What one processor is given is its shard, record by record, from the first one after its start: without a gap,
/// without a repetition but of the very batch that it failed at, and with the data that was put.
pub(super) fn deliveries_are_the_shard_in_order(history: &History) -> Findings {
    let truth = stored(history);
    let mut seats: BTreeMap<Seat, Reading<'_>> = BTreeMap::new();
    let mut found = Findings::new();
    for Happening { at, what } in &history.happenings {
        match what {
            What::Seated { seat, shard, start, .. } => {
                let records = truth.get(shard.as_str()).map_or(&[][..], Vec::as_slice);
                let next = records.partition_point(|(position, _)| position <= start);
                seats.insert(*seat, Reading { shard, records, next, end: next, again: false, over: false });
            }
            What::Called { run, seat, shard, records } => {
                let problem = match seats.get_mut(seat) {
                    Some(reading) => reading.is_given(records),
                    None => Some("it was not initialised".to_owned()),
                };
                if let Some(problem) = problem {
                    found.push((
                        *at,
                        format!("{run}, seat {} of {shard} is given {}: {problem}", seat.0, Records(records)),
                    ));
                }
            }
            // Told before the records behind the gap are given; a gap that is not told is one too many.
            What::Event { event: Event::RecordsExpired { shard, found: first, .. }, .. } => {
                let shard = shard.shard.as_str();
                let records = truth.get(shard).map_or(&[][..], Vec::as_slice);
                let next = records.partition_point(|(position, _)| position < first);
                let open = seats.values_mut().filter(|reading| reading.shard == shard);
                open.for_each(|reading| reading.goes_on_at(next));
            }
            What::Returned { seat, how, .. } => {
                if let Some(reading) = seats.get_mut(seat) {
                    reading.returns(*how);
                }
            }
            _ => {}
        }
    }
    found
}

/// One processor on its way through its shard.
struct Reading<'a> {
    shard: &'a str,
    records: &'a [(Position, Payload)],
    /// The record that comes next, and the one after the last that was given.
    next: usize,
    end: usize,
    /// The batch before failed, and must come again.
    again: bool,
    /// It must not be called any more.
    over: bool,
}

impl Reading<'_> {
    fn is_given(&mut self, given: &[(Position, Payload)]) -> Option<String> {
        let end = self.next + given.len();
        let expected = self.records.get(self.next..end);
        let problem = if self.over {
            Some("a call of it panicked or was cut off before".to_owned())
        } else if self.again && end != self.end {
            Some("it is not the batch that failed".to_owned())
        } else if expected == Some(given) {
            None
        } else {
            let next = self.records.get(self.next).map(|(position, _)| Short(position).to_string());
            Some(format!("{} comes next", next.as_deref().unwrap_or("nothing")))
        };
        self.end = end;
        problem
    }

    fn goes_on_at(&mut self, next: usize) {
        if self.next == self.end && !self.over {
            (self.next, self.end) = (self.next.max(next), self.end.max(next));
        }
    }

    fn returns(&mut self, how: HowReturned) {
        match how {
            HowReturned::Ok => (self.next, self.again) = (self.end, false),
            HowReturned::Failed => self.again = true,
            HowReturned::Panicked | HowReturned::CutOff => self.over = true,
        }
    }
}

/// All records of each shard, in order.
fn stored(history: &History) -> BTreeMap<&str, Vec<(Position, Payload)>> {
    let mut shards: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for happening in &history.happenings {
        if let What::Stored { shard, records } = &happening.what {
            shards.entry(shard).or_default().extend(records.iter().cloned());
        }
    }
    for records in shards.values_mut() {
        records.sort();
    }
    shards
}

/// A processor for a shard is initialised only after every record of all of the shard's parents was processed, and
/// their ends were committed.
pub(super) fn parents_come_first(history: &History) -> Findings {
    let (mut work, mut found) = (Work::default(), Findings::new());
    for Happening { at, what } in &history.happenings {
        if let What::Seated { run, shard, .. } = what {
            let parents = history.shards.get(shard).map_or(&[][..], |facts| &facts.parents);
            for parent in parents.iter().filter(|parent| work.undone(parent) > 0 || !work.is_finished(parent)) {
                let undone = work.undone(parent);
                found.push((*at, format!("{run} begins {shard} before its parent {parent} ({undone} records left)")));
            }
        }
        work.take_in(what);
    }
    found
}

/// In the end every record was processed, the end of every closed shard is committed, and the last record of every open
/// shard is.
pub(super) fn everything_is_consumed(history: &History) -> Findings {
    let mut work = Work::default();
    work.read(&history.happenings);
    let truth = stored(history);
    let end = history.happenings.last().map_or(0, |last| last.at);
    let mut found = Findings::new();
    for (shard, facts) in &history.shards {
        let undone = work.undone(shard);
        if undone > 0 {
            found.push((end, format!("{undone} records of {shard} were never processed")));
        }
        let last = truth.get(shard.as_str()).and_then(|records| records.last()).map(|(position, _)| position);
        match work.rows.get(shard) {
            _ if facts.closed && work.is_finished(shard) => {}
            _ if facts.closed => found.push((end, format!("the end of {shard} was never committed"))),
            None => found.push((end, format!("{shard} has no lease"))),
            Some(row) if last.is_some_and(|last| row.checkpoint != *last) => {
                let (committed, last) = (Short(&row.checkpoint), last.map(|last| Short(last).to_string()));
                found
                    .push((end, format!("{shard} is committed through {committed}, not {}", last.unwrap_or_default())));
            }
            Some(_) => {}
        }
    }
    found
}
