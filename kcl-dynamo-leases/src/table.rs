//! The table's shape: what is asked for when it is made, and what is accepted when it is there.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::operation::update_table::builders::UpdateTableFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndexUpdate, IndexStatus,
    KeySchemaElement, KeyType, Projection, ProjectionType, ProvisionedThroughput, ScalarAttributeType,
    TableDescription, TableStatus, Tag,
};

use crate::schema::{Attribute, LEASE_KEY, LEASE_OWNER, OWNER_INDEX};

/// How a table that is created is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Billing {
    /// By request. The default.
    #[default]
    OnDemand,
    /// By capacity set aside, for the table and again for its index.
    ///
    /// A lease needs about one write unit every seven seconds, and one for each checkpoint.
    Provisioned {
        /// Read units per second, at least 1.
        read_units: u32,
        /// Write units per second, at least 1.
        write_units: u32,
    },
}

/// What a table is created with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct NewTable {
    pub(crate) billing: Billing,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) deletion_protection: bool,
    /// Asked for separately, once the table is active.
    pub(crate) point_in_time_recovery: bool,
}

impl NewTable {
    /// Asks for this table.
    pub(crate) fn apply(&self, request: CreateTableFluentBuilder) -> Result<CreateTableFluentBuilder, BuildError> {
        let mut request = request
            .attribute_definitions(text_attribute(LEASE_KEY)?)
            .key_schema(key(LEASE_KEY, KeyType::Hash)?)
            .deletion_protection_enabled(self.deletion_protection);
        for (name, value) in &self.tags {
            request = request.tags(Tag::builder().key(name).value(value).build()?);
        }
        Ok(match self.billing {
            Billing::OnDemand => request.billing_mode(BillingMode::PayPerRequest),
            Billing::Provisioned { read_units, write_units } => request
                .billing_mode(BillingMode::Provisioned)
                .provisioned_throughput(throughput(read_units.into(), write_units.into())?),
        })
    }
}

/// Asks for the index from owners to leases. It is paid for as `table` is now.
pub(crate) fn added_index(
    request: UpdateTableFluentBuilder,
    table: &TableDescription,
) -> Result<UpdateTableFluentBuilder, BuildError> {
    let index = CreateGlobalSecondaryIndexAction::builder()
        .index_name(OWNER_INDEX)
        .key_schema(key(LEASE_OWNER, KeyType::Hash)?)
        .key_schema(key(LEASE_KEY, KeyType::Range)?)
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
        .set_provisioned_throughput(provisioned(table)?)
        .build()?;
    Ok(request
        .attribute_definitions(text_attribute(LEASE_KEY)?)
        .attribute_definitions(text_attribute(LEASE_OWNER)?)
        .global_secondary_index_updates(GlobalSecondaryIndexUpdate::builder().create(index).build()))
}

/// Whether a table can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Readiness {
    Ready,
    /// Not yet, in this status.
    Waiting(String),
    /// Never, for this reason.
    Unusable(String),
}

/// Whether `table` can be used as a lease table.
pub(crate) fn readiness(table: &TableDescription) -> Readiness {
    if let Some(key) = foreign_key(table) {
        return Readiness::Unusable(format!(
            "it is no lease table: its key is {key}, and that of a lease table is leaseKey (S, HASH) alone; use another \
             table name"
        ));
    }
    match table.table_status() {
        // A table is `UPDATING` while an index is added to it, and takes reads and writes as before.
        Some(TableStatus::Active | TableStatus::Updating) => Readiness::Ready,
        Some(
            status @ (TableStatus::InaccessibleEncryptionCredentials | TableStatus::Archiving | TableStatus::Archived),
        ) => Readiness::Unusable(format!("its status is {status}; check the key that encrypts it")),
        Some(status) => Readiness::Waiting(status.to_string()),
        None => Readiness::Waiting("unknown".to_owned()),
    }
}

/// The status of the index from owners to leases, or `None` if there is none.
pub(crate) fn index_status(table: &TableDescription) -> Option<&IndexStatus> {
    let index = table.global_secondary_indexes().iter().find(|index| index.index_name() == Some(OWNER_INDEX))?;
    index.index_status()
}

/// The table's key, if it is not a lease table's.
fn foreign_key(table: &TableDescription) -> Option<String> {
    let types: BTreeMap<_, _> =
        table.attribute_definitions().iter().map(|attribute| (attribute.attribute_name(), attribute)).collect();
    let key: Vec<String> = table
        .key_schema()
        .iter()
        .map(|part| {
            let kind = types.get(part.attribute_name()).map_or("?", |attribute| attribute.attribute_type().as_str());
            format!("{} ({kind}, {})", part.attribute_name(), part.key_type())
        })
        .collect();
    (key != ["leaseKey (S, HASH)"]).then(|| key.join(" and "))
}

/// The capacity of a table that has one.
fn provisioned(table: &TableDescription) -> Result<Option<ProvisionedThroughput>, BuildError> {
    let mode = table.billing_mode_summary().and_then(|summary| summary.billing_mode());
    match table.provisioned_throughput() {
        Some(units) if mode != Some(&BillingMode::PayPerRequest) => {
            let at_least_one = |units: Option<i64>| units.unwrap_or(1).max(1);
            throughput(at_least_one(units.read_capacity_units()), at_least_one(units.write_capacity_units())).map(Some)
        }
        _ => Ok(None),
    }
}

fn throughput(read_units: i64, write_units: i64) -> Result<ProvisionedThroughput, BuildError> {
    ProvisionedThroughput::builder().read_capacity_units(read_units).write_capacity_units(write_units).build()
}

fn text_attribute(attribute: Attribute) -> Result<AttributeDefinition, BuildError> {
    AttributeDefinition::builder().attribute_name(attribute.name()).attribute_type(ScalarAttributeType::S).build()
}

fn key(attribute: Attribute, kind: KeyType) -> Result<KeySchemaElement, BuildError> {
    KeySchemaElement::builder().attribute_name(attribute.name()).key_type(kind).build()
}
