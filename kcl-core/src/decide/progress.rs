//! How far a shard is: delivered, done, committed.

use crate::position::Position;

/// The marks of one owner's work on a shard. `done <= delivered` always holds, and `committed <= done` unless a commit
/// was found out late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The last record that was given to the processor.
    last: Position,
    /// Where that record's delivery stands. It may be beyond the record: what was packed with it can have been left out.
    delivered: Position,
    done: Position,
    committed: Position,
    /// All records of the shard were delivered, and there will be no more.
    ended: bool,
}

/// Why a position cannot be marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It lies beyond this, the last that was delivered.
    Ahead(Position),
    /// It lies before this, which is committed.
    Behind(Position),
}

impl Progress {
    /// An owner that starts at this committed position.
    #[must_use]
    pub fn new(committed: Position) -> Self {
        Self { last: committed.clone(), delivered: committed.clone(), done: committed.clone(), committed, ended: false }
    }

    /// Records are given to the processor, the last of them `last`; everything of the shard up to `through` is delivered
    /// then. Without a record there is nothing for the processor to do about it.
    pub fn deliver(&mut self, last: Option<Position>, through: Position) {
        if through <= self.delivered {
            return;
        }
        if let Some(last) = last {
            self.last = last;
        } else if self.done == self.delivered {
            self.done = through.clone();
        }
        self.delivered = through;
    }

    /// All records of the shard were delivered.
    pub fn deliver_end(&mut self) {
        self.ended = true;
    }

    /// Records up to this position are done. A position that is done already changes nothing.
    ///
    /// # Errors
    /// If it lies beyond what was delivered.
    pub fn done(&mut self, to: &Position) -> Result<(), Refusal> {
        if *to > self.last {
            return Err(Refusal::Ahead(self.last.clone()));
        }
        if *to == self.last {
            self.done = self.delivered.clone();
        } else if *to > self.done {
            self.done = to.clone();
        }
        Ok(())
    }

    /// Everything that was delivered is done.
    pub fn all_done(&mut self) {
        self.done = self.delivered.clone();
    }

    /// As [`done`](Self::done), for a position that is to be committed: it must not lie before what is.
    ///
    /// # Errors
    /// If it does, or lies beyond what was delivered.
    pub fn done_for_commit(&mut self, to: &Position) -> Result<(), Refusal> {
        // A processor that starts behind what turned out to be committed catches up first.
        if *to < self.committed && self.committed <= self.done {
            return Err(Refusal::Behind(self.committed.clone()));
        }
        self.done(to)
    }

    /// What can be committed and is not: done, and more than what is committed. The end of the shard is never among
    /// it: that is committed by itself, when the processor agrees and the shards that follow have their leases.
    #[must_use]
    pub fn to_commit(&self) -> Option<Position> {
        (self.done > self.committed).then(|| self.done.clone())
    }

    /// Whether the shard has ended and all of it is done.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.ended && self.done == self.delivered
    }

    /// The lease was found to stand at this position: a commit of this owner was applied and nobody told it. A processor
    /// that was made meanwhile does again what is committed; only what lies beyond is committed then.
    pub fn found(&mut self, stored: &Position) {
        if *stored > self.committed {
            self.committed = stored.clone();
        }
    }

    /// This position was committed.
    pub fn commit(&mut self, position: Position) {
        self.committed = position;
    }

    /// What is committed.
    #[must_use]
    pub fn committed(&self) -> &Position {
        &self.committed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::position::SequenceNumber;

    fn at(n: u64) -> Position {
        Position::at(SequenceNumber::parse(&n.to_string()).expect("digits"))
    }

    fn given(committed: Position, records: &[u64]) -> Progress {
        let mut progress = Progress::new(committed);
        for record in records {
            progress.deliver(Some(at(*record)), at(*record));
        }
        progress
    }

    #[test]
    fn what_is_delivered_and_not_done_is_never_committed() {
        let mut progress = given(Position::TrimHorizon, &[5]);
        assert_eq!(progress.to_commit(), None);
        progress.done(&at(3)).expect("delivered");
        assert_eq!(progress.to_commit(), Some(at(3)));
        progress.commit(at(3));
        assert_eq!(progress.to_commit(), None);
    }

    #[test]
    fn a_shard_is_complete_when_it_has_ended_and_everything_is_done() {
        let mut progress = given(Position::TrimHorizon, &[5]);
        progress.done(&at(5)).expect("delivered");
        assert!(!progress.is_complete(), "more may come");
        progress.deliver(Some(at(6)), at(6));
        progress.deliver_end();
        assert!(!progress.is_complete(), "6 is not done");
        progress.done(&at(6)).expect("delivered");
        assert!(progress.is_complete());
    }

    #[test]
    fn a_shard_without_records_is_complete_at_its_end() {
        let mut progress = Progress::new(Position::TrimHorizon);
        progress.deliver_end();
        assert_eq!((progress.is_complete(), progress.to_commit()), (true, None));
    }

    #[test]
    fn what_was_left_out_is_done_with_the_record_before_it() {
        let mut progress = Progress::new(Position::TrimHorizon);
        progress.deliver(None, at(2));
        assert_eq!(progress.to_commit(), Some(at(2)), "nothing to do for the processor");
        progress.deliver(Some(at(5)), at(9));
        progress.deliver(None, at(11));
        assert_eq!(progress.to_commit(), Some(at(2)), "5 is not done");
        assert_eq!(progress.done(&at(6)), Err(Refusal::Ahead(at(5))));
        progress.done(&at(5)).expect("delivered");
        assert_eq!(progress.to_commit(), Some(at(11)));
    }

    #[test]
    fn a_commit_that_is_found_out_late_is_never_moved_back() {
        let mut progress = given(at(2), &[3]);
        progress.found(&at(5));
        progress.all_done();
        progress.done_for_commit(&at(3)).expect("done again, nothing to commit");
        assert_eq!((progress.to_commit(), progress.committed()), (None, &at(5)));
        progress.deliver(Some(at(6)), at(6));
        progress.all_done();
        assert_eq!(progress.to_commit(), Some(at(6)));
        assert_eq!(progress.done_for_commit(&at(4)), Err(Refusal::Behind(at(5))));
        progress.found(&at(1));
        assert_eq!(progress.committed(), &at(5));
    }

    #[test]
    fn positions_outside_what_was_delivered_and_committed_are_refused() {
        let mut progress = given(at(2), &[5]);
        assert_eq!(progress.done(&at(6)), Err(Refusal::Ahead(at(5))));
        assert_eq!(progress.done(&Position::ShardEnd), Err(Refusal::Ahead(at(5))));
        progress.done_for_commit(&at(4)).expect("inside");
        progress.commit(at(4));
        assert_eq!(progress.done_for_commit(&at(3)), Err(Refusal::Behind(at(4))));
        progress.done(&at(3)).expect("done long ago");
        assert_eq!(progress.to_commit(), None);
    }
}
