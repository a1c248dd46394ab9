//! Each request that is made to DynamoDB, once. Retries are the caller's business: the SDK's are off, because a write
//! that is repeated out of sight cannot be told from another's.

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::types::{
    PointInTimeRecoverySpecification, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure,
    TableDescription,
};
use aws_sdk_dynamodb::{Client, Config, Error, config};
use kcl_core::error::StoreError;
use kcl_core::ids::WorkerId;

use crate::error::{Attempt, Key};
use crate::expressions::Expressions;
use crate::schema::{Attribute, COORDINATOR_KEY, LEASE_KEY, LEASE_OWNER, OWNER_INDEX};
use crate::table::{NewTable, added_index};
use crate::values::{Item, s};

/// A table, and how to ask for it.
#[derive(Debug, Clone)]
pub(crate) struct Requests {
    client: Client,
    /// Its name or ARN.
    pub(crate) table: String,
    /// The attribute that is its key.
    key: Attribute,
    overrides: config::Builder,
}

/// The answer to a conditional write.
#[derive(Debug)]
pub(crate) enum Conditional {
    /// It was applied. The item as the request asked for it: as it is, or as it was.
    Done(Option<Item>),
    /// It was not. The item that was met.
    Failed(Option<Item>),
}

/// The items of one answer, and where the next begins.
pub(crate) struct Page {
    pub(crate) items: Vec<Item>,
    pub(crate) next: Option<Item>,
    /// What it cost, in read units.
    pub(crate) units: f64,
}

/// Sends one request with this store's retries and time-outs. The SDK has no trait for what requests have in common.
macro_rules! send {
    ($self:ident, $request:expr) => {
        $request.customize().config_override($self.overrides.clone()).send().await.map_err(Error::from)
    };
}

