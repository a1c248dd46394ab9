//! Removes the leases of shards that ended here long enough ago.

use std::sync::{Arc, PoisonError};

use tokio::time::Instant;

use super::holdings::Holding;
use super::process::Process;
use super::table::Trouble;

/// A shard whose end was committed.
#[derive(Debug, Clone)]
pub(super) struct Finished {
    key: String,
    since: Instant,
}

impl Process {
    /// Puts a shard on the list, which is in memory only.
    pub(super) fn remember_finished(&self, holding: &Arc<Holding>) {
        let finished = Finished { key: holding.key.clone(), since: Instant::now() };
        self.finished.lock().unwrap_or_else(PoisonError::into_inner).push(finished);
    }

    /// Looks for ever.
    pub(super) async fn clean_up_on(&self) {
        let mut ticks = tokio::time::interval(self.pace.cleanup);
        loop {
            ticks.tick().await;
            let list = std::mem::take(&mut *self.finished.lock().unwrap_or_else(PoisonError::into_inner));
            for finished in list {
                let ripe = finished.since.elapsed() >= self.pace.finished_for;
                if !ripe || !self.remove(&finished.key).await.unwrap_or(false) {
                    self.finished.lock().unwrap_or_else(PoisonError::into_inner).push(finished);
                }
            }
        }
    }

    /// Removes a lease once all children have begun and no parent is left. It is asked for nothing: whoever changed it
    /// since loses it too. Whether there is no more to do.
    async fn remove(&self, key: &str) -> Result<bool, Trouble> {
        let Some(lease) = self.table.get(key).await? else { return Ok(true) };
        for child in &lease.children {
            if self.table.get(child).await?.is_none_or(|child| child.checkpoint.is_start()) {
                return Ok(false);
            }
        }
        for parent in &lease.parents {
            if self.table.get(parent).await?.is_some() {
                return Ok(false);
            }
        }
        // Without children it has no successor, or does not know of it.
        if lease.children.is_empty() {
            return Ok(false);
        }
        self.say(&format!("removes {key}"));
        self.table.delete(key).await?;
        Ok(true)
    }
}
