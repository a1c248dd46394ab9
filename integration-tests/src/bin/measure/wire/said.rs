//! What a consumer process says to the process that measures it: one JSON object a line.

use std::io::Write;

use serde::{Deserialize, Serialize};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "said", rename_all = "snake_case")]
pub(crate) enum Said {
    /// It reads a shard.
    Began {
        /// The shard.
        shard: String,
    },
    /// Records were handled.
    Handled {
        /// User records.
        records: u64,
        /// From arrival to handler, of each, if that is of interest.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        delays_ms: Vec<u64>,
    },
    /// Something went wrong, and is tried again.
    Trouble {
        /// What.
        what: String,
    },
}

/// Says it at once. If nobody listens, the reason for this process is gone.
pub(crate) fn say(said: &Said) {
    let Ok(mut text) = serde_json::to_vec(said) else { std::process::exit(1) };
    text.push(b'\n');
    let mut out = std::io::stdout().lock();
    if out.write_all(&text).and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_any_consumer_writes_is_read() {
        for (text, said) in [
            (r#"{"said": "began", "shard": "a"}"#, Said::Began { shard: "a".into() }),
            (r#"{"said": "handled", "records": 2}"#, Said::Handled { records: 2, delays_ms: vec![] }),
            (
                r#"{"said": "handled", "records": 1, "delays_ms": [7]}"#,
                Said::Handled { records: 1, delays_ms: vec![7] },
            ),
            (r#"{"said": "trouble", "what": "b"}"#, Said::Trouble { what: "b".into() }),
        ] {
            assert_eq!(serde_json::from_str::<Said>(text).expect(text), said);
            let written = serde_json::to_string(&said).expect("it can be written");
            assert_eq!(serde_json::from_str::<Said>(&written).expect("it can be read"), said);
        }
    }
}
