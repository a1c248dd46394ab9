//! Compares the stream's shards with the leases, and brings the leases up to date.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

use crate::decide::reconcile::Graph;
use crate::error::{Chain, SourceErrorKind, WorkerError};
use crate::event::{Event, Look};
use crate::lease::{CreateReason, Lease};
use crate::position::InitialPosition;
use crate::retrieval::WhichShards;
use crate::retry::Backoff;
use crate::shard_task::{News, ShardContextShared};
use crate::store::WriteOutcome;
use crate::time::Timestamp;

/// How often, if nothing asks for it. Children are made when their parents end; this repairs what went wrong there, and
/// removes leases that are not needed any more.
const PERIOD: Duration = Duration::from_secs(30);

/// Why a comparison was not completed.
enum Problem {
    /// It can be tried again.
    Passing(String),
    /// It makes no sense to go on.
    Fatal(WorkerError),
}

/// What the loop is told, and whom it tells.
pub(super) struct Reconciler {
    pub(super) shared: Arc<ShardContextShared>,
    pub(super) initial: InitialPosition,
    /// Somebody asks for a comparison now.
    pub(super) asked: Arc<Notify>,
    /// The leases changed: look at them.
    pub(super) changed: Arc<Notify>,
    pub(super) news: mpsc::UnboundedSender<News>,
}

impl Reconciler {
    /// Compares at once, then periodically and when asked, for ever.
    pub(super) async fn run(self) {
        let mut backoff = Backoff::look();
        let mut created = None;
        let mut complete_once = false;
        loop {
            let pause = match self.compare(&mut created, complete_once).await {
                Ok(()) => {
                    complete_once = true;
                    backoff.reset();
                    // Workers that started together do not ask together.
                    PERIOD.mul_f64(0.75 + 0.5 * fastrand::f64())
                }
                Err(Problem::Passing(error)) => {
                    let (attempt, pause) = backoff.next();
                    self.emit(&Event::LookFailed { what: Look::Shards, attempt, error });
                    pause
                }
                Err(Problem::Fatal(error)) => {
                    drop(self.news.send(News::Fatal(error)));
                    return;
                }
            };
            tokio::select! {
                biased;
                () = self.asked.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn emit(&self, event: &Event) {
        self.shared.tenures.reporter.emit(event);
    }

    /// A stream that cannot be read at all is told at once; one that could be, may come back.
    fn problem(&self, error: crate::error::SourceError, complete_once: bool) -> Problem {
        let final_at_start = matches!(
            error.kind(),
            SourceErrorKind::NotFound | SourceErrorKind::Denied | SourceErrorKind::Invalid | SourceErrorKind::Foreign
        );
        if complete_once || !final_at_start {
            return Problem::Passing(Chain(&error).to_string());
        }
        let (worker, stream) = (self.shared.worker.clone(), self.shared.retrieval.stream().clone());
        Problem::Fatal(WorkerError::Source { worker, stream, source: error })
    }

    async fn compare(&self, created: &mut Option<Timestamp>, complete_once: bool) -> Result<(), Problem> {
        let retrieval = &self.shared.retrieval;
        let listing =
            retrieval.list_shards(WhichShards::All).await.map_err(|error| self.problem(error, complete_once))?;
        if created.is_none() && !complete_once {
            *created = retrieval.created().await.map_err(|error| self.problem(error, complete_once))?;
        }
        let leases =
            self.shared.tenures.store.list().await.map_err(|error| Problem::Passing(Chain(&error).to_string()))?;
        let stream = retrieval.stream();
        let graph = Graph::new(stream, &listing.shards, &leases.leases, *created);
        if graph.is_recreated() {
            self.emit(&Event::StreamRecreated { stream: stream.clone() });
            let worker = self.shared.worker.clone();
            return Err(Problem::Fatal(WorkerError::StreamRecreated { worker, stream: stream.clone() }));
        }
        let plan = graph.plan();
        let mut create = plan.create;
        if !plan.unreached.is_empty() {
            let beginning = graph.beginning(self.initial);
            let open = retrieval
                .list_shards(WhichShards::OpenAt(beginning))
                .await
                .map_err(|error| self.problem(error, complete_once))?;
            if !open.shards.iter().all(|shard| listing.shards.iter().any(|listed| listed.id == shard.id)) {
                // Started where the lists disagree, a line would be read from its oldest record.
                return Err(Problem::Passing("the stream was resharded while its shards were listed".to_owned()));
            }
            create.extend(graph.start(&plan.unreached, &open.shards, beginning, open.service_time));
        }
        self.apply(create, plan.delete, !complete_once).await
    }

    async fn apply(&self, create: Vec<(Lease, CreateReason)>, delete: Vec<Lease>, first: bool) -> Result<(), Problem> {
        let store = &self.shared.tenures.store;
        let failed = |error: crate::error::StoreError| Problem::Passing(Chain(&error).to_string());
        let made = !create.is_empty();
        for (lease, reason) in create {
            if let WriteOutcome::Applied(made) = store.create(&lease).await.map_err(failed)? {
                self.emit(&Event::LeaseCreated { shard: made.shard, checkpoint: made.checkpoint, reason });
            }
        }
        // Made by us or, a moment before, by others that started with us: they are there to be taken.
        if made || first {
            self.changed.notify_one();
        }
        for lease in delete {
            if let WriteOutcome::Applied(gone) = store.delete(&lease).await.map_err(failed)? {
                self.emit(&Event::LeaseDeleted { shard: gone.shard });
            }
        }
        Ok(())
    }
}
