//! The leader: who reads which shard.

mod balance;
mod heap;
mod observe;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use self::balance::{Move, plan};
use self::observe::{Observer, Seen};
use super::lease::{Item, JavaLease, number, text};
use super::pace::{HAND_OVER, REPORT_COUNTS};
use super::process::Process;
use super::table::{Answer, Trouble};

/// After how many runs in a row that failed a leader gives up the lock.
const FAILURES: u32 = 3;

/// What a leader remembers from run to run.
#[derive(Debug, Default)]
pub(super) struct Assigner {
    observer: Observer,
    leads: bool,
    runs: u64,
    failures: u32,
    /// Until when holders have time to hand over what they were asked for. This ends no hand-over: it only lets the lease
    /// be given to somebody again.
    deadlines: BTreeMap<String, Instant>,
}

impl Assigner {
    /// Assigns for ever, whenever this worker leads.
    pub(super) async fn assign_on(mut self, process: &Arc<Process>) {
        loop {
            let failed = self.run(process).await;
            if let Err(trouble) = failed {
                process.say(&format!("cannot assign: {}", trouble.0));
                self.failures += 1;
                if self.failures >= FAILURES {
                    self.failures = 0;
                    process.resign().await;
                }
            } else {
                self.failures = 0;
            }
            tokio::time::sleep(process.pace.assignment()).await;
        }
    }

    async fn run(&mut self, process: &Arc<Process>) -> Result<(), Trouble> {
        if !process.is_leader().await {
            self.leads = false;
            return Ok(());
        }
        if !self.leads {
            *self = Self { leads: true, ..Self::default() };
        }
        let items = match process.table.scan_in_segments().await {
            Ok(items) => items,
            Err(_) => process.table.scan_in_segments().await?,
        };
        let now = Instant::now();
        let leases: Vec<_> = items.iter().filter_map(JavaLease::of).collect();
        let workers = active(&items, process.wall_ms() / 1000);
        let seen = self.observer.see(leases, now, process.pace.failover);
        self.note_deadlines(&seen, now, process);
        let balance = self.runs.is_multiple_of(process.pace.balance_every);
        self.runs += 1;
        let moves = plan(&seen, &workers, balance, &mut process.luck());
        for Move { lease, to } in moves {
            self.write(process, &seen[lease], &to).await?;
        }
        Ok(())
    }

    /// A hand-over that is seen for the first time gets its whole time, whoever asked for it.
    fn note_deadlines(&mut self, seen: &[Seen], now: Instant, process: &Process) {
        self.deadlines
            .retain(|key, _| seen.iter().any(|seen| seen.lease.key == *key && seen.lease.checkpoint_owner.is_some()));
        for seen in seen.iter().filter(|seen| seen.lease.checkpoint_owner.is_some()) {
            self.deadlines.entry(seen.lease.key.clone()).or_insert(now + HAND_OVER + process.pace.failover);
        }
    }

    async fn write(&mut self, process: &Process, seen: &Seen, to: &str) -> Result<(), Trouble> {
        let Seen { lease, expired } = seen;
        let now = Instant::now();
        let live = !expired && !lease.checkpoint.is_end();
        let asked = lease.checkpoint_owner.is_some();
        if live && asked && self.deadlines.get(&lease.key).is_some_and(|deadline| now < *deadline) {
            return Ok(());
        }
        if live
            && !asked
            && let Some(owner) = &lease.owner
        {
            process.say(&format!("asks {owner} to hand {} to {to}", lease.key));
            if let Answer::Applied(_) = process.table.initiate(lease, owner, to).await? {
                self.deadlines.insert(lease.key.clone(), now + HAND_OVER + process.pace.failover);
            }
            return Ok(());
        }
        process.say(&format!("assigns {} to {to}", lease.key));
        if let Answer::Applied(Some(item)) = process.table.assign(lease, to).await?
            && let Some(counter) = number(&item, "leaseCounter")
        {
            self.observer.wrote(&lease.key, counter);
        }
        Ok(())
    }
}

/// The workers that reported lately by this worker's clock.
fn active(items: &[Item], now_seconds: u64) -> Vec<String> {
    let is_report = |item: &&Item| text(item, "entityType").is_some_and(|kind| kind == "WORKER_METRIC_STATS");
    let fresh = |item: &&Item| {
        number(item, "lut").is_some_and(|reported| now_seconds.saturating_sub(reported) <= REPORT_COUNTS.as_secs())
    };
    items.iter().filter(is_report).filter(fresh).filter_map(|item| text(item, "leaseKey")).collect()
}
