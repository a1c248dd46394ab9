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
        let moved = work.take_in(what);
        match what {
            What::Begun { .. } => begun = true,
            What::Resharded { parents } => closed.extend(parents.iter().map(String::as_str)),
            What::Stored { .. } => {}
            _ if moved.is_some() => {}
            _ => continue,
        }
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

#[cfg(test)]
mod tests {
    use kcl_core::position::{Position, SequenceNumber};

    use super::*;
    use crate::history::{Payload, Run, Seat, ShardFacts};

    #[test]
    fn a_shard_is_silent_from_a_record_until_it_is_done_and_while_there_is_none_it_is_not() {
        let (run, seat, shard) = (Run(1), Seat(1), "s".to_owned());
        let at = Position::at(SequenceNumber::parse("5").expect("digits"));
        let records = vec![(at.clone(), Payload { key: "k".to_owned(), number: 1 })];
        let story = [
            (0, What::Begun { run, worker: "a".to_owned() }),
            (9_000, What::Stored { shard: shard.clone(), records: records.clone() }),
            (9_500, What::Called { run, seat, shard: shard.clone(), records }),
            (11_000, What::Done { run, seat, shard: shard.clone(), through: at }),
            (60_000, What::Resharded { parents: vec![shard.clone()] }),
            (61_000, What::Calm),
        ];
        let silence = |story: &[(u64, What)]| {
            let happenings = story.iter().map(|(at, what)| Happening { at: *at, what: what.clone() }).collect();
            let facts = ShardFacts { parents: Vec::new(), closed: true };
            let history = History::plain(happenings, BTreeMap::from([(shard.clone(), facts)]), Duration::from_secs(5));
            worst(&history).as_millis()
        };
        assert_eq!(silence(&story), 2_000, "the end of the shard waits for a second");
        assert_eq!(silence(&story[..3]), 500, "until the end of the story");
    }
}
