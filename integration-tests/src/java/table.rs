//! What a Java worker asks of its table: each request in the shape in which the KCL sends it.
//!
//! It writes leases by the older parameters `Expected` and `AttributeUpdates`; every write after the first is a partial
//! one, so what it does not know stays.

use std::collections::HashMap;
use std::error::Error;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeAction, AttributeValue, AttributeValueUpdate, ExpectedAttributeValue, ReturnValue,
    ReturnValuesOnConditionCheckFailure, TableDescription,
};
use kcl_core::position::Position;

use super::lease::{Item, JavaLease, written};

/// The index by which owners find their leases.
pub(super) const INDEX: &str = "LeaseOwnerToLeaseKeyIndex";

/// A request that came to nothing.
#[derive(Debug, Clone)]
pub(super) struct Trouble(pub(super) String);

impl Trouble {
    pub(super) fn from<E: Error>(error: E) -> Self {
        Self(DisplayErrorContext(error).to_string())
    }
}

/// What became of a conditional write.
#[derive(Debug)]
pub(super) enum Answer {
    /// It was applied. The item as it is now, if that was asked for.
    Applied(Option<Item>),
    /// Its condition did not hold. The item as it is, if that was asked for and there is one.
    Refused(Option<Item>),
}

/// The table of the application.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) client: Client,
    pub(super) name: String,
}

pub(super) fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

