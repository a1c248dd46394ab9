//! For how long shards stood still.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::history::{Happening, History, What};
use crate::work::Work;

/// The longest time in which nothing got done of a shard that had something to do and whose parents were finished, from the
/// first worker on, calm or not.
#[must_use]
pub fn worst(history: &History) -> Duration {
    let mut work = Work::default();
    let mut begun = false;
    // A shard that is closed in the end was not from the beginning.
    let mut closed: BTreeSet<&str> = BTreeSet::new();
    let mut waiting: BTreeMap<&str, u64> = BTreeMap::new();
    let mut worst = 0;
    for Happening { at, what } in &history.happenings {
        let finished = matches!(what, What::Lease { shard, .. } if !work.is_finished(shard));
        work.take_in(what);
        let moved = match what {
            What::Done { shard, .. } => Some(shard.as_str()),
            What::Lease { shard, .. } if finished && work.is_finished(shard) => Some(shard.as_str()),
            What::Begun { .. } => {
                begun = true;
                None
            }
            What::Resharded { parents } => {
                closed.extend(parents.iter().map(String::as_str));
                None
            }
            What::Stored { .. } => None,
            _ => continue,
        };
        if let Some(since) = moved.and_then(|shard| waiting.remove(shard)) {
            worst = worst.max(at - since);
        }
        if begun {
            for (shard, facts) in &history.shards {
                let ready = facts.parents.iter().all(|parent| work.is_finished(parent));
                let ends = closed.contains(shard.as_str()) && !work.is_finished(shard);
                if ready && (work.undone(shard) > 0 || ends) {
                    waiting.entry(shard).or_insert(*at);
                }
            }
        }
    }
    let end = history.happenings.last().map_or(0, |last| last.at);
    Duration::from_millis(waiting.into_values().map(|since| end - since).max().unwrap_or(0).max(worst))
}
