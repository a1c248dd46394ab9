//! A worker's process is stopped by SIGSTOP and goes on by SIGCONT when others have its shards: how long they are silent, and
//! whether anything of what it still writes counts.

use integration_tests::history::millis;
use std::time::Duration;

use kcl_core::error::Failure;

use crate::moved::{Moved, are_read};
use crate::options::Disturbed;
use crate::report::{Report, Table, cell, cells};
use crate::scenarios::handover::finish;
use crate::scene::Scene;
use crate::zombie::Writes;

/// What may pass beyond the failover time until others have the shards.
const ALLOWED: Duration = Duration::from_secs(3);

/// How long a process that goes on is watched.
const WATCHED: Duration = Duration::from_secs(15);

const COLUMNS: [&str; 8] =
    ["round", "frozen", "shards", "median_ms", "p99_ms", "max_ms", "writes_refused_after", "commits_that_counted"];

/// Freezes one worker after the other.
pub(crate) async fn measure(options: &Disturbed) -> Result<Report, Failure> {
    let mut report = Report::of_fleet("freeze", &options.fleet);
    report.condition("rounds", options.rounds);
    let mut luck = fastrand::Rng::with_seed(options.fleet.seed);
    let mut scene = Scene::start(&options.fleet, options.fleet.workers).await?;
    report.condition("kcl_local_changed", scene.services.changed.clone());
    report.condition("allowed_ms", millis(options.fleet.failover_ms + ALLOWED));
    let writes = Writes::default();
    let witness = writes.clone();
    scene.services.local.observe(move |exchange| witness.see(exchange));
    let (mut all, mut rounds) = (Moved::default(), Table::new("rounds", &COLUMNS));
    for round in 1..=options.rounds {
        eprintln!("freeze: round {round} of {}", options.rounds);
        tokio::time::sleep(options.fleet.failover_ms.mul_f64(luck.f64())).await;
        let victim = scene.choose_holder(&mut luck)?;
        let shards = scene.journal.read(|pages| pages.held_by(&victim));
        let event = scene.now();
        scene.fleet.signal(&victim, "STOP").await?;
        scene.until(options.fleet.failover_ms * 6, |pages, _| are_read(pages, &shards, event, &victim)).await?;
        let moved = scene.moved(&shards, event).await;
        writes.watch(&victim);
        scene.fleet.signal(&victim, "CONT").await?;
        tokio::time::sleep(WATCHED).await;
        let (refused, counted) = writes.watched();
        let [median, p99, max] = cells(moved.gap());
        rounds.row([
            cell(round),
            cell(victim.as_str()),
            cell(shards.len()),
            median,
            p99,
            max,
            cell(refused),
            cell(counted),
        ]);
        if counted > 0 {
            report
                .failures
                .push(format!("round {round}: {counted} commits of {victim} counted although it was taken for dead"));
        }
        all.add(moved);
        scene.settle().await?;
    }
    report.table(rounds);
    finish(scene, &all, &mut report).await?;
    Ok(report)
}
