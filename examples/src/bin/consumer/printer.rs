//! The user's code: prints records, and what happens to their shard.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kcl_core::async_trait;
use kcl_core::checkpointer::Checkpointer;
use kcl_core::error::Failure;
use kcl_core::event::Event;
use kcl_core::processor::{RecordProcessor, ShardContext};
use kcl_core::record::{Batch, Record};
use kcl_core::time::{Timestamp, WallClock};
use serde_json::{Value, json};

use crate::output::Output;

/// Prints the records of one shard.
pub(crate) struct Printer {
    context: ShardContext,
    output: Output,
    clock: WallClock,
}

impl Printer {
    pub(crate) fn new(context: ShardContext, output: Output) -> Self {
        Self { context, output, clock: WallClock::system() }
    }

    /// Something that happened to the shard.
    fn event(&self, name: &str) -> Value {
        json!({"event": name, "worker": self.context.worker.as_str(), "shard": self.context.shard.shard.as_str()})
    }

    fn record(&self, record: &Record, received: Timestamp) -> Value {
        let mut event = self.event("record");
        event["seq"] = record.sequence_number().as_str().into();
        event["sub"] = record.sub_sequence_number().into();
        event["key"] = record.partition_key().into();
        event["arrival_ms"] = record.arrival().map(Timestamp::millis).into();
        event["received_ms"] = received.millis().into();
        match std::str::from_utf8(record.data()) {
            Ok(text) => event["data"] = text.into(),
            Err(_) => event["data_base64"] = BASE64_STANDARD.encode(record.data()).into(),
        }
        event
    }
}

#[async_trait]
impl RecordProcessor for Printer {
    async fn initialize(&mut self, shard: &ShardContext) -> Result<(), Failure> {
        let mut event = self.event("initialized");
        event["epoch"] = shard.epoch.to_string().into();
        event["checkpoint"] = shard.start.to_string().into();
        Ok(self.output.write(vec![event]).await?)
    }

    /// The records count as done when this returns `Ok`: when their lines are written.
    async fn process_records(&mut self, batch: Batch, _: &Checkpointer) -> Result<(), Failure> {
        let received = self.clock.now();
        let lines = batch.into_iter().map(|record| self.record(record, received)).collect();
        Ok(self.output.write(lines).await?)
    }

    async fn shard_ended(&mut self, _: &Checkpointer) -> Result<(), Failure> {
        Ok(self.output.write(vec![self.event("shard_ended")]).await?)
    }

    async fn shutdown_requested(&mut self, _: &Checkpointer) -> Result<(), Failure> {
        Ok(self.output.write(vec![self.event("shutdown")]).await?)
    }

    async fn lease_lost(&mut self) {
        // If nobody reads any more, `Output` has told the program.
        drop(self.output.write(vec![self.event("lease_lost")]).await);
    }
}

/// What went wrong in the worker, as an event to print; `None` for all else. All of it is tried again.
pub(crate) fn trouble(worker: &str, event: &Event) -> Option<Value> {
    let (shard, error) = match event {
        Event::ReadFailed { shard, error, throttled: false, .. }
        | Event::ProcessorFailed { shard, error, .. }
        | Event::ProcessorPanicked { shard, message: error, .. }
        | Event::LeaseWriteFailed { shard, error } => (Some(shard.shard.as_str()), error),
        Event::LookFailed { error, .. } => (None, error),
        _ => return None,
    };
    Some(self::error(worker, shard, error))
}

/// An error, of a shard or of the whole worker, as an event to print.
pub(crate) fn error(worker: &str, shard: Option<&str>, error: &str) -> Value {
    json!({"event": "error", "worker": worker, "shard": shard, "error": error})
}
