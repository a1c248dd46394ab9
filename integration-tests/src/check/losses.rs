//! What is told as lost.

use std::collections::BTreeMap;

use kcl_core::event::Event;
use kcl_core::position::Position;

use super::Findings;
use crate::history::{Happening, History, What, millis};
use crate::timeline::Short;

/// What is told as lost had left the stream: the record at the position where reading should have gone on, and every one from there
/// to the first that was found, was older than the stream keeps records.
pub(super) fn what_is_told_as_lost_is_gone(history: &History) -> Findings {
    let retention = millis(history.retention);
    let mut stored: BTreeMap<&str, Vec<(u64, &Position)>> = BTreeMap::new();
    let mut found = Findings::new();
    for Happening { at, what } in &history.happenings {
        match what {
            What::Stored { shard, records } => {
                let of_shard = stored.entry(shard).or_default();
                of_shard.extend(records.iter().map(|(position, _)| (*at, position)));
            }
            What::Event { run, event: Event::RecordsExpired { shard, checkpoint, found: first } } => {
                let shard = shard.shard.as_str();
                let of_shard = stored.get(shard).map_or(&[][..], Vec::as_slice);
                let from = match checkpoint {
                    Position::At { sequence, .. } => Position::at(sequence.clone()),
                    start => start.clone(),
                };
                let mut told = of_shard.iter().filter(|(_, position)| (&from..first).contains(position)).peekable();
                if told.peek().is_none() {
                    let (from, first) = (Short(&from), Short(first));
                    found.push((
                        *at,
                        format!("{run} tells a loss of {shard} from {from} to {first}, where nothing was"),
                    ));
                } else if let Some((_, there)) = told.find(|(since, _)| at - since < retention) {
                    let there = Short(there);
                    found.push((*at, format!("{run} tells {there} of {shard} as lost, which is still in the stream")));
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

    use kcl_core::ids::{ShardKey, StreamId};
    use kcl_core::position::SequenceNumber;

    use super::*;
    use crate::history::{Payload, Run};

    #[test]
    fn a_record_that_is_told_as_lost_while_it_is_there_is_seen() {
        let position = |number: u64| Position::at(SequenceNumber::parse(&number.to_string()).expect("digits"));
        let stored = |at, number| {
            let payload = Payload { key: "k".to_owned(), number };
            Happening { at, what: What::Stored { shard: "s".to_owned(), records: vec![(position(number), payload)] } }
        };
        let found = |at: u64, through: u64, first: u64| {
            let shard = ShardKey::new(StreamId::named("orders"), "s");
            let event = Event::RecordsExpired { shard, checkpoint: position(through), found: position(first) };
            let told = Happening { at, what: What::Event { run: Run(1), event } };
            let plain = History::plain(
                vec![stored(0, 1), stored(1_000, 2), stored(2_000, 3), told],
                BTreeMap::new(),
                Duration::from_secs(5),
            );
            what_is_told_as_lost_is_gone(&History { retention: Duration::from_secs(60), ..plain }).len()
        };
        assert_eq!(found(61_000, 1, 3), 0, "1 and 2 are gone");
        assert_eq!(found(60_999, 1, 3), 1, "2 is not");
        assert_eq!(found(59_999, 1, 2), 1, "nor is 1");
        assert_eq!(found(90_000, 3, 3), 1, "nothing lies between");
    }
}
