//! Subscriptions on the wire: frames over HTTP/2 without TLS, in JSON and in CBOR, and their faults.

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use aws_smithy_types::event_stream::Message;
use bytes::BytesMut;
use ciborium::Value as Cbor;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use kcl_local::{Fault, StreamFault};
use serde_json::json;

use super::h2c::Connection;
use super::sdk::{SHARD, all_closed, consumer, put};
use super::*;

const CBOR: &str = "application/x-amz-cbor-1.1";
const SUBSCRIBE: &str = "Kinesis_20131202.SubscribeToShard";

/// The frames of an answer, one after the other.
struct Frames {
    body: Incoming,
    bytes: BytesMut,
    decoder: MessageFrameDecoder,
}

impl Frames {
    async fn open(connection: &mut Connection, arn: &str, content_type: &str) -> Self {
        let request = json!({"ConsumerARN": arn, "ShardId": SHARD, "StartingPosition": {"Type": "LATEST"}});
        let mut body = Vec::new();
        match content_type {
            CBOR => ciborium::into_writer(&request, &mut body).expect("written"),
            _ => body = request.to_string().into_bytes(),
        }
        let answer = connection.open_answer(SUBSCRIBE, content_type, body).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/vnd.amazon.eventstream");
        Self { body: answer.into_body(), bytes: BytesMut::new(), decoder: MessageFrameDecoder::new() }
    }

    /// The next frame; `None` at the end, and an error where the stream breaks.
    async fn next(&mut self) -> hyper::Result<Option<Message>> {
        loop {
            if let DecodedFrame::Complete(message) = self.decoder.decode_frame(&mut self.bytes).expect("a good frame") {
                return Ok(Some(message));
            }
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            self.bytes.extend_from_slice(&frame?.into_data().expect("no trailers"));
        }
    }

    async fn whole(&mut self) -> Message {
        self.next().await.expect("no error").expect("a frame")
    }
}

fn headers(message: &Message) -> Vec<(&str, &str)> {
    message
        .headers()
        .iter()
        .map(|header| (header.name().as_str(), header.value().as_string().expect("a text").as_str()))
        .collect()
}

#[tokio::test]
async fn frames_have_the_format_of_their_request() {
    for content_type in [JSON, CBOR] {
        let world = World::start().await;
        let arn = consumer(&world);
        let mut connection = Connection::open(world.address).await;
        let mut frames = Frames::open(&mut connection, &arn, content_type).await;
        let initial = frames.whole().await;
        let expected =
            [(":event-type", "initial-response"), (":content-type", content_type), (":message-type", "event")];
        assert_eq!(headers(&initial), expected);
        put(&world, vec![0, 255]);
        let event = frames.whole().await;
        let expected =
            [(":event-type", "SubscribeToShardEvent"), (":content-type", content_type), (":message-type", "event")];
        assert_eq!(headers(&event), expected);
        if content_type == CBOR {
            assert_eq!(initial.payload()[..], *b"\xa0");
            let payload: Cbor = ciborium::from_reader(&event.payload()[..]).expect("CBOR");
            let records = payload.as_map().expect("a map")[0].1.as_array().expect("a list");
            let data = records[0].as_map().expect("a map").iter().find(|(name, _)| name.as_text() == Some("Data"));
            assert_eq!(data.expect("data").1, Cbor::Bytes(vec![0, 255]));
        } else {
            assert_eq!(initial.payload()[..], *b"{}");
            let payload: Value = serde_json::from_slice(event.payload()).expect("JSON");
            assert_eq!((&payload["Records"][0]["Data"], &payload["MillisBehindLatest"]), (&json!("AP8="), &json!(0)));
        }
        world.local.set_stream_faults(|_| StreamFault::failed("KMSThrottlingException", "slowly"));
        put(&world, vec![1]);
        let failed = frames.whole().await;
        let expected = [
            (":exception-type", "KMSThrottlingException"),
            (":content-type", content_type),
            (":message-type", "exception"),
        ];
        assert_eq!(headers(&failed), expected);
        assert!(frames.next().await.expect("a clean end").is_none());
    }
}

#[tokio::test]
async fn a_refused_subscription_is_an_ordinary_error() {
    let world = World::start().await;
    let arn = consumer(&world).replace("app", "other");
    let request = json!({"ConsumerARN": arn, "ShardId": SHARD, "StartingPosition": {"Type": "LATEST"}});
    let response = post(world.address, Some(SUBSCRIBE), JSON, &request.to_string()).await;
    assert_eq!((response.status, &response.json()["__type"]), (400, &json!("ResourceNotFoundException")));
    assert!(response.head.contains("content-type: application/x-amz-json-1.1"), "{}", response.head);
}

#[tokio::test]
async fn other_requests_are_served_beside_a_subscription_and_outlive_it() {
    let world = World::start().await;
    let arn = consumer(&world);
    let mut connection = Connection::open(world.address).await;
    let mut frames = Frames::open(&mut connection, &arn, JSON).await;
    frames.whole().await;
    let list = "Kinesis_20131202.ListStreams";
    assert_eq!(connection.post(list, JSON, b"{}".to_vec()).await.expect("an answer").status(), 200);
    world.local.set_stream_faults(|_| StreamFault::cut());
    put(&world, vec![1]);
    frames.next().await.expect_err("the stream is reset");
    assert_eq!(connection.post(list, JSON, b"{}".to_vec()).await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn a_reset_stream_closes_its_subscription() {
    let world = World::start().await;
    let arn = consumer(&world);
    let mut connection = Connection::open(world.address).await;
    let mut frames = Frames::open(&mut connection, &arn, JSON).await;
    frames.whole().await;
    drop(frames);
    all_closed(&world).await;
}

#[tokio::test]
async fn a_closed_connection_closes_its_subscription() {
    let world = World::start().await;
    let request = json!({"ConsumerARN": consumer(&world), "ShardId": SHARD, "StartingPosition": {"Type": "LATEST"}});
    let body = request.to_string();
    let head = format!("POST / HTTP/1.1\r\nhost: local\r\nx-amz-target: {SUBSCRIBE}\r\ncontent-length: {}", body.len());
    let mut stream = TcpStream::connect(world.address).await.expect("connected");
    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    while !answer.windows(16).any(|window| window == *b"initial-response") {
        assert_ne!(stream.read_buf(&mut answer).await.expect("read"), 0, "the answer goes on");
    }
    drop(stream);
    all_closed(&world).await;
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_the_subscription_open_and_another_takes_it_over() {
    let world = World::start().await;
    let arn = consumer(&world);
    world.local.set_faults(|request| if request.number == 1 { Fault::lost_after() } else { Fault::none() });
    let mut connection = Connection::open(world.address).await;
    let request = json!({"ConsumerARN": arn, "ShardId": SHARD, "StartingPosition": {"Type": "LATEST"}});
    let request = request.to_string().into_bytes();
    connection.open_answer(SUBSCRIBE, JSON, request.clone()).await.expect_err("reset");
    world.advance(2_000);
    let again = connection.post(SUBSCRIBE, JSON, request).await.expect("an answer");
    assert_eq!(again.status(), 400, "it holds the shard");
    world.advance(3_000);
    Frames::open(&mut connection, &arn, JSON).await.whole().await;
}
