//! The stream: creates it, and changes its shards while it is read.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::{Shard, StreamStatus};
use kcl_core::error::Failure;
use kcl_core::ids::ShardId;

use crate::STREAM;

/// Creates the stream with four shards, and waits until it can be used.
pub(crate) async fn create(kinesis: &Client) -> Result<(), Failure> {
    kinesis.create_stream().stream_name(STREAM).shard_count(4).send().await?;
    active(kinesis).await
}

/// Splits the first open shard in two, and makes one of the last two.
pub(crate) async fn reshard(kinesis: &Client) -> Result<(), Failure> {
    let mut open: Vec<Shard> = shards(kinesis).await?;
    open.retain(is_open);
    let [first, .., left, right] = &open[..] else { return Err("the stream has fewer than three open shards".into()) };
    let split = kinesis.split_shard().stream_name(STREAM).shard_to_split(first.shard_id());
    split.new_starting_hash_key(middle(first)?).send().await?;
    active(kinesis).await?;
    let merge = kinesis.merge_shards().stream_name(STREAM).shard_to_merge(left.shard_id());
    merge.adjacent_shard_to_merge(right.shard_id()).send().await?;
    active(kinesis).await
}

/// Which shards were made of which: the parents of every shard.
pub(crate) async fn parents(kinesis: &Client) -> Result<BTreeMap<ShardId, Vec<ShardId>>, Failure> {
    let parents = |shard: &Shard| {
        let both = [shard.parent_shard_id(), shard.adjacent_parent_shard_id()];
        (ShardId::from(shard.shard_id()), both.into_iter().flatten().map(ShardId::from).collect())
    };
    Ok(shards(kinesis).await?.iter().map(parents).collect())
}

/// The shards that take records.
pub(crate) async fn open(kinesis: &Client) -> Result<Vec<ShardId>, Failure> {
    let shards = shards(kinesis).await?;
    Ok(shards.iter().filter(|shard| is_open(shard)).map(|shard| shard.shard_id().into()).collect())
}

async fn shards(kinesis: &Client) -> Result<Vec<Shard>, Failure> {
    // So few shards fit on the first page.
    Ok(kinesis.list_shards().stream_name(STREAM).send().await?.shards().to_vec())
}

fn is_open(shard: &Shard) -> bool {
    shard.sequence_number_range().is_some_and(|range| range.ending_sequence_number().is_none())
}

fn middle(shard: &Shard) -> Result<String, Failure> {
    let range = shard.hash_key_range().ok_or("the shard has no range of hash keys")?;
    let (start, end): (u128, u128) = (range.starting_hash_key().parse()?, range.ending_hash_key().parse()?);
    Ok((start + (end - start) / 2 + 1).to_string())
}

/// Waits until the stream is ACTIVE: until then it takes no other change.
async fn active(kinesis: &Client) -> Result<(), Failure> {
    loop {
        let summary = kinesis.describe_stream_summary().stream_name(STREAM).send().await?;
        if summary.stream_description_summary().is_some_and(|it| *it.stream_status() == StreamStatus::Active) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
