//! Checks a history and prints what came of it.

use std::collections::BTreeMap;
use std::path::Path;

use integration_tests::check::check;
use integration_tests::history::History;
use integration_tests::journal;
use kcl_core::error::Failure;

use crate::sum::Sum;

/// How many violations of one invariant are shown.
const EXAMPLES: usize = 5;

/// Prints what did not hold, and the sum as the last line. A history in which something did not hold is kept, if there is a
/// file for it. Answers whether all held.
pub(crate) fn report(seed: Option<u64>, history: &History, keep: Option<&Path>) -> Result<bool, Failure> {
    let violations = check(history);
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    for violation in &violations {
        let count = shown.entry(violation.invariant).or_default();
        *count += 1;
        if *count <= EXAMPLES {
            println!("violation: {violation}");
        }
    }
    for (invariant, count) in shown.into_iter().filter(|(_, count)| *count > EXAMPLES) {
        println!("violation: {invariant} {} times more", count - EXAMPLES);
    }
    if let Some(file) = keep.filter(|_| !violations.is_empty()) {
        journal::keep(history, file)?;
        println!("history: {}", file.display());
    }
    println!("{}", Sum::of(seed, history, violations.len()));
    Ok(violations.is_empty())
}
