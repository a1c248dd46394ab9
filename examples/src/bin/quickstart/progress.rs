//! What a person sees while it runs.

use std::convert::Infallible;
use std::io::{IsTerminal, Write, stdout};
use std::time::Duration;

use tokio::time::Instant;

use crate::ledger::{Entries, Ledger};

/// Goes back to the start of the line and clears it.
const AGAIN: &str = "\r\x1b[2K";

/// Prints what happens, with the seconds since the start, and a line of numbers.
pub(crate) struct Screen {
    started: Instant,
    is_terminal: bool,
}

impl Screen {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), is_terminal: stdout().is_terminal() }
    }

    /// A step of the story.
    pub(crate) fn say(&self, text: &str) {
        let clear = if self.is_terminal { AGAIN } else { "" };
        println!("{clear}{:5.1} s  {text}", self.started.elapsed().as_secs_f32());
    }

    /// Shows the numbers until it is dropped: on a terminal in one live line, elsewhere in a line now and then.
    pub(crate) async fn show(&self, ledger: &Ledger) -> Infallible {
        loop {
            let every = Duration::from_millis(if self.is_terminal { 100 } else { 2000 });
            tokio::time::sleep(every).await;
            let numbers = ledger.read(numbers);
            if self.is_terminal {
                print!("{AGAIN}         {numbers}");
                // A line that cannot be shown is not worth an error.
                drop(stdout().flush());
            } else {
                self.say(&numbers);
            }
        }
    }
}

fn numbers(entries: &Entries) -> String {
    let (put, seen, delivered) = (entries.put.len(), entries.seen.len(), entries.deliveries.len());
    let unread = entries.put.iter().filter(|(row, _)| !entries.seen.contains(row)).map(|(_, since)| *since);
    let oldest = unread.clone().min().map_or(0, |since| since.elapsed().as_millis());
    format!(
        "{put} records put, {seen} read, {} read again; {} shards; lag {} records, {oldest} ms",
        delivered - seen,
        entries.behind.len(),
        unread.count(),
    )
}
