//! The AWS SDK alone: a process that gets records and drops them. What it costs, no reader by this SDK can avoid.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::{ConsumerStatus, ShardIteratorType, StartingPosition, SubscribeToShardEventStream};
use integration_tests::process::{aws, parent_gone};
use kcl_core::decide::pace::Pace;
use kcl_core::error::Failure;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::kinds::Mode;
use super::said::{Said, say};
use crate::options;
use crate::services::{APP, STREAM};

/// The longest pause of the worker's own pace.
const SLOWEST: Duration = Duration::from_secs(1);

/// Reads all shards until the process that measures is gone.
pub(crate) async fn read(options: &options::WireReader) -> Result<(), Failure> {
    let client = Client::new(&aws().await);
    let shards = client.list_shards().stream_name(STREAM).send().await?.shards.unwrap_or_default();
    let mut readers = JoinSet::new();
    for shard in shards {
        match options.mode {
            Mode::Polling => readers.spawn(poll(client.clone(), shard.shard_id)),
            Mode::FanOut => readers.spawn(subscribe(client.clone(), consumer(&client).await?, shard.shard_id)),
        };
    }
    tokio::select! {
        Some(ended) = readers.join_next() => ended?,
        gone = parent_gone(|_| {}) => gone,
    }
}

/// Polls a shard as often as the worker does.
async fn poll(client: Client, shard: String) -> Result<(), Failure> {
    let from = client.get_shard_iterator().stream_name(STREAM).shard_id(&shard);
    let mut iterator = from.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await?.shard_iterator;
    let mut pace = Pace::new(SLOWEST);
    say(&Said::Began { shard });
    while let Some(from) = iterator {
        if let Some(next) = pace.next_call() {
            tokio::time::sleep_until(next).await;
        }
        let answer = client.get_records().shard_iterator(from).send().await?;
        let records = answer.records();
        let bytes = records.iter().map(|record| record.data().as_ref().len()).sum();
        pace.answered(Instant::now(), bytes, answer.millis_behind_latest().is_some_and(|behind| behind > 0));
        if bytes > 0 {
            say(&Said::Handled { records: records.len() as u64, delays_ms: Vec::new() });
        }
        iterator = answer.next_shard_iterator;
    }
    Err("a shard of the stream ended".into())
}

/// Takes what a subscription brings.
async fn subscribe(client: Client, consumer: String, shard: String) -> Result<(), Failure> {
    let from = StartingPosition::builder().r#type(ShardIteratorType::TrimHorizon).build()?;
    let subscription = client.subscribe_to_shard().consumer_arn(consumer).shard_id(&shard).starting_position(from);
    let mut events = subscription.send().await?.event_stream;
    say(&Said::Began { shard });
    while let Some(event) = events.recv().await? {
        if let SubscribeToShardEventStream::SubscribeToShardEvent(event) = event
            && !event.records().is_empty()
        {
            say(&Said::Handled { records: event.records().len() as u64, delays_ms: Vec::new() });
        }
    }
    Err("a subscription ended".into())
}

/// The ARN of the consumer, which is registered by the first who asks.
async fn consumer(client: &Client) -> Result<String, Failure> {
    let summary = client.describe_stream_summary().stream_name(STREAM).send().await?;
    let stream = summary.stream_description_summary.ok_or("a stream that says nothing of itself")?.stream_arn;
    let known = client.list_stream_consumers().stream_arn(&stream).send().await?;
    if known.consumers().is_empty() {
        client.register_stream_consumer().stream_arn(&stream).consumer_name(APP).send().await?;
    }
    loop {
        let asked = client.describe_stream_consumer().stream_arn(&stream).consumer_name(APP).send().await?;
        let described = asked.consumer_description.ok_or("a consumer that says nothing of itself")?;
        if described.consumer_status == ConsumerStatus::Active {
            return Ok(described.consumer_arn);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
