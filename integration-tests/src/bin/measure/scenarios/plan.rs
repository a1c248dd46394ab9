//! The decision who holds what, in a fleet that is larger than any this machine could run.

use kcl_core::decide::balance::{Candidate, Memory, Strategy, Work, fill, moves};
use kcl_core::ids::{ShardKey, StreamId, WorkerId};
use serde_json::Value;
use tokio::time::Instant;

use crate::options::Plan;
use crate::percentiles::Summary;
use crate::report::{Report, Table, cell, cells};
use crate::services::STREAM;

/// A fleet in a state that asks for a decision.
struct Case {
    name: &'static str,
    candidates: Vec<Candidate>,
    work: Vec<Work>,
}

/// Times both decisions on fleets in several states.
pub(crate) fn measure(options: &Plan) -> Report {
    let mut report = Report::new("plan");
    report.condition("leases", options.leases);
    report.condition("workers", options.workers);
    report.condition("rounds", options.rounds);
    report.condition("seed", options.seed);
    let columns = ["decision", "state", "leases", "workers", "decided", "median_us", "p99_us", "max_us"];
    let mut table = Table::new("plans", &columns);
    let placing = |case: &Case| fill(&case.candidates, &case.work).len();
    let moving = |case: &Case| {
        moves(&case.candidates, &case.work, Strategy::default(), &mut Memory::default(), Instant::now()).len()
    };
    for case in free(options) {
        table.row(timed("fill", &case, options.rounds, placing));
    }
    for case in held(options) {
        table.row(timed("moves", &case, options.rounds, moving));
    }
    report.table(table);
    report
}

/// Decides so many times; the figures of it as a row.
fn timed(decision: &str, case: &Case, rounds: u32, decide: impl Fn(&Case) -> usize) -> [Value; 8] {
    eprintln!("plan: {decision}, {}", case.name);
    let mut decided = 0;
    let took = (0..rounds).map(|_| {
        let begin = Instant::now();
        decided = decide(case);
        u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX)
    });
    let [median, p99, max] = cells(Summary::of(took));
    let (leases, workers) = (cell(case.work.len()), cell(case.candidates.len()));
    [cell(decision), cell(case.name), leases, workers, cell(decided), median, p99, max]
}

/// Leases that are to be placed.
fn free(options: &Plan) -> [Case; 2] {
    let workers = options.workers as usize;
    [
        case("all leases are free", options, |_, _| None),
        // Worker 0 held its share, and is gone.
        case("one worker died", options, |lease, _| Some(lease % workers).filter(|at| *at > 0)),
    ]
}

/// Leases that may be moved.
fn held(options: &Plan) -> [Case; 3] {
    let workers = options.workers as usize;
    [
        case("all have as many", options, |lease, _| Some(lease % workers)),
        case("one worker is new", options, |lease, _| Some(1 + lease % (workers - 1))),
        case("at random", options, |_, luck| Some(luck.usize(..workers))),
    ]
}

/// A fleet in which each lease is where it is said to be. Weights are 1 to 7, as those of busy and idle shards.
fn case(name: &'static str, options: &Plan, at: impl Fn(usize, &mut fastrand::Rng) -> Option<usize>) -> Case {
    let mut luck = fastrand::Rng::with_seed(options.seed);
    let candidate = |number: u32| Candidate {
        worker: WorkerId::new(format!("worker-{number}")),
        ours: true,
        cap: None,
        utilization: None,
    };
    let stream = StreamId::named(STREAM);
    let mut lease = |number: usize| Work {
        shard: ShardKey::new(stream.clone(), format!("shardId-{number:012}")),
        weight: 1.0 + 6.0 * luck.f64(),
        at: at(number, &mut luck),
        movable: true,
    };
    let work = (0..options.leases as usize).map(&mut lease).collect();
    Case { name, candidates: (0..options.workers).map(candidate).collect(), work }
}
