//! The stream or table that a request is about.

use serde_json::Value;

/// The name of the stream or table, if the request names one, directly or in an ARN.
pub(super) fn target(body: &Value) -> Option<&str> {
    let member = |name: &str| body.get(name).and_then(Value::as_str);
    member("StreamName").or_else(|| member("TableName").map(|name| after_kind(name).unwrap_or(name))).or_else(|| {
        ["StreamARN", "ConsumerARN", "ResourceARN", "ResourceArn"].into_iter().find_map(member).and_then(after_kind)
    })
}

/// The name in `arn:aws:kinesis:region:account:stream/name/consumer/...` and its like.
fn after_kind(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.split('/').nth(1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_target_is_found_by_name_and_by_arn() {
        for (body, expected) in [
            (json!({"StreamName": "orders"}), Some("orders")),
            (json!({"StreamARN": "arn:aws:kinesis:us-east-1:1:stream/orders"}), Some("orders")),
            (json!({"ConsumerARN": "arn:aws:kinesis:us-east-1:1:stream/orders/consumer/c:1"}), Some("orders")),
            (json!({"TableName": "leases"}), Some("leases")),
            (json!({"TableName": "arn:aws:dynamodb:us-east-1:1:table/leases"}), Some("leases")),
            (json!({"ShardIterator": "AAA"}), None),
        ] {
            assert_eq!(target(&body), expected, "{body}");
        }
    }
}
