//! Bodies on the wire: JSON for both services, and CBOR for Kinesis.
//!
//! Behind the codec there is one form, that of JSON. An answer goes back in the form of its request.

mod cbor;
mod json;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::fault::Service;
use crate::wire::Reply;

const CBOR: &str = "application/x-amz-cbor-1.1";

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// AWS JSON 1.0, which DynamoDB speaks.
    Json10,
    /// AWS JSON 1.1, which Kinesis speaks.
    Json11,
    /// The same members as in AWS JSON 1.1, in CBOR: for Kinesis the default of the AWS SDK for Java.
    Cbor,
}

impl Format {
    /// The format of a request with this content type, and of its answer.
    pub(super) fn of(service: Service, content_type: &str) -> Self {
        match service {
            Service::DynamoDb => Self::Json10,
            Service::Kinesis if content_type.starts_with(CBOR) => Self::Cbor,
            Service::Kinesis => Self::Json11,
        }
    }

    /// What the header `content-type` calls it.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Json10 => "application/x-amz-json-1.0",
            Self::Json11 => "application/x-amz-json-1.1",
            Self::Cbor => CBOR,
        }
    }

    /// Reads the body of a request.
    ///
    /// # Errors
    ///
    /// The service's answer to a body that it cannot read.
    pub(super) fn decode(self, body: &[u8]) -> Result<Value, Reply> {
        if body.is_empty() {
            return Ok(json!({}));
        }
        let read = match self {
            Self::Json10 | Self::Json11 => json::read(body),
            Self::Cbor => cbor::read(body),
        };
        match read {
            Ok(mut value @ Value::Object(_)) => {
                // Clients write maps in any order: with the keys in order, equal requests are equal bytes in a transcript.
                value.sort_all_objects();
                Ok(value)
            }
            Ok(_) => Err(unreadable("the body is not an object with members")),
            Err(reason) => Err(unreadable(&reason)),
        }
    }

    /// Writes the body of an answer.
    pub(super) fn encode(self, body: &Value) -> Bytes {
        Bytes::from(match self {
            Self::Json10 | Self::Json11 => body.to_string().into_bytes(),
            Self::Cbor => cbor::write(body),
        })
    }
}

fn unreadable(reason: &str) -> Reply {
    Reply::error(400, "SerializationException", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_follows_from_the_service_and_the_content_type() {
        for (service, content_type, format) in [
            (Service::Kinesis, "application/x-amz-json-1.1", Format::Json11),
            (Service::Kinesis, "", Format::Json11),
            (Service::Kinesis, "application/x-amz-cbor-1.1", Format::Cbor),
            (Service::Kinesis, "application/x-amz-cbor-1.1; charset=UTF-8", Format::Cbor),
            (Service::DynamoDb, "application/x-amz-json-1.0", Format::Json10),
            (Service::DynamoDb, "application/x-amz-cbor-1.1", Format::Json10),
        ] {
            assert_eq!(Format::of(service, content_type), format, "{service:?} {content_type}");
        }
    }

    #[test]
    fn a_body_that_is_not_an_object_is_refused_as_the_service_does() {
        for (format, body, words) in [
            (Format::Json11, &b"{"[..], "not JSON"),
            (Format::Json11, b"[]", "not an object"),
            (Format::Json10, b"\xa0", "not JSON"),
            (Format::Cbor, b"\x80", "not an object"),
            (Format::Cbor, b"{}", "not CBOR"),
        ] {
            let refused = format.decode(body).expect_err("refused");
            assert_eq!((refused.status, &refused.body["__type"]), (400, &json!("SerializationException")));
            assert!(refused.body["message"].as_str().expect("message").contains(words), "{body:?}: {refused:?}");
        }
    }

    #[test]
    fn no_body_is_an_empty_object() {
        for format in [Format::Json10, Format::Json11, Format::Cbor] {
            assert_eq!(format.decode(b""), Ok(json!({})));
        }
    }

    #[test]
    fn members_are_read_in_one_order() {
        let read = Format::Json11.decode(br#"{"b":{"d":1,"c":2},"a":3}"#).expect("JSON");
        assert_eq!(read.to_string(), r#"{"a":3,"b":{"c":2,"d":1}}"#);
        let read = Format::Cbor.decode(b"\xa2\x61b\x01\x61a\x02").expect("CBOR");
        assert_eq!(read.to_string(), r#"{"a":2,"b":1}"#);
    }
}
