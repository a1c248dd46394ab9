//! Consume Amazon Kinesis data streams with a fleet of workers.

pub mod budget;
pub mod checkpointer;
pub mod deaggregate;
pub mod decide;
pub mod error;
pub mod event;
pub mod ids;
pub mod lease;
pub mod memory;
pub mod position;
pub mod processor;
pub mod record;
mod report;
pub mod reset;
pub mod retrieval;
mod retry;
pub mod shard;
mod shard_task;
pub mod store;
mod tenure;
#[cfg(any(test, feature = "test-util"))]
pub mod testing;
pub mod time;
pub mod worker;

pub use async_trait::async_trait;
pub use report::status;
