//! One worker of the real crates, wherever its services are: in this process, or behind sockets.

use std::time::Duration;

use kcl_core::error::ConfigError;
use kcl_core::event::Event;
use kcl_core::polling::Polling;
use kcl_core::processor::ShardContext;
use kcl_core::retrieval::Retrieval;
use kcl_core::time::WallClock;
use kcl_core::utilization::Gauge;
use kcl_core::worker::{Worker, WorkerBuilder};
use kcl_dynamo_leases::DynamoLeases;
use kcl_efo::FanOut;

use crate::history::{Recorder, What};
use crate::modelled::Reading;
use crate::planted;
use crate::processor::{Maker, Recording};
use crate::site::{APP, SILENCE, STREAM, WorkerSpec};
use crate::weighing::Weighed;

/// What a worker has of the world.
#[derive(Debug)]
pub struct Outside {
    /// A client of Kinesis.
    pub kinesis: aws_sdk_kinesis::Client,
    /// A client of DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Its wall clock.
    pub wall: WallClock,
    /// The book in which it is taken down what its processors are given and do, and what it tells its observer.
    pub recorder: Recorder,
}

/// A worker of the real crates, on the real SDK clients, to be built.
///
/// # Errors
/// If a setting cannot work.
pub fn member(spec: &WorkerSpec, outside: Outside) -> Result<WorkerBuilder, ConfigError> {
    let retrieval = Weighed::new(retrieval(spec, &outside)?, outside.recorder.clone(), spec.run);
    let Outside { dynamodb, wall, recorder, .. } = outside;
    let leases = DynamoLeases::single_stream(dynamodb, APP, STREAM).wall_clock(wall.clone()).build()?;
    let leases = planted::leases(leases, spec.common.planted);
    let maker = Maker::new(recorder.clone(), spec);
    let planted = spec.common.planted;
    let factory = move |context: ShardContext| planted::processor(Recording::new(&maker, &context), planted);
    let run = spec.run;
    let observer = move |event: &Event| recorder.note(What::Event { run, event: event.clone() });
    let builder = Worker::builder(APP, leases, retrieval, factory)
        .worker_id(spec.id.as_str())
        .failover_after(spec.common.failover.mul_f64(spec.clocks.rate))
        .wall_clock(wall)
        .byte_budget(spec.common.byte_budget)
        .seed(spec.seed)
        .utilization(Gauge::new(|| None))
        .observer(observer);
    Ok(match spec.common.max_leases {
        Some(most) => builder.max_leases(most),
        None => builder,
    })
}

fn retrieval(spec: &WorkerSpec, outside: &Outside) -> Result<Box<dyn Retrieval>, ConfigError> {
    let (client, clock) = (outside.kinesis.clone(), outside.wall.clone());
    Ok(match spec.reading {
        Reading::Polling => {
            let polling =
                Polling::builder(client, STREAM).limit(spec.common.read_limit).idle_interval(spec.common.idle_interval);
            Box::new(polling.request_timeout(Duration::from_secs(2)).clock(clock).build()?)
        }
        Reading::FanOut => {
            let fan_out = FanOut::builder(client, STREAM).consumer_name(APP);
            Box::new(fan_out.silence_timeout(SILENCE).clock(clock).build()?)
        }
    })
}
