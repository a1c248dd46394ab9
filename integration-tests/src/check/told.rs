//! What workers say, and whether it is so.

use std::collections::BTreeMap;

use kcl_core::event::Event;
use kcl_core::position::Position;

use super::Findings;
use crate::history::{Happening, History, What};
use crate::timeline::Short;

/// What a worker says is committed was written to the lease before: whoever is told goes on as if it could not be delivered
/// again.
pub(super) fn reported_commits_are_stored(history: &History) -> Findings {
    let mut furthest: BTreeMap<&str, &Position> = BTreeMap::new();
    let mut found = Findings::new();
    for Happening { at, what } in &history.happenings {
        match what {
            What::Lease { shard, row: Some(row), .. } => {
                let furthest = furthest.entry(shard).or_insert(&row.checkpoint);
                *furthest = (*furthest).max(&row.checkpoint);
            }
            What::Event { run, event: Event::Checkpointed { shard, position } } => {
                let shard = shard.shard.as_str();
                if furthest.get(shard).is_none_or(|stored| *stored < position) {
                    found.push((*at, format!("{run} says that {shard} is committed through {}", Short(position))));
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

    use super::super::teeth::at;
    use super::*;
    use crate::history::Run;
    use crate::row::Row;

    #[test]
    fn a_commit_that_is_told_and_not_stored_is_found() {
        let told = |position| {
            let shard = ShardKey::new(StreamId::named("orders"), "s");
            What::Event { run: Run(1), event: Event::Checkpointed { shard, position } }
        };
        let row = Row { counter: 1, owner: None, checkpoint_owner: None, checkpoint: at(5), born: 0 };
        let lease = What::Lease { run: Some(Run(1)), shard: "s".to_owned(), row: Some(row) };
        let found = |whats: Vec<What>| {
            let happenings = whats.into_iter().map(|what| Happening { at: 0, what }).collect();
            let history = History::plain(happenings, BTreeMap::new(), Duration::from_secs(10));
            reported_commits_are_stored(&history).len()
        };
        assert_eq!(found(vec![lease.clone(), told(at(5)), told(at(4))]), 0);
        assert_eq!(found(vec![lease.clone(), told(at(6))]), 1);
        assert_eq!(found(vec![told(at(5)), lease]), 1);
    }
}
