//! The command line.

use std::time::Duration;

use clap::{Args, Parser, Subcommand};

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
    /// One worker, started by the others.
    #[command(hide = true)]
    Worker(Worker),
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

/// A worker process. Endpoints, region and credentials come from the usual AWS environment.
#[derive(Debug, Args)]
pub(crate) struct Worker {
    #[arg(long)]
    pub(crate) id: String,
    #[arg(long, value_parser = millis)]
    pub(crate) failover_ms: Duration,
}

fn millis(text: &str) -> Result<Duration, String> {
    text.parse().map(Duration::from_millis).map_err(|_| format!("`{text}` is not a number of milliseconds"))
}
