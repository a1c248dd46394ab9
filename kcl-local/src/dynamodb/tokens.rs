//! `ClientRequestToken`: a transaction repeated within ten minutes is answered again, not applied again.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::errors::refusal;
use crate::wire::{Reply, Timestamp};

/// How long a token is valid (DynamoDB API reference, TransactWriteItems).
const WINDOW: Duration = Duration::from_mins(10);

/// The tokens of finished transactions.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    finished: BTreeMap<String, Finished>,
}

#[derive(Debug)]
struct Finished {
    at: Timestamp,
    items: Value,
    answer: Value,
}

impl Tokens {
    /// The answer to a repeated transaction; none if the token is new.
    pub(super) fn find(&mut self, token: &str, request: &Value, now: Timestamp) -> Option<Reply> {
        self.finished.retain(|_, finished| now < finished.at.after(WINDOW));
        let finished = self.finished.get(token)?;
        if finished.items == request["TransactItems"] {
            return Some(Reply::ok(finished.answer.clone()));
        }
        let message = "The request uses the same client token as a previous, but non-identical request. \
                       Do not reuse a client token with different requests, unless the requests are identical";
        Some(refusal("IdempotentParameterMismatchException", message))
    }

    /// Takes note of a transaction that was applied.
    pub(super) fn finish(&mut self, token: String, request: &Value, answer: &Value, now: Timestamp) {
        let items = request["TransactItems"].clone();
        self.finished.insert(token, Finished { at: now, items, answer: answer.clone() });
    }
}
