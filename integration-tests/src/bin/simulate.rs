//! Lives through worlds by seed and checks what happened in them. Each run has a process of its own.
//!
//! ```text
//! simulate --seeds 1+50 --twice     fifty seeds, each twice, with the same trace
//! simulate --seed 17 --trace        one seed again, with everything that happened in it
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use clap::Parser;
use integration_tests::planted::Planted;
use integration_tests::tally::Tally;
use integration_tests::{Outcome, simulate};

/// How long one run may take in real time: a world in which something turns in circles never ends by itself.
const REAL_TIME: Duration = Duration::from_mins(3);

/// How many violations of one invariant are shown.
const EXAMPLES: usize = 3;

/// Lives through whole fleets by seed, under virtual time, and checks what must always hold.
#[derive(Debug, Parser)]
struct Arguments {
    /// Seeds to live through: the first, and how many.
    #[arg(long, value_name = "FROM+COUNT", value_parser = parse_seeds, conflicts_with = "seed", required_unless_present = "seed")]
    seeds: Option<(u64, u64)>,
    /// Lives through every seed twice; both traces must be the same.
    #[arg(long)]
    twice: bool,
    /// Lives through this seed in this process.
    #[arg(long)]
    seed: Option<u64>,
    /// Prints everything that happened, line by line in virtual seconds.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Plants a bug, which is to be found: commit-before-processing, skip-parent-check.
    #[arg(long)]
    planted: Option<Planted>,
    /// Begins no more seeds once one has failed.
    #[arg(long)]
    stop_at_first: bool,
    /// How many runs go on at once.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
}

fn parse_seeds(text: &str) -> Result<(u64, u64), String> {
    let (from, count) = text.split_once('+').ok_or("give the first seed and how many: 1+50")?;
    let number = |part: &str| part.parse().map_err(|_| format!("`{part}` is not a number"));
    Ok((number(from)?, number(count)?))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let fine = match (arguments.seed, arguments.seeds) {
        (Some(seed), _) => one(seed, &arguments),
        (None, Some((from, count))) => many(from, count, &arguments),
        (None, None) => false,
    };
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Lives through one seed here.
fn one(seed: u64, arguments: &Arguments) -> bool {
    let (done, outcome) = mpsc::channel();
    let (planted, trace) = (arguments.planted, arguments.trace);
    let run = std::thread::Builder::new().name(format!("seed {seed}"));
    if let Err(error) = run.spawn(move || drop(done.send(simulate(seed, planted, trace)))) {
        println!("seed={seed} violation: no thread could be started: {error}");
        return false;
    }
    match outcome.recv_timeout(REAL_TIME) {
        Ok(outcome) => report(seed, &outcome),
        Err(mpsc::RecvTimeoutError::Timeout) => {
            println!("seed={seed} violation: the world did not end within {REAL_TIME:?} of real time");
            false
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            println!("seed={seed} violation: the world panicked");
            false
        }
    }
}

fn report(seed: u64, outcome: &Outcome) -> bool {
    let Outcome { figures, violations, trace, text } = outcome;
    if let Some(text) = text {
        print!("{text}");
    }
    let missing = figures.missing();
    for nothing in &missing {
        println!("seed={seed} violation: there were no {nothing} in this world");
    }
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    for violation in violations {
        let count = shown.entry(violation.invariant).or_default();
        *count += 1;
        if *count <= EXAMPLES {
            println!("seed={seed} violation: {violation}");
        }
    }
    for (invariant, count) in shown.into_iter().filter(|(_, count)| *count > EXAMPLES) {
        println!("seed={seed} violation: {invariant} {} times more", count - EXAMPLES);
    }
    println!("seed={seed} {figures} violations={} trace={trace:016x}", violations.len() + missing.len());
    violations.is_empty() && missing.is_empty()
}

/// Lives through many seeds, each run in a process of its own.
fn many(from: u64, count: u64, arguments: &Arguments) -> bool {
    let runs = if arguments.twice { 2 } else { 1 };
    let mut to_begin: VecDeque<_> = (from..from.saturating_add(count)).flat_map(|seed| vec![seed; runs]).collect();
    let mut begun: VecDeque<(u64, Child)> = VecDeque::new();
    let mut score = Score::default();
    let mut before: Option<(u64, String)> = None;
    loop {
        while begun.len() < arguments.jobs.max(1)
            && let Some(seed) = to_begin.pop_front()
        {
            match begin(seed, arguments) {
                Ok(child) => begun.push_back((seed, child)),
                Err(error) => {
                    println!("seed={seed} violation: its process could not be started: {error}");
                    return false;
                }
            }
        }
        let Some((seed, child)) = begun.pop_front() else { break };
        let (fine, text) = end(child);
        if let Some((_, first)) = before.take_if(|(earlier, _)| *earlier == seed) {
            score.compare(seed, &first, &text);
            continue;
        }
        print!("{text}");
        score.add(seed, fine, &text, arguments.planted);
        if arguments.stop_at_first && !fine {
            to_begin.clear();
        }
        before = Some((seed, text));
    }
    score.sum_up()
}

fn begin(seed: u64, arguments: &Arguments) -> std::io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--seed", &seed.to_string()]);
    if let Some(planted) = arguments.planted {
        command.args(["--planted", &planted.to_string()]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()
}

fn end(child: Child) -> (bool, String) {
    match child.wait_with_output() {
        Ok(output) => (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => (false, format!("violation: its process was lost: {error}\n")),
    }
}

/// What came of all seeds.
#[derive(Debug, Default)]
struct Score {
    tally: Tally,
    failed: Vec<u64>,
    differ: Vec<u64>,
}

impl Score {
    fn add(&mut self, seed: u64, fine: bool, text: &str, planted: Option<Planted>) {
        self.tally.add(text.lines().last().unwrap_or_default());
        if !fine {
            let planted = planted.map(|planted| format!(" --planted {planted}")).unwrap_or_default();
            println!("seed={seed} replay: simulate --seed {seed} --trace{planted}");
            self.failed.push(seed);
        }
    }

    fn compare(&mut self, seed: u64, first: &str, second: &str) {
        if first != second {
            print!("seed={seed} violation: the second run was another:\n{second}");
            self.differ.push(seed);
        }
    }

    fn sum_up(&self) -> bool {
        let Self { tally, failed, differ } = self;
        let (faults, states) = (tally.unmet_faults(), tally.unmet_states());
        if !faults.is_empty() || !states.is_empty() {
            println!("not met: {} {}", faults.join(" "), states.join(" "));
        }
        println!("{tally} failed={} {failed:?} not_repeated={} {differ:?}", failed.len(), differ.len());
        failed.is_empty() && differ.is_empty()
    }
}
