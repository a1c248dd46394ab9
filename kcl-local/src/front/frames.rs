//! The messages of a subscription on the wire: frames of `application/vnd.amazon.eventstream`.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::Bytes;
use serde_json::Value;

use super::codec::Format;

/// What the header `content-type` calls a stream of frames.
pub(super) const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

/// The kind of the message that comes before the first event.
pub(super) const INITIAL_RESPONSE: &str = "initial-response";

/// The kind of the messages with records.
pub(super) const EVENT: &str = "SubscribeToShardEvent";

/// Writes an event. `kind` is [`INITIAL_RESPONSE`] or [`EVENT`]; the body is in the format of the request.
pub(super) fn event(kind: &str, format: Format, body: &Value) -> Bytes {
    frame("event", ":event-type", kind, format, body)
}

/// Writes an error.
pub(super) fn exception(kind: &str, format: Format, body: &Value) -> Bytes {
    frame("exception", ":exception-type", kind, format, body)
}

fn frame(message_type: &str, kind_header: &'static str, kind: &str, format: Format, body: &Value) -> Bytes {
    let header = |name: &'static str, value: &str| Header::new(name, HeaderValue::String(value.to_owned().into()));
    let message = Message::new(format.encode(body))
        .add_header(header(kind_header, kind))
        .add_header(header(":content-type", format.content_type()))
        .add_header(header(":message-type", message_type));
    let mut frame = Vec::new();
    // It fails for texts and bodies longer than any here: names of errors, and the records of one event.
    let _ = write_message_to(&message, &mut frame);
    frame.into()
}

#[cfg(test)]
mod tests {
    use aws_smithy_eventstream::frame::read_message_from;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_frame_names_its_type_and_its_kind_and_holds_the_body() {
        for (format, content_type, body) in [
            (Format::Json11, "application/x-amz-json-1.1", &br#"{"message":"no"}"#[..]),
            (Format::Cbor, "application/x-amz-cbor-1.1", b"\xa1\x67message\x62no"),
        ] {
            let message = read_message_from(exception("KMSOptInRequired", format, &json!({"message": "no"})));
            let message = message.expect("a whole frame");
            let headers = message
                .headers()
                .iter()
                .map(|header| (header.name().as_str(), header.value().as_string().expect("a text").as_str()));
            let expected = [
                (":exception-type", "KMSOptInRequired"),
                (":content-type", content_type),
                (":message-type", "exception"),
            ];
            assert_eq!(headers.collect::<Vec<_>>(), expected);
            assert_eq!(message.payload()[..], *body);
        }
    }

    /// The prelude, its checksum and that of the message, byte by byte.
    #[test]
    fn the_initial_response_is_the_frame_that_the_service_sends() {
        let frame = event(INITIAL_RESPONSE, Format::Json11, &json!({}));
        let prelude = [0, 0, 0, 0x72, 0, 0, 0, 0x60];
        assert_eq!(frame[..8], prelude, "total length, length of the headers");
        assert_eq!(frame.len(), 0x72);
        assert_eq!(frame[12..26], *b"\x0b:event-type\x07\x00");
        assert_eq!(frame[frame.len() - 6..frame.len() - 4], *b"{}");
    }
}
