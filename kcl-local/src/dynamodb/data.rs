//! Operations on items: whether the table is ready, which copy answers, and what it costs.

use std::collections::BTreeMap;

use serde_json::Value;

use super::DynamoDb;
use super::capacity::{self, Usage, side};
use super::errors::{kind, refusal, table_not_found};
use super::lifecycle::{IndexStatus, Table, TableStatus};
use super::names::{actions, tables_named};
use super::throttle::{Side, throttled};
use crate::wire::{Reply, Timestamp};

impl DynamoDb {
    pub(super) fn data(&mut self, operation: &str, request: &Value, now: Timestamp, rng: &mut fastrand::Rng) -> Reply {
        let mut request = self.arns.for_engine(request);
        let tables = tables_named(&request);
        let refused = self.not_ready(&tables, &request, now).or_else(|| self.over_limit(operation, &tables, now));
        if let Some(refused) = refused {
            return refused;
        }
        // The engine would keep tokens by the machine's clock, so it is not given any.
        let token = request.as_object_mut().and_then(|members| members.remove("ClientRequestToken"));
        let token = token.as_ref().and_then(Value::as_str);
        if let Some(repeated) = self.repeated(operation, token, &request, now) {
            return repeated;
        }
        let asked = capacity::ask_for_everything(operation, &mut request);
        let mut reply = self.answer(operation, &request, now, rng);
        self.account(operation, &tables, &request, &reply);
        if reply.status == 200 && side(operation) == Side::Write {
            self.replicate(operation, &request, now, rng);
        }
        asked.trim(&mut reply);
        if let Some(token) = token.filter(|_| reply.status == 200) {
            self.tokens.finish(token.to_owned(), &request, &reply.body, now);
        }
        reply
    }

    /// The refusal of a request to a table or index that is still being created.
    fn not_ready(&self, tables: &[String], request: &Value, now: Timestamp) -> Option<Reply> {
        let known = || tables.iter().filter_map(|name| self.tables.get(name));
        if known().any(|table| table.status(now) == TableStatus::Creating) {
            return Some(table_not_found());
        }
        let index = request.get("IndexName")?.as_str()?;
        let message = match known().next()?.index(index, now) {
            IndexStatus::Allocating => format!("The table does not have the specified index: {index}"),
            IndexStatus::Backfilling => format!("Cannot read from backfilling global secondary index: {index}"),
            IndexStatus::Active | IndexStatus::Unknown => return None,
        };
        Some(refusal("ValidationException", message))
    }

    fn over_limit(&mut self, operation: &str, tables: &[String], now: Timestamp) -> Option<Reply> {
        let side = side(operation);
        let table = tables.iter().find(|table| !self.throttles.admits(table, side, now))?;
        self.ledger.add(operation, table, None, Usage { throttled: 1, ..Usage::default() });
        Some(throttled(&self.arns.table(table), side))
    }

    /// Asks the copy that this request happens to reach.
    fn answer(&mut self, operation: &str, request: &Value, now: Timestamp, rng: &mut fastrand::Rng) -> Reply {
        if let Some(replica) = &mut self.index_replica
            && reads_global_index(&self.tables, request, now)
        {
            return replica.at(now).call(operation, request, now);
        }
        if let (Some(replica), Some(stale)) = (&mut self.stale_replica, self.settings.stale_reads)
            && eventually_consistent(operation, request)
            && rng.f64() < stale.probability
        {
            return replica.at(now).call(operation, request, now);
        }
        self.primary.call(operation, request, now)
    }

    /// The answer to a transaction that was applied before under the same token; it uses read units.
    fn repeated(&mut self, operation: &str, token: Option<&str>, request: &Value, now: Timestamp) -> Option<Reply> {
        let answer = self.tokens.find(token?, request, now)?;
        for table in actions(request).filter_map(|action| action.get("TableName")?.as_str()) {
            self.ledger.add(operation, table, None, Usage { read_units: 2.0, ..Usage::default() });
        }
        for table in tables_named(request) {
            self.ledger.add(operation, &table, None, Usage { requests: 1, ..Usage::default() });
        }
        Some(answer)
    }

    fn account(&mut self, operation: &str, tables: &[String], request: &Value, reply: &Reply) {
        let index = request.get("IndexName").and_then(Value::as_str);
        let failed_conditions = u64::from(kind(&reply.body) == Some("ConditionalCheckFailedException"));
        for table in tables {
            self.ledger.add(operation, table, index, Usage { requests: 1, failed_conditions, ..Usage::default() });
        }
        let side = side(operation);
        for (table, index, units) in capacity::units(operation, request, reply) {
            let usage = match side {
                Side::Read => Usage { read_units: units, ..Usage::default() },
                Side::Write => Usage { write_units: units, ..Usage::default() },
            };
            if units > 0.0 {
                self.ledger.add(operation, &table, index.as_deref(), usage);
            }
            self.throttles.charge(&table, side, units);
        }
    }

    fn replicate(&mut self, operation: &str, request: &Value, now: Timestamp, rng: &mut fastrand::Rng) {
        if let Some(replica) = &mut self.index_replica {
            replica.write(operation, request, now.after(self.settings.index_lag));
        }
        if let (Some(replica), Some(stale)) = (&mut self.stale_replica, self.settings.stale_reads) {
            replica.write(operation, request, now.after(stale.max_age.mul_f64(rng.f64())));
        }
    }
}

fn reads_global_index(tables: &BTreeMap<String, Table>, request: &Value, now: Timestamp) -> bool {
    let status = || {
        let table = tables.get(request.get("TableName")?.as_str()?)?;
        Some(table.index(request.get("IndexName")?.as_str()?, now))
    };
    status() == Some(IndexStatus::Active)
}

fn eventually_consistent(operation: &str, request: &Value) -> bool {
    let strong = |read: &Value| read.get("ConsistentRead") == Some(&Value::Bool(true));
    match operation {
        "GetItem" | "Query" | "Scan" => !strong(request),
        "BatchGetItem" => {
            let reads = request.get("RequestItems").and_then(Value::as_object);
            !reads.into_iter().flatten().any(|(_, read)| strong(read))
        }
        _ => false,
    }
}
