//! What is promised where Java workers are in the fleet, as far as it is less than what is promised of ours alone. Each
//! exception is of the holder, or of the writer, that it speaks of; nothing here lets anything through for ours alone.

use std::collections::BTreeSet;

use kcl_core::position::Position;

use crate::history::{History, Run, What};
use crate::row::Row;

/// The worker ids of Java workers.
pub(super) fn ids(history: &History) -> BTreeSet<&str> {
    let mut ids = BTreeSet::new();
    for happening in &history.happenings {
        if let What::Begun { run, worker } = &happening.what
            && run.is_java()
        {
            ids.insert(worker.as_str());
        }
    }
    ids
}

/// Whether a lease names a Java worker, as its holder or as the one who is to have it.
pub(super) fn names(ids: &BTreeSet<&str>, row: &Row) -> bool {
    [&row.owner, &row.checkpoint_owner].into_iter().flatten().any(|id| ids.contains(id.as_str()))
}

/// Which commits may go back: those of a Java worker that began at a position that was old already when it was read. It
/// reads where to start by a read that is not consistent, after it has adopted the lease, and the counter is that of the
/// adoption.
#[derive(Default)]
pub(super) struct StaleStarts<'a> {
    stale: BTreeSet<(Run, &'a str)>,
}

impl<'a> StaleStarts<'a> {
    /// A processor began.
    pub(super) fn seated(&mut self, run: Run, shard: &'a str, start: &Position, committed: Option<&Position>) {
        if !run.is_java() {
            return;
        }
        if committed.is_some_and(|committed| start < committed) {
            self.stale.insert((run, shard));
        } else {
            self.stale.remove(&(run, shard));
        }
    }

