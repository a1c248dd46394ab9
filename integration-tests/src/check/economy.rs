//! What must not be done more often than needed.

use std::collections::BTreeMap;

use kcl_core::position::Position;

use super::Findings;
use super::overlaps::Overlaps;
use super::stops::Stops;
use crate::history::{Happening, History, HowOver, HowReturned, Run, Seat, What};
use crate::timeline::Short;

/// Requests that one worker may make in a second for itself, and for each shard that it reads or looks after. A shard is
/// asked 5 times at most, and written to as often as its processor commits; the rest is looks, reports and hand-overs.
const EACH_WORKER: u64 = 60;
const EACH_SHARD: u64 = 30;

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

/// No worker makes more requests in a second than its shards can need, whatever goes wrong.
pub(super) fn nobody_asks_in_circles(history: &History) -> Findings {
    let shards = u64::try_from(history.shards.len()).unwrap_or(u64::MAX);
    let most = EACH_WORKER + EACH_SHARD * shards;
    let mut seconds: BTreeMap<(Run, u64), u64> = BTreeMap::new();
    for Happening { at, what } in &history.happenings {
        if let What::Sent { run: Some(run), .. } = what {
            *seconds.entry((*run, at / 1_000)).or_default() += 1;
        }
    }
    let too_many = seconds.into_iter().filter(|(_, requests)| *requests > most);
    too_many
        .map(|((run, second), requests)| (second * 1_000, format!("{run} makes {requests} requests in a second")))
        .collect()
}
