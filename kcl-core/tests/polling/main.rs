//! `Polling` through the real AWS SDK, on a model of Kinesis and under virtual time.

#![cfg(feature = "kinesis")]

mod canned;
mod ends;
mod errors;
mod listing;
mod local;
mod pace;
mod requests;

use std::time::Duration;

use kcl_core::budget::ByteBudget;
use kcl_core::error::{SourceError, SourceErrorKind};
use kcl_core::ids::ShardId;
use kcl_core::polling::Polling;
use kcl_core::retrieval::{Fetched, RecordSource, Retrieval, StartAt};

const S: &str = "orders";

fn first_shard() -> ShardId {
    ShardId::new("shardId-000000000000")
}

fn budget() -> ByteBudget {
    ByteBudget::new(64 * 1024 * 1024)
}

async fn open(polling: &Polling, from: StartAt) -> Result<Box<dyn RecordSource>, SourceError> {
    polling.open(&first_shard(), &from, &budget()).await
}

/// The texts of the records that an answer brings.
async fn texts(source: &mut Box<dyn RecordSource>) -> Result<Vec<String>, SourceError> {
    match source.next().await? {
        Fetched::Records(fetch) => {
            Ok(fetch.records.iter().map(|record| String::from_utf8_lossy(&record.data).into_owned()).collect())
        }
        Fetched::End { children } => panic!("the shard ended, and {children:?} follow"),
    }
}

async fn failure(source: &mut Box<dyn RecordSource>) -> SourceError {
    source.next().await.expect_err("it fails")
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// What opening a shard fails with.
async fn refusal(polling: &Polling, from: StartAt) -> SourceError {
    match open(polling, from).await {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

fn kind(error: &SourceError) -> SourceErrorKind {
    error.kind()
}
