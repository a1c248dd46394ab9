//! Measures a fleet over real sockets and real processes, against `kcl-local`.
//!
//! ```text
//! measure handover            how long a shard is silent when its worker is told to stop
//! measure failover            the same when it is killed, the leader and another
//! measure freeze              the same when its process stands still and goes on later
//! measure scale-out           how soon new workers have their share
//! measure idle                what a worker costs that has nothing to do
//! measure wire                what reading costs, beside the AWS SDK alone on the same bytes
//! measure plan                how long the decision takes who holds what, in a large fleet
//! ```
//!
//! This process serves Kinesis and DynamoDB on its loopback and puts the records; each worker is a process of its own,
//! which says on its standard output what it handles. Build with `--release` for figures of processors.

mod ending;
mod fleet;
mod gaps;
mod journal;
mod line;
mod moved;
mod options;
mod percentiles;
mod procfs;
mod producer;
mod report;
mod scenarios;
mod scene;
mod services;
mod settled;
mod wire;
mod worker;
mod zombie;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use kcl_core::error::Failure;

use crate::options::{Measure, Options};
use crate::report::Report;

/// No measurement takes longer; whatever hangs is ended, and the workers with it.
const AT_MOST: Duration = Duration::from_mins(120);

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let ended = match &options.measure {
        Measure::Worker(options) => worker::work(options).await.map(|()| true),
        Measure::WireWorker(options) => wire::consumer::read(options).await.map(|()| true),
        Measure::WireSdk(options) => wire::floor::read(options).await.map(|()| true),
        measure => measured(measure, options.json).await,
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("measure: {}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Measures, prints, and answers whether nothing failed that must not.
async fn measured(measure: &Measure, json: bool) -> Result<bool, Failure> {
    let report = tokio::time::timeout(AT_MOST, Box::pin(report(measure))).await;
    let report = report.map_err(|_| format!("it is not over after {AT_MOST:?}"))??;
    if json {
        println!("{}", report.json());
    } else {
        print!("{report}");
    }
    Ok(report.failures.is_empty())
}

async fn report(measure: &Measure) -> Result<Report, Failure> {
    match measure {
        Measure::Handover(options) => scenarios::handover::measure(options).await,
        Measure::Failover(options) => scenarios::failover::measure(options).await,
        Measure::Freeze(options) => scenarios::freeze::measure(options).await,
        Measure::ScaleOut(options) => scenarios::scale_out::measure(options).await,
        Measure::Idle(options) => scenarios::idle::measure(options).await,
        Measure::Plan(options) => Ok(scenarios::plan::measure(options)),
        Measure::Wire(options) => scenarios::wire::measure(options).await,
        Measure::Worker(_) | Measure::WireWorker(_) | Measure::WireSdk(_) => Err("a consumer measures nothing".into()),
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
