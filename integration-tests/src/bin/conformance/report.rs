//! What is printed: a line for each promise, and the sum.

use std::fmt;

use kcl_core::testing::source_conformance::Verdict;

/// How many promises were kept, and over how many transports.
#[derive(Debug, Default)]
pub(crate) struct Report {
    kept: usize,
    broken: usize,
    transports: usize,
}

impl Report {
    /// Prints what became of the promises over one transport, and adds it up.
    pub(crate) fn print(&mut self, transport: &str, verdicts: &[Verdict]) {
        self.transports += 1;
        for Verdict { promise, took, broken } in verdicts {
            let seconds = took.as_secs_f64();
            match broken {
                None => {
                    self.kept += 1;
                    println!("kept    {seconds:5.1} s  {transport:<23}  {promise}");
                }
                Some(how) => {
                    self.broken += 1;
                    println!("BROKEN  {seconds:5.1} s  {transport:<23}  {promise}: {how}");
                }
            }
        }
    }

    pub(crate) fn all_kept(&self) -> bool {
        self.broken == 0 && self.kept > 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kept, broken, transports } = self;
        write!(f, "conformance: {kept} promises kept over {transports} transports, {broken} broken")
    }
}
