//! The rows of workers, and the leader lock, in memory.

use async_trait::async_trait;

use super::InMemoryLeases;
use crate::error::StoreError;
use crate::ids::WorkerId;
use crate::lease::Instance;
use crate::member::{LeaderLock, LockWrite, Member, MemberReport, Over, Wake, smoothed};
use crate::store::MemberStore;
use crate::time::Timestamp;

/// The most hints of one call that are kept one by one.
const MOST_WAKES: usize = 100;
/// How far in the past a leaving worker's row is put: no worker is given leases so long after its last report.
const RESIGNED_SINCE_MILLIS: u64 = 600_000;

#[async_trait]
impl MemberStore for InMemoryLeases {
    async fn report(&self, report: &MemberReport) -> Result<bool, StoreError> {
        let mut table = self.table();
        let present = table.members.get(&report.worker);
        let instance = present.and_then(|row| row.instance);
        let (admitted, before) = match report.over {
            Over::Own => (instance == Some(report.instance), present),
            Over::Seen(seen) => (instance == seen, None),
        };
        if admitted {
            let row = written(report, before);
            table.members.insert(report.worker.clone(), row);
        }
        Ok(admitted)
    }

    async fn member(&self, worker: &WorkerId, _consistent: bool) -> Result<Option<Member>, StoreError> {
        Ok(self.table().members.get(worker).cloned())
    }

    async fn wake(&self, worker: &WorkerId, wakes: &[Wake]) -> Result<bool, StoreError> {
        let mut table = self.table();
        let row = table.members.get_mut(worker);
        let Some(row) = row.filter(|row| row.instance.is_some() && !row.leaving) else {
            return Ok(false);
        };
        if wakes.len() > MOST_WAKES {
            row.wakes.push(Wake::Look);
        } else {
            row.wakes.extend_from_slice(wakes);
        }
        row.wakes.sort_unstable();
        row.wakes.dedup();
        Ok(true)
    }

    async fn consume(&self, worker: &WorkerId, wakes: &[Wake]) -> Result<(), StoreError> {
        if let Some(row) = self.table().members.get_mut(worker) {
            row.wakes.retain(|wake| !wakes.contains(wake));
        }
        Ok(())
    }

    async fn resign(&self, worker: &WorkerId, instance: Instance, now: Timestamp) -> Result<bool, StoreError> {
        let mut table = self.table();
        let row = table.members.get_mut(worker);
        let Some(row) = row.filter(|row| row.instance == Some(instance)) else {
            return Ok(false);
        };
        row.leaving = true;
        row.reported = Timestamp::from_millis(now.millis().saturating_sub(RESIGNED_SINCE_MILLIS));
        Ok(true)
    }

    async fn remove_member(&self, seen: &Member) -> Result<(), StoreError> {
        let mut table = self.table();
        let as_seen = table.members.get(&seen.worker).is_some_and(|row| {
            row.instance == seen.instance && (row.instance.is_some() || row.reported == seen.reported)
        });
        if as_seen {
            table.members.remove(&seen.worker);
        }
        Ok(())
    }

    async fn leader(&self) -> Result<Option<LeaderLock>, StoreError> {
        Ok(self.table().lock.clone())
    }

    async fn lock(&self, write: &LockWrite) -> Result<bool, StoreError> {
        let mut table = self.table();
        let present = table.lock.as_ref();
        let is = |lock: &LeaderLock, version: &str| lock.version == version;
        let (admitted, after) = match write {
            LockWrite::Acquire { seen, new } => {
                let free = present.is_none_or(|lock| lock.released);
                let as_seen = || present.zip(seen.as_ref()).is_some_and(|(lock, seen)| is(lock, &seen.version));
                (free || as_seen(), Some(new))
            }
            LockWrite::Beat { from, new } => {
                (present.is_some_and(|lock| is(lock, from) && lock.owner == new.owner), Some(new))
            }
            LockWrite::Release { held } => {
                (present.is_some_and(|lock| is(lock, &held.version) && lock.owner == held.owner), None)
            }
        };
        if admitted {
            table.lock = after.cloned();
        }
        Ok(admitted)
    }
}

/// The row after a report, which keeps what others wrote into the row `before`.
fn written(report: &MemberReport, before: Option<&Member>) -> Member {
    Member {
        worker: report.worker.clone(),
        instance: Some(report.instance),
        reported: report.now,
        leaving: before.is_some_and(|row| row.leaving),
        assignable: true,
        cap: report.cap,
        utilization: smoothed(&report.utilization),
        wakes: before.map(|row| row.wakes.clone()).unwrap_or_default(),
    }
}