impl Requests {
    /// Connecting may take a third of `timeout`, the rest is for the answer.
    pub(crate) fn new(client: Client, table: String, timeout: Duration) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(timeout / 3)
            .read_timeout(timeout)
            .operation_attempt_timeout(timeout)
            .operation_timeout(timeout)
            .build();
        let overrides = Config::builder().retry_config(RetryConfig::disabled()).timeout_config(timeouts);
        Self { client, table, key: LEASE_KEY, overrides }
    }

    /// The same for a table of markers that the Java KCL 3.0 to 3.4 made.
    pub(crate) fn of_coordinator(&self, table: String) -> Self {
        Self { table, key: COORDINATOR_KEY, ..self.clone() }
    }

    pub(crate) fn attempt<'a>(&'a self, operation: &'static str, key: Option<Key<'a>>) -> Attempt<'a> {
        Attempt { operation, table: &self.table, key }
    }

    /// `None` if there is no such table.
    pub(crate) async fn describe(&self) -> Result<Option<TableDescription>, StoreError> {
        match send!(self, self.client.describe_table().table_name(&self.table)) {
            Ok(answer) => Ok(answer.table),
            Err(Error::ResourceNotFoundException(_)) => Ok(None),
            Err(error) => Err(self.attempt("DescribeTable", None).failed(error)),
        }
    }

    /// Succeeds if the table is being created by somebody else.
    pub(crate) async fn create_table(&self, new: &NewTable) -> Result<(), StoreError> {
        let attempt = self.attempt("CreateTable", None);
        let request = new.apply(self.client.create_table().table_name(&self.table));
        match send!(self, request.map_err(|error| attempt.failed(error.into()))?) {
            Ok(_) | Err(Error::ResourceInUseException(_)) => Ok(()),
            Err(error) => Err(attempt.failed(error)),
        }
    }

    /// Succeeds if the table is being changed by somebody else: they are asking for the same index, or it is asked for
    /// at the next start.
    pub(crate) async fn add_index(&self, table: &TableDescription) -> Result<(), StoreError> {
        let attempt = self.attempt("UpdateTable", None);
        let request = added_index(self.client.update_table().table_name(&self.table), table);
        match send!(self, request.map_err(|error| attempt.failed(error.into()))?) {
            Ok(_) | Err(Error::ResourceInUseException(_) | Error::LimitExceededException(_)) => Ok(()),
            Err(error) => Err(attempt.failed(error)),
        }
    }

    /// Answers whether it was done: not while the table is too new.
    pub(crate) async fn enable_point_in_time_recovery(&self) -> Result<bool, StoreError> {
        let attempt = self.attempt("UpdateContinuousBackups", None);
        let wanted = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(true).build();
        let wanted = wanted.map_err(|error| attempt.failed(error.into()))?;
        let request = self.client.update_continuous_backups().table_name(&self.table);
        match send!(self, request.point_in_time_recovery_specification(wanted)) {
            Ok(_) => Ok(true),
            Err(Error::ContinuousBackupsUnavailableException(_)) => Ok(false),
            Err(error) => Err(attempt.failed(error)),
        }
    }

    /// Up to date if `consistent`, for twice the price.
    pub(crate) async fn get(&self, key: Key<'_>, consistent: bool) -> Result<Option<Item>, StoreError> {
        let request = self.client.get_item().table_name(&self.table).key(self.key.name(), s(key.text()));
        match send!(self, request.consistent_read(consistent)) {
            Ok(answer) => Ok(answer.item),
            Err(error) => Err(self.attempt("GetItem", Some(key)).failed(error)),
        }
    }

    pub(crate) async fn put(&self, key: Key<'_>, item: Item, when: Expressions) -> Result<Conditional, StoreError> {
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(when.condition())
            .set_expression_attribute_values(when.values())
            .set_expression_attribute_names(Some(when.names))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        self.conditional("PutItem", key, send!(self, request).map(|_| None))
    }

    /// Answers with the item as it is then.
    pub(crate) async fn update(&self, key: Key<'_>, change: Expressions) -> Result<Conditional, StoreError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(self.key.name(), s(key.text()))
            .update_expression(change.update())
            .condition_expression(change.condition())
            .set_expression_attribute_values(change.values())
            .set_expression_attribute_names(Some(change.names))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        self.conditional("UpdateItem", key, send!(self, request).map(|answer| answer.attributes))
    }

    /// Answers with the item as it was.
    pub(crate) async fn delete(&self, key: Key<'_>, when: Expressions) -> Result<Conditional, StoreError> {
        let request = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key(self.key.name(), s(key.text()))
            .condition_expression(when.condition())
            .set_expression_attribute_values(when.values())
            .set_expression_attribute_names(Some(when.names))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        self.conditional("DeleteItem", key, send!(self, request).map(|answer| answer.attributes))
    }

    /// Eventually consistent.
    pub(crate) async fn scan(&self, from: Option<Item>) -> Result<Page, StoreError> {
        let request = self.client.scan().table_name(&self.table).set_exclusive_start_key(from);
        match send!(self, request.return_consumed_capacity(ReturnConsumedCapacity::Total)) {
            Ok(answer) => Ok(Page {
                items: answer.items.unwrap_or_default(),
                next: answer.last_evaluated_key,
                units: answer.consumed_capacity.and_then(|used| used.capacity_units).unwrap_or(0.0),
            }),
            Err(error) => Err(self.attempt("Scan", None).failed(error)),
        }
    }

    /// The entries of the index for one owner, and where the next ones begin.
    pub(crate) async fn owned(
        &self,
        owner: &WorkerId,
        from: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let request = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(OWNER_INDEX)
            .key_condition_expression(format!("{} = :owner", LEASE_OWNER.alias()))
            .expression_attribute_names(LEASE_OWNER.alias(), LEASE_OWNER.name())
            .expression_attribute_values(":owner", s(owner.as_str()))
            .set_exclusive_start_key(from);
        match send!(self, request) {
            Ok(answer) => Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key)),
            Err(error) => Err(self.attempt("Query", None).failed(error)),
        }
    }

    fn conditional(
        &self,
        operation: &'static str,
        key: Key<'_>,
        answer: Result<Option<Item>, Error>,
    ) -> Result<Conditional, StoreError> {
        match answer {
            Ok(item) => Ok(Conditional::Done(item)),
            Err(Error::ConditionalCheckFailedException(failed)) => Ok(Conditional::Failed(failed.item)),
            Err(error) => Err(self.attempt(operation, Some(key)).failed(error)),
        }
    }
}
