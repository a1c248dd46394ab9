//! One worker has all shards, and others are started one by one: how soon each has its share, and what it costs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kcl_core::error::Failure;
use serde_json::Value;

use crate::journal::Pages;
use crate::moved::Moved;
use crate::options::Fleet;
use crate::report::{Report, Table, cell, cells};
use crate::scenarios::handover::finish;
use crate::scene::Scene;

/// How long a fleet that is fair may be without a holder of some shard, when it is looked at for the last time.
const LAST_LOOK: Duration = Duration::from_secs(1);

const COLUMNS: [&str; 11] = [
    "started",
    "runs_after_ms",
    "first_lease_after_ms",
    "first_record_after_ms",
    "fair_after_ms",
    "moves",
    "moved_twice",
    "silence_median_ms",
    "silence_p99_ms",
    "silence_max_ms",
    "shares",
];

/// Starts workers up to the number asked for.
pub(crate) async fn measure(options: &Fleet) -> Result<Report, Failure> {
    let mut report = Report::of_fleet("scale-out", options);
    let (mut all, mut table) = (Moved::default(), Table::new("workers", &COLUMNS));
    let mut scene = Scene::start(options, 1).await?;
    report.condition("kcl_local_changed", scene.services.changed.clone());
    for _ in 1..options.workers {
        all.add(join(&mut scene, options, &mut table).await?);
    }
    report.table(table);
    finish(scene, &all, &mut report).await?;
    Ok(report)
}

/// Starts one worker, and answers what became of the shards that moved.
async fn join(scene: &mut Scene, options: &Fleet, table: &mut Table) -> Result<Moved, Failure> {
    let event = scene.now();
    let name = scene.fleet.start()?;
    eprintln!("scale-out: {name} starts");
    let within = options.failover_ms * 6;
    let became_fair = scene.until(within, |pages, view| view.is_fair() && !pages.held_by(&name).is_empty()).await?;
    let last_change = scene.journal.read(|pages| pages.changed);
    if became_fair {
        // A fleet that is not at rest moves something again.
        scene.until(options.failover_ms, |_, _| false).await?;
    }
    let stays_fair = became_fair && scene.until(LAST_LOOK, |_, view| view.is_fair()).await?;
    let shards = scene.journal.read(|pages| moves(pages, event).into_keys().collect::<BTreeSet<_>>());
    let moved = scene.moved(&shards, event).await;
    let since = |at: Option<u64>| at.map_or(Value::Null, |at| cell(at.saturating_sub(event)));
    let shares = scene.fleet.names();
    table.row(scene.journal.read(|pages| {
        let moves = moves(pages, event);
        let shares: Vec<_> = shares.iter().map(|it| format!("{it}: {}", pages.held_by(it).len())).collect();
        let [median, p99, max] = cells(moved.gap());
        [
            cell(name.as_str()),
            since(pages.started.get(&name).copied()),
            since(pages.taken.iter().filter(|taken| taken.worker == name).map(|taken| taken.at).min()),
            since(first_record(pages, &name)),
            since(stays_fair.then_some(last_change)),
            cell(moves.values().sum::<usize>()),
            cell(moves.values().filter(|count| **count > 1).count()),
            median,
            p99,
            max,
            cell(shares.join(", ")),
        ]
    }));
    Ok(moved)
}

/// How often each shard was taken since.
fn moves(pages: &Pages, since: u64) -> BTreeMap<String, usize> {
    let mut moves = BTreeMap::new();
    for taken in pages.taken.iter().filter(|taken| taken.at >= since) {
        *moves.entry(taken.shard.clone()).or_default() += 1;
    }
    moves
}

fn first_record(pages: &Pages, worker: &str) -> Option<u64> {
    pages.handled.values().flatten().filter(|handled| handled.worker == worker).map(|handled| handled.at).min()
}
