//! Operations on tables: the engine's answers, with the times that the service takes.

use std::time::Duration;

use serde_json::{Value, json};

use super::errors::refusal;
use super::lifecycle::{Table, TableStatus};
use super::{DynamoDb, backups};
use crate::wire::{Reply, Timestamp};

impl DynamoDb {
    pub(super) fn control(&mut self, operation: &str, request: &Value, now: Timestamp) -> Reply {
        let request = self.arns.for_engine(request);
        let name = request.get("TableName").and_then(Value::as_str).unwrap_or_default().to_owned();
        if matches!(operation, "DescribeContinuousBackups" | "UpdateContinuousBackups") {
            return backups::call(operation, &name, self.tables.get_mut(&name), &request, now);
        }
        if let Some(refused) = self.tables.get(&name).and_then(|table| busy(operation, &name, table, &request, now)) {
            return refused;
        }
        let mut reply = self.primary.call(operation, &request, now);
        if reply.status == 200 {
            self.register(operation, &name, &request, now);
            self.describe(&name, &mut reply.body, now);
            if operation == "DeleteTable" {
                self.tables.remove(&name);
            }
        }
        self.arns.for_caller(&mut reply.body);
        reply
    }

    /// Takes note of new tables and indexes, here and in the copies.
    fn register(&mut self, operation: &str, name: &str, request: &Value, now: Timestamp) {
        match operation {
            "CreateTable" => {
                self.tables_made += 1;
                let id = format!("00000000-0000-4000-8000-{:012x}", self.tables_made);
                let indexes = request.get("GlobalSecondaryIndexes").and_then(Value::as_array);
                let indexes = indexes.into_iter().flatten().filter_map(index_name).map(str::to_owned).collect();
                let table = Table::new(id, now, self.settings.table_creating, indexes);
                self.tables.insert(name.to_owned(), table);
            }
            "UpdateTable" => {
                let Some(table) = self.tables.get_mut(name) else { return };
                for index in index_updates(request, "Create") {
                    table.add_index(index, now, self.settings.index_creating);
                }
                for index in index_updates(request, "Delete") {
                    table.remove_index(index);
                }
            }
            "DeleteTable" => {}
            _ => return,
        }
        for replica in self.index_replica.iter_mut().chain(&mut self.stale_replica) {
            replica.define(operation, request, now);
        }
    }

    /// Writes the state of the table into an answer that describes it.
    fn describe(&self, name: &str, answer: &mut Value, now: Timestamp) {
        let Some(table) = self.tables.get(name) else { return };
        for member in ["Table", "TableDescription"] {
            if let Some(description) = answer.get_mut(member) {
                let deleting = description["TableStatus"] == "DELETING";
                set_times(description, table.created);
                table.describe(description, now);
                if deleting {
                    description["TableStatus"] = json!("DELETING");
                }
            }
        }
    }
}

/// The refusal of a change to a table that is in the middle of another.
fn busy(operation: &str, name: &str, table: &Table, request: &Value, now: Timestamp) -> Option<Reply> {
    let in_use = |what: &str| {
        let message = format!("Attempt to change a resource which is still in use: Table is being {what}: {name}");
        Some(refusal("ResourceInUseException", message))
    };
    match (operation, table.status(now)) {
        ("UpdateTable" | "DeleteTable", TableStatus::Creating) => in_use("created"),
        ("UpdateTable" | "DeleteTable", TableStatus::Updating) => in_use("updated"),
        ("DeleteTable", TableStatus::Active) if table.builds_an_index(now) => in_use("updated"),
        ("UpdateTable", TableStatus::Active)
            if table.builds_an_index(now) && index_updates(request, "Create").next().is_some() =>
        {
            let message =
                "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table";
            Some(refusal("LimitExceededException", message))
        }
        _ => None,
    }
}

fn index_updates<'a>(request: &'a Value, action: &'a str) -> impl Iterator<Item = &'a str> {
    let updates = request.get("GlobalSecondaryIndexUpdates").and_then(Value::as_array);
    updates.into_iter().flatten().filter_map(move |update| index_name(update.get(action)?))
}

fn index_name(index: &Value) -> Option<&str> {
    index.get("IndexName")?.as_str()
}

/// The engine stamps tables with the machine's clock: every time in a description becomes the table's own.
fn set_times(description: &mut Value, created: Timestamp) {
    match description {
        Value::Object(members) => {
            for (name, member) in members {
                if name.ends_with("DateTime") {
                    *member = json!(Duration::from_millis(created.0).as_secs_f64());
                } else {
                    set_times(member, created);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| set_times(item, created)),
        _ => {}
    }
}
