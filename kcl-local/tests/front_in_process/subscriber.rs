//! A world with a stream of one shard and a consumer, and the real SDK as its subscriber.

use std::time::Duration;

use aws_sdk_kinesis::error::SdkError;
use aws_sdk_kinesis::operation::subscribe_to_shard::SubscribeToShardError;
use aws_sdk_kinesis::primitives::event_stream::EventReceiver;
use aws_sdk_kinesis::types::error::SubscribeToShardEventStreamError;
use aws_sdk_kinesis::types::{
    ShardIteratorType, StartingPosition, SubscribeToShardEvent, SubscribeToShardEventStream as Stream,
};
use aws_smithy_types::event_stream::RawMessage;
use kcl_local::kinesis::NewRecord;
use kcl_local::{Local, Settings};

pub(crate) const S: &str = "orders";
pub(crate) const SHARD: &str = "shardId-000000000000";

/// Half of the latency of the worlds here: the way there, or back.
pub(crate) const HALF: Duration = Duration::from_millis(5);

pub(crate) type Receiver = EventReceiver<Stream, SubscribeToShardEventStreamError>;
pub(crate) type StreamError = SdkError<SubscribeToShardEventStreamError, RawMessage>;

/// A world, and the ARN of the consumer.
pub(crate) async fn world() -> (Local, String) {
    let settings = Settings { latency: HALF * 2..=HALF * 2, ..Settings::default() };
    let local = Local::new(settings);
    let client = local.kinesis_client("owner");
    client.create_stream().stream_name(S).shard_count(1).send().await.expect("created");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let summary = client.describe_stream_summary().stream_name(S).send().await.expect("described");
    let stream_arn = summary.stream_description_summary().expect("a summary").stream_arn().to_owned();
    let registered = client.register_stream_consumer().stream_arn(stream_arn).consumer_name("app").send().await;
    let consumer = registered.expect("registered").consumer.expect("a consumer");
    tokio::time::sleep(Duration::from_secs(2)).await;
    (local, consumer.consumer_arn)
}

/// Subscribes to the shard from its tip, as the client with this label.
pub(crate) async fn try_subscribe(
    local: &Local,
    label: &str,
    arn: &str,
) -> Result<Receiver, SdkError<SubscribeToShardError>> {
    let position = StartingPosition::builder().r#type(ShardIteratorType::Latest).build().expect("a position");
    let client = local.kinesis_client(label);
    let subscribe = client.subscribe_to_shard().consumer_arn(arn).shard_id(SHARD).starting_position(position);
    Ok(subscribe.send().await?.event_stream)
}

pub(crate) async fn subscribe(local: &Local, arn: &str) -> Receiver {
    try_subscribe(local, "reader", arn).await.expect("subscribed")
}

/// The next event.
pub(crate) async fn event(receiver: &mut Receiver) -> SubscribeToShardEvent {
    match receiver.recv().await.expect("no error").expect("not the end") {
        Stream::SubscribeToShardEvent(event) => event,
        other => panic!("not an event: {other:?}"),
    }
}

/// The next event that has records, as texts.
pub(crate) async fn records(receiver: &mut Receiver) -> Vec<String> {
    loop {
        let event = event(receiver).await;
        if !event.records.is_empty() {
            return event.records.iter().map(|record| String::from_utf8_lossy(record.data.as_ref()).into()).collect();
        }
    }
}

/// Puts a record, past the network.
pub(crate) fn put(local: &Local, data: &str) {
    let record = NewRecord::keyed("k", data.as_bytes().to_vec());
    let mut luck = fastrand::Rng::with_seed(1);
    local.kinesis(|kinesis, now| kinesis.put_record(S, record, now, &mut luck)).expect("stored");
}
