//! Keeps leases: every one is renewed in every round, and what a refusal means is found out.

use std::sync::Arc;

use futures_util::StreamExt as _;

use super::holdings::Holding;
use super::lease::{Item, JavaLease};
use super::process::Process;
use super::table::{Answer, Trouble};

/// The threads that renew.
const THREADS: usize = 5;

impl Process {
    /// Takes up, at the start, what an earlier process of this id left. Nobody is asked how old it is.
    pub(super) async fn take_up(&self) -> Result<(), Trouble> {
        for item in self.table.scan_in_segments().await? {
            let Some(lease) = JavaLease::of(&item) else { continue };
            if lease.owner.as_deref() != Some(&self.id) || lease.checkpoint_owner.is_some() {
                continue;
            }
            if let Ok(Answer::Applied(_)) = self.table.renew(&lease, None).await {
                self.holdings.adopt(JavaLease { counter: lease.counter + 1, ..lease });
            }
        }
        Ok(())
    }

    /// Renews for ever. A round that takes long holds up the next ones, which then follow one another at once.
    pub(super) async fn renew_on(self: &Arc<Self>) {
        let mut ticks = tokio::time::interval(self.pace.renewal());
        loop {
            ticks.tick().await;
            let renewals = self.holdings.all().into_iter().map(|holding| self.keep(holding));
            futures_util::stream::iter(renewals).buffer_unordered(THREADS).for_each(|()| async {}).await;
        }
    }

    /// Renews a lease, or gives it up.
    async fn keep(&self, holding: Arc<Holding>) {
        if holding.is_expired(self.pace.failover) {
            self.holdings.give_up(&holding);
            return;
        }
        let mut lease = holding.lease.lock().await;
        let throughput = holding.throughput(self.pace.renewal());
        match self.renew(&mut lease, throughput).await {
            Ok(true) => {
                holding.moved();
                if lease.checkpoint_owner.is_some() {
                    holding.ask();
                }
            }
            Ok(false) => self.holdings.give_up(&holding),
            // Whether it is lost will show.
            Err(trouble) => self.say(&format!("cannot renew {}: {}", holding.key, trouble.0)),
        }
    }

    /// Whether the lease is still this worker's.
    async fn renew(&self, lease: &mut JavaLease, throughput: Option<f64>) -> Result<bool, Trouble> {
        let refused = match self.table.renew(lease, throughput).await? {
            Answer::Applied(_) => {
                lease.counter += 1;
                return Ok(true);
            }
            Answer::Refused(item) => item,
        };
        if lease.checkpoint_owner.is_none()
            && let Some(asked) = self.asked_for(lease, refused).await?
        {
            if asked.actual_owner() != lease.actual_owner() || asked.checkpoint_owner == asked.owner {
                return Ok(false);
            }
            lease.owner = asked.owner;
            lease.checkpoint_owner = asked.checkpoint_owner;
            if let Answer::Applied(_) = self.table.renew(lease, throughput).await? {
                lease.counter += 1;
                return Ok(true);
            }
        }
        // It may have been this worker's own write, asked for twice. What is read may be old, and is compared with the
        // one who is to have the lease: in the middle of a hand-over this never finds out.
        let Some(now) = self.table.get(&lease.key).await? else { return Ok(false) };
        let own = now.owner.as_deref() == lease.actual_owner() && now.counter == lease.counter + 1;
        if own {
            lease.counter += 1;
        }
        Ok(own)
    }

    /// The lease as it is, if somebody else is to have it.
    async fn asked_for(&self, lease: &JavaLease, refused: Option<Item>) -> Result<Option<JavaLease>, Trouble> {
        let now = match refused {
            Some(item) => JavaLease::of(&item),
            None => self.table.get(&lease.key).await?,
        };
        Ok(now.filter(|now| now.checkpoint_owner.is_some()))
    }
}
