//! How long the leader's decisions take for 100,000 leases and 1,000 workers, in milliseconds:
//! `cargo bench -p kcl-core --no-default-features --bench planning`.

use std::time::{Duration, Instant};

use kcl_core::decide::balance::{Candidate, Memory, Strategy, Work, fill, moves, weights};
use kcl_core::ids::{ShardKey, StreamId, WorkerId};
use kcl_core::lease::Load;

const LEASES: usize = 100_000;
const WORKERS: usize = 1_000;
const RUNS: usize = 10;

fn main() {
    let workers: Vec<_> = (0..WORKERS).map(worker).collect();
    let more: Vec<_> = (0..WORKERS * 11 / 10).map(worker).collect();
    for (name, loads) in [("idle leases", idle()), ("busy leases", busy())] {
        let free = work(&loads);
        let mut placed = free.clone();
        for (work, candidate) in fill(&workers, &free) {
            placed[work].at = Some(candidate);
        }
        println!("{LEASES} {name}, {WORKERS} workers");
        measure("weights", || weights(Strategy::Utilization, &loads).len());
        measure("fill, all free", || fill(&workers, &free).len());
        measure("moves, balanced", || plan(&workers, &placed));
        measure("moves, a tenth more workers", || plan(&more, &placed));
    }
}

fn plan(candidates: &[Candidate], work: &[Work]) -> usize {
    moves(candidates, work, Strategy::Utilization, &mut Memory::default(), tokio::time::Instant::now()).len()
}

fn worker(number: usize) -> Candidate {
    let worker = WorkerId::new(format!("ip-10-0-0-1.eu-west-1.compute.internal:{number:08x}"));
    Candidate { worker, ours: true, cap: None, utilization: None }
}

fn idle() -> Vec<Load> {
    vec![Load { kbps: Some(0.0), busy: Some(0.0) }; LEASES]
}

fn busy() -> Vec<Load> {
    let mut random = fastrand::Rng::with_seed(1);
    let mut load = |_| Load { kbps: Some(2048.0 * random.f64()), busy: Some(random.f64()) };
    (0..LEASES).map(&mut load).collect()
}

fn work(loads: &[Load]) -> Vec<Work> {
    let stream = StreamId::named("orders");
    let shard = |number: usize| ShardKey::new(stream.clone(), format!("shardId-{number:012}"));
    weights(Strategy::Utilization, loads)
        .into_iter()
        .enumerate()
        .map(|(number, weight)| Work { shard: shard(number), weight, at: None, movable: true })
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "real time is what is measured")]
fn measure(name: &str, mut run: impl FnMut() -> usize) {
    let mut done = 0;
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            done = run();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    println!("  {name:<28} least {:7.2}, median {:7.2} ({done} of them)", ms(times[0]), ms(times[RUNS / 2]));
}
