//! Writes one part of a history.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::line::{Line, tellable};
use crate::history::What;
use crate::monotonic;

/// Writes what happens in one process.
#[derive(Debug)]
pub struct Pen(File);

impl Pen {
    /// Begins a part in a new file.
    ///
    /// # Errors
    /// If the file cannot be made, or is there.
    pub fn create(path: &Path) -> io::Result<Self> {
        File::create_new(path).map(Self)
    }

    /// Stamps something and writes it. It is in the file when this returns, whatever happens to the process.
    ///
    /// # Panics
    /// If the file cannot be written: what cannot be written down must not go on.
    pub(crate) fn write(&mut self, what: &What) {
        let line = Line { ns: monotonic::now(), what: tellable(what).into_owned() };
        let mut text = serde_json::to_vec(&line).expect("every happening can be written");
        text.push(b'\n');
        // One call of the system, so that no line is torn but by a death in the middle of it.
        self.0.write_all(&text).expect("the history can be written");
    }
}
