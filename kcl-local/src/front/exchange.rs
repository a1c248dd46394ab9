//! One HTTP request to one HTTP answer, the same for both ways in.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format as DateTimeFormat;
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};

use super::codec::Format;
use super::events::Events;
use super::frames;
use crate::fault::Service;
use crate::wire::{Reply, Timestamp};
use crate::world::{Answered, ConnectionLost, Local};

/// The body of an answer.
#[derive(Debug)]
pub(super) enum Answer {
    Whole(Bytes),
    Events(Box<Events>),
}

/// Serves one request of the client with this label.
///
/// # Errors
///
/// [`ConnectionLost`] where a fault says so.
pub(super) async fn exchange(
    local: &Local,
    client: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response<Answer>, ConnectionLost> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (target, content_type) = (header("x-amz-target"), header("content-type"));
    let Some((service, operation)) = operation(target) else {
        return Ok(respond(Format::of(Service::Kinesis, content_type), &unaddressed(local, target)));
    };
    let format = Format::of(service, content_type);
    let (answered, live) = match format.decode(body) {
        Ok(body) => local.exchange(client, service, operation, body).await?,
        Err(reply) => (unserved(local, reply), None),
    };
    let mut response = respond(format, &answered);
    if let Some(live) = live {
        let content_type = header::HeaderValue::from_static(frames::CONTENT_TYPE);
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        *response.body_mut() = Answer::Events(Box::new(Events::new(live, format)));
    }
    Ok(response)
}

/// The service and operation that a value of `x-amz-target` names.
fn operation(target: &str) -> Option<(Service, &str)> {
    let (service, operation) = target.rsplit_once('.')?;
    match service {
        "Kinesis_20131202" => Some((Service::Kinesis, operation)),
        "DynamoDB_20120810" => Some((Service::DynamoDb, operation)),
        _ => None,
    }
}

fn unaddressed(local: &Local, target: &str) -> Answered {
    let message =
        format!("the header x-amz-target is \"{target}\"; kcl-local serves Kinesis_20131202.* and DynamoDB_20120810.*");
    unserved(local, Reply::error(400, "UnknownOperationException", &message))
}

/// An answer that no model has given.
fn unserved(local: &Local, reply: Reply) -> Answered {
    Answered { reply, request_id: "00000000-0000-4000-8000-000000000000".to_owned(), date: local.clock().now() }
}

fn respond(format: Format, answered: &Answered) -> Response<Answer> {
    let mut response = Response::new(Answer::Whole(format.encode(&answered.reply.body)));
    *response.status_mut() = StatusCode::from_u16(answered.reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(format.content_type()));
    for (name, value) in [("date", http_date(answered.date)), ("x-amzn-requestid", answered.request_id.clone())] {
        // Both are plain ASCII that the world made.
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    }
    response
}

/// A time as HTTP writes it, in whole seconds.
fn http_date(time: Timestamp) -> String {
    let seconds = i64::try_from(time.0 / 1000).unwrap_or_default();
    DateTime::from_secs(seconds).fmt(DateTimeFormat::HttpDate).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_names_a_service_and_an_operation() {
        assert_eq!(operation("Kinesis_20131202.GetRecords"), Some((Service::Kinesis, "GetRecords")));
        assert_eq!(operation("DynamoDB_20120810.GetItem"), Some((Service::DynamoDb, "GetItem")));
        assert_eq!(operation("Logs_20140328.PutLogEvents"), None);
        assert_eq!(operation(""), None);
    }

    #[test]
    fn dates_are_those_of_http() {
        assert_eq!(http_date(Timestamp(1_767_225_600_999)), "Thu, 01 Jan 2026 00:00:00 GMT");
    }
}
