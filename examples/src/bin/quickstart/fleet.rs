//! The workers: tasks of this process, each with AWS clients of its own, as if each were a process.

use std::time::Duration;

use examples::{Reading, with_causes};
use kcl_core::error::{ConfigError, Failure};
use kcl_core::event::Event;
use kcl_core::ids::WorkerId;
use kcl_core::polling::Polling;
use kcl_core::retrieval::Retrieval;
use kcl_core::worker::{Worker, WorkerHandle};
use kcl_dynamo_leases::DynamoLeases;
use kcl_efo::FanOut;
use kcl_local::Local;
use tokio::task::JoinSet;

use crate::ledger::{Ledger, Recorder};
use crate::{APP, STREAM};

/// Short, so that the crash is over soon. The default is 10 s.
pub(crate) const FAILOVER: Duration = Duration::from_secs(2);

/// The workers of the application, on one ledger.
pub(crate) struct Fleet {
    local: Local,
    reading: Reading,
    ledger: Ledger,
    members: Vec<Member>,
}

struct Member {
    handle: WorkerHandle,
    /// The worker's one task; all that it runs ends with it.
    task: JoinSet<()>,
}

/// What was known of a worker when it was dropped.
#[derive(Debug)]
pub(crate) struct Dropped {
    pub(crate) worker: WorkerId,
    pub(crate) shards: usize,
    /// How many deliveries there were until then, of all workers.
    pub(crate) deliveries: usize,
    /// How many requests it had sent until then.
    pub(crate) requests: u64,
}

/// The lease table, through the client of `name`.
pub(crate) fn leases(local: &Local, name: &str) -> Result<DynamoLeases, ConfigError> {
    DynamoLeases::single_stream(local.dynamodb_client(name), APP, STREAM).build()
}

/// The stream, through the client of `name`.
pub(crate) fn stream(local: &Local, name: &str, reading: Reading) -> Result<Box<dyn Retrieval>, ConfigError> {
    let client = local.kinesis_client(name);
    Ok(match reading {
        Reading::Polling => Box::new(Polling::new(client, STREAM)?),
        Reading::Efo => Box::new(FanOut::new(client, STREAM, APP)?),
    })
}

impl Fleet {
    pub(crate) fn new(local: &Local, reading: Reading, ledger: &Ledger) -> Self {
        Self { local: local.clone(), reading, ledger: ledger.clone(), members: Vec::new() }
    }

    /// Starts a worker.
    pub(crate) fn start(&mut self, name: &str) -> Result<(), ConfigError> {
        let (records, events, ledger) = (self.ledger.clone(), self.ledger.clone(), self.ledger.clone());
        let factory = move |context| Recorder { ledger: records.clone(), context };
        let (leases, stream) = (leases(&self.local, name)?, stream(&self.local, name, self.reading)?);
        let worker = Worker::builder(APP, leases, stream, factory)
            .worker_id(name)
            .failover_after(FAILOVER)
            .observer(move |event: &Event| events.event(event))
            .build()?;
        let handle = worker.handle();
        let mut task = JoinSet::new();
        task.spawn(async move {
            if let Err(error) = worker.run().await {
                ledger.failed(with_causes(&error));
            }
        });
        self.members.push(Member { handle, task });
        Ok(())
    }

    /// Drops the worker that holds most, in the middle of whatever it does, and without telling anybody.
    pub(crate) async fn drop_busiest(&mut self) -> Result<Dropped, Failure> {
        let busiest = self.members.iter().enumerate().max_by_key(|(_, member)| member.held());
        let (place, _) = busiest.ok_or("there is no worker to drop")?;
        let mut member = self.members.swap_remove(place);
        let shards = member.held();
        member.task.shutdown().await;
        let worker = member.handle.worker().clone();
        let requests = self.requests(&worker);
        Ok(Dropped { worker, shards, deliveries: self.ledger.read(|entries| entries.deliveries.len()), requests })
    }

    /// How many requests a worker has sent.
    pub(crate) fn requests(&self, worker: &WorkerId) -> u64 {
        let requests = self.local.requests();
        requests.iter().filter(|((client, ..), _)| client == worker.as_str()).map(|(_, count)| count).sum()
    }

    /// Stops all workers in good order: what is done is committed, and every lease is given back.
    pub(crate) async fn shut_down(&mut self) {
        for member in &self.members {
            member.handle.shutdown(Duration::from_secs(10));
        }
        for mut member in self.members.drain(..) {
            while member.task.join_next().await.is_some() {}
        }
    }

    /// What the workers know of each shard, for a person who asks why nothing goes on.
    pub(crate) fn describe(&self) -> String {
        let shards = self.members.iter().flat_map(|member| member.handle.status().shards);
        shards.map(|shard| format!("{shard:?}")).collect::<Vec<_>>().join("\n")
    }
}

impl Member {
    fn held(&self) -> usize {
        self.handle.status().shards.iter().filter(|shard| shard.held.is_some()).count()
    }
}
