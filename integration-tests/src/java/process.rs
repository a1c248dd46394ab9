//! What all loops of one Java worker share.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::timeout::TimeoutConfig;
use kcl_core::position::Position;
use kcl_local::Clock;
use tokio::sync::watch;

use super::cleanup::Finished;
use super::holdings::{Holding, Holdings};
use super::lock::Lock;
use super::pace::Pace;
use super::table::{Answer, Table};
use crate::handling::Handling;
use crate::history::{Recorder, Run, What};
use crate::label;
use crate::site::{APP, STREAM, Site};
use crate::witness::Ledger;

/// `dynamoDbRequestTimeout`, and that for Kinesis.
const REQUEST: Duration = Duration::from_mins(1);
/// The back-off of the SDK for Java before it asks again.
const BACK_OFF: Duration = Duration::from_millis(25);

/// One process of a Java worker.
#[derive(Debug, Clone)]
pub struct JavaSpec {
    /// Its number.
    pub run: Run,
    /// Its place in the fleet.
    pub slot: usize,
    /// Its worker id.
    pub id: String,
    /// How fast it does what it does.
    pub pace: Pace,
    /// How far its wall clock is ahead, in milliseconds.
    pub skew_ms: i64,
    /// What its luck follows from.
    pub seed: u64,
    /// How many records one `GetRecords` asks for.
    pub read_limit: u32,
    /// How long its processors take. They never fail: what Java does then is to skip the records.
    pub handling: Arc<Handling>,
}

/// A Java worker, once it runs.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) run: Run,
    pub(super) id: String,
    pub(super) pace: Pace,
    pub(super) read_limit: u32,
    pub(super) handling: Arc<Handling>,
    pub(super) table: Table,
    pub(super) kinesis: aws_sdk_kinesis::Client,
    pub(super) recorder: Recorder,
    pub(super) ledger: Ledger,
    pub(super) holdings: Holdings,
    pub(super) lock: Lock,
    /// Shards whose end was committed here.
    pub(super) finished: Mutex<Vec<Finished>>,
    pub(super) stop: watch::Receiver<bool>,
    clock: Clock,
    skew_ms: i64,
    luck: Mutex<fastrand::Rng>,
    knows_shards: AtomicBool,
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Committed {
    Yes,
    /// The lease is lost.
    Lost,
    /// Nobody knows; it may be tried again.
    Unknown,
}

impl Process {
    pub(super) fn new(site: &Site, spec: JavaSpec, stop: watch::Receiver<bool>) -> Self {
        let label = label::of(spec.slot, spec.run);
        let timeouts = TimeoutConfig::builder();
        let timeouts = timeouts.operation_attempt_timeout(spec.pace.read_timeout).operation_timeout(REQUEST).build();
        // As often as the SDK for Java does by default.
        let retries = |attempts| RetryConfig::standard().with_max_attempts(attempts).with_initial_backoff(BACK_OFF);
        let kinesis = site.local.kinesis_config(&label).timeout_config(timeouts.clone()).retry_config(retries(4));
        let dynamodb = site.local.dynamodb_config(&label).timeout_config(timeouts).retry_config(retries(9));
        let client = aws_sdk_dynamodb::Client::from_conf(dynamodb.build());
        Self {
            run: spec.run,
            id: spec.id,
            pace: spec.pace,
            read_limit: spec.read_limit,
            handling: spec.handling,
            table: Table { client, name: APP.to_owned() },
            kinesis: aws_sdk_kinesis::Client::from_conf(kinesis.build()),
            recorder: site.recorder.clone(),
            ledger: site.ledger.clone(),
            holdings: Holdings::default(),
            lock: Lock::default(),
            finished: Mutex::default(),
            stop,
            clock: site.local.clock().clone(),
            skew_ms: spec.skew_ms,
            luck: Mutex::new(fastrand::Rng::with_seed(spec.seed)),
            knows_shards: false.into(),
        }
    }

    /// Lists the shards, once in the life of a process: for their hash keys, against which user records are checked.
    pub(super) async fn know_shards(&self) {
        if !self.knows_shards.swap(true, Relaxed) {
            let listed = self.kinesis.list_shards().stream_name(STREAM).send().await;
            self.knows_shards.store(listed.is_ok(), Relaxed);
        }
    }

    pub(super) fn luck(&self) -> MutexGuard<'_, fastrand::Rng> {
        self.luck.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The wall clock, in milliseconds.
    pub(super) fn wall_ms(&self) -> u64 {
        self.clock.now().0.saturating_add_signed(self.skew_ms)
    }

    pub(super) fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Waits until the worker is told to stop.
    pub(super) async fn told_to_stop(&self) {
        let mut stop = self.stop.clone();
        if stop.wait_for(|stop| *stop).await.is_err() {
            // Nobody is left who could tell.
            std::future::pending::<()>().await;
        }
    }

    /// For what the worker says of itself in the trace.
    pub(super) fn say(&self, what: &str) {
        self.recorder.trace(self.recorder.now(), format_args!("{}  java: {what}", self.run), &[]);
    }

    pub(super) fn note(&self, what: What) {
        self.recorder.note(what);
    }

    /// Commits under an ownership. A refusal means that the lease is lost, even if it was the worker's own write that
    /// was asked for twice.
    pub(super) async fn commit(&self, holding: &Arc<Holding>, position: &Position) -> Committed {
        if !self.holdings.is_current(holding, self.pace.failover) {
            return Committed::Lost;
        }
        let mut lease = holding.lease.lock().await;
        match self.table.checkpoint(&lease, position).await {
            Ok(Answer::Applied(_)) => {
                lease.counter += 1;
                lease.checkpoint = position.clone();
                holding.moved();
                Committed::Yes
            }
            Ok(Answer::Refused(_)) => {
                self.holdings.give_up(holding);
                Committed::Lost
            }
            Err(trouble) => {
                self.say(&format!("cannot commit {}: {}", holding.key, trouble.0));
                Committed::Unknown
            }
        }
    }
}