    /// Whether a commit of this run may go back.
    pub(super) fn allow(&self, run: Option<Run>, shard: &str) -> bool {
        run.is_some_and(|run| self.stale.contains(&(run, shard)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::super::check;
    use super::super::teeth::at;
    use super::*;
    use crate::history::{Happening, HowReturned, Payload, Seat, ShardFacts};

    const OURS: Run = Run(1);
    const OTHER: Run = Run(2);

    fn java() -> Run {
        Run::java(1)
    }

    fn lease(run: Run, counter: u64, owner: &str, checkpoint: Position) -> What {
        let row = Row { counter, owner: Some(owner.to_owned()), checkpoint_owner: None, checkpoint, born: 0 };
        What::Lease { run: Some(run), shard: "s".to_owned(), row: Some(row) }
    }

    fn seated(run: Run, seat: u32, epoch: u64, start: Position) -> What {
        What::Seated { run, seat: Seat(seat), shard: "s".to_owned(), epoch, start }
    }

    fn given(run: Run, seat: u32, record: u64) -> [What; 3] {
        let payload = Payload { key: "k".to_owned(), number: record };
        [
            What::Called { run, seat: Seat(seat), shard: "s".to_owned(), records: vec![(at(record), payload)] },
            What::Done { run, seat: Seat(seat), shard: "s".to_owned(), through: at(record) },
            What::Returned { run, seat: Seat(seat), how: HowReturned::Ok },
        ]
    }

    /// Three workers, of which the third is a Java worker; a shard with two records; and what then happens, each at its
    /// second. The failover time is 10 s.
    fn broken(whats: Vec<(u64, Vec<What>)>) -> Vec<&'static str> {
        let names = [(OURS, "a"), (OTHER, "b"), (java(), "j")];
        let begun = names.map(|(run, worker)| What::Begun { run, worker: worker.to_owned() });
        let record = |number| (at(number), Payload { key: "k".to_owned(), number });
        let stored = What::Stored { shard: "s".to_owned(), records: vec![record(1), record(2)] };
        let start = begun.into_iter().chain([stored]).map(|what| (0, what));
        let rest = whats.into_iter().flat_map(|(second, whats)| whats.into_iter().map(move |what| (second, what)));
        let happenings = start.chain(rest).map(|(second, what)| Happening { at: second * 1_000, what }).collect();
        let facts = ShardFacts { parents: Vec::new(), closed: false };
        let shards = BTreeMap::from([("s".to_owned(), facts)]);
        let history = History::plain(happenings, shards, Duration::from_secs(10));
        let mut names: Vec<_> = check(&history).into_iter().map(|violation| violation.invariant).collect();
        names.dedup();
        // These stories end in the middle.
        names.retain(|name| *name != "everything_is_consumed");
        names
    }

    /// Ours holds the shard, `seizer` gives it to another, who begins; ours is given a record `later`.
    fn seized_by(seizer: Run, later: u64) -> Vec<&'static str> {
        broken(vec![
            (1, vec![lease(OURS, 1, "a", Position::TrimHorizon), seated(OURS, 1, 1, Position::TrimHorizon)]),
            (2, vec![lease(seizer, 2, "b", Position::TrimHorizon)]),
            (3, vec![lease(OTHER, 3, "b", Position::TrimHorizon), seated(OTHER, 2, 3, Position::TrimHorizon)]),
            (2 + later, given(OURS, 1, 1).to_vec()),
        ])
    }

    #[test]
    fn ours_may_read_on_for_a_while_if_a_java_leader_took_the_shard_and_for_no_longer() {
        assert_eq!(seized_by(java(), 9), Vec::<&str>::new());
        assert_eq!(seized_by(java(), 10), ["one_reader_at_a_time"]);
        assert_eq!(seized_by(OTHER, 9), ["one_reader_at_a_time"], "taken by one of ours");
    }

    #[test]
    fn a_java_worker_that_was_silent_may_read_on_for_a_while() {
        let taken_from = |reader: Run, owner: &str, later: u64| {
            broken(vec![
                (1, vec![lease(reader, 1, owner, Position::TrimHorizon), seated(reader, 1, 1, Position::TrimHorizon)]),
                (20, vec![lease(OTHER, 2, "b", Position::TrimHorizon), seated(OTHER, 2, 2, Position::TrimHorizon)]),
                (20 + later, given(reader, 1, 1).to_vec()),
            ])
        };
        assert_eq!(taken_from(java(), "j", 17), Vec::<&str>::new());
        assert_eq!(taken_from(java(), "j", 18), ["one_reader_at_a_time"]);
        assert_eq!(taken_from(OURS, "a", 1), ["one_reader_at_a_time"]);
    }

    #[test]
    fn a_java_worker_commits_what_names_it_before_it_wrote_anything_and_nothing_else() {
        let commits = |owner: &str| {
            broken(vec![
                (1, vec![lease(OURS, 1, owner, Position::TrimHorizon), seated(java(), 1, 1, Position::TrimHorizon)]),
                (2, given(java(), 1, 1).to_vec()),
                (3, vec![lease(java(), 2, owner, at(1))]),
            ])
        };
        assert_eq!(commits("j"), Vec::<&str>::new());
        assert_eq!(commits("b"), ["only_the_holder_commits"]);
    }

    #[test]
    fn only_a_java_worker_that_began_in_the_past_moves_a_commit_back() {
        let back = |run: Run, owner: &str, start: Position| {
            let mut story = vec![
                (1, vec![lease(OURS, 1, "a", Position::TrimHorizon), seated(OURS, 1, 1, Position::TrimHorizon)]),
                (2, [given(OURS, 1, 1), given(OURS, 1, 2)].concat()),
                (3, vec![lease(OURS, 2, "a", at(2)), lease(OURS, 3, owner, at(2)), lease(run, 4, owner, at(2))]),
                (4, vec![seated(run, 2, 4, start.clone())]),
            ];
            story.extend((start < at(1)).then(|| (5, given(run, 2, 1).to_vec())));
            story.push((6, vec![lease(run, 5, owner, at(1))]));
            broken(story)
        };
        assert_eq!(back(java(), "j", Position::TrimHorizon), Vec::<&str>::new());
        assert_eq!(back(java(), "j", at(2)), ["commits_never_move_back"]);
        let ours = ["processors_start_at_what_is_committed", "commits_never_move_back"];
        assert_eq!(back(OTHER, "b", Position::TrimHorizon), ours);
    }
}
