//! The error answers that the model gives by itself, in front of the engine.

use serde_json::Value;

use crate::wire::Reply;

/// An error as DynamoDB writes it: status 400 and a type of its own namespace.
pub(super) fn refusal(kind: &str, message: impl AsRef<str>) -> Reply {
    let namespace = match kind {
        "ValidationException" => "com.amazon.coral.validate",
        "SerializationException" | "UnknownOperationException" => "com.amazon.coral.service",
        _ => "com.amazonaws.dynamodb.v20120810",
    };
    Reply::error(400, &format!("{namespace}#{kind}"), message.as_ref())
}

/// The answer to a read or write of a table that does not exist or is not `ACTIVE` yet.
pub(super) fn table_not_found() -> Reply {
    refusal("ResourceNotFoundException", "Requested resource not found")
}

/// The error's name without its namespace, if `body` is an error.
pub(super) fn kind(body: &Value) -> Option<&str> {
    let full = body.get("__type")?.as_str()?;
    Some(full.rsplit('#').next().unwrap_or(full))
}
