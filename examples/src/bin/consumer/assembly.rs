//! The worker, put together as the options say. Nothing is sent here.

use examples::Reading;
use kcl_core::error::ConfigError;
use kcl_core::event::Event;
use kcl_core::ids::WorkerId;
use kcl_core::polling::Polling;
use kcl_core::retrieval::Retrieval;
use kcl_core::worker::Worker;
use kcl_dynamo_leases::DynamoLeases;
use kcl_efo::FanOut;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::aws::Aws;
use crate::options::Options;
use crate::output::Output;
use crate::printer::{Printer, trouble};

/// The worker; what goes wrong in it is sent to `troubles`, to be printed.
pub(crate) fn worker(
    options: &Options,
    aws: &Aws,
    output: &Output,
    troubles: mpsc::UnboundedSender<Value>,
) -> Result<Worker, ConfigError> {
    let id = options.worker_id.as_deref().map_or_else(WorkerId::unique, WorkerId::from);
    let stream = stream(options, aws)?;
    let leases = DynamoLeases::single_stream(aws.dynamodb(), &options.app, stream.stream().name()).build()?;
    let (output, me) = (output.clone(), id.clone());
    Worker::builder(options.app.as_str(), leases, stream, move |shard| Printer::new(shard, output.clone()))
        .worker_id(id)
        .failover_after(options.failover_ms)
        .start_at(options.start)
        .observer(move |event: &Event| {
            if let Some(trouble) = trouble(me.as_str(), event) {
                // Nobody listens any more when the program ends.
                drop(troubles.send(trouble));
            }
        })
        .build()
}

fn stream(options: &Options, aws: &Aws) -> Result<Box<dyn Retrieval>, ConfigError> {
    Ok(match options.retrieval {
        Reading::Polling => Box::new(Polling::new(aws.kinesis(), &options.stream)?),
        Reading::Efo => Box::new(FanOut::new(aws.kinesis_for_subscriptions(), &options.stream, &options.app)?),
    })
}
