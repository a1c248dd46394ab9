//! A worker is killed: how long its shards are silent until others have them. The leader of the fleet, and another.

use integration_tests::history::millis;
use std::time::Duration;

use kcl_core::error::Failure;
use tokio::time::Instant;

use crate::moved::{Moved, are_read};
use crate::options::Disturbed;
use crate::report::{Report, Table, cell, cells};
use crate::scenarios::handover::finish;
use crate::scene::Scene;

/// What a failover may take beyond the failover time.
const ALLOWED: Duration = Duration::from_secs(3);

const COLUMNS: [&str; 8] = ["round", "killed", "leads", "shards", "median_ms", "p99_ms", "max_ms", "receivers"];

/// Kills in each round the leader, if there is one, and one that is not; each is replaced before the next.
pub(crate) async fn measure(options: &Disturbed) -> Result<Report, Failure> {
    let mut report = Report::of_fleet("failover", &options.fleet);
    report.condition("rounds", options.rounds);
    let mut luck = fastrand::Rng::with_seed(options.fleet.seed);
    let mut scene = Scene::start(&options.fleet, options.fleet.workers).await?;
    report.condition("kcl_local_changed", scene.services.changed.clone());
    let (mut leaders, mut others) = (Moved::default(), Moved::default());
    let (mut rounds, mut has_leader) = (Table::new("rounds", &COLUMNS), true);
    for round in 1..=options.rounds {
        for leads in [true, false] {
            if leads {
                has_leader = has_leader && await_leader(&mut scene, options.fleet.failover_ms).await?;
            }
            let kind = if !leads {
                "another"
            } else if has_leader {
                "the leader"
            } else {
                "no leader to kill"
            };
            eprintln!("failover: round {round} of {}, {kind}", options.rounds);
            // So that renewals and looks are anywhere when it happens.
            tokio::time::sleep(options.fleet.failover_ms.mul_f64(luck.f64())).await;
            let Some(victim) = choose(&scene, leads, &mut luck) else { continue };
            let moved = kill(&mut scene, &victim, leads, options, &mut rounds, round).await?;
            let sum = if leads { &mut leaders } else { &mut others };
            sum.add(moved);
            scene.fleet.start()?;
            scene.settle().await?;
        }
    }
    report.condition("leader", if has_leader { "by the table" } else { "unknown: the table names none that lives" });
    report.table(rounds);
    report.table(against(&leaders, &others, options.fleet.failover_ms));
    let mut all = leaders;
    all.add(others);
    finish(scene, &all, &mut report).await?;
    Ok(report)
}

/// Waits until the table names a leader that lives, which may take a while after the last one's death.
async fn await_leader(scene: &mut Scene, failover: Duration) -> Result<bool, Failure> {
    let end = Instant::now() + failover * 3 + Duration::from_secs(10);
    while leader(scene).is_none() && Instant::now() < end {
        scene.until(Duration::from_millis(500), |_, _| false).await?;
    }
    Ok(leader(scene).is_some())
}

/// The leader, if the table names one that lives.
fn leader(scene: &Scene) -> Option<String> {
    scene.services.leader().filter(|leader| scene.fleet.names().contains(leader))
}

/// The leader; or one of the others that hold shards.
fn choose(scene: &Scene, leads: bool, luck: &mut fastrand::Rng) -> Option<String> {
    let (leader, living) = (leader(scene), scene.fleet.names());
    if leads {
        return leader;
    }
    let holds = |worker: &String| scene.journal.read(|pages| !pages.held_by(worker).is_empty());
    let others: Vec<_> = living.iter().filter(|worker| leader.as_ref() != Some(*worker) && holds(worker)).collect();
    luck.choice(others).cloned()
}

async fn kill(
    scene: &mut Scene,
    victim: &str,
    leads: bool,
    options: &Disturbed,
    rounds: &mut Table,
    round: u32,
) -> Result<Moved, Failure> {
    let shards = scene.journal.read(|pages| pages.held_by(victim));
    let leads = if leads || leader(scene).is_some() { cell(leads) } else { cell("unknown") };
    let event = scene.now();
    scene.fleet.kill(victim)?;
    scene.fleet.ended(victim).await?;
    scene.until(options.fleet.failover_ms * 6, |pages, _| are_read(pages, &shards, event, victim)).await?;
    let moved = scene.moved(&shards, event).await;
    let [median, p99, max] = cells(moved.gap());
    let receivers = cell(moved.receivers());
    rounds.row([cell(round), cell(victim), leads, cell(shards.len()), median, p99, max, receivers]);
    Ok(moved)
}

/// The silences against what is allowed.
fn against(leaders: &Moved, others: &Moved, failover: Duration) -> Table {
    let allowed = millis(failover + ALLOWED);
    let columns = ["killed", "moved_shards", "median_ms", "p99_ms", "max_ms", "allowed_ms", "beyond"];
    let mut table = Table::new("silence against failover time + 3 s", &columns);
    for (kind, moved) in [("leader", leaders), ("another", others)] {
        let [median, p99, max] = cells(moved.gap());
        let beyond = moved.gaps.iter().filter(|gap| gap.is_none_or(|gap| gap > allowed)).count();
        table.row([cell(kind), cell(moved.gaps.len()), median, p99, max, cell(allowed), cell(beyond)]);
    }
    table
}
