//! `FanOut` through the real AWS SDK, on a model of Kinesis and under virtual time. What it has in common with polling is
//! tested by the conformance suite, in `integration-tests`.

mod bench;
mod crowds;
mod errors;
mod pressure;
mod registration;
mod renewing;
mod requests;
mod sharing;
mod silence;
mod takeover;

use std::time::Duration;

use kcl_core::error::SourceError;
use kcl_core::ids::ShardId;
use kcl_core::retrieval::{Fetched, RecordSource};

const S: &str = "orders";
const APP: &str = "orders-app";

fn shard(number: u32) -> ShardId {
    ShardId::new(format!("shardId-{number:012}"))
}

/// The texts of the records that come next.
async fn texts(source: &mut Box<dyn RecordSource>) -> Result<Vec<String>, SourceError> {
    match source.next().await? {
        Fetched::Records(fetch) => {
            Ok(fetch.records.iter().map(|record| String::from_utf8_lossy(&record.data).into_owned()).collect())
        }
        Fetched::End { children } => panic!("the shard ended, and {children:?} follow"),
    }
}

/// The texts of the next records; events without any are passed over.
async fn some(source: &mut Box<dyn RecordSource>) -> Result<Vec<String>, SourceError> {
    loop {
        let texts = texts(source).await?;
        if !texts.is_empty() {
            return Ok(texts);
        }
    }
}

/// What reading fails with; records that come before that are passed over.
async fn failure(source: &mut Box<dyn RecordSource>) -> SourceError {
    loop {
        if let Err(error) = texts(source).await {
            return error;
        }
    }
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}
