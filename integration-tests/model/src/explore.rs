//! Explores a scenario completely, breadth first.

use stateright::{Checker, HasDiscoveries, Model};

use crate::invariant::Invariant;
use crate::model::Fleet;
use crate::scenario::Scenario;
use crate::show;

/// What came of an exploration.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// How many states there are; or there were until an invariant broke.
    pub(crate) states: usize,
    pub(crate) depth: usize,
    /// The ticks within which every fleet came to rest.
    pub(crate) settled: u8,
    pub(crate) violation: Option<Violation>,
}

/// An invariant that does not hold, and how that comes about.
#[derive(Debug)]
pub(crate) struct Violation {
    pub(crate) invariant: &'static str,
    pub(crate) steps: usize,
    pub(crate) path: String,
}

/// Explores all of a scenario, or until an invariant breaks.
pub(crate) fn explore(scenario: Scenario, threads: usize) -> Found {
    match scenario.family.shards() {
        1 => explored(Fleet::<1>::new(scenario), threads),
        2 => explored(Fleet::<2>::new(scenario), threads),
        _ => explored(Fleet::<3>::new(scenario), threads),
    }
}

fn explored<const L: usize>(fleet: Fleet<L>, threads: usize) -> Found {
    let checker = fleet.checker().threads(threads).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let fleet = checker.model();
    let violation = checker.discoveries().into_values().next().map(|path| {
        let invariant = fleet.broken(path.last_state()).map_or("nothing that can be named", Invariant::name);
        let path = path.into_vec();
        Violation { invariant, steps: path.len() - 1, path: show::path(&path) }
    });
    Found {
        states: checker.unique_state_count(),
        depth: checker.max_depth(),
        settled: fleet.known.longest(),
        violation,
    }
}
