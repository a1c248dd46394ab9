//! Watches the services: what a shard stored, how a lease was written. What happened is what they applied, whether or
//! not anybody was told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use kcl_core::position::{Position, SequenceNumber};
use kcl_local::{Clock, Exchange};
use serde_json::Value;

use crate::history::{Payload, Recorder, Run, What};
use crate::items::Items;
use crate::label;
use crate::row::{Row, unreadable};

/// What producers packed into the records that they put, by the data on the wire. Clones are the same ledger.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<BTreeMap<String, Vec<Payload>>>>);

impl Ledger {
    pub(crate) fn enter(&self, wire: String, payloads: Vec<Payload>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(wire, payloads);
    }

    pub(crate) fn payloads(&self, wire: &str) -> Vec<Payload> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(wire).cloned().unwrap_or_default()
    }
}

/// What the world calls for everything that it serves.
pub(crate) struct Witness {
    recorder: Recorder,
    ledger: Ledger,
    items: Items,
    /// Whose rows are there, and which of their runs wrote them last.
    workers: BTreeMap<String, Run>,
}

/// The key of the leader lock, among those of leases and workers.
const LOCK: &str = "Leader";

impl Witness {
    pub(crate) fn new(recorder: Recorder, ledger: Ledger) -> Self {
        Self { recorder, ledger, items: Items::default(), workers: BTreeMap::new() }
    }

    pub(crate) fn see(&mut self, seen: &Exchange<'_>) {
        let at = seen.at.millis_since(Clock::BEGINNING);
        let Exchange { client, operation, number, .. } = seen;
        let status = seen.reply.status;
        let error = seen.reply.body["__type"].as_str().unwrap_or_default();
        let short = format_args!("served  #{number} {client} {operation} {status} {error}");
        self.recorder.trace(at, short, &[seen.request, &seen.reply.body]);
        if status == 200 {
            self.applied(at, seen);
        } else if *operation == "GetRecords" {
            self.recorder.note_at(at, What::Refused { code: error.to_owned() });
        }
    }

    fn applied(&mut self, at: u64, seen: &Exchange<'_>) {
        let (request, reply) = (seen.request, &seen.reply.body);
        let written = self.items.written(seen);
        let mut lease = |item: &Value, row: Option<Row>| {
            let shard = item["leaseKey"]["S"].as_str().unwrap_or_default().to_owned();
            if !shard.starts_with("shardId-") {
                return self.row(at, shard, label::run(seen.client), seen.operation != "DeleteItem");
            }
            let run = label::run(seen.client);
            if let Some(why) = unreadable(item).filter(|_| row.is_some() || seen.operation != "DeleteItem") {
                self.recorder.note_at(at, What::Unreadable { run, shard: shard.clone(), why });
            }
            self.recorder.note_at(at, What::Lease { run, shard, row });
        };
        match seen.operation {
            "PutRecords" => {
                let records = |body: &Value| body["Records"].as_array().cloned().unwrap_or_default();
                for (put, stored) in records(request).iter().zip(records(reply)) {
                    self.stored(at, put, &stored);
                }
            }
            "UpdateItem" => lease(&written, Row::of(&written)),
            "PutItem" => lease(&request["Item"], Row::of(&request["Item"])),
            "DeleteItem" => lease(&request["Key"], None),
            "SplitShard" | "MergeShards" => {
                let names = ["ShardToSplit", "ShardToMerge", "AdjacentShardToMerge"];
                let parents = names.iter().filter_map(|name| request[*name].as_str().map(str::to_owned)).collect();
                self.recorder.note_at(at, What::Resharded { parents });
            }
            _ => {}
        }
    }

    /// The row of a worker, or the leader lock.
    fn row(&mut self, at: u64, worker: String, run: Option<Run>, is_there: bool) {
        if worker == LOCK {
            return;
        }
        // Hints are written into a row by others.
        let own = run.filter(|run| self.recorder.is_of(*run, &worker));
        let changes = match (is_there, own) {
            (true, Some(run)) => self.workers.insert(worker.clone(), run) != Some(run),
            (true, None) => false,
            (false, _) => self.workers.remove(&worker).is_some(),
        };
        if changes {
            self.recorder.note_at(at, What::WorkerRow { run, worker, is_there });
        }
    }

    /// One record of a `PutRecords`, unless it was refused.
    fn stored(&self, at: u64, put: &Value, stored: &Value) {
        let (Some(shard), Some(sequence), Some(wire)) =
            (stored["ShardId"].as_str(), stored["SequenceNumber"].as_str(), put["Data"].as_str())
        else {
            return;
        };
        let Ok(sequence) = SequenceNumber::parse(sequence) else { return };
        let position = |sub| Position::At { sequence: sequence.clone(), sub };
        let records = (0..).map(position).zip(self.ledger.payloads(wire)).collect();
        self.recorder.note_at(at, What::Stored { shard: shard.to_owned(), records });
    }
}
