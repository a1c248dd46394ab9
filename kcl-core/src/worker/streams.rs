//! The streams that a worker reads: given at the start, added and removed while it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::decide::linger::Finished;
use crate::error::ConfigError;
use crate::event::Event;
use crate::ids::StreamId;
use crate::lease::Lease;
use crate::position::InitialPosition;
use crate::removal;
use crate::retrieval::Retrieval;
use crate::shard_task::{Command, Recreated, StreamContext};
use crate::tenure::Heir;
use crate::worker::reconcile::Reconciler;
use crate::worker::run::{Ended, Running};

/// How long processors have when their stream is removed.
const REMOVAL: Duration = Duration::from_secs(10);

/// One stream, as it was given.
#[derive(Debug, Clone)]
pub(crate) struct ReadStream {
    pub(crate) retrieval: Arc<dyn Retrieval>,
    pub(crate) initial: InitialPosition,
    pub(crate) recreated: Recreated,
}

/// The streams that a worker is to read. Changed by its handles; followed by the worker.
#[derive(Debug)]
pub(crate) struct Streams {
    wanted: Mutex<BTreeMap<StreamId, ReadStream>>,
    changed: watch::Sender<()>,
}

impl Streams {
    pub(crate) fn new(streams: impl IntoIterator<Item = ReadStream>) -> Self {
        let wanted = streams.into_iter().map(|stream| (stream.retrieval.stream().clone(), stream)).collect();
        Self { wanted: Mutex::new(wanted), changed: watch::Sender::new(()) }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<StreamId, ReadStream>> {
        // A stream is added or removed as a whole.
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a stream.
    pub(crate) fn add(&self, stream: ReadStream) -> Result<(), ConfigError> {
        let id = stream.retrieval.stream().clone();
        let mut wanted = self.lock();
        if let Some(other) = wanted.keys().chain([&id]).find(|id| !id.is_qualified()) {
            let problem = format!(
                "`{other}` has not the form account:name:epoch, which every stream of a worker that reads several must have"
            );
            return Err(ConfigError::new("stream", problem));
        }
        if wanted.contains_key(&id) {
            return Err(ConfigError::new("stream", format!("`{id}` is read already")));
        }
        wanted.insert(id, stream);
        drop(wanted);
        self.changed.send_replace(());
        Ok(())
    }

    /// Removes a stream. Answers whether it was there.
    pub(crate) fn remove(&self, id: &StreamId) -> bool {
        let removed = self.lock().remove(id).is_some();
        if removed {
            self.changed.send_replace(());
        }
        removed
    }

    pub(crate) fn ids(&self) -> BTreeSet<StreamId> {
        self.lock().keys().cloned().collect()
    }

    pub(crate) fn follow(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    fn wanted(&self) -> BTreeMap<StreamId, ReadStream> {
        self.lock().clone()
    }
}

/// The streams that a worker is reading.
#[derive(Debug, Default)]
pub(super) struct Reading {
    streams: BTreeMap<StreamId, (Arc<StreamContext>, AbortHandle)>,
    /// Streams whose leases are being removed, since they are of an earlier one: nothing of them is taken meanwhile.
    starting_over: BTreeSet<StreamId>,
    /// Streams that are not what their leases were made for. They are not read until they are removed and added again.
    refused: BTreeSet<StreamId>,
    /// Streams that have leases and are not read, and since when.
    former: BTreeMap<StreamId, Instant>,
}

impl Reading {
    pub(super) fn of(&self, stream: &StreamId) -> Option<&Arc<StreamContext>> {
        self.streams.get(stream).map(|(context, _)| context)
    }

    pub(super) fn ids(&self) -> BTreeSet<StreamId> {
        self.streams.keys().cloned().collect()
    }

    /// The streams whose leases this worker takes.
    pub(super) fn taken(&self) -> BTreeSet<StreamId> {
        self.streams.keys().filter(|id| !self.starting_over.contains(*id)).cloned().collect()
    }

    /// Takes in the streams that have leases. Answers those that have been without a reader here for so long.
    pub(super) fn former(&mut self, leased: BTreeSet<StreamId>, now: Instant, delay: Duration) -> Vec<StreamId> {
        let streams = &self.streams;
        self.former.retain(|stream, _| leased.contains(stream) && !streams.contains_key(stream));
        for stream in leased.into_iter().filter(|stream| !streams.contains_key(stream)) {
            self.former.entry(stream).or_insert(now);
        }
        let old = |since: &Instant| now.saturating_duration_since(*since) >= delay;
        self.former.iter().filter(|(_, since)| old(since)).map(|(stream, _)| stream.clone()).collect()
    }
}

impl Running {
    /// Begins to read what is new, and ceases to read what is gone.
    pub(super) fn follow_streams(&mut self) {
        let wanted = self.worker.streams.wanted();
        let gone: Vec<_> = self.reading.ids().into_iter().filter(|id| !wanted.contains_key(id)).collect();
        for id in gone {
            self.cease(&id);
        }
        let only = wanted.len() == 1;
        self.reading.refused.retain(|id| wanted.contains_key(id));
        for (id, stream) in wanted {
            if self.reading.streams.contains_key(&id) || self.reading.refused.contains(&id) {
                continue;
            }
            let ReadStream { retrieval, initial, recreated } = stream;
            let context = StreamContext::new(Arc::clone(&self.worker.shared), retrieval, initial, recreated);
            let context = Arc::new(context);
            let changed = Arc::clone(&self.changed);
            let finished = Finished::default();
            let reconciler = Reconciler { stream: Arc::clone(&context), changed, only, finished };
            let task = self.spawn_abortable(async {
                reconciler.run().await;
                Ended::Loop("comparison of shards and leases")
            });
            self.report(&Event::StreamAdded { stream: id.clone() });
            self.reading.streams.insert(id, (context, task));
        }
    }

    /// Ceases to read a stream that is another one than its leases were made for.
    pub(super) fn refuse(&mut self, id: &StreamId) {
        self.reading.refused.insert(id.clone());
        self.cease(id);
    }

    fn cease(&mut self, id: &StreamId) {
        let Some((_, task)) = self.reading.streams.remove(id) else { return };
        task.abort();
        self.report(&Event::StreamRemoved { stream: id.clone() });
        self.release_stream(id, REMOVAL);
    }

    /// Removes the leases of streams that have not been read for long, if this worker is told to, and is the first in rank.
    pub(super) fn forget_streams(&mut self, now: Instant, rank: usize) {
        let Some(delay) = self.worker.forget_streams_after else { return };
        let leases = self.view.leases.iter();
        let in_use: BTreeSet<_> =
            leases.clone().filter(|lease| lease.holder().is_some()).map(|lease| &lease.shard.stream).collect();
        // Held by anybody, it is a stream that others read.
        let leased =
            leases.map(|lease| &lease.shard.stream).filter(|stream| !in_use.contains(*stream)).cloned().collect();
        let former = self.reading.former(leased, now, delay);
        if former.is_empty() || rank > 0 {
            return;
        }
        let of_former = self.view.leases.iter().filter(|lease| former.contains(&lease.shard.stream));
        let leases: Vec<Lease> = of_former.cloned().collect();
        let context = Arc::clone(&self.worker.shared);
        self.spawn(Box::pin(async move {
            for lease in leases {
                let shard = lease.shard.clone();
                // What could not be removed is seen again at the next look.
                if let Ok(true) = removal::remove(&context, lease).await {
                    context.tenures.reporter.emit(&Event::LeaseDeleted { shard });
                }
            }
            Ended::Done
        }));
    }

    /// Lets go of all shards of a stream, and takes none, until its leases fit its shards.
    pub(super) fn start_over(&mut self, id: &StreamId) {
        self.reading.starting_over.insert(id.clone());
        self.release_stream(id, Duration::ZERO);
    }

    /// The leases of a stream fit its shards.
    pub(super) fn compared(&mut self, id: &StreamId) {
        if self.reading.starting_over.remove(id) {
            self.look_now();
        }
    }

    /// Lets go of all shards of a stream.
    pub(super) fn release_stream(&self, id: &StreamId, within: Duration) {
        for tenure in self.held.tenures().iter().filter(|tenure| tenure.shard().stream == *id) {
            tenure.set_heir(Heir::Nobody);
            self.held.command(tenure.shard(), Command::Stop(Instant::now() + within));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(former: &[(&str, u64)], start: Instant) -> Reading {
        let at = |seconds: &u64| start + Duration::from_secs(*seconds);
        let former = former.iter().map(|(stream, seconds)| (StreamId::named(stream), at(seconds))).collect();
        Reading { former, ..Reading::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_is_former_once_it_was_not_read_for_the_delay_without_a_break() {
        let start = Instant::now();
        let ids = |names: &[&str]| names.iter().map(|name| StreamId::named(name)).collect::<BTreeSet<_>>();
        let delay = Duration::from_secs(60);
        let mut reading = reading(&[("a", 0), ("gone", 0)], start);
        assert_eq!(reading.former(ids(&["a", "b"]), start + Duration::from_secs(59), delay), []);
        assert_eq!(reading.former(ids(&["a", "b"]), start + delay, delay), [StreamId::named("a")]);
        assert_eq!(reading.former(ids(&["gone"]), start + delay, delay), [], "it was away, and is new");
    }
}
