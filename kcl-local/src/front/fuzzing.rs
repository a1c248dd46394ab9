//! Requests of any bytes to a world: for the fuzzer, and for the test that replays what it found.

#[cfg(test)]
#[path = "../../../fuzz/corpus.rs"]
mod corpus;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use hyper::body::Body;
use serde_json::json;

use super::codec::Format;
use super::events::Events;
use super::exchange::{Answer, exchange};
use super::label::label;
use crate::clock::Clock;
use crate::fault::Service;
use crate::wire::Timestamp;
use crate::world::{Local, Settings};

/// Between two requests.
const BREAK: &[u8] = b"\n--\n";
/// The header that says how many milliseconds go by before the request.
const WAIT: &str = "wait";
/// Requests of one input: each may cost a whole stream.
const MOST_REQUESTS: usize = 16;
/// Messages that are read of each subscription.
const MOST_EVENTS: usize = 8;

/// Sends what `data` says to a world that has a stream, a consumer and a table. Each request gets a whole HTTP answer in
/// its own format, and none that says that the service failed.
///
/// A request is headers, one a line, an empty line, and the body; requests are separated by a line of two dashes.
#[cfg_attr(test, expect(unreachable_pub, reason = "public for the fuzzer only"))]
pub fn fuzz_requests(data: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    // Subscriptions make an alarm each, which needs one; nothing waits for any.
    let _entered = runtime.enter();
    let time = Arc::new(AtomicU64::new(Clock::BEGINNING.0));
    let local = world(&time);
    for request in split(data, BREAK).take(MOST_REQUESTS) {
        send(&local, &time, request);
    }
}

/// Where every delay is over, and whatever takes time takes none.
fn world(time: &Arc<AtomicU64>) -> Local {
    let mut settings = Settings { latency: Duration::ZERO..=Duration::ZERO, ..Settings::default() };
    // What a caller asks for is made, and one that may ask for thousands of shards is slow.
    settings.kinesis.shards_per_account = 64;
    let seen = Arc::clone(time);
    let local = Local::with_clock(settings, Clock::from_fn(move || Timestamp(seen.load(Ordering::Relaxed))));
    let ask = |service, operation, body| {
        let reply = local.ask(service, operation, body);
        assert_eq!(reply.status, 200, "{operation}: {}", reply.body);
        reply.body
    };
    ask(Service::Kinesis, "CreateStream", json!({"StreamName": "orders", "ShardCount": 2}));
    pass(time, 10_000);
    for key in ["a", "b", "c"] {
        ask(Service::Kinesis, "PutRecord", json!({"StreamName": "orders", "PartitionKey": key, "Data": "aGk="}));
    }
    let arn = "arn:aws:kinesis:us-east-1:123456789012:stream/orders";
    ask(Service::Kinesis, "RegisterStreamConsumer", json!({"StreamARN": arn, "ConsumerName": "app"}));
    ask(
        Service::DynamoDb,
        "CreateTable",
        json!({"TableName": "app", "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "leaseKey", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "leaseKey", "AttributeType": "S"}]}),
    );
    pass(time, 10_000);
    let lease = json!({"leaseKey": {"S": "shardId-0"}, "leaseCounter": {"N": "7"}, "leaseOwner": {"S": "a"}});
    ask(Service::DynamoDb, "PutItem", json!({"TableName": "app", "Item": lease}));
    local
}

fn send(local: &Local, time: &AtomicU64, request: &[u8]) {
    let (head, body) = cut(request, b"\n\n").unwrap_or((request, b""));
    let headers = headers(head);
    let wait = headers.get(WAIT).and_then(|wait| wait.to_str().ok()?.parse::<u32>().ok());
    pass(time, wait.unwrap_or_default().into());
    match now(pin!(exchange(local, label(&headers), &headers, body))) {
        Poll::Ready(Ok(response)) => holds(response),
        Poll::Ready(Err(lost)) => panic!("{lost}"),
        Poll::Pending => panic!("no answer"),
    }
}

fn holds(response: Response<Answer>) {
    let (parts, answer) = response.into_parts();
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    assert!(parts.status == StatusCode::OK || parts.status.is_client_error(), "{parts:?}, {answer:?}");
    assert!(header(header::DATE).is_some_and(|date| date.ends_with(" GMT")), "{parts:?}");
    assert!(header(HeaderName::from_static("x-amzn-requestid")).is_some(), "{parts:?}");
    let body = match answer {
        Answer::Events(mut events) => return drain(&mut events),
        Answer::Whole(body) => body,
    };
    let content_type = header(header::CONTENT_TYPE).expect("a content type");
    let formats = [Format::Json10, Format::Json11, Format::Cbor];
    let format = formats.into_iter().find(|format| format.content_type() == content_type).expect("one of ours");
    let body = format.decode(&body).unwrap_or_else(|refused| panic!("{refused:?} for {body:?}"));
    assert_eq!(parts.status.is_client_error(), body.get("__type").is_some(), "{parts:?}, {body}");
}

fn drain(events: &mut Events) {
    for _ in 0..MOST_EVENTS {
        let mut context = Context::from_waker(Waker::noop());
        match Pin::new(&mut *events).poll_frame(&mut context) {
            Poll::Ready(Some(Ok(_))) => {}
            Poll::Ready(Some(Err(lost))) => panic!("{lost}"),
            Poll::Ready(None) | Poll::Pending => return,
        }
    }
}

fn now<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn pass(time: &AtomicU64, milliseconds: u64) {
    time.fetch_add(milliseconds, Ordering::Relaxed);
}

/// What HTTP would let through: the rest of a head is no header, and never gets as far as here.
fn headers(head: &[u8]) -> HeaderMap {
    let lines = head.split(|byte| *byte == b'\n').filter_map(|line| cut(line, b": "));
    let header = |(name, value)| Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?));
    lines.filter_map(header).collect()
}

fn cut<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let found = bytes.windows(at.len()).position(|window| window == at)?;
    Some((&bytes[..found], &bytes[found + at.len()..]))
}

fn split<'a>(bytes: &'a [u8], at: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let all = rest?;
        let (first, after) = cut(all, at).map_or((all, None), |(first, after)| (first, Some(after)));
        rest = after;
        Some(first)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_fuzzer_found_is_answered() {
        corpus::replay("requests", fuzz_requests);
    }
}
