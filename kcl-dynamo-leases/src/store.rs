//! The lease store: items, expressions and requests put together.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use futures_util::stream::{self, StreamExt};
use kcl_core::error::{StoreError, StoreErrorKind};
use kcl_core::ids::{ShardKey, StreamId, WorkerId};
use kcl_core::lease::Lease;
use kcl_core::shard::HashKeyRange;
use kcl_core::store::{LeaseStore, LeaseWrite, Listing, WriteOutcome};

use crate::builder::Builder;
use crate::error::{Attempt, Key, foreign};
use crate::expressions::Expressions;
use crate::index::OwnerIndex;
use crate::item;
use crate::keys::Keys;
use crate::layout::Layout;
use crate::lock;
use crate::members;
use crate::prepare;
use crate::requests::{Conditional, Requests};
use crate::schema::{ENTITY_TYPE, LEADER, LEASE_KEY, WORKER};
use crate::table::NewTable;
use crate::values::Item;
use crate::write;

/// How many renewals are under way at once: enough for thousands of leases within a second, and few enough connections.
const RENEWALS_AT_ONCE: usize = 32;

/// Leases in a DynamoDB table that workers of the Java KCL 3.5 can share.
///
/// Many workers of one process can use one of these, behind an `Arc`.
#[derive(Debug)]
pub struct DynamoLeases {
    pub(crate) requests: Requests,
    pub(crate) keys: Keys,
    layout: Layout,
    /// How the table is made, if it is this store's to make.
    new_table: Option<NewTable>,
    index: OwnerIndex,
}

impl DynamoLeases {
    /// Leases of an application that reads one stream: each is named by its shard's id.
    ///
    /// `table` is the table's name, by convention the application's; or the ARN of a table that exists, also in another
    /// account. `stream` is the stream's name. An application cannot change between one stream and several on the same
    /// table.
    ///
    /// Retries of `client` are not used, nor are its time-outs.
    pub fn single_stream(client: Client, table: impl Into<String>, stream: &str) -> Builder {
        Builder::new(client, table.into(), Keys::Single(StreamId::named(stream)))
    }

    /// Leases of an application that reads several streams: each is named by `account:stream:epoch` and its shard's id.
    ///
    /// For `table` and `client` see [`DynamoLeases::single_stream`].
    pub fn multi_stream(client: Client, table: impl Into<String>) -> Builder {
        Builder::new(client, table.into(), Keys::Multi)
    }

    pub(crate) fn new(requests: Requests, keys: Keys, layout: Layout, new_table: Option<NewTable>) -> Self {
        Self { requests, keys, layout, new_table, index: OwnerIndex::default() }
    }

    pub(crate) fn lease_key(&self, shard: &ShardKey) -> Result<String, StoreError> {
        self.keys.lease_key(shard).map_err(|why| foreign(shard, &self.requests.table, &why))
    }

    /// The lease in an answer, or `None` if there is no item or it is something else.
    fn lease(&self, attempt: Attempt<'_>, item: Option<&Item>) -> Result<Option<Lease>, StoreError> {
        let lease = item.map_or(Ok(None), |item| item::lease(&self.keys, item));
        lease.map_err(|why| attempt.unreadable(&why))
    }

    async fn update(&self, lease_key: &str, change: Expressions) -> Result<WriteOutcome, StoreError> {
        let key = Key::Lease(lease_key);
        let attempt = self.requests.attempt("UpdateItem", Some(key));
        match self.requests.update(key, change).await? {
            Conditional::Done(item) => {
                Ok(WriteOutcome::Applied(present(self.lease(attempt, item.as_ref())?, attempt)?))
            }
            Conditional::Failed(met) => Ok(WriteOutcome::Refused(self.lease(attempt, met.as_ref())?)),
        }
    }

    /// Puts an item where it belongs in a listing. What can only be a lease, and is none, is told.
    fn sort(&self, item: &Item, listing: &mut Listing) {
        match item.get(ENTITY_TYPE.name()).and_then(|kind| kind.as_s().ok()).map(String::as_str) {
            Some(WORKER) => match members::member(&self.keys, item) {
                Ok(member) => listing.members.extend(member),
                Err(why) => listing.unreadable.push((key_of(item), why.to_string())),
            },
            Some(LEADER) => match lock::lock(item) {
                Ok(lock) => listing.lock = lock.or(listing.lock.take()),
                Err(why) => listing.unreadable.push((key_of(item), why.to_string())),
            },
            _ => match item::lease(&self.keys, item) {
                Ok(lease) => listing.leases.extend(lease),
                Err(why) => listing.unreadable.push((key_of(item), why.to_string())),
            },
        }
    }

    async fn pages_of_owner(&self, owner: &WorkerId) -> Result<Vec<ShardKey>, StoreError> {
        let (mut owned, mut from) = (Vec::new(), None);
        loop {
            let (entries, next) = self.requests.owned(owner, from).await?;
            let keys = entries.iter().filter_map(|item| item.get(LEASE_KEY.name())?.as_s().ok());
            owned.extend(keys.filter_map(|key| self.keys.shard_of_key(key)));
            if next.is_none() {
                return Ok(owned);
            }
            from = next;
        }
    }
}

