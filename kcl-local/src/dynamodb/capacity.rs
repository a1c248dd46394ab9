//! What requests cost: the counters, and the `ConsumedCapacity` that callers asked for.

use std::collections::{BTreeMap, HashMap};

use dynoxide::AttributeValue;
use serde::Deserialize;
use serde_json::{Value, json};

use super::errors;
use super::names;
use super::throttle::Side;
use crate::wire::Reply;

/// The member that asks for the item that failed a condition.
const OLD_ITEM: &str = "ReturnValuesOnConditionCheckFailure";

/// What one line of the [`Ledger`] counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// The operation, as `UpdateItem`.
    pub operation: String,
    /// The table.
    pub table: String,
    /// The index, if the units were used on one.
    pub index: Option<String>,
}

/// Requests and the capacity they used.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Usage {
    /// Requests that named this table, or for reads this index. Throttled requests are not among them.
    pub requests: u64,
    /// Requests refused for want of capacity.
    pub throttled: u64,
    /// Writes whose condition was false. They use write units as well.
    pub failed_conditions: u64,
    /// Read units: 4 KB strongly consistent, half for eventually consistent, twice for transactional.
    pub read_units: f64,
    /// Write units: 1 KB, twice for transactional.
    pub write_units: f64,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.requests += other.requests;
        self.throttled += other.throttled;
        self.failed_conditions += other.failed_conditions;
        self.read_units += other.read_units;
        self.write_units += other.write_units;
    }
}

/// What has been used since the model began or since [`Ledger::clear`], by operation, table and index.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ledger {
    lines: BTreeMap<Line, Usage>,
}

impl Ledger {
    /// Every line, in order of operation, table and index.
    pub fn lines(&self) -> impl Iterator<Item = (&Line, &Usage)> {
        self.lines.iter()
    }

    /// The sum over all lines that `keep` accepts.
    pub fn total(&self, keep: impl Fn(&Line) -> bool) -> Usage {
        let mut total = Usage::default();
        for (_, usage) in self.lines.iter().filter(|(line, _)| keep(line)) {
            total += *usage;
        }
        total
    }

    /// Starts again from zero.
    pub fn clear(&mut self) {
        self.lines.clear();
    }

    pub(super) fn add(&mut self, operation: &str, table: &str, index: Option<&str>, usage: Usage) {
        let line = Line { operation: operation.to_owned(), table: table.to_owned(), index: index.map(str::to_owned) };
        *self.lines.entry(line).or_default() += usage;
    }
}

/// Which side of the capacity an operation uses.
pub(super) fn side(operation: &str) -> Side {
    match operation {
        "BatchGetItem" | "GetItem" | "Query" | "Scan" | "TransactGetItems" => Side::Read,
        _ => Side::Write,
    }
}

/// What a caller wanted to see, kept while the engine is asked for everything.
#[derive(Debug, PartialEq)]
pub(super) struct Asked {
    capacity: Option<String>,
    old_item: bool,
}

/// Asks the engine for the capacity of every index, and for the item that failed a condition: both are needed to count.
pub(super) fn ask_for_everything(operation: &str, request: &mut Value) -> Asked {
    let capacity = request.get("ReturnConsumedCapacity").and_then(Value::as_str).map(str::to_owned);
    // Any other value is the engine's to refuse.
    if matches!(capacity.as_deref(), None | Some("NONE" | "TOTAL")) {
        request["ReturnConsumedCapacity"] = json!("INDEXES");
    }
    let old_item = request.get(OLD_ITEM).and_then(Value::as_str).is_some_and(|value| value != "NONE");
    if !old_item && matches!(operation, "DeleteItem" | "PutItem" | "UpdateItem") {
        request[OLD_ITEM] = json!("ALL_OLD");
    }
    Asked { capacity, old_item }
}

impl Asked {
    /// Takes out of the answer what the caller did not ask for.
    pub(super) fn trim(&self, reply: &mut Reply) {
        let Some(body) = reply.body.as_object_mut() else { return };
        if reply.status != 200 && !self.old_item {
            body.remove("Item");
        }
        match self.capacity.as_deref() {
            None | Some("NONE") => {
                body.remove("ConsumedCapacity");
            }
            Some("TOTAL") => body.get_mut("ConsumedCapacity").into_iter().flat_map(each_mut).for_each(|capacity| {
                capacity.retain(|name, _| {
                    !matches!(name.as_str(), "Table" | "GlobalSecondaryIndexes" | "LocalSecondaryIndexes")
                });
            }),
            Some(_) => {}
        }
    }
}

/// The units that one answered request used, by table and index.
pub(super) fn units(operation: &str, request: &Value, reply: &Reply) -> Vec<(String, Option<String>, f64)> {
    match errors::kind(&reply.body) {
        None => reply.body.get("ConsumedCapacity").into_iter().flat_map(each).flat_map(consumed).collect(),
        Some("ConditionalCheckFailedException") => {
            let table = request["TableName"].as_str().unwrap_or_default().to_owned();
            vec![(table, None, failed_write(operation, request, &reply.body))]
        }
        // The service charges a cancelled transaction as well; two units an action is its least.
        Some("TransactionCanceledException") => names::actions(request)
            .filter_map(|action| Some((action.get("TableName")?.as_str()?.to_owned(), None, 2.0)))
            .collect(),
        Some(_) => Vec::new(),
    }
}

/// A write whose condition was false uses the units of the larger of the item that is there and the item to be put.
fn failed_write(operation: &str, request: &Value, error: &Value) -> f64 {
    let put = if operation == "PutItem" { size(&request["Item"]) } else { 0 };
    let there = error.get("Item").map(size).unwrap_or_default();
    dynoxide::types::write_capacity_units(put.max(there)).max(1.0)
}

fn size(item: &Value) -> usize {
    HashMap::<String, AttributeValue>::deserialize(item)
        .map(|item| dynoxide::types::item_size(&item))
        .unwrap_or_default()
}

fn consumed(capacity: &Value) -> Vec<(String, Option<String>, f64)> {
    let table = capacity["TableName"].as_str().unwrap_or_default();
    let mut units = vec![(table.to_owned(), None, capacity["Table"]["CapacityUnits"].as_f64().unwrap_or_default())];
    for indexes in ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"] {
        for (index, detail) in capacity.get(indexes).and_then(Value::as_object).into_iter().flatten() {
            let used = detail["CapacityUnits"].as_f64().unwrap_or_default();
            units.push((table.to_owned(), Some(index.clone()), used));
        }
    }
    units
}

/// `ConsumedCapacity` is one object, or a list of them for operations on many tables.
fn each(capacity: &Value) -> std::slice::Iter<'_, Value> {
    capacity.as_array().map_or_else(|| std::slice::from_ref(capacity).iter(), |list| list.iter())
}

fn each_mut(capacity: &mut Value) -> impl Iterator<Item = &mut serde_json::Map<String, Value>> {
    let list = match capacity {
        Value::Array(list) => list.as_mut_slice(),
        one => std::slice::from_mut(one),
    };
    list.iter_mut().filter_map(Value::as_object_mut)
}
