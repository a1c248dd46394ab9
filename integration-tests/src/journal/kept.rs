//! A whole history in one file, to be looked into and checked again.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use super::line::{Line, tellable};
use super::parts::merge;
use crate::history::History;

/// Writes a history into a file: what is known of all of it on the first line, then a line for each happening.
///
/// # Errors
/// If the file cannot be written.
pub fn keep(history: &History, path: &Path) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    serde_json::to_writer(&mut file, history)?;
    for happening in &history.happenings {
        file.write_all(b"\n")?;
        let line = Line { ns: happening.at * 1_000_000, what: tellable(&happening.what).into_owned() };
        serde_json::to_writer(&mut file, &line)?;
    }
    file.write_all(b"\n")?;
    file.flush()
}

/// Reads it again.
///
/// # Errors
/// If the file cannot be read, or is not one of [`keep`].
pub fn kept(path: &Path) -> io::Result<History> {
    let mut lines = BufReader::new(File::open(path)?).lines();
    let first = lines.next().ok_or_else(|| io::Error::other("an empty file"))??;
    let mut history: History = serde_json::from_str(&first)?;
    let lines: io::Result<Vec<Line>> = lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect();
    history.happenings = merge(vec![lines?]);
    Ok(history)
}
