//! Reads the parts of a history and puts them together.

use std::io;
use std::path::Path;

use super::line::Line;
use crate::history::Happening;

/// Reads one part. Its writer may have been killed in the middle of its last line, which is left out then.
///
/// # Errors
/// If the file cannot be read, or another line than the last is no line of a history.
pub fn part(path: &Path) -> io::Result<Vec<Line>> {
    let text = std::fs::read(path)?;
    lines(&text).map_err(|why| io::Error::other(format!("{}: {why}", path.display())))
}

fn lines(text: &[u8]) -> Result<Vec<Line>, String> {
    let mut lines: Vec<_> = text.split(|byte| *byte == b'\n').collect();
    // What follows the last end of a line: nothing, or a line that was torn.
    lines.pop();
    let read = |(number, line)| serde_json::from_slice(line).map_err(|error| format!("line {number}: {error}"));
    (1..).zip(lines).map(read).collect()
}

/// Puts parts together in the order of time, which begins with the first line. Of two lines of the same nanosecond, that of
/// the earlier part comes first, and lines of one part keep their order.
#[must_use]
pub fn merge(parts: Vec<Vec<Line>>) -> Vec<Happening> {
    let mut lines: Vec<_> = parts.into_iter().flatten().collect();
    lines.sort_by_key(|line| line.ns);
    let began = lines.first().map_or(0, |line| line.ns);
    let happening = |line: Line| Happening { at: (line.ns - began) / 1_000_000, what: line.what };
    lines.into_iter().map(happening).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Run, What};

    fn line(ns: u64, run: u32) -> Line {
        Line { ns, what: What::StopAsked { run: Run(run) } }
    }

    fn text(lines: &[Line]) -> Vec<u8> {
        let line = |line| serde_json::to_string(line).expect("it can be written") + "\n";
        lines.iter().map(line).collect::<String>().into_bytes()
    }

    #[test]
    fn a_torn_last_line_is_left_out_wherever_it_was_torn() {
        let whole = text(&[line(1, 1), line(2, 2)]);
        let first = text(&[line(1, 1)]).len();
        for end in first..whole.len() {
            assert_eq!(lines(&whole[..end]), Ok(vec![line(1, 1)]), "{end}");
        }
        assert_eq!(lines(&whole), Ok(vec![line(1, 1), line(2, 2)]));
        assert_eq!(lines(b""), Ok(Vec::new()));
    }

    #[test]
    fn a_broken_line_in_the_middle_is_an_error_that_names_it() {
        let broken = [&text(&[line(1, 1)])[..], b"{\"ns\":5,\n", &text(&[line(9, 2)])[..]].concat();
        assert!(lines(&broken).is_err_and(|why| why.starts_with("line 2")));
    }

    #[test]
    fn parts_are_put_together_by_time_and_keep_their_own_order() {
        let (driver, worker) =
            (vec![line(5_000_000, 1), line(7_999_999, 2)], vec![line(7_000_000, 3), line(7_999_999, 4)]);
        let merged = merge(vec![driver, worker]);
        let order: Vec<_> = merged.iter().map(|happening| (happening.at, happening.what.clone())).collect();
        let asked = |run| What::StopAsked { run: Run(run) };
        assert_eq!(order, [(0, asked(1)), (2, asked(3)), (2, asked(2)), (2, asked(4))]);
    }
}
