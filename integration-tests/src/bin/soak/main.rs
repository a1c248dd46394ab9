//! A fleet of real processes over real sockets, to which something happens all the time; and the invariants of the simulation
//! over what came of it.
//!
//! ```text
//! soak --for 5m                       five minutes of kills, stops, pauses, splits and merges
//! soak --for 5m --seed 7              the same deeds at the same times; what the machine makes of them is its own
//! soak again FILE                     a history that was kept, checked again
//! ```
//!
//! This process serves Kinesis and DynamoDB on its loopback, puts records, and does to the workers what the seed has in store
//! for them; each worker is a process of its own. Every process writes its part of one history, and `journal` says why they
//! fit together.

mod checked;
mod crew;
mod deeds;
mod driver;
mod options;
mod sum;
mod worker;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use integration_tests::fate::with_causes;
use integration_tests::journal;
use kcl_core::error::Failure;

use crate::driver::Driver;
use crate::options::{Also, Arguments, Soak};

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { soak, also } = Arguments::parse();
    let ended = match also {
        Some(Also::Worker(options)) => worker::work(options).await.map(|()| true),
        Some(Also::Again { file }) => again(&file),
        None => live(soak).await,
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("soak: {}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Lives through the time that was asked for, and answers whether all held.
async fn live(soak: Soak) -> Result<bool, Failure> {
    let seed = soak.seed.unwrap_or_else(|| fastrand::u64(1..1_000_000_000));
    println!("seed={seed}");
    let folder = std::env::temp_dir().join(format!("soak-{seed}-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let lived = async { Driver::start(soak, seed, &folder).await?.live().await }.await;
    let lived = lived.inspect_err(|_| eprintln!("soak: what was written until then: {}", folder.display()))?;
    let held = checked::report(Some(seed), &lived, Some(&folder.with_extension("jsonl")))?;
    std::fs::remove_dir_all(&folder)?;
    Ok(held)
}

fn again(file: &Path) -> Result<bool, Failure> {
    let history = journal::kept(file)?;
    checked::report(None, &history, None)
}
