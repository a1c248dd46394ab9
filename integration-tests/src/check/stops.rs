//! Stops in good order: which workers were told to stop while nothing was wrong with them, and what that costs.

use std::collections::BTreeMap;

use kcl_core::event::Event;
use kcl_core::lease::EndReason;
use kcl_core::position::Position;

use super::Findings;
use super::overlaps::Overlaps;
use crate::history::{Happening, History, HowOver, HowReturned, Run, Seat, What};
use crate::timeline::Short;

/// How long before a worker was asked to stop a fault may have hit it and still be felt.
const FELT: u64 = 10_000;

/// When each run was asked to stop, and when a fault hit it last.
#[derive(Default)]
pub(super) struct Stops {
    asked: BTreeMap<Run, u64>,
    hit: BTreeMap<Run, u64>,
}

impl Stops {
    pub(super) fn take_in(&mut self, at: u64, what: &What) {
        match what {
            What::StopAsked { run } => drop(self.asked.insert(*run, at)),
            What::Fault { run: Some(run), .. } | What::Woke { run } => drop(self.hit.insert(*run, at)),
            _ => {}
        }
    }

    /// Whether a run was asked to stop.
    pub(super) fn was_asked(&self, run: Run) -> bool {
        self.asked.contains_key(&run)
    }

    /// Whether no fault was felt by a run that is over now, from when it was asked to stop.
    pub(super) fn was_spared(&self, run: Run, now: u64) -> bool {
        let began = self.asked.get(&run).copied().unwrap_or(now);
        self.hit.get(&run).is_none_or(|hit| hit + FELT < began)
    }
}

/// After a worker was stopped in good order and no fault hit it meanwhile, whoever goes on with its shards begins behind
/// everything that its processors were done with: its last ones, since one that follows one that failed begins anew at
/// what was committed.
pub(super) fn stops_cost_no_duplicates(history: &History) -> Findings {
    let overlaps = Overlaps::of(history);
    let mut done: BTreeMap<&str, (Run, Seat, &Position)> = BTreeMap::new();
    let mut stops = Stops::default();
    let mut clean: BTreeMap<Run, bool> = BTreeMap::new();
    // What others began too early while a worker was stopping: it counts if nothing hits that one until its end.
    let mut early: BTreeMap<Run, Findings> = BTreeMap::new();
    let mut found = Findings::new();
    for Happening { at, what } in &history.happenings {
        stops.take_in(*at, what);
        match what {
            What::Done { run, seat, shard, through } => drop(done.insert(shard, (*run, *seat, through))),
            // The next one begins at what is committed, whether or not it comes to begin.
            What::Returned { seat, how: HowReturned::Panicked, .. } => done.retain(|_, (_, by, _)| by != seat),
            // Whoever asks for that wants nothing more to be committed.
            What::Event { event: Event::LeaseEnded { shard, reason: EndReason::Fenced }, .. } => {
                done.remove(shard.shard.as_str());
            }
            What::Over { run, how } => {
                let is_clean = *how == HowOver::Stopped && stops.was_spared(*run, *at);
                clean.insert(*run, is_clean);
                found.extend(early.remove(run).filter(|_| is_clean).into_iter().flatten());
            }
            What::Seated { run, shard, start, .. } => {
                let Some((before, _, through)) = done.remove(shard.as_str()) else { continue };
                // What was taken away could not be committed, and a Java worker may begin at what it read of old.
                let excused = overlaps.may_be_taken(before, shard) || (run.is_java() && !history.staleness.is_zero());
                if start >= through || before.is_java() || excused {
                    continue;
                }
                let (start, through) = (Short(start), Short(through));
                let seen = (*at, format!("{run} starts {shard} after {start}; {before} was done through {through}"));
                match clean.get(&before) {
                    Some(true) => found.push(seen),
                    None if stops.was_asked(before) => early.entry(before).or_default().push(seen),
                    Some(false) | None => {}
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::teeth::at;
    use super::*;
    use crate::faults::Class;

    /// How many are found where one worker is done through 5 and is stopped, and another begins there.
    fn found(start: u64, before_the_end: bool, fault: bool) -> usize {
        let (stopped, heir) = (Run(1), Run(2));
        let seated = |run, seat, start| What::Seated { run, seat: Seat(seat), shard: "s".to_owned(), epoch: 1, start };
        let mut whats = vec![
            seated(stopped, 1, Position::TrimHorizon),
            What::Done { run: stopped, seat: Seat(1), shard: "s".to_owned(), through: at(5) },
            What::StopAsked { run: stopped },
            What::Over { run: stopped, how: HowOver::Stopped },
        ];
        let end = whats.len() - usize::from(before_the_end);
        whats.insert(end, seated(heir, 2, at(start)));
        if fault {
            whats.insert(3, What::Fault { run: Some(stopped), class: Class::Throttled });
        }
        let happenings = whats.into_iter().map(|what| Happening { at: 0, what }).collect();
        stops_cost_no_duplicates(&History::plain(happenings, BTreeMap::new(), Duration::from_secs(10))).len()
    }

    #[test]
    fn an_heir_that_begins_too_early_is_found_whether_or_not_the_worker_has_stopped_by_then() {
        for before_the_end in [true, false] {
            assert_eq!(found(4, before_the_end, false), 1);
            assert_eq!(found(5, before_the_end, false), 0);
            assert_eq!(found(4, before_the_end, true), 0, "a fault hit it");
        }
    }
}
