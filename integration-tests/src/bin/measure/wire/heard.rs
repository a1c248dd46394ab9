//! What was heard of one consumer process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::said::Said;

/// Shared by those who listen and those who wait.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Totals>>);

/// The sums of what was said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// The shards that are read.
    pub(crate) shards: BTreeSet<String>,
    /// User records.
    pub(crate) records: u64,
    /// From arrival to handler, in milliseconds.
    pub(crate) delays: Vec<u64>,
    /// What went wrong, and how often.
    pub(crate) troubles: BTreeMap<String, u64>,
}

impl Heard {
    /// Looks at the sums.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Totals) -> T) -> T {
        look(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Forgets the delays so far.
    pub(crate) fn forget_delays(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).delays.clear();
    }

    /// Takes in a line. What is not one of ours counts as trouble: another library may write what it likes.
    pub(crate) fn line(&self, text: &str) {
        let said = serde_json::from_str(text).unwrap_or_else(|_| Said::Trouble { what: text.to_owned() });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).add(said);
    }
}

impl Totals {
    fn add(&mut self, said: Said) {
        match said {
            Said::Began { shard } => drop(self.shards.insert(shard)),
            Said::Handled { records, delays_ms } => {
                self.records += records;
                self.delays.extend(delays_ms);
            }
            Said::Trouble { what } => *self.troubles.entry(what).or_default() += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_summed_up() {
        let heard = Heard::default();
        for line in [
            r#"{"said":"began","shard":"a"}"#,
            r#"{"said":"began","shard":"a"}"#,
            r#"{"said":"handled","records":2,"delays_ms":[4,5]}"#,
            r#"{"said":"handled","records":1}"#,
            "what is this",
        ] {
            heard.line(line);
        }
        let totals = heard.read(Totals::clone);
        assert_eq!((totals.shards.len(), totals.records), (1, 3));
        assert_eq!((totals.delays, totals.troubles["what is this"]), (vec![4, 5], 1));
        heard.forget_delays();
        assert!(heard.read(|totals| totals.delays.is_empty()));
    }
}
