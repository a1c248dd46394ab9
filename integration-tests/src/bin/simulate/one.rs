//! One run, in this process or in one of its own.

use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use integration_tests::check::shown;
use integration_tests::plan::Plan;
use integration_tests::plan::less::Cut;
use integration_tests::planted::Planted;
use integration_tests::{Outcome, simulate};

use super::Arguments;

/// How long one run may take in real time: a world in which something turns in circles never ends by itself.
const REAL_TIME: Duration = Duration::from_mins(3);

/// How many violations of one invariant are shown.
const EXAMPLES: usize = 3;

/// Lives through one seed here.
pub(super) fn live(seed: u64, arguments: &Arguments) -> bool {
    let (done, outcome) = mpsc::channel();
    let plan = Plan::draw(seed).without(&arguments.less);
    let (planted, trace) = (arguments.planted, arguments.trace);
    let run = std::thread::Builder::new().name(format!("seed {seed}"));
    if let Err(error) = run.spawn(move || drop(done.send(simulate(plan, planted, trace)))) {
        println!("seed={seed} violation: no thread could be started: {error}");
        return false;
    }
    match outcome.recv_timeout(REAL_TIME) {
        Ok(outcome) => report(seed, &outcome, arguments.less.is_empty()),
        Err(mpsc::RecvTimeoutError::Timeout) => {
            println!("seed={seed} violation: endless: the world did not end within {REAL_TIME:?} of real time");
            false
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            println!("seed={seed} violation: panicked: the world did");
            false
        }
    }
}

/// A whole plan has enough in it to have shown anything.
fn report(seed: u64, outcome: &Outcome, whole: bool) -> bool {
    let Outcome { figures, violations, trace, text } = outcome;
    if let Some(text) = text {
        print!("{text}");
    }
    let missing = if whole { figures.missing() } else { Vec::new() };
    for nothing in &missing {
        println!("seed={seed} violation: too-little: there were no {nothing} in this world");
    }
    for line in shown(violations, EXAMPLES) {
        println!("seed={seed} {line}");
    }
    println!("seed={seed} {figures} violations={} trace={trace:016x}", violations.len() + missing.len());
    violations.is_empty() && missing.is_empty()
}

/// The arguments of a run that is the same again.
pub(super) fn arguments(seed: u64, cuts: &[Cut], planted: Option<Planted>) -> Vec<String> {
    let mut arguments = vec!["--seed".to_owned(), seed.to_string()];
    if !cuts.is_empty() {
        let cuts: Vec<_> = cuts.iter().map(ToString::to_string).collect();
        arguments.extend(["--less".to_owned(), cuts.join(",")]);
    }
    if let Some(planted) = planted {
        arguments.extend(["--planted".to_owned(), planted.to_string()]);
    }
    arguments
}

/// Begins a run in a process of its own.
pub(super) fn begin(seed: u64, cuts: &[Cut], planted: Option<Planted>) -> std::io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments(seed, cuts, planted)).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()
}

/// Waits for a run: whether nothing was wrong, and what it printed.
pub(super) fn end(child: Child) -> (bool, String) {
    match child.wait_with_output() {
        Ok(output) => (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => (false, format!("violation: lost: its process was: {error}\n")),
    }
}
