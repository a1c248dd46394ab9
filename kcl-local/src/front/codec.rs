//! Bodies on the wire. JSON is spoken; CBOR, the default of some SDKs, is refused in words.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::fault::Service;
use crate::wire::Reply;

const CBOR: &str = "application/x-amz-cbor-1.1";

/// Reads the body of a request.
///
/// # Errors
///
/// The service's answer to a body that it cannot read.
pub(super) fn decode(content_type: &str, body: &[u8]) -> Result<Value, Reply> {
    if content_type.starts_with(CBOR) {
        return Err(serialization_exception(
            "kcl-local reads JSON only: application/x-amz-cbor-1.1 is not built yet. Set the client to JSON, for the \
             AWS SDK for Java with the environment variable AWS_CBOR_DISABLE=true or the system property \
             aws.cborEnabled=false.",
        ));
    }
    if body.is_empty() {
        return Ok(json!({}));
    }
    match serde_json::from_slice(body) {
        Ok(mut value @ Value::Object(_)) => {
            // Clients write maps in any order: with the keys in order, equal requests are equal bytes in a transcript.
            value.sort_all_objects();
            Ok(value)
        }
        Ok(_) => Err(serialization_exception("the body is not a JSON object")),
        Err(error) => Err(serialization_exception(&format!("the body is not JSON: {error}"))),
    }
}

/// Writes the body of an answer, and says what it is.
pub(super) fn encode(service: Service, body: &Value) -> (&'static str, Bytes) {
    let content_type = match service {
        Service::Kinesis => "application/x-amz-json-1.1",
        Service::DynamoDb => "application/x-amz-json-1.0",
    };
    (content_type, Bytes::from(body.to_string()))
}

fn serialization_exception(message: &str) -> Reply {
    Reply::error(400, "SerializationException", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_not_a_json_object_is_refused_as_the_service_does() {
        for (content_type, body, words) in [
            ("application/x-amz-json-1.1", "{", "not JSON"),
            ("application/x-amz-json-1.1", "[]", "not a JSON object"),
            (CBOR, "", "AWS_CBOR_DISABLE"),
        ] {
            let refused = decode(content_type, body.as_bytes()).expect_err("refused");
            assert_eq!(refused.body["__type"], "SerializationException");
            assert!(refused.body["message"].as_str().expect("message").contains(words), "{body}");
        }
    }

    #[test]
    fn no_body_is_an_empty_object() {
        assert_eq!(decode("application/x-amz-json-1.1", b""), Ok(json!({})));
    }
}
