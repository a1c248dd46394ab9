//! Bodies in JSON.

use serde_json::Value;

pub(super) fn read(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))
}
