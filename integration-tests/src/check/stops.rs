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
                clean.insert(*run, *how == HowOver::Stopped && stops.was_spared(*run, *at));
            }
            What::Seated { run, shard, start, .. } => {
                let Some((before, _, through)) = done.remove(shard.as_str()) else { continue };
                // What was taken away could not be committed, and a Java worker may begin at what it read of old.
                let excused = overlaps.may_be_taken(before, shard) || (run.is_java() && !history.staleness.is_zero());
                if clean.get(&before) == Some(&true) && start < through && !before.is_java() && !excused {
                    let (start, through) = (Short(start), Short(through));
                    found.push((
                        *at,
                        format!("{run} starts {shard} after {start}; {before} was done through {through}"),
                    ));
                }
            }
            _ => {}
        }
    }
    found
}
