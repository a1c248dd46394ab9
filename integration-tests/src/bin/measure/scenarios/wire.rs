//! What reading costs: a backlog, idleness, a steady rate; the worker, the AWS SDK alone, and other libraries.

use kcl_core::error::Failure;
use serde_json::Value;

use crate::options::Wire;
use crate::report::{Report, Table, cell, cells};
use crate::wire::compare::{Comparison, Figures};
use crate::wire::figures::{Reading, kib_per_idle_shard, median, mib};
use crate::wire::kinds::{Mode, Payload, Reader};
use crate::wire::payload::{PACKED, USER_BYTES};
use crate::wire::process::Terms;
use crate::wire::run::{self, Troubles};

const BACKLOG: [&str; 13] = [
    "reader",
    "mode",
    "records",
    "cpu_s_per_gb",
    "x_sdk_alone",
    "cpu_s_per_million",
    "records_per_core_s",
    "seconds",
    "rss_before_mib",
    "mib_per_busy_shard",
    "peak_rss_mib",
    "threads",
    "cpu_s_per_gb_of_rounds",
];

const IDLE: [&str; 8] =
    ["reader", "mode", "shards", "cpu_s_per_minute", "rss_mib", "kib_per_idle_shard", "peak_rss_mib", "threads"];

/// Measures every reader in every mode.
pub(crate) async fn measure(options: &Wire) -> Result<Report, Failure> {
    let mut report = conditions(options);
    let mut all = Scenario { options, tables: Tables::new(), comparison: Comparison::default() };
    for mode in &options.modes {
        for reader in readers(options) {
            let mut troubles = Troubles::new();
            all.reader(&reader, *mode, &mut troubles).await?;
            let row = |(what, times)| [cell(reader.name()), cell(mode.name()), cell(times), cell(what)];
            troubles.into_iter().map(row).for_each(|row: [Value; 4]| all.tables.troubles.row(row));
        }
    }
    let Tables { backlog, idle, steady, troubles } = all.tables;
    for table in [backlog, idle, steady, all.comparison.table(), troubles] {
        report.table(table);
    }
    Ok(report)
}

fn conditions(options: &Wire) -> Report {
    let mut report = Report::new("wire");
    report.condition("rounds", options.rounds);
    report.condition("shards", options.shards);
    report.condition("backlog_mb", options.backlog_mb);
    report.condition("user_record_bytes", USER_BYTES);
    report.condition("user_records_in_an_aggregated_one", PACKED);
    report.condition("byte_budget_mib", options.byte_budget_mib.map_or(Value::from("default"), Value::from));
    report.condition("seconds", options.seconds);
    report.condition("steady_records_per_shard_second", 50);
    report
}

/// The floor comes first: the others are compared with it.
fn readers(options: &Wire) -> Vec<Reader> {
    let peers = options.peers.iter().cloned().map(Reader::Peer);
    [Reader::Sdk, Reader::Worker].into_iter().chain(peers).collect()
}

struct Scenario<'a> {
    options: &'a Wire,
    tables: Tables,
    comparison: Comparison,
}

struct Tables {
    backlog: Table,
    idle: Table,
    steady: Table,
    troubles: Table,
}

