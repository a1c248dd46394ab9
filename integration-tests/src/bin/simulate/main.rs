//! Lives through worlds by seed and checks what happened in them. Each run has a process of its own.
//!
//! ```text
//! simulate --seeds 1+50 --twice     fifty seeds, each twice, with the same trace
//! simulate --seed 17 --trace        one seed again, with everything that happened in it
//! simulate --minimise 17            what of a seed that fails is needed for that
//! simulate --sum-up FILE...         what earlier runs printed, as one
//! ```

mod many;
mod minimise;
mod one;
mod score;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use integration_tests::plan::less::Cut;
use integration_tests::planted::Planted;

/// Lives through whole fleets by seed, under virtual time, and checks what must always hold.
#[derive(Debug, Parser)]
#[command(group = clap::ArgGroup::new("what").required(true))]
struct Arguments {
    /// Seeds to live through: the first, and how many.
    #[arg(long, value_name = "FROM+COUNT", value_parser = parse_seeds, group = "what")]
    seeds: Option<(u64, u64)>,
    /// Lives through every seed twice; both traces must be the same.
    #[arg(long, requires = "seeds")]
    twice: bool,
    /// Begins no more seeds once one has failed.
    #[arg(long, requires = "seeds")]
    stop_at_first: bool,
    /// How many runs go on at once.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Lives through this seed in this process.
    #[arg(long, group = "what")]
    seed: Option<u64>,
    /// Prints everything that happened, line by line in virtual seconds.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Leaves this out of the seed's plan, as `--minimise` says it.
    #[arg(long, value_name = "CUT,CUT,...", value_delimiter = ',', requires = "seed")]
    less: Vec<Cut>,
    /// Leaves out of the plan of this seed, which fails, whatever it fails without.
    #[arg(long, value_name = "SEED", group = "what")]
    minimise: Option<u64>,
    /// Adds up what runs of `--seeds` printed into these files.
    #[arg(long, value_name = "FILE", num_args = 1.., group = "what")]
    sum_up: Vec<PathBuf>,
    /// Plants a bug, which is to be found: commit-before-processing, skip-parent-check.
    #[arg(long)]
    planted: Option<Planted>,
}

/// A quarter of a run's time would be the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn parse_seeds(text: &str) -> Result<(u64, u64), String> {
    let (from, count) = text.split_once('+').ok_or("give the first seed and how many: 1+50")?;
    let number = |part: &str| part.parse().map_err(|_| format!("`{part}` is not a number"));
    Ok((number(from)?, number(count)?))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let fine = match (arguments.seed, arguments.minimise, arguments.seeds) {
        (Some(seed), ..) => one::live(seed, &arguments),
        (_, Some(seed), _) => minimise::minimise(seed, arguments.planted),
        (_, _, Some((from, count))) => many::live(from, count, &arguments),
        (None, None, None) => score::of_files(&arguments.sum_up),
    };
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
