//! Weighs what a worker holds of records: from the moment that they are read, wherever they go, until the last reference to
//! their data is dropped. It is put between a worker and its stream, and knows nothing of the worker's own accounts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bytes::Bytes;
use kcl_core::async_trait;
use kcl_core::budget::ByteBudget;
use kcl_core::error::SourceError;
use kcl_core::ids::{ShardId, StreamId};
use kcl_core::retrieval::{Fetched, RecordSource, Retrieval, StartAt, WhichShards};
use kcl_core::shard::ShardListing;
use kcl_core::time::Timestamp;

use crate::history::{Recorder, Run, What};

/// The most that was held is taken down in steps of this size.
const STEP: usize = 64 * 1024;

/// A stream whose records are weighed.
#[derive(Debug)]
pub(crate) struct Weighed<R> {
    inner: R,
    scales: Arc<Scales>,
}

#[derive(Debug)]
struct Scales {
    recorder: Recorder,
    run: Run,
    held: AtomicUsize,
    /// The most that was held so far, in steps.
    most: AtomicUsize,
    largest: AtomicUsize,
}

impl<R: Retrieval> Weighed<R> {
    pub(crate) fn new(inner: R, recorder: Recorder, run: Run) -> Self {
        Self { inner, scales: Arc::new(Scales { recorder, run, held: 0.into(), most: 0.into(), largest: 0.into() }) }
    }
}

impl Scales {
    fn put_on(self: &Arc<Self>, data: Bytes) -> Bytes {
        if data.is_empty() {
            return data;
        }
        self.held.fetch_add(data.len(), Relaxed);
        Bytes::from_owner(OnScales { data, scales: Arc::clone(self) })
    }

    /// An answer with so much in it was read.
    fn read(&self, answer: usize) {
        let largest = self.largest.fetch_max(answer, Relaxed).max(answer);
        let (run, bytes) = (self.run, self.held.load(Relaxed));
        if self.most.fetch_max(bytes / STEP, Relaxed) < bytes / STEP {
            self.recorder.note(What::Held { run, bytes, largest });
        }
    }
}

/// The data of one record, on the scales as long as anything refers to it.
struct OnScales {
    data: Bytes,
    scales: Arc<Scales>,
}

impl AsRef<[u8]> for OnScales {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl Drop for OnScales {
    fn drop(&mut self) {
        self.scales.held.fetch_sub(self.data.len(), Relaxed);
    }
}

#[async_trait]
impl<R: Retrieval> Retrieval for Weighed<R> {
    fn stream(&self) -> &StreamId {
        self.inner.stream()
    }

    async fn created(&self) -> Result<Option<Timestamp>, SourceError> {
        self.inner.created().await
    }

    async fn list_shards(&self, which: WhichShards) -> Result<ShardListing, SourceError> {
        self.inner.list_shards(which).await
    }

    async fn open(
        &self,
        shard: &ShardId,
        from: &StartAt,
        budget: &ByteBudget,
    ) -> Result<Box<dyn RecordSource>, SourceError> {
        let inner = self.inner.open(shard, from, budget).await?;
        Ok(Box::new(WeighedSource { inner, scales: Arc::clone(&self.scales) }))
    }
}

struct WeighedSource {
    inner: Box<dyn RecordSource>,
    scales: Arc<Scales>,
}

#[async_trait]
impl RecordSource for WeighedSource {
    async fn next(&mut self) -> Result<Fetched, SourceError> {
        let mut fetched = self.inner.next().await?;
        if let Fetched::Records(fetch) = &mut fetched {
            let mut answer = 0;
            for record in &mut fetch.records {
                answer += record.data.len();
                record.data = self.scales.put_on(std::mem::take(&mut record.data));
            }
            self.scales.read(answer);
        }
        Ok(fetched)
    }

    async fn stand_by(&mut self) {
        self.inner.stand_by().await;
    }
}
