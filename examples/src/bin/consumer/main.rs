//! Consumes any stream: prints its records, and stops in good order.

mod assembly;
mod aws;
mod options;
mod output;
mod printer;

use std::io::IsTerminal;

use examples::with_causes;
use kcl_core::error::ConfigError;
use kcl_core::signals::terminated;
use kcl_core::worker::Worker;
use tokio::sync::mpsc;
use tracing_subscriber::EnvFilter;

use crate::aws::Aws;
use crate::options::Options;
use crate::output::Output;
use crate::printer::error;

/// Why the program ends with an error.
enum Stopped {
    /// It was called with something that cannot work: exit code 2.
    Setting(String),
    /// The worker could not go on: exit code 1.
    Worker(String),
    /// It was ended in the middle: exit code 1.
    Cut(&'static str),
}

impl From<ConfigError> for Stopped {
    fn from(error: ConfigError) -> Self {
        Self::Setting(error.to_string())
    }
}

impl Stopped {
    fn problem(&self) -> &str {
        match self {
            Self::Setting(problem) | Self::Worker(problem) => problem,
            Self::Cut(problem) => problem,
        }
    }

    fn code(&self) -> i32 {
        match self {
            Self::Setting(_) => 2,
            Self::Worker(_) | Self::Cut(_) => 1,
        }
    }
}

#[tokio::main]
async fn main() {
    let code = match run().await {
        Ok(()) => 0,
        Err(stopped) => {
            eprintln!("consumer: {}", stopped.problem());
            stopped.code()
        }
    };
    // A return would wait for a reader of standard output that does not read.
    std::process::exit(code);
}

async fn run() -> Result<(), Stopped> {
    let options = Options::read().map_err(Stopped::Setting)?;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();

    let (output, (troubles, mut events)) = (Output::new(options.output), mpsc::unbounded_channel());
    let worker = assembly::worker(&options, &Aws::load().await.map_err(Stopped::Setting)?, &output, troubles)?;
    let id = worker.handle().worker().clone();
    let ended = tokio::select! {
        ended = work(worker, &options, &output) => ended,
        // Beside it: a reader that does not read must not keep a signal from being heard.
        () = async { while let Some(event) = events.recv().await { drop(output.write(vec![event]).await) } } => Ok(()),
    };
    if let Err(Stopped::Worker(problem)) = &ended {
        let last = output.write(vec![error(id.as_str(), None, problem)]);
        drop(tokio::time::timeout(options.shutdown_ms, last).await);
    }
    ended
}

/// Runs the worker until it ends by itself, or because it is told to.
async fn work(worker: Worker, options: &Options, output: &Output) -> Result<(), Stopped> {
    let twice = async {
        terminated().await;
        terminated().await;
    };
    tokio::select! {
        ended = worker.run_until(terminated(), options.shutdown_ms) => match ended {
            Ok(_report) => Ok(()),
            Err(error) => Err(Stopped::Worker(with_causes(&error))),
        },
        () = twice => Err(Stopped::Cut("told to stop twice; ended at once")),
        () = output.closed() => Err(Stopped::Cut("standard output cannot be written to")),
    }
}
