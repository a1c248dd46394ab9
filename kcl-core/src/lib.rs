//! Consume Amazon Kinesis data streams with a fleet of workers: at least once, in order per shard, parents before children.
//!
//! A service implements [`RecordProcessor`] and runs a [`Worker`]. The worker shares the shards of a stream with all other
//! workers of the application through leases in a [`store::LeaseStore`], reads its shards by a [`retrieval::Retrieval`], and
//! makes a processor for each of them.
//!
//! ```text
//! lease taken -> parents finished? -> initialize -> process_records ... -> shard_ended | shutdown_requested | lease_lost
//! ```
//!
//! # Example
//!
//! A worker in one process, with leases in memory. With `kcl-dynamo-leases` in their place it is one of a fleet.
//!
//! ```no_run
//! # #[cfg(feature = "kinesis")]
//! # async fn example(kinesis: aws_sdk_kinesis::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use kcl_core::memory::InMemoryLeases;
//! use kcl_core::polling::Polling;
//! use kcl_core::{Batch, Checkpointer, Failure, RecordProcessor, ShardContext, Worker, async_trait};
//!
//! struct Printer {
//!     shard: ShardContext,
//! }
//!
//! #[async_trait]
//! impl RecordProcessor for Printer {
//!     async fn process_records(&mut self, batch: Batch, _: &Checkpointer) -> Result<(), Failure> {
//!         for record in &batch {
//!             println!("{} {}: {} bytes", self.shard.shard, record.sequence_number(), record.data().len());
//!         }
//!         Ok(())
//!     }
//! }
//!
//! let polling = Polling::new(kinesis, "orders")?;
//! let worker = Worker::builder("orders-app", InMemoryLeases::new(), polling, |shard| Printer { shard })
//!     .failover_after(Duration::from_secs(10))
//!     .build()?;
//! worker.run().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! * `kinesis` (default): [`polling`], reading by `GetRecords` through the AWS SDK. Without it no AWS crate is in the tree.
//! * `test-util`: `testing`, the conformance suites for your own store or source, and doubles to test with.

pub mod budget;
pub mod checkpointer;
pub mod deaggregate;
pub mod decide;
pub mod error;
pub mod event;
pub mod ids;
#[cfg(feature = "kinesis")]
pub mod kinesis;
pub mod lease;
pub mod member;
pub mod memory;
#[cfg(feature = "kinesis")]
pub mod polling;
pub mod position;
pub mod processor;
pub mod record;
mod removal;
mod report;
pub mod reset;
pub mod retrieval;
mod retry;
pub mod shard;
mod shard_task;
pub mod signals;
pub mod store;
mod tenure;
#[cfg(any(test, feature = "test-util"))]
pub mod testing;
pub mod time;
pub mod utilization;
pub mod worker;

pub use async_trait::async_trait;
pub use checkpointer::Checkpointer;
pub use error::{CheckpointError, ConfigError, Failure, WorkerError};
pub use position::InitialPosition;
pub use processor::{Acknowledgement, RecordProcessor, ShardContext};
pub use record::{Batch, Record};
pub use report::status;
pub use shard_task::Recreated;
pub use worker::{ShutdownReport, Worker, WorkerBuilder, WorkerHandle};
