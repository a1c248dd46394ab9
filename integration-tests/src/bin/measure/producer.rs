//! Puts small numbered records into every shard, evenly.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kcl_core::error::Failure;
use kcl_local::{Local, Service};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use crate::services::{STREAM, Shard};

/// Between two records of a shard: 50 a second, of the 1,000 that a shard takes.
pub(crate) const PERIOD: Duration = Duration::from_millis(20);

/// What was put.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Put {
    /// Every shard has the numbers from 0 to below this.
    pub(crate) records: u64,
    /// The longest time between two puts: a gap is no finer than this.
    pub(crate) longest_pause: Duration,
}

/// A producer at work. Dropping it stops it.
pub(crate) struct Producer {
    put: Arc<Mutex<Put>>,
    task: JoinSet<Result<(), Failure>>,
}

impl Producer {
    /// Begins to put. It goes past the network, so that it is in nobody's way and not counted.
    pub(crate) fn start(local: Local, shards: Vec<Shard>) -> Self {
        let put = Arc::new(Mutex::new(Put::default()));
        let mut task = JoinSet::new();
        task.spawn(produce(local, shards, Arc::clone(&put)));
        Self { put, task }
    }

    /// An error if it had to stop.
    pub(crate) fn check(&mut self) -> Result<(), Failure> {
        self.task.try_join_next().map_or(Ok(()), |ended| ended?)
    }

    /// Stops, and answers what was put.
    pub(crate) async fn stop(&mut self) -> Result<Put, Failure> {
        self.check()?;
        self.task.shutdown().await;
        Ok(*self.put.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn produce(local: Local, shards: Vec<Shard>, put: Arc<Mutex<Put>>) -> Result<(), Failure> {
    let mut ticks = tokio::time::interval(PERIOD);
    // A machine that is busy gets a pause and no flood after it.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last: Option<Instant> = None;
    for number in 0_u64.. {
        ticks.tick().await;
        let reply = local.ask(Service::Kinesis, "PutRecords", request(&shards, number));
        if reply.status != 200 || reply.body["FailedRecordCount"] != 0 {
            return Err(format!("the stream refused records: {}", reply.body).into());
        }
        let pause = last.replace(Instant::now()).map(|last| last.elapsed());
        let mut put = put.lock().unwrap_or_else(PoisonError::into_inner);
        put.records = number + 1;
        put.longest_pause = put.longest_pause.max(pause.unwrap_or_default());
    }
    Ok(())
}

/// One record for each shard.
fn request(shards: &[Shard], number: u64) -> Value {
    let data = BASE64_STANDARD.encode(number.to_string());
    let record = |shard: &Shard| json!({"Data": data, "PartitionKey": shard.id, "ExplicitHashKey": shard.hash_key});
    json!({"StreamName": STREAM, "Records": shards.iter().map(record).collect::<Vec<_>>()})
}