impl Scenario<'_> {
    async fn reader(&mut self, reader: &Reader, mode: Mode, troubles: &mut Troubles) -> Result<(), Failure> {
        let mut few = Vec::new();
        for payload in &self.options.payloads {
            let readings = self.backlogs(reader, mode, *payload, troubles).await?;
            few.extend(readings.iter().map(|reading| mib(reading.before.rss_kib)));
            self.tables.backlog(reader, mode, *payload, self.options.shards, &readings, &mut self.comparison);
        }
        if *reader == Reader::Sdk {
            return Ok(());
        }
        eprintln!("wire: {}, {}, idle", reader.name(), mode.name());
        let (shards, seconds) = (self.options.idle_shards, self.options.seconds);
        let idle = run::idle(reader, self.terms(mode), shards, seconds, troubles).await?;
        self.tables.idle(reader, mode, (self.options.shards, median(few)), shards, &idle, &mut self.comparison);
        eprintln!("wire: {}, {}, a steady rate", reader.name(), mode.name());
        let delays = run::steady(reader, self.terms(mode), self.options.shards, seconds, troubles).await?;
        let count = cell(delays.map_or(0, |delays| delays.count));
        let row = [cell(reader.name()), cell(mode.name()), count];
        self.tables.steady.row(row.into_iter().chain(cells(delays)));
        Ok(())
    }

    async fn backlogs(
        &self,
        reader: &Reader,
        mode: Mode,
        payload: Payload,
        troubles: &mut Troubles,
    ) -> Result<Vec<Reading>, Failure> {
        let Wire { rounds, shards, backlog_mb, .. } = self.options;
        let mut readings = Vec::new();
        for round in 1..=*rounds {
            eprintln!("wire: {}, {}, {}, round {round}", reader.name(), mode.name(), payload.name());
            let bytes = backlog_mb * 1_000_000;
            readings.push(run::backlog(reader, self.terms(mode), *shards, payload, bytes, troubles).await?);
        }
        Ok(readings)
    }

    fn terms(&self, mode: Mode) -> Terms {
        Terms { mode, delays: false, byte_budget_mib: self.options.byte_budget_mib }
    }
}

impl Tables {
    fn new() -> Self {
        Self {
            backlog: Table::new("backlog", &BACKLOG),
            idle: Table::new("idle", &IDLE),
            steady: Table::new("put to handler", &["reader", "mode", "records", "median_ms", "p99_ms", "max_ms"]),
            troubles: Table::new("troubles", &["reader", "mode", "times", "what"]),
        }
    }

    fn backlog(
        &mut self,
        reader: &Reader,
        mode: Mode,
        payload: Payload,
        shards: u32,
        readings: &[Reading],
        comparison: &mut Comparison,
    ) {
        let of = |figure: &dyn Fn(&Reading) -> f64| median(readings.iter().map(figure));
        let per_gb = of(&Reading::cpu_seconds_per_gb);
        let peak = of(&Reading::peak_mib);
        let figures = Figures { cpu_seconds_per_gb: per_gb, peak_mib: peak };
        comparison.backlog(reader, mode, payload, figures);
        let rounds: Vec<_> = readings.iter().map(|reading| format!("{:.2}", reading.cpu_seconds_per_gb())).collect();
        self.backlog.row([
            cell(reader.name()),
            cell(mode.name()),
            cell(payload.name()),
            cell(per_gb),
            cell(comparison.times_the_floor(mode, payload, per_gb)),
            cell(of(&Reading::cpu_seconds_per_million)),
            cell(of(&Reading::records_per_core_second)),
            cell(of(&|reading| reading.seconds)),
            cell(of(&|reading| mib(reading.before.rss_kib))),
            cell(of(&|reading| reading.mib_per_busy_shard(shards))),
            cell(peak),
            cell(readings.iter().map(|reading| reading.threads).max()),
            cell(rounds.join(" ")),
        ]);
    }

    fn idle(
        &mut self,
        reader: &Reader,
        mode: Mode,
        (few, rss_of_few): (u32, Option<f64>),
        shards: u32,
        idle: &run::Idle,
        comparison: &mut Comparison,
    ) {
        let rss = mib(idle.process.rss_kib);
        comparison.idle(reader, mode, idle);
        self.idle.row([
            cell(reader.name()),
            cell(mode.name()),
            cell(shards),
            cell(idle.cpu_seconds_per_minute),
            cell(rss),
            cell(rss_of_few.and_then(|of_few| kib_per_idle_shard((few, of_few), (shards, rss)))),
            cell(mib(idle.process.peak_rss_kib)),
            cell(idle.process.threads),
        ]);
    }
}
