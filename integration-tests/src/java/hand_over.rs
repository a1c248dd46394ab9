//! The last step of a hand-over: the holder gives the lease to the one who is to have it.

use std::sync::Arc;

use super::holdings::Holding;
use super::pace::{HAND_OVER, HAND_OVER_TICK};
use super::process::Process;

impl Process {
    /// Passes on a lease that somebody else is to have, and lets go of it whether or not that worked.
    pub(super) async fn pass_on(&self, holding: &Arc<Holding>) {
        let lease = holding.lease.lock().await;
        if let (Some(to), Some(_)) = (lease.owner.as_deref(), &lease.checkpoint_owner) {
            let passed = self.table.assign(&lease, to).await;
            self.say(&format!("passes {} to {to}: {passed:?}", holding.key));
        }
        self.holdings.give_up(holding);
    }

    /// Passes on what took too long, for ever. Who reads the shard is told when it next asks whether it may.
    pub(super) async fn hand_over_on(&self) {
        let mut ticks = tokio::time::interval(HAND_OVER_TICK);
        loop {
            ticks.tick().await;
            for holding in self.holdings.all() {
                if holding.asked_for().is_some_and(|asked| asked > HAND_OVER) {
                    self.pass_on(&holding).await;
                }
            }
        }
    }
}
