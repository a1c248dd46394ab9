//! The command line.

use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::wire::kinds::{Mode, Payload, Peer};

/// Measures a fleet over real sockets and real processes, against `kcl-local`.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// What to measure.
    #[command(subcommand)]
    pub(crate) measure: Measure,
    /// Prints one JSON object in place of tables.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What can be measured.
#[derive(Debug, Subcommand)]
pub(crate) enum Measure {
    /// Stops a worker by SIGTERM: how long its shards are silent.
    Handover(Disturbed),
    /// Kills a worker by SIGKILL, the leader and another: how long their shards are silent.
    Failover(Disturbed),
    /// Lets a worker stand still by SIGSTOP until others have its shards, then go on: how long they are silent, and whether
    /// what it still writes counts.
    Freeze(Disturbed),
    /// Starts one worker, then more: how soon each has its share, and what that costs.
    ScaleOut(Fleet),
    /// Lets one worker hold shards without records: its requests, capacity, processor time and memory.
    Idle(Idle),
    /// Plans for a large fleet in process: how long the decision takes. No services, no other processes.
    Plan(Plan),
    /// Lets one consumer read a backlog, hold shards without records, and read at a steady rate: its processor time, memory
    /// and delay, beside those of the AWS SDK alone on the same bytes.
    Wire(Wire),
    /// One worker, started by the others.
    #[command(hide = true)]
    Worker(Worker),
    /// One worker that only counts, started by `wire`.
    #[command(hide = true)]
    WireWorker(WireReader),
    /// The AWS SDK alone, started by `wire`.
    #[command(hide = true)]
    WireSdk(WireReader),
}

/// A fleet to which something happens several times.
#[derive(Debug, Args)]
pub(crate) struct Disturbed {
    /// The fleet.
    #[command(flatten)]
    pub(crate) fleet: Fleet,
    /// How often it happens.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rounds: u32,
}

/// A fleet.
#[derive(Debug, Args)]
pub(crate) struct Fleet {
    /// Workers.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(2..=20))]
    pub(crate) workers: u32,
    /// Shards.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) shards: u32,
    /// The failover time of all workers, in milliseconds.
    #[arg(long, value_name = "MS", default_value = "10000", value_parser = millis)]
    pub(crate) failover_ms: Duration,
    /// What all choices follow from: whom it happens to, and when.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
}

/// A worker without work.
#[derive(Debug, Args)]
pub(crate) struct Idle {
    /// Shards; a number for each measurement.
    #[arg(long, value_delimiter = ',', default_values_t = [2, 100], value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) shards: Vec<u32>,
    /// How many seconds to measure, after the worker holds all shards.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(5..=1200))]
    pub(crate) seconds: u64,
    /// The failover time of the worker, in milliseconds.
    #[arg(long, value_name = "MS", default_value = "10000", value_parser = millis)]
    pub(crate) failover_ms: Duration,
    /// What random choices of the services follow from.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
}

/// A fleet to plan for.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// Leases.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) leases: u32,
    /// Workers.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    pub(crate) workers: u32,
    /// How often each plan is made.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rounds: u32,
    /// What the weights of leases follow from.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
}

/// What reading costs.
#[derive(Debug, Args)]
pub(crate) struct Wire {
    /// How to read; a measurement for each.
    #[arg(long, value_delimiter = ',', value_enum, default_values_t = [Mode::Polling, Mode::FanOut])]
    pub(crate) modes: Vec<Mode>,
    /// What the records of the backlog hold; a measurement for each.
    #[arg(long, value_delimiter = ',', value_enum, default_values_t = [Payload::Plain, Payload::Aggregated])]
    pub(crate) payloads: Vec<Payload>,
    /// How often each backlog is read: the figures are medians.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    /// Data of the backlog, in 10^6 bytes.
    #[arg(long, value_name = "MB", default_value_t = 400, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) backlog_mb: u64,
    /// Shards of the backlog, and of the steady rate.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) shards: u32,
    /// Shards without records.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) idle_shards: u32,
    /// How many seconds idleness is measured, and the steady rate.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(5..=1200))]
    pub(crate) seconds: u64,
    /// The byte budget of the worker, in MiB, if it is not the default.
    #[arg(long, value_name = "MIB", value_parser = byte_budget)]
    pub(crate) byte_budget_mib: Option<usize>,
    /// Another library to measure beside the worker: its name, and the command that starts a consumer of it, which is told
    /// the stream, the application and the mode, and says what this worker says.
    #[arg(long = "peer", value_name = "NAME=COMMAND")]
    pub(crate) peers: Vec<Peer>,
}

/// A process that reads. Endpoints, region and credentials come from the usual AWS environment.
#[derive(Debug, Args)]
pub(crate) struct WireReader {
    #[arg(long, value_enum)]
    pub(crate) mode: Mode,
    #[arg(long)]
    pub(crate) delays: bool,
    #[arg(long, value_parser = byte_budget)]
    pub(crate) byte_budget_mib: Option<usize>,
}

/// A worker process. Endpoints, region and credentials come from the usual AWS environment.
#[derive(Debug, Args)]
pub(crate) struct Worker {
    #[arg(long)]
    pub(crate) id: String,
    #[arg(long, value_parser = millis)]
    pub(crate) failover_ms: Duration,
}

fn byte_budget(text: &str) -> Result<usize, String> {
    let mib = text.parse().ok().filter(|mib| (1..=100_000).contains(mib));
    mib.ok_or_else(|| format!("`{text}` is not a number of MiB from 1 to 100000"))
}

fn millis(text: &str) -> Result<Duration, String> {
    text.parse().map(Duration::from_millis).map_err(|_| format!("`{text}` is not a number of milliseconds"))
}
