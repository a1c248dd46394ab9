//! Two workers read a stream through a split, a merge and a crash, and a proof that nothing was lost.
//!
//! Kinesis and DynamoDB are modelled in this process ([`kcl_local`]); workers and AWS clients are the real ones.

mod fleet;
mod flights;
mod ledger;
mod producer;
mod progress;
mod proof;
mod replay;
mod story;
mod stream;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use examples::{Reading, with_causes};
use kcl_core::error::Failure;
use kcl_local::{Clock, Local, Settings};

use crate::fleet::{FAILOVER, Fleet};
use crate::ledger::Ledger;
use crate::progress::Screen;
use crate::proof::Check;
use crate::replay::Replay;

const APP: &str = "quickstart";
const STREAM: &str = "flights";

/// It takes under 30 s; a machine that is busy with other things gets more.
const DEADLINE: Duration = Duration::from_mins(2);

/// Reads 6,064 flights with two workers through a split, a merge and a crash, and proves that nothing was lost.
#[derive(Parser)]
struct Options {
    /// How to read.
    #[arg(long, value_enum, default_value_t = Reading::Polling)]
    retrieval: Reading,
    /// Read it again afterwards: from the beginning, what arrived since a time (as 2026-01-01T12:00:00Z; a time within
    /// this run is most telling), or what was not committed.
    #[arg(long, value_name = "trim-horizon|TIMESTAMP|checkpoint")]
    replay: Option<Replay>,
}

// One thread: a worker that is dropped is then nowhere in the middle of a call.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\nquickstart: {}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Whether everything that must hold holds.
async fn run(options: &Options) -> Result<bool, Failure> {
    let settings = Settings::default();
    println!("Kinesis and DynamoDB: kcl-local, in this process, with its default limits and delays");
    for changed in settings.changed() {
        println!("changed: {changed}");
    }
    println!("read by: {}", options.retrieval);
    println!("failover time: {FAILOVER:?} (the default is 10 s)\n");
    let local = Local::with_clock(settings, Clock::wall());
    let (screen, ledger, flights) = (Screen::new(), Ledger::default(), flights::all());

    let mut fleet = Fleet::new(&local, options.retrieval, &ledger);
    let story = Box::pin(story::tell(&local, &flights, &mut fleet, &ledger, &screen));
    let told = shown(&screen, &ledger, story).await.map_err(|error| explained(&*error, &fleet))?;
    let parents = stream::parents(&local.kinesis_client("operator")).await?;
    let requests = fleet.requests(&told.dropped.worker);
    let passed = ledger.read(|entries| {
        print(&[
            proof::complete(&flights, entries),
            proof::in_order(&flights, &entries.deliveries),
            proof::children_after_parents(&parents, entries),
            proof::silent(&told.dropped, entries, requests),
            proof::duplicates(entries),
            proof::first_record(told.active, "the lease table becoming ACTIVE", entries),
        ])
    });
    let Some(replay) = options.replay else { return Ok(passed) };

    let again = Ledger::default();
    let mut fleet = Fleet::new(&local, options.retrieval, &again);
    let story = Box::pin(replay::run(replay, &local, &ledger, &mut fleet, &again, &screen));
    let (expected, started) = shown(&screen, &again, story).await.map_err(|error| explained(&*error, &fleet))?;
    Ok(print(&replay::proof(&flights, &expected, started, &again)) && passed)
}

/// A part of the story, with the live line, and with an end whatever happens.
async fn shown<T>(
    screen: &Screen,
    ledger: &Ledger,
    story: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        told = story => told,
        never = screen.show(ledger) => match never {},
        () = tokio::time::sleep(DEADLINE) => Err(format!("not done within {DEADLINE:?}").into()),
    }
}

fn explained(error: &(dyn Error + 'static), fleet: &Fleet) -> Failure {
    format!("{}\n{}", with_causes(error), fleet.describe()).into()
}

/// Whether all passed.
fn print(checks: &[Check]) -> bool {
    println!();
    for check in checks {
        println!("{check}");
    }
    println!();
    checks.iter().all(|check| check.passed)
}
