//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use integration_tests::modelled::Reading;
use integration_tests::planted::Planted;

/// Lets a fleet of real processes live through kills, stops, pauses and reshards, and checks what must always hold.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) soak: Soak,
    #[command(subcommand)]
    pub(crate) also: Option<Also>,
}

/// A fleet, and for how long something happens to it.
#[derive(Debug, Clone, Args)]
pub(crate) struct Soak {
    /// For how long something happens: 40s, 5m, 2h. After that there is calm, until everything is consumed.
    #[arg(long = "for", value_name = "TIME", default_value = "5m", value_parser = time)]
    pub(crate) lasting: Duration,
    /// Workers.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    pub(crate) workers: u32,
    /// Shards that the stream begins with.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) shards: u32,
    /// The failover time of all workers.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = time)]
    pub(crate) failover: Duration,
    /// How the workers read; mixed: every second one subscribes, and whoever comes back may read in the other way.
    #[arg(long, value_enum, default_value_t = Readers::Mixed)]
    pub(crate) reading: Readers,
    /// What is done to whom and when follows from it. Drawn if it is not given.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Plants a bug, which is to be found: commit-before-processing, skip-parent-check.
    #[arg(long, hide = true)]
    pub(crate) planted: Option<Planted>,
}

/// How the workers of a fleet read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Readers {
    Polling,
    FanOut,
    Mixed,
}

impl Readers {
    /// How the worker in this slot begins to read.
    pub(crate) fn of(self, slot: usize) -> Reading {
        match self {
            Self::Polling => Reading::Polling,
            Self::FanOut => Reading::FanOut,
            Self::Mixed if slot.is_multiple_of(2) => Reading::Polling,
            Self::Mixed => Reading::FanOut,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Also {
    /// Checks a history again that was kept because something did not hold.
    Again {
        /// The file that was named.
        file: PathBuf,
    },
    /// One worker, started by the others.
    #[command(hide = true)]
    Worker(Worker),
}

/// A worker process. Endpoints, region and credentials come from the usual AWS environment.
#[derive(Debug, Args)]
pub(crate) struct Worker {
    #[arg(long)]
    pub(crate) run: u32,
    #[arg(long)]
    pub(crate) slot: usize,
    #[arg(long)]
    pub(crate) id: String,
    #[arg(long, value_parser = time)]
    pub(crate) failover: Duration,
    #[arg(long)]
    pub(crate) seed: u64,
    #[arg(long)]
    pub(crate) fan_out: bool,
    #[arg(long)]
    pub(crate) planted: Option<Planted>,
    /// The file for its part of the history.
    #[arg(long)]
    pub(crate) part: PathBuf,
}

/// Reads `250ms`, `40s`, `5m`, `2h`.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time: 250ms, 40s, 5m, 2h");
    let digits = text.find(|character: char| !character.is_ascii_digit()).ok_or_else(wrong)?;
    let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
    let millis = match &text[digits..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(millis).map(Duration::from_millis).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_number_and_a_unit() {
        assert_eq!(time("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!([time("40s"), time("5m")], [Ok(Duration::from_secs(40)), Ok(Duration::from_secs(300))]);
        for wrong in ["", "5", "s", "5 m", "-5s", "99999999999999999999h", "18446744073709551615h"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_command_line_is_one_that_can_be_read() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
        let arguments = Arguments::parse_from(["soak", "--for", "40s", "--reading", "fan-out"]);
        assert_eq!((arguments.soak.lasting, arguments.soak.reading), (Duration::from_secs(40), Readers::FanOut));
        assert!(matches!(Arguments::parse_from(["soak", "again", "file"]).also, Some(Also::Again { .. })));
    }
}
