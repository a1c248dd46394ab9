//! The leases as they lie in the table, kept by replaying what was written: an `UpdateItem` that asks for no values back
//! does not tell what it made of the item. Java workers send such ones.

use std::collections::BTreeMap;

use kcl_local::Exchange;
use serde_json::{Map, Value};

/// Every item that was written, by its key.
#[derive(Debug, Default)]
pub(crate) struct Items(BTreeMap<String, Map<String, Value>>);

impl Items {
    /// Takes in a write that was applied, and gives the item as it is after it.
    pub(crate) fn written(&mut self, seen: &Exchange<'_>) -> Value {
        let (request, reply) = (seen.request, &seen.reply.body);
        let key = |item: &Value| item["leaseKey"]["S"].as_str().unwrap_or_default().to_owned();
        match seen.operation {
            "PutItem" => {
                let item = request["Item"].as_object().cloned().unwrap_or_default();
                self.0.insert(key(&request["Item"]), item);
                request["Item"].clone()
            }
            "UpdateItem" => {
                let item = self.0.entry(key(&request["Key"])).or_default();
                if let Some(all) = reply["Attributes"].as_object().filter(|_| request["ReturnValues"] == "ALL_NEW") {
                    item.clone_from(all);
                } else if let Some(updates) = request["AttributeUpdates"].as_object() {
                    updates.iter().for_each(|(name, update)| apply(item, name, update));
                }
                Value::Object(item.clone())
            }
            "DeleteItem" => {
                self.0.remove(&key(&request["Key"]));
                Value::Null
            }
            _ => Value::Null,
        }
    }
}

/// One of the older `AttributeUpdates`.
fn apply(item: &mut Map<String, Value>, name: &str, update: &Value) {
    match update["Action"].as_str() {
        Some("DELETE") => drop(item.remove(name)),
        Some("ADD") => {
            let number = |value: &Value| value["N"].as_str().and_then(|digits| digits.parse::<i64>().ok()).unwrap_or(0);
            let sum = number(&update["Value"]) + item.get(name).map_or(0, number);
            item.insert(name.to_owned(), serde_json::json!({"N": sum.to_string()}));
        }
        _ => drop(item.insert(name.to_owned(), update["Value"].clone())),
    }
}
