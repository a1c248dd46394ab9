//! Fleets in a few words, and what is demanded of every plan.

mod by_cpu;
mod evening_out;
mod placing;
mod properties;
mod small_fleets;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::ids::StreamId;
use crate::lease::Load;

fn worker(number: usize) -> Candidate {
    Candidate { worker: WorkerId::new(format!("w{number}")), ours: true, cap: None, utilization: None }
}

fn workers(number: usize) -> Vec<Candidate> {
    (0..number).map(worker).collect()
}

fn capped(caps: &[Option<usize>]) -> Vec<Candidate> {
    caps.iter().enumerate().map(|(number, cap)| Candidate { cap: *cap, ..worker(number) }).collect()
}

fn using(percents: &[Option<f64>]) -> Vec<Candidate> {
    let with = |(number, percent): (usize, &Option<f64>)| Candidate { utilization: *percent, ..worker(number) };
    percents.iter().enumerate().map(with).collect()
}

fn lease(number: usize, weight: f64, at: Option<usize>) -> Work {
    let shard = ShardKey::new(StreamId::named("s"), format!("shardId-{number:012}"));
    Work { shard, weight, at, movable: true }
}

/// Idle leases: so many at each worker.
fn idle(counts: &[usize]) -> Vec<Work> {
    let at = counts.iter().enumerate().flat_map(|(worker, count)| std::iter::repeat_n(worker, *count));
    at.enumerate().map(|(number, at)| lease(number, 1.0, Some(at))).collect()
}

/// Leases of these weights at each worker.
fn weighing(held: &[&[f64]]) -> Vec<Work> {
    let all = held.iter().enumerate().flat_map(|(worker, weights)| weights.iter().map(move |weight| (worker, *weight)));
    all.enumerate().map(|(number, (at, weight))| lease(number, weight, Some(at))).collect()
}

fn counts(workers: usize, work: &[Work]) -> Vec<usize> {
    let mut counts = vec![0; workers];
    for at in work.iter().filter_map(|one| one.at) {
        counts[at] += 1;
    }
    counts
}

fn loads(workers: usize, work: &[Work]) -> Vec<f64> {
    let mut loads = vec![0.0; workers];
    for one in work {
        if let Some(at) = one.at {
            loads[at] += one.weight;
        }
    }
    loads
}

fn spread(loads: &[f64]) -> f64 {
    let most = loads.iter().copied().fold(f64::MIN, f64::max);
    most - loads.iter().copied().fold(f64::MAX, f64::min)
}

fn place(candidates: &[Candidate], work: &mut [Work]) -> usize {
    let placed = fill(candidates, work);
    for (work_index, candidate) in &placed {
        assert_eq!(work[*work_index].at, None, "only what is nowhere is placed, and once");
        work[*work_index].at = Some(*candidate);
    }
    placed.len()
}

/// A leader with its memory and clock.
struct Leader {
    strategy: Strategy,
    memory: Memory,
    now: Instant,
}

impl Leader {
    fn new(strategy: Strategy) -> Self {
        Self { strategy, memory: Memory::default(), now: Instant::now() }
    }

    fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    /// Plans, checks what is demanded of every plan, and makes the moves: which shards were moved.
    fn balance(&mut self, candidates: &[Candidate], work: &mut [Work]) -> Vec<usize> {
        let before = counts(candidates.len(), work);
        let plan = moves(candidates, work, self.strategy, &mut self.memory, self.now);
        let (mut given, mut received) = (BTreeMap::<usize, usize>::new(), BTreeSet::new());
        for one in &plan {
            assert_eq!(work[one.work].at, Some(one.from), "it is moved from where it is, once");
            assert!(work[one.work].movable, "it may be moved");
            assert_ne!(one.from, one.to);
            work[one.work].at = Some(one.to);
            *given.entry(one.from).or_default() += 1;
            received.insert(one.to);
        }
        assert!(given.keys().all(|giver| !received.contains(giver)), "nobody gives and receives: {plan:?}");
        for (giver, given) in given {
            assert!(given <= before[giver].div_ceil(3).max(16), "{giver} gives {given} of {}", before[giver]);
        }
        assert!(plan.len() <= work.len().div_ceil(3).max(64));
        let after = counts(candidates.len(), work);
        for receiver in received {
            assert!(candidates[receiver].cap.is_none_or(|cap| after[receiver] <= cap), "over its cap: {receiver}");
        }
        plan.into_iter().map(|one| one.work).collect()
    }
}
