//! What a subscription pushes: the backlog at the rate of the service, in frames of `application/vnd.amazon.eventstream`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt, unfold};
use http_body_util::StreamBody;
use hyper::body::Frame;
use kcl_local::Reply;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use super::answers::{Answers, behind, start};
use super::backlog::{ANSWER_RECORDS, EVENT_BYTES};
use super::written::number_after;

pub(crate) const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

/// After how much silence an event without records is pushed, as `kcl-local` does.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Bytes a second that a shard pushes to one consumer (API reference, RegisterStreamConsumer).
const BYTES_PER_SECOND: f64 = 2.0 * 1024.0 * 1024.0;

/// The answer to `SubscribeToShard`. It has no end.
pub(crate) type Pushed = StreamBody<BoxStream<'static, Result<Frame<Bytes>, Infallible>>>;

/// One subscription.
struct Subscription {
    answers: Arc<Answers>,
    open: watch::Receiver<bool>,
    shard: String,
    /// The place of the next record; none before the first frame, which has no records.
    next: Option<u64>,
    from: u64,
    /// When the next event may be pushed.
    due: Instant,
}

/// `SubscribeToShard`. No records are pushed before the backlog is `open`.
pub(crate) fn subscribe(answers: Arc<Answers>, open: watch::Receiver<bool>, request: &Value) -> Result<Pushed, Reply> {
    let shard = request["ShardId"].as_str().unwrap_or_default().to_owned();
    answers.shard(&shard)?;
    let position = &request["StartingPosition"];
    let from = start(&position["Type"], &position["SequenceNumber"])?;
    let subscription = Subscription { answers, open, shard, next: None, from, due: Instant::now() };
    let frames = unfold(subscription, async |mut subscription| {
        let frame = subscription.frame().await;
        Some((Ok(Frame::data(frame)), subscription))
    });
    Ok(StreamBody::new(frames.boxed()))
}

impl Subscription {
    /// Waits for what is to be pushed next.
    async fn frame(&mut self) -> Bytes {
        let Some(place) = self.next else {
            self.next = Some(self.from);
            return frame("initial-response", b"{}".to_vec());
        };
        let backlog = self.answers.shard(&self.shard).ok();
        let part = backlog.map(|backlog| backlog.part(place, ANSWER_RECORDS, EVENT_BYTES));
        let part = part.filter(|part| !part.places.is_empty());
        let is_open = async {
            tokio::time::sleep_until(self.due).await;
            // Never, if nobody is left who could open it.
            if part.is_none() || self.open.wait_for(|open| *open).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let ready = tokio::time::timeout(HEARTBEAT, is_open).await.is_ok();
        let Some(part) = part.filter(|_| ready) else {
            return frame("SubscribeToShardEvent", event("[]", place, 0));
        };
        #[expect(clippy::cast_precision_loss, reason = "a pause, not an account")]
        let paid_for = Duration::from_secs_f64(part.bytes as f64 / BYTES_PER_SECOND);
        self.due = Instant::now() + paid_for;
        self.next = Some(part.places.end);
        frame("SubscribeToShardEvent", part.write(r#"{"Records":"#, &after(part.places.end, behind(&part))))
    }
}

fn event(records: &str, next: u64, behind: u64) -> Vec<u8> {
    format!(r#"{{"Records":{records}{}"#, after(next, behind)).into_bytes()
}

/// What stands after the records.
fn after(next: u64, behind: u64) -> String {
    format!(r#","ContinuationSequenceNumber":"{}","MillisBehindLatest":{behind}}}"#, number_after(next))
}

fn frame(kind: &str, body: Vec<u8>) -> Bytes {
    let header = |name: &'static str, value: &str| Header::new(name, HeaderValue::String(value.to_owned().into()));
    let message = Message::new(body)
        .add_header(header(":event-type", kind))
        .add_header(header(":content-type", "application/x-amz-json-1.1"))
        .add_header(header(":message-type", "event"));
    let mut frame = Vec::with_capacity(message.payload().len() + 256);
    // It fails for headers and bodies longer than any here.
    let _ = write_message_to(&message, &mut frame);
    frame.into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use aws_smithy_eventstream::frame::read_message_from;
    use http_body_util::BodyExt;
    use serde_json::json;

    use super::*;
    use crate::wire::backlog::Backlog;
    use crate::wire::written::Written;

    async fn read(pushed: &mut Pushed) -> Value {
        let frame = pushed.frame().await.expect("no end").expect("no error").into_data().expect("data");
        let message = read_message_from(frame).expect("a whole frame");
        serde_json::from_slice(message.payload()).expect("JSON")
    }

    #[tokio::test(start_paused = true)]
    async fn a_subscription_pushes_the_backlog_when_it_is_open_and_then_heartbeats() {
        let backlog = Backlog::new(vec![Written::new("k", &[1; 9], 0, 1)], 30);
        let answers = Arc::new(Answers(BTreeMap::from([("a".to_owned(), backlog)])));
        let (open, is_open) = watch::channel(false);
        let request = json!({"ShardId": "a", "StartingPosition": {"Type": "TRIM_HORIZON"}});
        let mut pushed = subscribe(answers, is_open, &request).expect("a subscription");
        assert_eq!(read(&mut pushed).await, json!({}));
        assert_eq!(read(&mut pushed).await["ContinuationSequenceNumber"], json!(number_after(0)));
        open.send_replace(true);
        let event = read(&mut pushed).await;
        assert_eq!(event["Records"].as_array().map(Vec::len), Some(3));
        assert_eq!(event["ContinuationSequenceNumber"], json!(number_after(3)));
        let begin = Instant::now();
        assert_eq!(read(&mut pushed).await["Records"], json!([]));
        assert_eq!(begin.elapsed(), HEARTBEAT);
    }
}
