//! A worker is told to stop: how long its shards are silent until others have them.

use kcl_core::error::Failure;
use serde_json::Value;

use crate::moved::{Moved, are_read};
use crate::options::Disturbed;
use crate::percentiles::Summary;
use crate::report::{Report, Table, cell, cells};
use crate::scene::Scene;

/// Stops one worker after another, each replaced before the next.
pub(crate) async fn measure(options: &Disturbed) -> Result<Report, Failure> {
    let mut report = Report::of_fleet("handover", &options.fleet);
    report.condition("rounds", options.rounds);
    let mut luck = fastrand::Rng::with_seed(options.fleet.seed);
    let mut scene = Scene::start(&options.fleet, options.fleet.workers).await?;
    report.condition("kcl_local_changed", scene.services.changed.clone());
    let (mut all, mut rounds) = (Moved::default(), Table::new("rounds", &COLUMNS));
    for round in 1..=options.rounds {
        eprintln!("handover: round {round} of {}", options.rounds);
        let victim = scene.choose_holder(&mut luck)?;
        let moved = stop(&mut scene, &victim, options, &mut rounds, round).await?;
        all.add(moved);
        if round < options.rounds {
            scene.fleet.start()?;
            scene.settle().await?;
        }
    }
    report.table(rounds);
    finish(scene, &all, &mut report).await?;
    Ok(report)
}

const COLUMNS: [&str; 8] =
    ["round", "stopped", "shards", "median_ms", "p99_ms", "max_ms", "process_ended_after_ms", "receivers"];

/// Stops one worker, and answers what became of its shards.
async fn stop(
    scene: &mut Scene,
    victim: &str,
    options: &Disturbed,
    rounds: &mut Table,
    round: u32,
) -> Result<Moved, Failure> {
    let shards = scene.journal.read(|pages| pages.held_by(victim));
    let event = scene.now();
    scene.fleet.signal(victim, "TERM").await?;
    scene.fleet.ended(victim).await?;
    let ended = scene.now() - event;
    // If they are not read again in time, the gaps say so.
    scene.until(options.fleet.failover_ms * 6, |pages, _| are_read(pages, &shards, event, victim)).await?;
    let moved = scene.moved(&shards, event).await;
    let [median, p99, max] = cells(moved.gap());
    let receivers = cell(moved.receivers());
    rounds.row([cell(round), cell(victim), cell(shards.len()), median, p99, max, cell(ended), receivers]);
    Ok(moved)
}

/// Ends a scene, and reports of all rounds of it: what became of the shards that moved, and whether any was not read again.
pub(crate) async fn finish(scene: Scene, all: &Moved, report: &mut Report) -> Result<(), Failure> {
    report.table(summary(all));
    if all.never() > 0 {
        report.failures.push(format!("{} shards were not read again", all.never()));
    }
    scene.finish().await?.report(report);
    Ok(())
}

/// Of all rounds: silences, delays, and what is usual without an event.
fn summary(all: &Moved) -> Table {
    let mut table = Table::new("all rounds", &["what", "count", "median_ms", "p99_ms", "max_ms"]);
    let mut row = |what: &str, summary: Option<Summary>| {
        let count = cell(summary.map_or(0, |summary| summary.count));
        table.row([Value::from(what), count].into_iter().chain(cells(summary)));
    };
    row("silence of a moved shard", all.gap());
    row("put to first handling, longest of a moved shard", Summary::of(all.delays.iter().copied()));
    row("between two handlings, before the event", Summary::of(all.usual.iter().copied()));
    table
}
