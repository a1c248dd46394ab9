//! Which workers were told to stop while nothing was wrong with them.

use std::collections::BTreeMap;

use crate::history::{Run, What};

/// How long before a worker was asked to stop a fault may have hit it and still be felt.
const FELT: u64 = 10_000;

/// When each run was asked to stop, and when a fault hit it last.
#[derive(Default)]
pub(super) struct Stops {
    asked: BTreeMap<Run, u64>,
    hit: BTreeMap<Run, u64>,
}

impl Stops {
    pub(super) fn take_in(&mut self, at: u64, what: &What) {
        match what {
            What::StopAsked { run } => drop(self.asked.insert(*run, at)),
            What::Fault { run: Some(run), .. } | What::Woke { run } => drop(self.hit.insert(*run, at)),
            _ => {}
        }
    }

    /// Whether no fault was felt by a run that is over now, from when it was asked to stop.
    pub(super) fn was_spared(&self, run: Run, now: u64) -> bool {
        let began = self.asked.get(&run).copied().unwrap_or(now);
        self.hit.get(&run).is_none_or(|hit| hit + FELT < began)
    }
}
