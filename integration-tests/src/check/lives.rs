//! The lives of workers, and of shards that wait for them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kcl_core::event::Event;

use super::Findings;
use crate::history::{Happening, History, HowOver, Run, What};
use crate::work::Work;

/// How much longer than the failover time a shard may stand still once nothing goes wrong.
const BEYOND_FAILOVER: Duration = Duration::from_secs(3);

/// After a run is over nothing of it is called and nothing is sent. (What it had sent before may still arrive, and
/// the calls that it was in the middle of are dropped.)
pub(super) fn nothing_happens_after_the_end(history: &History) -> Findings {
    let mut over: BTreeSet<Run> = BTreeSet::new();
    let mut found = Findings::new();
    for Happening { at, what } in &history.happenings {
        let run = match what {
            What::Over { run, .. } => {
                over.insert(*run);
                continue;
            }
            What::Sent { run: Some(run), .. }
            | What::Event { run, .. }
            | What::Seated { run, .. }
            | What::Called { run, .. }
            | What::Done { run, .. }
            | What::ShardEnded { run, .. } => run,
            _ => continue,
        };
        if over.contains(run) {
            found.push((*at, format!("after its end: {what}")));
        }
    }
    found
}

/// A worker ends because it was told to or was killed, whatever goes wrong on the network.
pub(super) fn workers_do_not_give_up(history: &History) -> Findings {
    let gave_up = |happening: &Happening| match &happening.what {
        What::Over { run, how: HowOver::Failed(why) } => Some((happening.at, format!("{run} gave up: {why}"))),
        _ => None,
    };
    history.happenings.iter().filter_map(gave_up).collect()
}

/// Once nothing goes wrong any more, no shard that has something to do and whose parents are finished stands still for
/// longer than the failover time and three seconds, as long as reads of the table are out of date, and as long as a silent
/// subscription is listened to: a processor gets
/// done with records of it, or its end is committed. What a processor that failed before the calm is given as a pause does
/// not count.
pub(super) fn no_shard_stalls_in_calm(history: &History) -> Findings {
    let bound = history.failover + BEYOND_FAILOVER + history.staleness + history.silence;
    let bound = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX);
    let mut work = Work::default();
    let mut calm = false;
    // Until when processors that failed pause.
    let mut paused: BTreeMap<&str, u64> = BTreeMap::new();
    // Since when each shard waits.
    let mut waiting: BTreeMap<&str, u64> = BTreeMap::new();
    let mut found = Findings::new();
    for Happening { at, what } in &history.happenings {
        let finished = matches!(what, What::Lease { shard, .. } if !work.is_finished(shard));
        work.take_in(what);
        let moved = match what {
            What::Done { shard, .. } => Some(shard.as_str()),
            What::Lease { shard, .. } if finished && work.is_finished(shard) => Some(shard.as_str()),
            What::Calm | What::Stored { .. } | What::Lease { .. } | What::Event { .. } => None,
            _ => continue,
        };
        calm |= matches!(what, What::Calm);
        if let What::Event {
            event: Event::ProcessorFailed { shard, retry_in, .. } | Event::ProcessorPanicked { shard, retry_in, .. },
            ..
        } = what
        {
            let until = at + u64::try_from(retry_in.as_millis()).unwrap_or(u64::MAX);
            paused.insert(shard.shard.as_str(), until);
        }
        if let Some(shard) = moved
            && let Some(since) = waiting.remove(shard)
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
                    waiting.entry(shard).or_insert(from);
                }
            }
        }
    }
    let end = history.happenings.last().map_or(0, |last| last.at);
    found.extend(
        waiting
            .into_iter()
            .filter(|(_, since)| end.saturating_sub(*since) > bound)
            .map(|(shard, since)| (end, format!("{shard} stands still since {}.{:03}", since / 1000, since % 1000))),
    );
    found
}
