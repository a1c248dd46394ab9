//! What a process writes to leases that are not its own any more.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kcl_local::Exchange;
use serde_json::Value;

/// Watches the writes to leases. Clones watch together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Writes(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    /// The holder of each lease, and its checkpoint.
    leases: BTreeMap<String, (String, Value)>,
    watched: String,
    refused: u64,
    counted: u64,
}

impl Writes {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts from now on what this worker writes.
    pub(crate) fn watch(&self, worker: &str) {
        let mut seen = self.seen();
        (seen.watched, seen.refused, seen.counted) = (worker.to_owned(), 0, 0);
    }

    /// How many of its writes were refused, and how many of its commits counted on leases that others held.
    pub(crate) fn watched(&self) -> (u64, u64) {
        let seen = self.seen();
        (seen.refused, seen.counted)
    }

    /// Everything that the services serve.
    pub(crate) fn see(&self, exchange: &Exchange<'_>) {
        if exchange.operation != "UpdateItem" {
            return;
        }
        let key = exchange.request["Key"]["leaseKey"]["S"].as_str().unwrap_or_default();
        if key.starts_with("shardId-") {
            self.seen().lease_written(
                key,
                exchange.client,
                exchange.reply.status == 200,
                &exchange.reply.body["Attributes"],
            );
        }
    }
}

impl Seen {
    fn lease_written(&mut self, key: &str, by: &str, applied: bool, row: &Value) {
        let watched = by == self.watched;
        if !applied {
            self.refused += u64::from(watched);
            return;
        }
        let text = |name: &str| row[name]["S"].as_str().map(str::to_owned);
        let Some(holder) = text("checkpointOwner").or_else(|| text("leaseOwner")) else {
            self.leases.remove(key);
            return;
        };
        let checkpoint = row["checkpoint"].clone();
        let before = self.leases.insert(key.to_owned(), (holder, checkpoint.clone()));
        let moved = before.is_some_and(|(holder, before)| holder != by && before != checkpoint);
        self.counted += u64::from(watched && moved);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_commit_on_anothers_lease_is_counted_and_one_on_its_own_is_not() {
        let row = |owner: &str, at: &str| json!({"leaseOwner": {"S": owner}, "checkpoint": {"S": at}});
        let writes = Writes::default();
        let write = |by: &str, applied, row: &Value| writes.seen().lease_written("shardId-0", by, applied, row);
        write("a", true, &row("a", "1"));
        write("b", true, &row("b", "1"));
        writes.watch("a");
        write("a", false, &Value::Null);
        assert_eq!(writes.watched(), (1, 0));
        write("a", true, &row("b", "2"));
        assert_eq!(writes.watched(), (1, 1));
        write("a", true, &row("a", "2"));
        write("a", true, &row("a", "3"));
        assert_eq!(writes.watched(), (1, 1), "it took the lease before");
    }
}
