//! The trace of a run: every request, answer and event in one order, as a hash and, if asked for, as a text to read.

use std::fmt;
use std::hash::{DefaultHasher, Hasher};

/// Collects the lines of one run.
///
/// The hash is over all of every line. It is meant to be compared with that of another run of the same program, and with
/// nothing else.
#[derive(Debug, Default)]
pub struct Trace {
    hasher: DefaultHasher,
    text: Option<String>,
}

impl Trace {
    /// A trace that also keeps its lines.
    #[must_use]
    pub fn readable() -> Self {
        Self { text: Some(String::new()), ..Self::default() }
    }

    /// Adds what happened `at` that many virtual milliseconds. `short` is for people; `full`, what is beyond it, only
    /// goes into the hash.
    pub fn line(&mut self, at: u64, short: fmt::Arguments<'_>, full: &[&dyn fmt::Display]) {
        let line = format!("{:>4}.{:03} {short}\n", at / 1000, at % 1000);
        self.hasher.write(line.as_bytes());
        for part in full {
            self.hasher.write(part.to_string().as_bytes());
        }
        if let Some(text) = &mut self.text {
            text.push_str(&line);
        }
    }

    /// The hash of everything so far.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hasher.finish()
    }

    /// The lines, if they were kept.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_tells_apart_what_the_text_leaves_out() {
        let hash = |body: &str| {
            let mut trace = Trace::readable();
            trace.line(1_002, format_args!("GetItem"), &[&body]);
            assert_eq!(trace.text(), Some("   1.002 GetItem\n"));
            trace.hash()
        };
        assert_eq!(hash("a"), hash("a"));
        assert_ne!(hash("a"), hash("b"));
    }
}
