//! What becomes of a state once faults stop: a fair schedule, in which every process does what is due in every tick.
//!
//! The schedule is a function of the state, so a fleet that has come to rest is a state that a tick leads back to. Each
//! state is followed only until one whose way is known.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::canon::canonical;
use crate::invariant::Invariant;
use crate::request::put;
use crate::scenario::Scenario;
use crate::schedule::tick_of;
use crate::state::{Budget, Life, MAIL, Phase, State, Worker};

/// Within how many ticks a fleet comes to rest: twice the failover time for two deaths one after the other, and as much
/// again for what follows.
pub(crate) const BOUND: u8 = 12;

/// How many ticks are left from states that were followed.
#[derive(Debug)]
pub(crate) struct Known {
    parts: Vec<Mutex<HashMap<u64, u8>>>,
    hasher: RandomState,
}

impl Default for Known {
    fn default() -> Self {
        Self { parts: (0..64).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }
}

impl Known {
    fn key<const L: usize>(&self, state: &State<L>) -> u64 {
        self.hasher.hash_one(state)
    }

    fn part(&self, key: u64) -> MutexGuard<'_, HashMap<u64, u8>> {
        let at = usize::try_from(key % 64).unwrap_or(0);
        self.parts[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The longest way to rest that was met.
    pub(crate) fn longest(&self) -> u8 {
        let longest = |at: u64| self.part(at).values().copied().max().unwrap_or(0);
        (0..64).map(longest).max().unwrap_or(0)
    }
}

/// What does not hold, if faults stop now. A state in which somebody waits for an answer is not asked.
pub(crate) fn check<const L: usize>(scenario: &Scenario, state: &State<L>, known: &Known) -> Option<Invariant> {
    let waits = state.workers.iter().any(|worker| worker.seats.iter().any(|seat| seat.request.is_some()));
    if waits || state.broken.is_some() {
        return None;
    }
    let mut calm = State { budget: Budget::default(), mail: [None; MAIL], plan: None, ..state.clone() };
    for worker in calm.workers.iter_mut().filter(|worker| worker.life == Life::Paused) {
        worker.life = Life::Up;
    }
    // What is under way arrives now, or never.
    let never = follow(scenario, canonical(scenario, calm.clone()), known);
    if never.is_some() || state.mail.iter().chain([&state.plan]).all(Option::is_none) {
        return never;
    }
    (calm.mail, calm.plan) = (state.mail, state.plan);
    for at in 0..=MAIL {
        let message = calm.mail.get_mut(at).unwrap_or(&mut calm.plan).take();
        if let Some((shard, write)) = message {
            put(scenario, &mut calm, usize::from(shard), &write);
        }
    }
    follow(scenario, canonical(scenario, calm), known)
}

fn follow<const L: usize>(scenario: &Scenario, mut state: State<L>, known: &Known) -> Option<Invariant> {
    let mut way = Vec::new();
    let mut left = loop {
        if !state.workers.iter().any(Worker::stays) {
            break 0;
        }
        let key = known.key(&state);
        if let Some(left) = known.part(key).get(&key) {
            break *left;
        }
        let mut next = state.clone();
        let began = tick_of(scenario, &mut next);
        let next = canonical(scenario, next);
        if next.broken.is_some() {
            return next.broken;
        }
        if next == state {
            if began {
                return Some(Invariant::NoTenureBeginsInCalm);
            }
            if !is_served(scenario, &state) {
                return Some(Invariant::NoShardStallsInCalm);
            }
            known.part(key).insert(key, 0);
            break 0;
        }
        if way.len() > usize::from(BOUND) {
            let served = is_served(scenario, &state);
            return Some(if served { Invariant::NoTenureBeginsInCalm } else { Invariant::NoShardStallsInCalm });
        }
        way.push(key);
        state = next;
    };
    for key in way.into_iter().rev() {
        left += 1;
        if left > BOUND {
            return Some(Invariant::NoShardStallsInCalm);
        }
        known.part(key).insert(key, left);
    }
    None
}

/// Whether every shard is read or finished.
fn is_served<const L: usize>(scenario: &Scenario, state: &State<L>) -> bool {
    (0..L).all(|shard| {
        let finished = state.lease(shard).is_some_and(|lease| scenario.is_end(shard, lease.at));
        let reads = state.workers.iter().filter(|worker| worker.is_up()).any(|worker| {
            worker.seats[shard].tenure.is_some_and(|tenure| tenure.phase == Phase::Reading && tenure.asked.is_none())
        });
        finished || reads
    })
}
