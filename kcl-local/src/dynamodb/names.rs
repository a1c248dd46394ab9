//! Names and ARNs: what a request names, and the account and region that answers carry.

use serde_json::{Map, Value};

/// The prefix of the ARNs that the engine writes.
const ENGINE_PREFIX: &str = "arn:aws:dynamodb:dynoxide:000000000000:";

/// The ARNs of one account and region.
#[derive(Debug)]
pub(super) struct Arns {
    prefix: String,
}

impl Arns {
    pub(super) fn new(region: &str, account: &str) -> Self {
        Self { prefix: format!("arn:aws:dynamodb:{region}:{account}:") }
    }

    pub(super) fn table(&self, name: &str) -> String {
        format!("{}table/{name}", self.prefix)
    }

    /// The request with table ARNs as plain names and resource ARNs as the engine writes them.
    pub(super) fn for_engine(&self, request: &Value) -> Value {
        let mut request = request.clone();
        each_member(&mut request, &mut |name, value| match name {
            "TableName" => replace(value, |text| table_of_arn(text).map(str::to_owned)),
            "ResourceArn" => swap_prefix(value, &self.prefix, ENGINE_PREFIX),
            _ => {}
        });
        if let Some(items) = request.get_mut("RequestItems").and_then(Value::as_object_mut) {
            let named = std::mem::take(items).into_iter();
            *items = named.map(|(table, value)| (table_of_arn(&table).unwrap_or(&table).to_owned(), value)).collect();
        }
        request
    }

    /// The answer to an operation on tables with this account's ARNs.
    pub(super) fn for_caller(&self, answer: &mut Value) {
        each_member(answer, &mut |name, value| {
            if name.ends_with("Arn") {
                swap_prefix(value, ENGINE_PREFIX, &self.prefix);
            }
        });
    }
}

/// Every table that a request to read or write items names, in order of name.
pub(super) fn tables_named(request: &Value) -> Vec<String> {
    let mut tables = Vec::new();
    if let Some(items) = request.get("RequestItems").and_then(Value::as_object) {
        tables.extend(items.keys().cloned());
    }
    tables.extend(request.get("TableName").and_then(Value::as_str).map(str::to_owned));
    for action in actions(request) {
        tables.extend(action.get("TableName").and_then(Value::as_str).map(str::to_owned));
    }
    tables.sort();
    tables.dedup();
    tables
}

/// The actions of a transaction.
pub(super) fn actions(request: &Value) -> impl Iterator<Item = &Value> {
    let items = request.get("TransactItems").and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_object).flat_map(Map::values)
}

fn table_of_arn(text: &str) -> Option<&str> {
    let (_, path) = text.strip_prefix("arn:")?.split_once(":table/")?;
    path.split('/').next()
}

fn replace(value: &mut Value, with: impl FnOnce(&str) -> Option<String>) {
    if let Some(text) = value.as_str().and_then(with) {
        *value = Value::String(text);
    }
}

fn swap_prefix(value: &mut Value, from: &str, to: &str) {
    replace(value, |text| Some(format!("{to}{}", text.strip_prefix(from)?)));
}

fn each_member(value: &mut Value, visit: &mut impl FnMut(&str, &mut Value)) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                visit(name, member);
                each_member(member, visit);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_member(item, visit)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:dynamodb:eu-west-1:1:table/leases";

    #[test]
    fn table_arns_become_names_wherever_a_table_is_named() {
        let arns = Arns::new("eu-west-1", "1");
        let request = json!({"TableName": ARN, "ResourceArn": ARN, "RequestItems": {ARN: {}},
            "TransactItems": [{"Put": {"TableName": ARN, "Item": {"TableName": {"S": ARN}}}}]});
        let engine = arns.for_engine(&request);
        assert_eq!(engine["TableName"], "leases");
        assert_eq!(engine["ResourceArn"], "arn:aws:dynamodb:dynoxide:000000000000:table/leases");
        assert_eq!(engine["RequestItems"], json!({"leases": {}}));
        assert_eq!(engine["TransactItems"][0]["Put"]["TableName"], "leases");
        assert_eq!(engine["TransactItems"][0]["Put"]["Item"]["TableName"]["S"], ARN, "items are left alone");
        assert_eq!(tables_named(&engine), ["leases"]);
    }

    #[test]
    fn answers_carry_the_account_and_region_that_were_set() {
        let mut answer = json!({"Table": {"TableArn": "arn:aws:dynamodb:dynoxide:000000000000:table/leases"}});
        Arns::new("eu-west-1", "1").for_caller(&mut answer);
        assert_eq!(answer["Table"]["TableArn"], ARN);
    }
}
