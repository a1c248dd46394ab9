//! A copy of all tables that follows the writes late.

use std::collections::VecDeque;

use serde_json::Value;

use super::engine::Engine;
use super::names::tables_named;
use crate::wire::Timestamp;

/// A second database to which every successful write is applied again, in order, when it is due.
pub(super) struct Replica {
    engine: Engine,
    pending: VecDeque<Write>,
}

struct Write {
    due: Timestamp,
    operation: String,
    request: Value,
}

impl Replica {
    pub(super) fn new() -> Self {
        Self { engine: Engine::new(), pending: VecDeque::new() }
    }

    /// Applies a change of tables at once: only items are late.
    pub(super) fn define(&mut self, operation: &str, request: &Value, now: Timestamp) {
        self.engine.call(operation, request, now);
        if operation == "DeleteTable" {
            let gone = tables_named(request);
            self.pending.retain(|write| !tables_named(&write.request).iter().any(|table| gone.contains(table)));
        }
    }

    /// Takes note of a write that the primary has applied. A write is never seen before an earlier one, so it is due
    /// no sooner than the last.
    pub(super) fn write(&mut self, operation: &str, request: &Value, due: Timestamp) {
        let due = self.pending.back().map_or(due, |last| last.due.max(due));
        self.pending.push_back(Write { due, operation: operation.to_owned(), request: request.clone() });
    }

    /// The copy as it is at `now`.
    pub(super) fn at(&mut self, now: Timestamp) -> &Engine {
        while let Some(write) = self.pending.pop_front_if(|write| write.due <= now) {
            self.engine.call(&write.operation, &write.request, write.due);
        }
        &self.engine
    }
}
