//! What the shards of one stream have in common: the requests, and the consumer.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kcl_core::ids::ShardId;
use kcl_core::kinesis::Dated;
use kcl_core::retrieval::StartAt;
use tokio::time::Instant;

use crate::calls::{Calls, NotBegun, Receiver};
use crate::consumer::Consumer;
use crate::trouble::Trouble;

/// A stream and its consumer.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) calls: Calls,
    pub(crate) consumer: Consumer,
    pub(crate) silence: Duration,
    /// Shards that were read until now, and when they may be subscribed to again.
    pub(crate) resting: Resting,
}

/// The service counts the calls for a shard, whoever makes them: the next reader of the shard in this process keeps to what
/// the last one left.
#[derive(Debug, Default)]
pub(crate) struct Resting(Mutex<BTreeMap<ShardId, Instant>>);

impl Resting {
    /// Nobody reads the shard any more; it may be subscribed to again then.
    pub(crate) fn until(&self, shard: &ShardId, not_before: Instant, now: Instant) {
        let mut shards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shards.retain(|_, until| *until > now);
        // Whoever reads the shard now may have called later than one that is only now dropped.
        let rests = shards.entry(shard.clone()).or_insert(not_before);
        *rests = not_before.max(*rests);
    }

    /// When the shard may be subscribed to, if not at once.
    pub(crate) fn not_before(&self, shard: &ShardId) -> Option<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(shard).copied()
    }
}

/// A call on its way. It is kept by whoever made it, so that nothing is lost when nobody waits for a while.
pub(crate) type Call = Pin<Box<dyn Future<Output = Result<Dated<Receiver>, NotBegun>> + Send>>;

impl Link {
    /// Subscribes to a shard, once the consumer is there.
    pub(crate) fn subscribe(self: &Arc<Self>, shard: ShardId, from: StartAt) -> Call {
        let link = Arc::clone(self);
        Box::pin(async move { link.subscribed(&shard, &from).await })
    }

    async fn subscribed(&self, shard: &ShardId, from: &StartAt) -> Result<Dated<Receiver>, NotBegun> {
        let arn = self.consumer.arn(&self.calls).await.map_err(NotBegun::Refused)?;
        let refused = match self.calls.subscribe(&arn, shard, from).await {
            Err(NotBegun::NotFound(refused)) => refused,
            begun => return begun,
        };
        match self.consumer.not_found(&self.calls, &arn).await {
            Ok(Some(arn)) => self.calls.subscribe(&arn, shard, from).await,
            Ok(None) => Err(NotBegun::NotFound(refused)),
            Err(error) => Err(NotBegun::Refused(error)),
        }
    }

    /// For the message of an error.
    pub(crate) fn trouble<'a>(&'a self, shard: &'a ShardId) -> Trouble<'a> {
        Trouble::new(&self.calls.stream, shard, self.consumer.identity().text())
    }
}
