//! The leases that a Java worker believes to own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::lease::JavaLease;

/// What the consumer of a shard is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Signal {
    /// Go on.
    Run,
    /// Somebody else is to have the shard: stop well, then pass it on.
    HandOver,
    /// The worker stops: stop well.
    Stop,
    /// The lease is lost.
    Lost,
}

/// One ownership, from its adoption on.
#[derive(Debug)]
pub(super) struct Holding {
    pub(super) key: String,
    /// Tells it from other ownerships of the same lease by this worker.
    pub(super) token: u64,
    pub(super) epoch: u64,
    pub(super) parents: Vec<String>,
    /// Locked over each write, so that renewals and commits take turns.
    pub(super) lease: tokio::sync::Mutex<JavaLease>,
    signal: Mutex<watch::Sender<Signal>>,
    face: Mutex<Face>,
}

/// What is read beside the writes.
#[derive(Debug)]
struct Face {
    /// When the counter last moved, by the time of the answer; or when the lease was adopted.
    moved: Instant,
    load: Load,
    /// Since when somebody else is to have it.
    asked: Option<Instant>,
}

/// How much a shard brings.
#[derive(Debug, Default)]
struct Load {
    bytes: u64,
    smoothed: Option<f64>,
}

impl Holding {
    fn face(&self) -> MutexGuard<'_, Face> {
        self.face.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counter moved.
    pub(super) fn moved(&self) {
        self.face().moved = Instant::now();
    }

    /// Whether the counter stood still for so long that others may have taken the lease.
    pub(super) fn is_expired(&self, failover: Duration) -> bool {
        self.face().moved.elapsed() > failover
    }

    /// Records were given to the processor.
    pub(super) fn carried(&self, bytes: usize) {
        self.face().load.bytes += u64::try_from(bytes).unwrap_or(0);
    }

    /// Smooths the load over one more interval, and says what is to be written of it: nothing as long as there was none.
    pub(super) fn throughput(&self, interval: Duration) -> Option<f64> {
        let mut face = self.face();
        let bytes = std::mem::take(&mut face.load.bytes);
        #[expect(clippy::cast_precision_loss, reason = "no shard brings so much in a second")]
        let rate = bytes as f64 / 1024.0 / interval.as_secs_f64();
        face.load.smoothed = match face.load.smoothed {
            None if bytes == 0 => None,
            None => Some(rate),
            Some(before) => Some(f64::midpoint(before, rate)),
        };
        face.load.smoothed.map(|load| (load * 1e6).round() / 1e6)
    }

    /// Somebody else is to have it. Asking again changes nothing.
    pub(super) fn ask(&self) {
        self.face().asked.get_or_insert_with(Instant::now);
        self.tell(Signal::HandOver);
    }

    /// For how long it has been asked for.
    pub(super) fn asked_for(&self) -> Option<Duration> {
        self.face().asked.map(|asked| asked.elapsed())
    }

    /// For a new consumer: what it is told from now on.
    pub(super) fn listen(&self) -> watch::Receiver<Signal> {
        let first = if self.face().asked.is_some() { Signal::HandOver } else { Signal::Run };
        let (sender, receiver) = watch::channel(first);
        *self.signal.lock().unwrap_or_else(PoisonError::into_inner) = sender;
        receiver
    }

    /// Tells the newest consumer, unless it was told something that weighs more.
    pub(super) fn tell(&self, signal: Signal) {
        self.signal.lock().unwrap_or_else(PoisonError::into_inner).send_if_modified(|told| {
            let more = signal > *told;
            *told = signal.max(*told);
            more
        });
    }
}

/// All leases that a worker believes to own.
#[derive(Debug, Default)]
pub(super) struct Holdings(Mutex<Owned>);

#[derive(Debug, Default)]
struct Owned {
    tokens: u64,
    leases: BTreeMap<String, Arc<Holding>>,
}

impl Holdings {
    fn owned(&self) -> MutexGuard<'_, Owned> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adopts a lease. Nothing is written: the next renewal is the first that the table hears of it.
    pub(super) fn adopt(&self, lease: JavaLease) {
        let mut owned = self.owned();
        owned.tokens += 1;
        let face = Face { moved: Instant::now(), load: Load { bytes: 0, smoothed: lease.throughput }, asked: None };
        let holding = Holding {
            key: lease.key.clone(),
            token: owned.tokens,
            epoch: lease.epoch(),
            parents: lease.parents.clone(),
            lease: tokio::sync::Mutex::new(lease),
            signal: Mutex::new(watch::Sender::new(Signal::Run)),
            face: Mutex::new(face),
        };
        owned.leases.insert(holding.key.clone(), Arc::new(holding));
    }

    /// Gives up an ownership, unless another one of the same lease has followed it.
    pub(super) fn give_up(&self, holding: &Arc<Holding>) {
        let mut owned = self.owned();
        if owned.leases.get(&holding.key).is_some_and(|newest| Arc::ptr_eq(newest, holding)) {
            owned.leases.remove(&holding.key);
        }
    }

    /// All of them, also those that have expired and are not yet cleared away.
    pub(super) fn all(&self) -> Vec<Arc<Holding>> {
        self.owned().leases.values().cloned().collect()
    }

    /// Those by which shards may be read.
    pub(super) fn current(&self, failover: Duration) -> Vec<Arc<Holding>> {
        let mut all = self.all();
        all.retain(|holding| !holding.is_expired(failover));
        all
    }

    /// Whether a shard may be read by this one.
    pub(super) fn is_current(&self, holding: &Arc<Holding>, failover: Duration) -> bool {
        let newest = self.owned().leases.get(&holding.key).cloned();
        newest.is_some_and(|newest| Arc::ptr_eq(&newest, holding)) && !holding.is_expired(failover)
    }
}
