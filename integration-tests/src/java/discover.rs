//! Finds the leases that others gave to this worker.

use futures_util::future::join_all;

use super::process::Process;
use super::table::Trouble;

impl Process {
    /// Looks for ever.
    pub(super) async fn discover_on(&self) {
        let mut ticks =
            tokio::time::interval_at(tokio::time::Instant::now() + self.pace.discovery(), self.pace.discovery());
        loop {
            ticks.tick().await;
            if let Err(trouble) = self.discover().await {
                self.say(&format!("cannot ask the index: {}", trouble.0));
            }
        }
    }

    /// The index knows the owner only, so each lease is read, and what is read may be old: a lease is adopted on the word
    /// of a row that may have changed since.
    async fn discover(&self) -> Result<(), Trouble> {
        let mut keys = self.table.keys_of(&self.id).await?;
        let held: Vec<_> = self.holdings.current(self.pace.failover);
        keys.retain(|key| held.iter().all(|holding| holding.key != *key));
        for lease in join_all(keys.iter().map(|key| self.table.get(key))).await {
            if let Ok(Some(lease)) = lease
                && lease.owner.as_deref() == Some(&self.id)
                && lease.checkpoint_owner.is_none()
            {
                self.say(&format!("adopts {}", lease.key));
                self.holdings.adopt(lease);
            }
        }
        Ok(())
    }
}
