//! The model as the checker takes it.

use stateright::{Model, Property};

use crate::action::Action;
use crate::calm::{self, Known};
use crate::invariant::Invariant;
use crate::life::has_twin;
use crate::scenario::Scenario;
use crate::state::{Phase, State, Worker};
use crate::step;

/// A scenario with `L` shards.
#[derive(Debug)]
pub(crate) struct Fleet<const L: usize> {
    pub(crate) scenario: Scenario,
    pub(crate) known: Known,
}

impl<const L: usize> Fleet<L> {
    pub(crate) fn new(scenario: Scenario) -> Self {
        Self { scenario, known: Known::default() }
    }

    /// Whether a process reads the shard, or its processor is still at work: only a deadline or `pass` ends that.
    fn reads(&self, worker: &Worker<L>, shard: usize) -> bool {
        let passed_still_reads = !self.scenario.rules.pass_ends_reading;
        worker.is_up()
            && worker.seats[shard].tenure.is_some_and(|tenure| match tenure.phase {
                Phase::AwaitingParents => false,
                Phase::Reading => true,
                Phase::Passing => passed_still_reads,
            })
    }

    fn one_reader(&self, state: &State<L>) -> bool {
        (0..L).all(|shard| {
            let counts = |worker: &Worker<L>| !(self.scenario.twins_may_read && has_twin(state, worker.id));
            let mut readers = state.workers.iter().filter(|worker| self.reads(worker, shard) && counts(worker));
            let first = readers.next();
            readers.all(|other| first.is_some_and(|first| first.id == other.id))
        })
    }

    /// The invariant that a state breaks.
    pub(crate) fn broken(&self, state: &State<L>) -> Option<Invariant> {
        let one_reader = self.one_reader(state);
        let broken = state.broken.or((!one_reader).then_some(Invariant::OneReaderAtATime));
        let calm = || self.scenario.asks_calm.then(|| calm::check(&self.scenario, state, &self.known)).flatten();
        broken.or_else(calm)
    }
}

impl<const L: usize> Model for Fleet<L> {
    type State = State<L>;
    type Action = Action;

    fn init_states(&self) -> Vec<Self::State> {
        vec![step::first(&self.scenario)]
    }

    fn actions(&self, state: &Self::State, actions: &mut Vec<Self::Action>) {
        if self.one_reader(state) {
            step::actions(&self.scenario, state, actions);
        }
    }

    fn next_state(&self, state: &Self::State, action: Self::Action) -> Option<Self::State> {
        let next = step::step(&self.scenario, state, action);
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        // One for all: what is broken is asked of the last state of a path.
        vec![Property::always("all invariants", |fleet: &Self, state| fleet.broken(state).is_none())]
    }
}
