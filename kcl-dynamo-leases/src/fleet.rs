//! The rows of workers and the leader lock: expressions and requests put together.

use async_trait::async_trait;
use kcl_core::error::{StoreError, StoreErrorKind};
use kcl_core::ids::WorkerId;
use kcl_core::lease::Instance;
use kcl_core::member::{LeaderLock, LockWrite, Member, MemberReport, Wake};
use kcl_core::store::MemberStore;
use kcl_core::time::Timestamp;

use crate::error::Key;
use crate::expressions::Expressions;
use crate::keys::ForeignShard;
use crate::requests::Conditional;
use crate::schema::{ENTITY_TYPE, LOCK_KEY, WORKER};
use crate::store::DynamoLeases;
use crate::values::Item;
use crate::{lock, members};

const LOCK: Key<'static> = Key::Known(LOCK_KEY);

#[async_trait]
impl MemberStore for DynamoLeases {
    async fn report(&self, report: &MemberReport) -> Result<bool, StoreError> {
        let worker = report.worker.as_str();
        match self.requests.update(Key::Worker(worker), members::report(report)).await? {
            Conditional::Done(_) => Ok(true),
            Conditional::Failed(Some(met)) if !is_row(&met) => Err(self.taken(worker)),
            Conditional::Failed(_) => Ok(false),
        }
    }

    async fn member(&self, worker: &WorkerId, consistent: bool) -> Result<Option<Member>, StoreError> {
        let key = Key::Worker(worker.as_str());
        let item = self.requests.get(key, consistent).await?;
        let member = item.as_ref().map_or(Ok(None), |item| members::member(&self.keys, item));
        member.map_err(|why| self.requests.attempt("GetItem", Some(key)).unreadable(&why))
    }

    async fn wake(&self, worker: &WorkerId, wakes: &[Wake]) -> Result<bool, StoreError> {
        if wakes.is_empty() {
            return Ok(true);
        }
        let request = members::wake(&self.keys, wakes).map_err(|why| self.foreign_hint(&why))?;
        self.change_row(worker, request).await
    }

    async fn consume(&self, worker: &WorkerId, wakes: &[Wake]) -> Result<(), StoreError> {
        if wakes.is_empty() {
            return Ok(());
        }
        let request = members::consumption(&self.keys, wakes).map_err(|why| self.foreign_hint(&why))?;
        self.change_row(worker, request).await.map(drop)
    }

    async fn resign(&self, worker: &WorkerId, instance: Instance, now: Timestamp) -> Result<bool, StoreError> {
        self.change_row(worker, members::resignation(instance, now)).await
    }

    async fn remove_member(&self, seen: &Member) -> Result<(), StoreError> {
        self.requests.delete(Key::Worker(seen.worker.as_str()), members::removal(seen)).await.map(drop)
    }

    async fn leader(&self) -> Result<Option<LeaderLock>, StoreError> {
        let item = self.requests.get(LOCK, true).await?;
        let lock = item.as_ref().map_or(Ok(None), lock::lock);
        lock.map_err(|why| self.requests.attempt("GetItem", Some(LOCK)).unreadable(&why))
    }

    async fn lock(&self, write: &LockWrite) -> Result<bool, StoreError> {
        let answer = match write {
            LockWrite::Acquire { seen, new } => {
                self.requests.put(LOCK, lock::item(new), lock::acquisition(seen.as_ref())).await
            }
            LockWrite::Beat { from, new } => self.requests.update(LOCK, lock::beat(from, new)).await,
            LockWrite::Release { held } => self.requests.delete(LOCK, lock::release(held)).await,
        };
        answer.map(|answer| is_done(&answer))
    }
}

impl DynamoLeases {
    async fn change_row(&self, worker: &WorkerId, change: Expressions) -> Result<bool, StoreError> {
        let answer = self.requests.update(Key::Worker(worker.as_str()), change).await?;
        Ok(is_done(&answer))
    }

    fn taken(&self, worker: &str) -> StoreError {
        let message = format!(
            "worker {worker} cannot have a row in table {}: something else has that key; choose another worker id",
            self.requests.table
        );
        StoreError::new(StoreErrorKind::Unusable, message)
    }

    fn foreign_hint(&self, why: &ForeignShard) -> StoreError {
        let message = format!(
            "a worker cannot be woken for a shard that has no lease in table {}: {}",
            self.requests.table, why.0
        );
        StoreError::new(StoreErrorKind::Unusable, message)
    }
}

fn is_done(answer: &Conditional) -> bool {
    matches!(answer, Conditional::Done(_))
}

fn is_row(item: &Item) -> bool {
    item.get(ENTITY_TYPE.name()).and_then(|kind| kind.as_s().ok()).is_some_and(|kind| kind == WORKER)
}
