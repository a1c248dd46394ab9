//! A worker that has nothing to do: what it asks the services, and what it takes of the machine.

use std::time::Duration;

use kcl_core::error::Failure;
use kcl_local::Service;
use serde_json::Value;
use tokio::time::Instant;

use crate::fleet::Fleet;
use crate::journal::Journal;
use crate::options::Idle;
use crate::procfs::{self, Process};
use crate::report::{Report, Table, cell};
use crate::services::Services;

/// How long the worker may take to hold all shards.
const BEGIN: Duration = Duration::from_mins(2);

/// How long it then has until it is measured: what is done once is over.
const WARM_UP: Duration = Duration::from_secs(15);

/// The tables, for all numbers of shards.
struct Tables {
    totals: Table,
    capacity: Table,
    requests: Table,
}

/// Measures once for each number of shards.
pub(crate) async fn measure(options: &Idle) -> Result<Report, Failure> {
    let mut report = Report::new("idle");
    report.failover(options.failover_ms, options.seed);
    report.condition("seconds", options.seconds);
    let mut tables = Tables {
        totals: Table::new("per minute", &TOTALS),
        capacity: Table::new("dynamodb", &CAPACITY),
        requests: Table::new("requests", &["shards", "service", "operation", "per_minute", "per_shard_minute"]),
    };
    for shards in &options.shards {
        eprintln!("idle: {shards} shards");
        let changed = one(options, *shards, &mut tables).await?;
        report.condition("kcl_local_changed", changed);
    }
    for table in [tables.totals, tables.requests, tables.capacity] {
        report.table(table);
    }
    Ok(report)
}

const TOTALS: [&str; 12] = [
    "shards",
    "dynamodb_requests",
    "read_units",
    "write_units",
    "read_units_per_lease",
    "write_units_per_lease",
    "kinesis_calls",
    "kinesis_calls_per_shard",
    "cpu_seconds",
    "rss_mib",
    "peak_rss_mib",
    "threads",
];

const CAPACITY: [&str; 8] = [
    "shards",
    "operation",
    "on",
    "requests_per_minute",
    "throttled",
    "failed_conditions",
    "read_units_per_minute",
    "write_units_per_minute",
];

/// Measures one worker with this many shards; answers what of `kcl-local` is not as by default.
async fn one(options: &Idle, shards: u32, tables: &mut Tables) -> Result<Vec<String>, Failure> {
    let (services, _) = Services::start(options.seed, shards).await?;
    let journal = Journal::default();
    let mut fleet = Fleet::new(services.address, services.local.region(), options.failover_ms, &journal);
    let name = fleet.start()?;
    let begin = Instant::now();
    while journal.read(|pages| pages.held_by(&name).len()) < usize::try_from(shards)? {
        fleet.check()?;
        if begin.elapsed() > BEGIN {
            return Err(format!("the worker does not hold all shards after {BEGIN:?}").into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(WARM_UP).await;

    let (pid, since, before) = (fleet.pid(&name)?, Instant::now(), services.local.requests());
    services.local.dynamodb(|dynamodb, _| dynamodb.ledger_mut().clear());
    let process = procfs::look(pid)?;
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    fleet.check()?;
    let (now, minutes) = (procfs::look(pid)?, since.elapsed().as_secs_f64() / 60.0);

    let mut calls = services.local.requests();
    for (key, count) in before {
        *calls.entry(key).or_default() -= count;
    }
    calls.retain(|_, count| *count > 0);
    let calls = |of: Service| calls.iter().filter(move |((_, service, _), _)| *service == of);
    for (service, label) in [(Service::DynamoDb, "dynamodb"), (Service::Kinesis, "kinesis")] {
        for ((_, _, operation), count) in calls(service) {
            let per_minute = per(*count, minutes);
            let each = cell(per_minute / f64::from(shards));
            tables.requests.row([cell(shards), cell(label), cell(operation.as_str()), cell(per_minute), each]);
        }
    }
    let total = |service| per(calls(service).map(|(_, count)| *count).sum(), minutes);
    let totals = [total(Service::DynamoDb), total(Service::Kinesis)];
    tables.capacity(&services, shards, minutes);
    tables.totals(&services, shards, minutes, totals, &process, &now);
    Ok(services.changed)
}

impl Tables {
    fn capacity(&mut self, services: &Services, shards: u32, minutes: f64) {
        let ledger = services.local.dynamodb(|dynamodb, _| dynamodb.ledger().clone());
        for (line, usage) in ledger.lines() {
            self.capacity.row([
                cell(shards),
                cell(line.operation.as_str()),
                cell(line.index.as_ref().unwrap_or(&line.table).as_str()),
                cell(per(usage.requests, minutes)),
                cell(usage.throttled),
                cell(usage.failed_conditions),
                cell(usage.read_units / minutes),
                cell(usage.write_units / minutes),
            ]);
        }
    }

    fn totals(
        &mut self,
        services: &Services,
        shards: u32,
        minutes: f64,
        [dynamodb, kinesis]: [f64; 2],
        before: &Process,
        now: &Process,
    ) {
        let usage = services.local.dynamodb(|dynamodb, _| dynamodb.ledger().total(|_| true));
        let (read, write) = (usage.read_units / minutes, usage.write_units / minutes);
        let per_shard = |figure: f64| cell(figure / f64::from(shards));
        self.totals.row([
            cell(shards),
            cell(dynamodb),
            cell(read),
            cell(write),
            per_shard(read),
            per_shard(write),
            cell(kinesis),
            per_shard(kinesis),
            cell((now.cpu_seconds - before.cpu_seconds) / minutes),
            mib(now.rss_kib),
            mib(now.peak_rss_kib),
            cell(now.threads),
        ]);
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few minutes are far below 2^52")]
fn per(count: u64, minutes: f64) -> f64 {
    count as f64 / minutes
}

fn mib(kib: u64) -> Value {
    cell(per(kib, 1024.0))
}
