//! The lives of workers, and of shards that wait for them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kcl_core::event::Event;

use super::stops::Stops;
use super::{Findings, java};
use crate::history::{Happening, History, HowOver, Run, What, millis};
use crate::work::Work;

/// How much longer than the failover time a shard may stand still once nothing goes wrong.
const BEYOND_FAILOVER: Duration = Duration::from_secs(3);

/// After a run is over nothing of it is called and nothing is sent. (What it had sent before may still arrive, and
/// the calls that it was in the middle of are dropped. Where a request is only seen when it arrives, it counts as sent
/// before for as long as one may be on its way.)
pub(super) fn nothing_happens_after_the_end(history: &History) -> Findings {
    let in_flight = millis(history.in_flight);
    let mut over: BTreeMap<Run, u64> = BTreeMap::new();
    let mut found = Findings::new();
    for Happening { at, what } in &history.happenings {
        let run = match what {
            What::Over { run, .. } => {
                over.entry(*run).or_insert(*at);
                continue;
            }
            What::Sent { run: Some(run), .. }
            | What::Event { run, .. }
            | What::Told { run, .. }
            | What::Seated { run, .. }
            | What::Called { run, .. }
            | What::Done { run, .. }
            | What::ShardEnded { run, .. } => run,
            _ => continue,
        };
        let late = if matches!(what, What::Sent { .. }) { in_flight } else { 0 };
        if over.get(run).is_some_and(|over| *at >= over + late) {
            found.push((*at, format!("after its end: {what}")));
        }
    }
    found
}

/// How long after the end of another process of its id a worker may still find out that there was one: its row is read every half
/// second, and may be out of reach, or out of date, for as long as a holder goes on without it.
const FOUND_OUT: Duration = Duration::from_secs(3);

/// A worker ends because it was told to or was killed, whatever goes wrong on the network; or because another process
/// has its id, which does not end for the same reason.
pub(super) fn workers_do_not_give_up(history: &History) -> Findings {
    let late = millis(history.failover + history.staleness + FOUND_OUT);
    let mut begun: BTreeMap<Run, (&str, u64)> = BTreeMap::new();
    let mut over: BTreeMap<Run, u64> = BTreeMap::new();
    let mut gave_way: BTreeSet<Run> = BTreeSet::new();
    let mut stops = Stops::default();
    let mut found = Findings::new();
    for Happening { at, what } in &history.happenings {
        stops.take_in(*at, what);
        match what {
            What::Begun { run, worker } => drop(begun.insert(*run, (worker, *at))),
            What::Over { run, how } => {
                over.insert(*run, *at);
                // The KCL ends after twenty attempts to start.
                if run.is_java() {
                    continue;
                }
                if *how == HowOver::Stopped && !stops.was_asked(*run) {
                    found.push((*at, format!("{run} ended, and nobody had told it to")));
                }
                let HowOver::Failed(why) = how else { continue };
                // Whichever of two joined the fleet later stays, which need not be the one that began later.
                let has_twin = begun.get(run).is_some_and(|(worker, since)| {
                    let lived = |other: &Run| over.get(other).is_none_or(|end| end >= since && end + late >= *at);
                    let is_twin = |other: &Run| other != run && !gave_way.contains(other) && lived(other);
                    begun.iter().any(|(other, (name, _))| name == worker && is_twin(other))
                });
                if has_twin && why.contains("another process was started under this worker id") {
                    gave_way.insert(*run);
                } else {
                    found.push((*at, format!("{run} gave up: {why}")));
                }
            }
            _ => {}
        }
    }
    found
}

/// Once nothing goes wrong any more, no shard that has something to do and whose parents are finished stands still for
/// longer than the failover time and three seconds, as long as reads of the table are out of date, and as long as a silent
/// subscription is listened to: a processor gets done with records of it, or its end is committed. The pause after a failed call
/// does not count.
pub(super) fn no_shard_stalls_in_calm(history: &History) -> Findings {
    let bound = history.failover + BEYOND_FAILOVER + history.staleness + history.silence;
    let bound = millis(bound);
    let mut work = Work::default();
    let mut calm = false;
    // Until when processors that failed pause.
    let mut paused: BTreeMap<&str, u64> = BTreeMap::new();
    // Since when each shard waits.
    let mut waiting: BTreeMap<&str, u64> = BTreeMap::new();
    // Those that a Java worker had or was to have since then: what it takes is another's promise.
    let ids = java::ids(history);
    let of_java = history.patience_of_java.max(Duration::from_millis(bound));
    let of_java = millis(of_java);
    let mut java: BTreeSet<&str> = BTreeSet::new();
    let mut found = Findings::new();
    for Happening { at, what } in &history.happenings {
        let moved = work.take_in(what);
        let tells = matches!(what, What::Calm | What::Stored { .. } | What::Lease { .. } | What::Event { .. });
        if moved.is_none() && !tells {
            continue;
        }
        calm |= matches!(what, What::Calm);
        if let What::Event {
            event: Event::ProcessorFailed { shard, retry_in, .. } | Event::ProcessorPanicked { shard, retry_in, .. },
            ..
        } = what
        {
            let until = at + millis(*retry_in);
            paused.insert(shard.shard.as_str(), until);
        }
        if let What::Lease { shard, row: Some(row), .. } = what {
            if java::names(&ids, row) {
                java.insert(shard);
            } else if java.remove(shard.as_str()) {
                // From here on it is for ours to go on.
                waiting.entry(shard).and_modify(|since| *since = (*since).max(*at));
            }
        }
        if let Some(shard) = moved
            && let Some(since) = waiting.remove(shard)
            && let bound = if java.remove(shard) { of_java } else { bound }
            && at.saturating_sub(since) > bound
        {
            let stood = at - since;
            found.push((*at, format!("{shard} stood still for {stood} ms; at most {bound} ms are allowed")));
        }
        if calm {
            for (shard, facts) in &history.shards {
                let ready = facts.parents.iter().all(|parent| work.is_finished(parent));
                if ready && work.is_open(shard, facts) {
                    let from = paused.get(shard.as_str()).map_or(*at, |until| (*at).max(*until));
                    if let Entry::Vacant(new) = waiting.entry(shard) {
                        new.insert(from);
                        if work.rows.get(shard).is_some_and(|row| java::names(&ids, row)) {
                            java.insert(shard);
                        } else {
                            java.remove(shard.as_str());
                        }
                    }
                }
            }
        }
    }
    let end = history.happenings.last().map_or(0, |last| last.at);
    found.extend(
        waiting
            .into_iter()
            .filter(|(shard, since)| end.saturating_sub(*since) > if java.contains(shard) { of_java } else { bound })
            .map(|(shard, since)| (end, format!("{shard} stands still since {}.{:03}", since / 1000, since % 1000))),
    );
    found
}
