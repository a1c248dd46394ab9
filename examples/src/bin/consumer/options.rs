//! The command line.

use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Parser, ValueEnum};
use examples::{Reading, timestamp};
use kcl_core::position::InitialPosition;

/// Prints the records of a Kinesis stream, as one worker of an application that remembers how far it got.
///
/// Region, credentials and endpoints come from the usual AWS environment. SIGTERM and Ctrl-C stop the worker in good
/// order; a second one ends it at once.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Options {
    /// The stream, by name or ARN.
    #[arg(long, value_name = "NAME|ARN")]
    pub(crate) stream: String,
    /// The application, and its lease table in DynamoDB, which is created if it is missing.
    #[arg(long, value_name = "NAME")]
    pub(crate) app: String,
    /// This worker's id; no two live workers may have the same. By default unique.
    #[arg(long, value_name = "ID")]
    pub(crate) worker_id: Option<String>,
    /// Where to start a stream that the application has not read before.
    #[arg(long, value_name = "trim-horizon|latest|TIMESTAMP", default_value = "trim-horizon", value_parser = start)]
    pub(crate) start: InitialPosition,
    /// How to read.
    #[arg(long, value_enum, default_value_t = Reading::Polling)]
    pub(crate) retrieval: Reading,
    /// After how long without a sign of life a worker counts as dead; the same for all workers of an application.
    #[arg(long, value_name = "N", default_value = "10000", value_parser = millis)]
    pub(crate) failover_ms: Duration,
    /// How long a stop in good order may take.
    #[arg(long, value_name = "N", default_value = "10000", value_parser = millis)]
    pub(crate) shutdown_ms: Duration,
    /// What to print: columns for people, or a JSON object on each line for programs.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
}

/// What a line of output looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// The values, with tabs between them.
    Text,
    /// One JSON object.
    Jsonl,
}

impl Options {
    /// Reads the command line. Ends the program if it was asked for help.
    ///
    /// # Errors
    /// What is wrong, on one line.
    pub(crate) fn read() -> Result<Self, String> {
        Self::try_parse().map_err(|error| {
            if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
                error.exit();
            }
            let text = error.to_string();
            let what = text.split("\n\n").next().unwrap_or_default();
            let words: Vec<&str> = what.trim_start_matches("error: ").split_whitespace().collect();
            words.join(" ")
        })
    }
}

fn start(text: &str) -> Result<InitialPosition, String> {
    match text {
        "trim-horizon" => Ok(InitialPosition::TrimHorizon),
        "latest" => Ok(InitialPosition::Latest),
        _ => timestamp(text).map(InitialPosition::AtTimestamp),
    }
}

fn millis(text: &str) -> Result<Duration, String> {
    text.parse().map(Duration::from_millis).map_err(|_| format!("`{text}` is not a number of milliseconds"))
}
