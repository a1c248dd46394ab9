//! Two processes under one worker id.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Findings;
use crate::faults::Class;
use crate::history::{Happening, History, Run, What, millis};

/// How long a fault may be felt: for as long a worker may wait until it reads its row again.
const FELT: Duration = Duration::from_secs(7);
/// For joining the fleet, and for looking: that is twice a second.
const NOTICED: Duration = Duration::from_secs(4);

/// Of two processes with one worker id the earlier one ends: within four seconds after both began, as long as reads of the
/// table are out of date. The time counts while no fault is felt by either.
pub(super) fn the_older_twin_ends(history: &History) -> Findings {
    let (felt, bound) = (millis(FELT), millis(NOTICED + history.staleness));
    // The processes of each worker id, and from when on each should have noticed.
    let mut live: BTreeMap<&str, BTreeMap<Run, u64>> = BTreeMap::new();
    let mut told = BTreeSet::new();
    let mut found = Findings::new();
    for Happening { at, what } in &history.happenings {
        for (worker, runs) in live.iter().filter(|(_, runs)| runs.len() > 1) {
            let since = runs.values().copied().max().unwrap_or(*at);
            if at.saturating_sub(since) > bound && told.insert(*worker) {
                found.push((*at, format!("{} processes are {worker}, for {} ms", runs.len(), at - since)));
            }
        }
        match what {
            What::Begun { run, worker } => {
                live.entry(worker).or_default().insert(*run, *at);
            }
            // One that stops reads its row no more, and ends by itself.
            What::Over { run, .. } | What::StopAsked { run } => live.values_mut().for_each(|runs| {
                runs.remove(run);
            }),
            What::Fault { run: Some(run), class } => {
                let from = if *class == Class::Frozen { u64::MAX } else { at + felt };
                let since = live.values_mut().filter_map(|runs| runs.get_mut(run)).filter(|since| **since < u64::MAX);
                since.for_each(|since| *since = from);
            }
            What::Woke { run } => {
                live.values_mut().filter_map(|runs| runs.get_mut(run)).for_each(|since| *since = at + felt);
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::HowOver;

    #[test]
    fn two_processes_may_have_one_id_for_a_while_and_for_longer_where_a_fault_is_felt() {
        let found = |ends: u64, class: Option<Class>| {
            let begun = |at, run| Happening { at, what: What::Begun { run: Run(run), worker: "a".to_owned() } };
            let over = |at, run| Happening { at, what: What::Over { run: Run(run), how: HowOver::Stopped } };
            let fault = class.map(|class| Happening { at: 2_000, what: What::Fault { run: Some(Run(1)), class } });
            let happenings = [begun(0, 1), begun(1_000, 2)].into_iter().chain(fault);
            let happenings = happenings.chain([over(ends, 1), over(60_000, 2)]).collect();
            the_older_twin_ends(&History::plain(happenings, BTreeMap::new(), Duration::from_secs(10))).len()
        };
        assert_eq!((found(5_000, None), found(5_001, None)), (0, 1));
        assert_eq!((found(13_000, Some(Class::Late)), found(13_001, Some(Class::Late))), (0, 1));
        assert_eq!(found(50_000, Some(Class::Frozen)), 0);
    }
}
