//! What a worker process says to the process that measures it: one JSON object a line.

use serde::{Deserialize, Serialize};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// When, by the machine's wall clock: milliseconds since the Unix epoch.
    pub(crate) at: u64,
    /// What.
    #[serde(flatten)]
    pub(crate) said: Said,
}

/// What happened in the worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "said", rename_all = "snake_case")]
pub(crate) enum Said {
    /// The worker runs.
    Started,
    /// It holds a shard.
    Taken {
        /// The shard.
        shard: String,
    },
    /// It holds the shard no more.
    Ended {
        /// The shard.
        shard: String,
        /// Why.
        reason: String,
    },
    /// Records of a shard were handled.
    Handled {
        /// The shard.
        shard: String,
        /// The number of each record, and when it was put.
        records: Vec<(u64, u64)>,
    },
    /// Something went wrong, and is tried again.
    Trouble {
        /// What.
        what: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_on_a_line_is_read_from_it() {
        let all = [
            Said::Started,
            Said::Taken { shard: "a".into() },
            Said::Ended { shard: "a".into(), reason: "Released".into() },
            Said::Handled { shard: "a".into(), records: vec![(7, 1000), (8, 1020)] },
            Said::Trouble { what: "a \"table\"\nis away".into() },
        ];
        for said in all {
            let line = Line { at: 1_767_225_600_000, said };
            let text = serde_json::to_string(&line).expect("it can be written");
            assert!(!text.contains('\n'), "{text}");
            assert_eq!(serde_json::from_str::<Line>(&text).expect("it can be read"), line);
        }
    }
}
