//! Compares a stream's shards with its leases, and brings the leases up to date.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::decide::linger::{Finished, MADE_WITHIN};
use crate::decide::reconcile::Graph;
use crate::error::{Chain, SourceError, SourceErrorKind, StoreError, WorkerError};
use crate::event::{Event, Look};
use crate::lease::{CreateReason, Lease};
use crate::removal;
use crate::retrieval::WhichShards;
use crate::retry::Backoff;
use crate::shard_task::{News, Recreated, StreamContext};
use crate::store::WriteOutcome;
use crate::time::Timestamp;

/// How often the first in rank does so, if nothing asks for it; others as much less often as workers are in line. Children
/// are made when their parents end; this repairs what went wrong there, and removes leases that are not needed any more.
const PERIOD: Duration = Duration::from_secs(30);

/// Why a comparison was not completed.
enum Problem {
    /// It can be tried again.
    Passing(String),
    /// It makes no sense to go on.
    Fatal(WorkerError),
}

/// What the loop works for, and whom it tells.
pub(super) struct Reconciler {
    pub(super) stream: Arc<StreamContext>,
    /// The leases changed: look at them.
    pub(super) changed: Arc<Notify>,
    /// It is the worker's only stream: without it the worker is of no use.
    pub(super) only: bool,
    pub(super) finished: Finished,
}

impl Reconciler {
    /// Compares at once, then periodically and when asked, for ever.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::look();
        let mut created = None;
        let mut complete_once = false;
        loop {
            let pause = match self.compare(&mut created, complete_once).await {
                Ok(()) => {
                    complete_once = true;
                    drop(self.stream.news.send(News::Compared(self.stream.stream().clone())));
                    backoff.reset();
                    // Workers that started together do not ask together.
                    self.period().mul_f64(0.75 + 0.5 * fastrand::f64())
                }
                Err(Problem::Passing(error)) => {
                    let (attempt, pause) = backoff.next();
                    self.emit(&Event::LookFailed { what: Look::Shards, attempt, error });
                    pause
                }
                Err(Problem::Fatal(error)) => {
                    drop(self.stream.news.send(News::Fatal(error)));
                    return;
                }
            };
            tokio::select! {
                biased;
                () = self.stream.compare.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn period(&self) -> Duration {
        PERIOD.saturating_mul(self.stream.in_line.load(Ordering::Relaxed).max(1))
    }

    fn emit(&self, event: &Event) {
        self.stream.tenures.reporter.emit(event);
    }

    /// A stream that cannot be read at all is told at once; one that could be, may come back.
    fn problem(&self, error: SourceError, complete_once: bool) -> Problem {
        let final_at_start = matches!(
            error.kind(),
            SourceErrorKind::NotFound | SourceErrorKind::Denied | SourceErrorKind::Invalid | SourceErrorKind::Foreign
        );
        if complete_once || !final_at_start || !self.only {
            return Problem::Passing(Chain(&error).to_string());
        }
        let (worker, stream) = (self.stream.worker.clone(), self.stream.stream().clone());
        Problem::Fatal(WorkerError::Source { worker, stream, source: error })
    }

    async fn compare(&mut self, created: &mut Option<Timestamp>, complete_once: bool) -> Result<(), Problem> {
        let retrieval = Arc::clone(&self.stream.retrieval);
        let listing =
            retrieval.list_shards(WhichShards::All).await.map_err(|error| self.problem(error, complete_once))?;
        if self.stream.doubtful.swap(false, Ordering::Relaxed) || (created.is_none() && !complete_once) {
            *created = retrieval.created().await.map_err(|error| {
                self.stream.doubtful.store(true, Ordering::Relaxed);
                self.problem(error, complete_once)
            })?;
        }
        let leases = self.stream.tenures.store.list().await.map_err(|error| passing(&error))?;
        let looked = Instant::now();
        self.finished.look(self.stream.stream(), &leases.leases, looked);
        let graph = Graph::new(self.stream.stream(), &listing.shards, &leases.leases, *created);
        if graph.is_recreated() {
            return self.start_over(&graph).await;
        }
        let plan = graph.plan();
        let mut create = plan.create;
        if !plan.unreached.is_empty() {
            let beginning = graph.beginning(self.stream.initial);
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
        for (shard, range) in plan.without_range {
            self.stream.tenures.store.note_hash_range(&shard, range).await.map_err(|error| passing(&error))?;
        }
        self.apply(create, plan.delete, looked, !complete_once).await
    }

    /// The leases were made for an earlier stream of the same name.
    async fn start_over(&self, graph: &Graph<'_>) -> Result<(), Problem> {
        let stream = self.stream.stream().clone();
        match self.stream.recreated {
            Recreated::Refuse if self.only => {
                self.emit(&Event::StreamRecreated { stream: stream.clone() });
                let worker = self.stream.worker.clone();
                Err(Problem::Fatal(WorkerError::StreamRecreated { worker, stream }))
            }
            Recreated::Refuse => {
                // The worker ceases to read it, and ends this loop.
                drop(self.stream.news.send(News::Recreated(stream)));
                std::future::pending().await
            }
            Recreated::StartOver => {
                self.emit(&Event::StreamRecreated { stream: stream.clone() });
                // What this worker holds of it is let go; others do the same.
                drop(self.stream.news.send(News::LetGo(stream)));
                for lease in graph.of_earlier() {
                    let gone = lease.shard.clone();
                    if removal::remove(&self.stream, lease).await.map_err(|error| passing(&error))? {
                        self.emit(&Event::LeaseDeleted { shard: gone });
                    }
                }
                Err(Problem::Passing("the leases of the earlier stream are being removed".to_owned()))
            }
        }
    }

    /// Makes and removes leases, by a look at the table that was answered at `looked`.
    async fn apply(
        &self,
        create: Vec<(Lease, CreateReason)>,
        delete: Vec<Lease>,
        looked: Instant,
        first: bool,
    ) -> Result<(), Problem> {
        let store = &self.stream.tenures.store;
        let (all, mut made) = (create.len(), 0);
        for (lease, reason) in create {
            if looked.elapsed() > MADE_WITHIN {
                break;
            }
            if let WriteOutcome::Applied(new) = store.create(&lease).await.map_err(|error| passing(&error))? {
                self.emit(&Event::LeaseCreated { shard: new.shard, checkpoint: new.checkpoint, reason });
            }
            made += 1;
        }
        // Made by us or, a moment before, by others that started with us: they are there to be taken.
        if made > 0 || first {
            self.changed.notify_one();
        }
        if made < all {
            let problem =
                format!("{made} of {all} leases were made within {MADE_WITHIN:?}; the rest follows on a new look");
            return Err(Problem::Passing(problem));
        }
        let old = |lease: &Lease| self.finished.is_old(&lease.shard, Instant::now());
        for lease in delete.into_iter().filter(old) {
            if let WriteOutcome::Applied(gone) = store.delete(&lease).await.map_err(|error| passing(&error))? {
                self.emit(&Event::LeaseDeleted { shard: gone.shard });
            }
        }
        Ok(())
    }
}

fn passing(error: &StoreError) -> Problem {
    Problem::Passing(Chain(error).to_string())
}