pub(super) fn n(number: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn put(value: AttributeValue) -> AttributeValueUpdate {
    AttributeValueUpdate::builder().action(AttributeAction::Put).value(value).build()
}

fn add_one() -> AttributeValueUpdate {
    AttributeValueUpdate::builder().action(AttributeAction::Add).value(n(1)).build()
}

fn removed() -> AttributeValueUpdate {
    AttributeValueUpdate::builder().action(AttributeAction::Delete).build()
}

fn is(value: AttributeValue) -> ExpectedAttributeValue {
    ExpectedAttributeValue::builder().exists(true).value(value).build()
}

fn absent() -> ExpectedAttributeValue {
    ExpectedAttributeValue::builder().exists(false).build()
}

/// It is as it was seen, also if it was seen absent.
fn as_seen(seen: Option<&str>) -> ExpectedAttributeValue {
    seen.map_or_else(absent, |seen| is(s(seen)))
}

impl Table {
    fn update(&self, key: &str) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.name).key("leaseKey", s(key))
    }

    /// Makes a lease, if there is none of its key. Whether it did.
    pub(super) async fn create(&self, lease: &JavaLease) -> Result<bool, Trouble> {
        let (checkpoint, sub) = written(&lease.checkpoint);
        let mut item = HashMap::from([
            ("leaseKey".to_owned(), s(&lease.key)),
            ("entityType".to_owned(), s("LEASE")),
            ("leaseCounter".to_owned(), n(lease.counter)),
            ("checkpoint".to_owned(), s(&checkpoint)),
            ("checkpointSubSequenceNumber".to_owned(), n(sub)),
            ("ownerSwitchesSinceCheckpoint".to_owned(), n(0)),
        ]);
        if !lease.parents.is_empty() {
            item.insert("parentShardId".to_owned(), AttributeValue::Ss(lease.parents.clone()));
        }
        if let Some((first, last)) = &lease.range {
            item.insert("startingHashKey".to_owned(), s(first));
            item.insert("endingHashKey".to_owned(), s(last));
        }
        self.put_new(item).await
    }

    /// Puts an item, if there is none of its key. Whether it did.
    pub(super) async fn put_new(&self, item: Item) -> Result<bool, Trouble> {
        let request = self.client.put_item().table_name(&self.name).set_item(Some(item)).expected("leaseKey", absent());
        applied(request.send().await)
    }

    /// Renews. A lease that is not known to be asked for must not have been asked for meanwhile.
    pub(super) async fn renew(&self, lease: &JavaLease, throughput: Option<f64>) -> Result<Answer, Trouble> {
        let mut request = self
            .update(&lease.key)
            .attribute_updates("leaseCounter", put(n(lease.counter + 1)))
            .expected("leaseCounter", is(n(lease.counter)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if lease.checkpoint_owner.is_none() {
            request = request.expected("checkpointOwner", absent());
        }
        if let Some(throughput) = throughput {
            request = request.attribute_updates("throughputKBps", put(n(throughput)));
        }
        answer(request).await
    }

    /// Commits. Nothing is asked of the owners: the counter stands for them.
    pub(super) async fn checkpoint(&self, lease: &JavaLease, position: &Position) -> Result<Answer, Trouble> {
        let (checkpoint, sub) = written(position);
        let mut request = self
            .update(&lease.key)
            .expected("leaseCounter", is(n(lease.counter)))
            .attribute_updates("leaseCounter", put(n(lease.counter + 1)))
            .attribute_updates("checkpoint", put(s(&checkpoint)))
            .attribute_updates("checkpointSubSequenceNumber", put(n(sub)))
            .attribute_updates("ownerSwitchesSinceCheckpoint", put(n(0)))
            .attribute_updates("pendingCheckpoint", removed())
            .attribute_updates("pendingCheckpointSubSequenceNumber", removed())
            .attribute_updates("pendingCheckpointState", removed());
        if !lease.children.is_empty() {
            let children = AttributeValue::Ss(lease.children.clone());
            request = request.attribute_updates("childShardIds", put(children));
        }
        if let Some((first, last)) = &lease.range {
            request = request
                .attribute_updates("startingHashKey", put(s(first)))
                .attribute_updates("endingHashKey", put(s(last)));
        }
        answer(request).await
    }

    /// Gives a lease to `to`, at once. The counter is moved and not asked for: a holder that renewed since the lease was
    /// seen loses it all the same.
    pub(super) async fn assign(&self, lease: &JavaLease, to: &str) -> Result<Answer, Trouble> {
        let (owner, holder) = (lease.owner.as_deref(), lease.checkpoint_owner.as_deref());
        let mut request = self
            .update(&lease.key)
            .expected("leaseOwner", as_seen(owner))
            .expected("checkpointOwner", as_seen(holder))
            .expected("leaseKey", is(s(&lease.key)))
            .attribute_updates("leaseOwner", put(s(to)))
            .attribute_updates("leaseCounter", add_one())
            .attribute_updates("checkpointOwner", removed())
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if owner.is_some_and(|owner| owner != to) || holder == Some(to) {
            request = request.attribute_updates("ownerSwitchesSinceCheckpoint", add_one());
        }
        answer(request).await
    }

    /// Asks the owner to hand a lease to `to`. The counter stays, so that the owner's writes go on.
    pub(super) async fn initiate(&self, lease: &JavaLease, owner: &str, to: &str) -> Result<Answer, Trouble> {
        let request = self
            .update(&lease.key)
            .expected("leaseOwner", is(s(owner)))
            .expected("checkpointOwner", absent())
            .expected("leaseKey", is(s(&lease.key)))
            .attribute_updates("leaseOwner", put(s(to)))
            .attribute_updates("checkpointOwner", put(s(owner)))
            .return_values(ReturnValue::AllNew);
        answer(request).await
    }

    /// Notes the children of a shard that has ended. A lease that is gone is none of Java's worries.
    pub(super) async fn note_children(&self, key: &str, children: &[String]) -> Result<(), Trouble> {
        let request = self
            .update(key)
            .expected("leaseKey", is(s(key)))
            .attribute_updates("childShardIds", put(AttributeValue::Ss(children.to_vec())));
        answer(request).await.map(drop)
    }

    /// Removes a lease, whatever has become of it.
    pub(super) async fn delete(&self, key: &str) -> Result<(), Trouble> {
        let request = self.client.delete_item().table_name(&self.name).key("leaseKey", s(key));
        request.send().await.map(drop).map_err(Trouble::from)
    }

    /// Reads a lease; what is read may be old.
    pub(super) async fn get(&self, key: &str) -> Result<Option<JavaLease>, Trouble> {
        Ok(self.read(key, false).await?.as_ref().and_then(JavaLease::of))
    }

    pub(super) async fn read(&self, key: &str, consistent: bool) -> Result<Option<Item>, Trouble> {
        let request = self.client.get_item().table_name(&self.name).key("leaseKey", s(key)).consistent_read(consistent);
        Ok(request.send().await.map_err(Trouble::from)?.item)
    }

    /// The keys of all leases whose `leaseOwner` this is, as far as the index knows.
    pub(super) async fn keys_of(&self, owner: &str) -> Result<Vec<String>, Trouble> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(INDEX)
            .key_condition_expression("leaseOwner = :leaseOwner")
            .expression_attribute_values(":leaseOwner", s(owner))
            .into_paginator()
            .items()
            .send();
        let mut keys = Vec::new();
        while let Some(item) = pages.next().await {
            keys.extend(super::lease::text(&item.map_err(Trouble::from)?, "leaseKey"));
        }
        Ok(keys)
    }

    /// All items, as the leader and a starting worker read them: in segments, of which a small table has one.
    pub(super) async fn scan_in_segments(&self) -> Result<Vec<Item>, Trouble> {
        self.describe().await?;
        let request = self.client.scan().table_name(&self.name).segment(0).total_segments(1);
        request.into_paginator().items().send().collect::<Result<_, _>>().await.map_err(Trouble::from)
    }

    /// All items, as a shard sync reads them.
    pub(super) async fn scan(&self) -> Result<Vec<Item>, Trouble> {
        let request = self.client.scan().table_name(&self.name);
        request.into_paginator().items().send().collect::<Result<_, _>>().await.map_err(Trouble::from)
    }

    /// The status of the table and of its index; `None` of what is not there.
    pub(super) async fn describe(&self) -> Result<(Option<String>, Option<String>), Trouble> {
        let described = match self.client.describe_table().table_name(&self.name).send().await {
            Ok(described) => described.table,
            Err(error) if error.code() == Some("ResourceNotFoundException") => None,
            Err(error) => return Err(Trouble::from(error)),
        };
        let status = described.as_ref().and_then(|table| table.table_status()).map(|status| status.as_str().to_owned());
        let indexes = described.as_ref().map(TableDescription::global_secondary_indexes).unwrap_or_default();
        let index = indexes.iter().find(|index| index.index_name() == Some(INDEX));
        Ok((status, index.and_then(|index| index.index_status()).map(|status| status.as_str().to_owned())))
    }
}

/// Sends an update.
pub(super) async fn answer(request: UpdateItemFluentBuilder) -> Result<Answer, Trouble> {
    match request.send().await {
        Ok(output) => Ok(Answer::Applied(output.attributes)),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                Ok(Answer::Refused(refused.item.clone()))
            }
            _ => Err(Trouble::from(error)),
        },
    }
}

/// Whether a conditional write was applied, if nothing else is to be known of it.
pub(super) fn applied<T, E: ProvideErrorMetadata + Error>(answer: Result<T, E>) -> Result<bool, Trouble> {
    match answer {
        Ok(_) => Ok(true),
        Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
        Err(error) => Err(Trouble::from(error)),
    }
}
