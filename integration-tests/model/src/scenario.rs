//! What is explored: which processes and shards there are, and which faults may come. Together the scenarios cover what
//! the README promises.

use crate::lease::Id;
use crate::rules::Rules;
use crate::state::{Budget, SLOTS};

/// One exploration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// The worker id of each process, and whether it runs from the beginning.
    pub(crate) processes: [Option<(Id, bool)>; SLOTS],
    pub(crate) family: Family,
    /// The last position of a shard; that of a shard with children is its end.
    pub(crate) last: u8,
    pub(crate) budget: Budget,
    /// Writes are under way for any time. If not, they arrive at once or never: see the README for why that is enough.
    pub(crate) late_writes: bool,
    /// A write is answered, or given up, before anything else happens.
    pub(crate) prompt_answers: bool,
    /// Writes may rest on what the table held before its last change.
    pub(crate) stale_reads: bool,
    /// Two processes of one id may read beside another worker, until the older one notices: see the README.
    pub(crate) twins_may_read: bool,
    /// Whether to follow what becomes of each state once faults stop.
    pub(crate) asks_calm: bool,
    pub(crate) rules: Rules,
}

/// How the shards belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// One shard that does not end.
    One,
    /// A shard that ends, and its child.
    Line,
    /// A shard that ends, and its two children.
    Split,
    /// Two shards that end, and their child.
    Merge,
}

impl Family {
    pub(crate) fn shards(self) -> usize {
        match self {
            Self::One => 1,
            Self::Line => 2,
            Self::Split | Self::Merge => 3,
        }
    }

    pub(crate) fn parents(self, shard: usize) -> &'static [usize] {
        match (self, shard) {
            (Self::Line, 1) | (Self::Split, 1 | 2) => &[0],
            (Self::Merge, 2) => &[0, 1],
            _ => &[],
        }
    }

    pub(crate) fn children(self, shard: usize) -> &'static [usize] {
        match (self, shard) {
            (Self::Line, 0) => &[1],
            (Self::Split, 0) => &[1, 2],
            (Self::Merge, 0 | 1) => &[2],
            _ => &[],
        }
    }
}

impl Scenario {
    /// Whether a lease at this position is finished.
    pub(crate) fn is_end(&self, shard: usize, at: u8) -> bool {
        at == self.last && !self.family.children(shard).is_empty()
    }

    /// Whether all processes are alike, so that it does not matter which of them does what.
    pub(crate) fn is_symmetric(&self) -> bool {
        let mut ids: Vec<Id> = self.processes.iter().flatten().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        let all = ids.len();
        ids.dedup();
        ids.len() == all
    }
}
