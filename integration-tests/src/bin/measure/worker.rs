//! A worker process: a worker as a service would run it, which says what it does.

use std::io::Write;
use std::time::Duration;

use integration_tests::process::{aws, parent_gone};
use kcl_core::async_trait;
use kcl_core::checkpointer::Checkpointer;
use kcl_core::error::Failure;
use kcl_core::event::Event;
use kcl_core::polling::Polling;
use kcl_core::processor::RecordProcessor;
use kcl_core::record::Batch;
use kcl_core::signals::terminated;
use kcl_core::time::{Timestamp, WallClock};
use kcl_core::worker::Worker;
use kcl_dynamo_leases::DynamoLeases;

use crate::line::{Line, Said};
use crate::options;
use crate::services::{APP, STREAM};

/// How long a stop in good order may take.
const SHUTDOWN: Duration = Duration::from_secs(10);

/// Works until SIGTERM, or until the process that measures is gone.
pub(crate) async fn work(options: &options::Worker) -> Result<(), Failure> {
    let aws = aws().await;
    let polling = Polling::new(aws_sdk_kinesis::Client::new(&aws), STREAM)?;
    let leases = DynamoLeases::single_stream(aws_sdk_dynamodb::Client::new(&aws), APP, STREAM).build()?;
    let worker = Worker::builder(APP, leases, polling, |_| Counting(WallClock::system()))
        .worker_id(options.id.as_str())
        .failover_after(options.failover_ms)
        .observer(|event: &Event| {
            if let Some(said) = told(event) {
                say(&WallClock::system(), said);
            }
        })
        .build()?;
    tokio::select! {
        ended = worker.run_until(terminated(), SHUTDOWN) => {
            ended?;
            Ok(())
        }
        gone = parent_gone(|_| {}) => gone,
    }
}

/// The user's code: says which records it is given.
struct Counting(WallClock);

#[async_trait]
impl RecordProcessor for Counting {
    async fn process_records(&mut self, batch: Batch, _: &Checkpointer) -> Result<(), Failure> {
        let number = |data: &[u8]| Ok::<u64, Failure>(std::str::from_utf8(data)?.parse()?);
        let put = |arrival: Option<Timestamp>| arrival.map_or(0, Timestamp::millis);
        let records = batch.iter().map(|record| Ok::<_, Failure>((number(record.data())?, put(record.arrival()))));
        let records = records.collect::<Result<_, _>>()?;
        say(&self.0, Said::Handled { shard: batch.shard().shard.to_string(), records });
        Ok(())
    }
}

/// What of an event is of interest.
pub(crate) fn told(event: &Event) -> Option<Said> {
    let trouble = |what: String| Some(Said::Trouble { what });
    match event {
        Event::WorkerStarted => Some(Said::Started),
        Event::LeaseTaken { shard, .. } => Some(Said::Taken { shard: shard.shard.to_string() }),
        Event::LeaseEnded { shard, reason } => {
            Some(Said::Ended { shard: shard.shard.to_string(), reason: format!("{reason:?}") })
        }
        Event::ReadFailed { throttled: true, .. } => trouble("throttled".to_owned()),
        Event::ReadFailed { error, .. } => trouble(format!("read failed: {error}")),
        Event::ProcessorFailed { error, .. } => trouble(format!("processor failed: {error}")),
        Event::ProcessorPanicked { message, .. } => trouble(format!("processor panicked: {message}")),
        Event::LeaseWriteFailed { error, .. } => trouble(format!("lease write failed: {error}")),
        Event::LookFailed { error, .. } => trouble(format!("look failed: {error}")),
        _ => None,
    }
}

/// Writes a line at once: what was handled is known even if the process is killed right after. The other side always
/// reads, so nothing is held up; if it is gone, so is the reason for this process.
fn say(clock: &WallClock, said: Said) {
    let line = Line { at: clock.now().millis(), said };
    let Ok(mut text) = serde_json::to_vec(&line) else { std::process::exit(1) };
    text.push(b'\n');
    let mut out = std::io::stdout().lock();
    if out.write_all(&text).and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}
