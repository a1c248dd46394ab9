//! A worker process as a service would run it, with a handler that only counts.

use integration_tests::process::{aws, parent_gone};
use kcl_core::async_trait;
use kcl_core::checkpointer::Checkpointer;
use kcl_core::error::{ConfigError, Failure};
use kcl_core::event::Event;
use kcl_core::polling::Polling;
use kcl_core::processor::{RecordProcessor, ShardContext};
use kcl_core::record::{Batch, Record};
use kcl_core::time::{Timestamp, WallClock};
use kcl_core::worker::{Worker, WorkerBuilder};
use kcl_dynamo_leases::DynamoLeases;
use kcl_efo::FanOut;

use super::kinds::Mode;
use super::said::{Said, say};
use crate::line;
use crate::options;
use crate::services::{APP, STREAM};
use crate::worker::told;

/// Reads until the process that measures is gone.
pub(crate) async fn read(options: &options::WireReader) -> Result<(), Failure> {
    let aws = aws().await;
    let kinesis = aws_sdk_kinesis::Client::new(&aws);
    let leases = DynamoLeases::single_stream(aws_sdk_dynamodb::Client::new(&aws), APP, STREAM).build()?;
    let mut worker = builder(options, leases, kinesis)?.observer(|event: &Event| {
        if let Some(line::Said::Trouble { what }) = told(event) {
            say(&Said::Trouble { what });
        }
    });
    if let Some(mib) = options.byte_budget_mib {
        worker = worker.byte_budget(mib * 1024 * 1024);
    }
    tokio::select! {
        ended = worker.build()?.run() => {
            ended?;
            Ok(())
        }
        gone = parent_gone(|_| {}) => gone,
    }
}

fn builder(
    options: &options::WireReader,
    leases: DynamoLeases,
    kinesis: aws_sdk_kinesis::Client,
) -> Result<WorkerBuilder, ConfigError> {
    let delays = options.delays;
    let factory = move |_| Counting { delays, clock: WallClock::system() };
    Ok(match options.mode {
        Mode::Polling => Worker::builder(APP, leases, Polling::new(kinesis, STREAM)?, factory),
        Mode::FanOut => Worker::builder(APP, leases, FanOut::new(kinesis, STREAM, APP)?, factory),
    })
}

/// The user's code.
struct Counting {
    /// Says how old records are.
    delays: bool,
    clock: WallClock,
}

#[async_trait]
impl RecordProcessor for Counting {
    async fn initialize(&mut self, shard: &ShardContext) -> Result<(), Failure> {
        say(&Said::Began { shard: shard.shard.shard.to_string() });
        Ok(())
    }

    async fn process_records(&mut self, batch: Batch, _: &Checkpointer) -> Result<(), Failure> {
        let now = self.clock.now().millis();
        let arrivals = batch.iter().filter_map(Record::arrival).map(Timestamp::millis);
        let delays = arrivals.filter(|_| self.delays).map(|arrival| now.saturating_sub(arrival));
        say(&Said::Handled { records: batch.records().len() as u64, delays_ms: delays.collect() });
        Ok(())
    }
}
