//! The worker's own row in the table: reported so that others know of it, and listened to.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::decide::fleet::Me;
use crate::error::{Chain, StoreError, WorkerError};
use crate::event::{Event, Look};
use crate::member::{Member, MemberReport, Over};
use crate::retry::Backoff;
use crate::shard_task::{News, WorkerContext};
use crate::store::{LeaseStore, within};
use crate::utilization::Gauge;

/// How long the CPU is measured for one mean, as the Java KCL does.
const MEASURE: Duration = Duration::from_secs(30);

/// How often a worker listens to its row. What wakes it is acted on within this time.
const LISTEN: Duration = Duration::from_millis(500);

/// How many means of the CPU are reported, as the Java KCL does.
const MEANS: usize = 10;

/// Keeps the worker's row.
pub(super) struct Membership {
    shared: Arc<WorkerContext>,
    me: Me,
    gauge: Gauge,
    means: VecDeque<f64>,
    news: mpsc::UnboundedSender<News>,
}

impl Membership {
    pub(super) fn new(shared: Arc<WorkerContext>, me: Me, gauge: Gauge) -> Self {
        let news = shared.news.clone();
        Self { shared, me, gauge, means: VecDeque::new(), news }
    }

    fn store(&self) -> &dyn LeaseStore {
        self.shared.tenures.store.as_ref()
    }

    /// Makes the row this process's, whoever's it was. What can pass is waited for.
    pub(super) async fn join(&mut self) -> Result<(), WorkerError> {
        let mut backoff = Backoff::look();
        loop {
            match self.try_to_join().await {
                Ok(true) => return Ok(()),
                // Another process of this id joined at the same moment.
                Ok(false) => tokio::time::sleep(backoff.next().1).await,
                Err(source) if source.is_transient() => {
                    let (attempt, pause) = backoff.next();
                    self.failed(attempt, &source);
                    tokio::time::sleep(pause).await;
                }
                Err(source) => return Err(WorkerError::Store { worker: self.me.worker.clone(), source }),
            }
        }
    }

    async fn try_to_join(&mut self) -> Result<bool, StoreError> {
        let row = self.store().member(&self.me.worker, true).await?;
        let seen = row.and_then(|row| row.instance);
        if seen == Some(self.me.instance) {
            // The answer to an earlier attempt was lost.
            return Ok(true);
        }
        self.store().report(&self.report(Over::Seen(seen))).await
    }

    fn report(&self, over: Over) -> MemberReport {
        MemberReport {
            worker: self.me.worker.clone(),
            instance: self.me.instance,
            over,
            now: self.shared.tenures.wall.now(),
            cap: self.me.cap,
            utilization: if self.shared.tells_cpu.load(Ordering::Relaxed) {
                self.means.iter().copied().collect()
            } else {
                Vec::new()
            },
        }
    }

    /// Reports and listens, for ever; or until another process has taken the row over.
    pub(super) async fn run(mut self) {
        let report = self.shared.tenures.timing.report;
        let mut next_report = Instant::now() + report;
        let mut next_mean = Instant::now() + MEASURE;
        let mut backoff = Backoff::look();
        // Two requests at most.
        let limit = self.shared.tenures.timing.attempt * 2;
        loop {
            let now = Instant::now();
            if now >= next_mean {
                next_mean = now + MEASURE;
                self.measure();
            }
            let done = if now >= next_report {
                let told = within(limit, self.tell()).await;
                if told.is_ok() {
                    next_report = now + report;
                }
                told
            } else {
                within(limit, self.listen()).await
            };
            let pause = match done {
                Ok(true) => {
                    backoff.reset();
                    LISTEN
                }
                Ok(false) => {
                    let worker = self.me.worker.clone();
                    drop(self.news.send(News::Fatal(WorkerError::DuplicateWorker { worker })));
                    return;
                }
                Err(error) => {
                    let (attempt, pause) = backoff.next();
                    self.failed(attempt, &error);
                    pause
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    fn failed(&self, attempt: u32, error: &StoreError) {
        let error = Chain(error).to_string();
        self.shared.tenures.reporter.emit(&Event::LookFailed { what: Look::Members, attempt, error });
    }

    fn measure(&mut self) {
        if let Some(percent) = self.gauge.percent() {
            if self.means.len() == MEANS {
                self.means.pop_front();
            }
            self.means.push_back(percent);
        }
    }

    /// Writes the row. `false` if it is another process's.
    async fn tell(&mut self) -> Result<bool, StoreError> {
        if self.store().report(&self.report(Over::Own)).await? {
            return Ok(true);
        }
        self.still_here().await
    }

    /// Reads the row. `false` if it is another process's.
    async fn listen(&mut self) -> Result<bool, StoreError> {
        match self.store().member(&self.me.worker, false).await? {
            Some(row) if row.instance == Some(self.me.instance) => {
                self.hear(row).await?;
                Ok(true)
            }
            // What was read may be older than this process.
            _ => self.still_here().await,
        }
    }

    async fn still_here(&mut self) -> Result<bool, StoreError> {
        match self.store().member(&self.me.worker, true).await? {
            Some(row) => Ok(row.instance == Some(self.me.instance)),
            // Removed as one that had not been heard of for long: this process was frozen, or could not write.
            None => self.store().report(&self.report(Over::Seen(None))).await,
        }
    }

    async fn hear(&mut self, row: Member) -> Result<(), StoreError> {
        if row.wakes.is_empty() {
            return Ok(());
        }
        drop(self.news.send(News::Woken(row.wakes.clone())));
        self.store().consume(&self.me.worker, &row.wakes).await
    }
}
/// Removes the row by which a worker says that it lives, if it is its own.
pub(super) async fn remove_row(shared: &WorkerContext, me: &Me) {
    let row = Member {
        worker: me.worker.clone(),
        instance: Some(me.instance),
        reported: shared.tenures.wall.now(),
        leaving: true,
        assignable: false,
        cap: None,
        utilization: None,
        wakes: Vec::new(),
    };
    // A row that stays says that this worker has left, or is silent, and is removed after a day.
    drop(within(shared.tenures.timing.attempt, shared.tenures.store.remove_member(&row)).await);
}
