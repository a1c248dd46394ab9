//! Checks a history and prints what came of it.

use std::path::Path;

use integration_tests::check::{check, shown};
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
    for line in shown(&violations, EXAMPLES) {
        println!("{line}");
    }
    if let Some(file) = keep.filter(|_| !violations.is_empty()) {
        journal::keep(history, file)?;
        println!("history: {}", file.display());
    }
    println!("{}", Sum::of(seed, history, violations.len()));
    Ok(violations.is_empty())
}