#[async_trait]
impl LeaseStore for DynamoLeases {
    async fn prepare(&self) -> Result<(), StoreError> {
        prepare::prepare(&self.requests, &self.layout, self.new_table.as_ref()).await
    }

    async fn list(&self) -> Result<Listing, StoreError> {
        let (mut listing, mut from) = (Listing::default(), None);
        loop {
            let page = self.requests.scan(from).await?;
            listing.read_units += page.units;
            for item in &page.items {
                self.sort(item, &mut listing);
            }
            if page.next.is_none() {
                break;
            }
            from = page.next;
        }
        listing.leases.sort_by(|left, right| left.shard.cmp(&right.shard));
        listing.unreadable.sort_unstable();
        listing.members.sort_by(|left, right| left.worker.cmp(&right.worker));
        Ok(listing)
    }

    async fn list_owned(&self, owner: &WorkerId) -> Result<Option<Vec<ShardKey>>, StoreError> {
        if !self.index.is_active(&self.requests).await? {
            return Ok(None);
        }
        match self.pages_of_owner(owner).await {
            Ok(owned) => Ok(Some(owned)),
            Err(error) if error.kind() == StoreErrorKind::Unusable => {
                self.index.is_gone();
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn get(&self, shard: &ShardKey) -> Result<Option<Lease>, StoreError> {
        let key = self.lease_key(shard)?;
        let key = Key::Lease(&key);
        let item = self.requests.get(key, true).await?;
        self.lease(self.requests.attempt("GetItem", Some(key)), item.as_ref())
    }

    async fn create(&self, new: &Lease) -> Result<WriteOutcome, StoreError> {
        let key = self.lease_key(&new.shard)?;
        let item = item::item(&self.keys, new).map_err(|why| foreign(&new.shard, &self.requests.table, &why))?;
        let key = Key::Lease(&key);
        let attempt = self.requests.attempt("PutItem", Some(key));
        match self.requests.put(key, item.clone(), write::creation()).await? {
            Conditional::Done(_) => Ok(WriteOutcome::Applied(present(self.lease(attempt, Some(&item))?, attempt)?)),
            Conditional::Failed(met) => {
                Ok(WriteOutcome::Refused(Some(present(self.lease(attempt, met.as_ref())?, attempt)?)))
            }
        }
    }

    async fn write(&self, write: &LeaseWrite) -> Result<WriteOutcome, StoreError> {
        let key = self.lease_key(&write.seen.shard)?;
        self.update(&key, write::change(&self.keys, write)).await
    }

    async fn renew(&self, renewals: &[LeaseWrite], limit: Duration) -> Vec<Result<WriteOutcome, StoreError>> {
        let renew = |(place, renewal)| async move {
            let answer = tokio::time::timeout(limit, self.write(renewal)).await;
            (place, answer.unwrap_or_else(|_| Err(StoreError::no_answer(limit))))
        };
        let requests: Vec<_> = renewals.iter().enumerate().map(renew).collect();
        let mut answers: Vec<_> = stream::iter(requests).buffer_unordered(RENEWALS_AT_ONCE).collect().await;
        answers.sort_by_key(|(place, _)| *place);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }

    async fn initiate(&self, seen: &Lease, to: &WorkerId) -> Result<WriteOutcome, StoreError> {
        let key = self.lease_key(&seen.shard)?;
        match &seen.owner {
            Some(from) if from != to => self.update(&key, write::handing_over(from, to)).await,
            // There is nothing to ask for.
            Some(_) | None => Ok(WriteOutcome::Refused(self.get(&seen.shard).await?)),
        }
    }

    async fn note_hash_range(&self, shard: &ShardKey, range: HashKeyRange) -> Result<(), StoreError> {
        let key = self.lease_key(shard)?;
        self.requests.update(Key::Lease(&key), write::hash_range(range)).await.map(drop)
    }

    async fn delete(&self, seen: &Lease) -> Result<WriteOutcome, StoreError> {
        let key = self.lease_key(&seen.shard)?;
        let key = Key::Lease(&key);
        let attempt = self.requests.attempt("DeleteItem", Some(key));
        match self.requests.delete(key, write::removal(seen)).await? {
            Conditional::Done(item) => {
                Ok(WriteOutcome::Applied(present(self.lease(attempt, item.as_ref())?, attempt)?))
            }
            Conditional::Failed(met) => match self.lease(attempt, met.as_ref())? {
                Some(lease) => Ok(WriteOutcome::Refused(Some(lease))),
                None => Ok(WriteOutcome::Applied(seen.clone())),
            },
        }
    }
}

/// The lease of an answer that must have one.
fn present(lease: Option<Lease>, attempt: Attempt<'_>) -> Result<Lease, StoreError> {
    lease.ok_or_else(|| {
        let message =
            format!("{attempt} met something else than a lease under that key, whose {} says what", ENTITY_TYPE.name());
        StoreError::new(StoreErrorKind::Unusable, message)
    })
}

/// For people: what an item is called that has no usable key.
fn key_of(item: &Item) -> String {
    item.get(LEASE_KEY.name()).and_then(|key| key.as_s().ok()).cloned().unwrap_or_else(|| "no leaseKey".to_owned())
}
