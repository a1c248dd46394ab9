//! Whether the application is one that workers of this library can take part in: all that it has is in one table, and its
//! leases are handed out as of the Java KCL 3.
//!
//! The Java KCL 3.0 to 3.4 kept workers and markers in two more tables, and a KCL 2 knows neither. Both are told here by
//! what they left, before anything is written. The two tables are never made: a Java worker that finds one starts to use
//! it again.

use aws_sdk_dynamodb::types::AttributeValue;
use kcl_core::error::{StoreError, StoreErrorKind};
use kcl_core::time::{Timestamp, WallClock};

use crate::error::Key;
use crate::requests::{Conditional, Requests};
use crate::schema::{
    Attribute, CLIENT_VERSION, CLIENT_VERSION_KEY, CLIENT_VERSION_MIGRATION, ENTITY_TYPE, HISTORY, LEASE_KEY,
    MODIFIED_AT, MODIFIED_BY, TABLE_STATE, TABLE_STATE_KEY,
};
use crate::values::{Item, s, text, time_value};
use crate::write;

/// What the marker of a fleet says whose leases are handed out as of the KCL 3.
const VERSION_3: &str = "CLIENT_VERSION_3X";
/// What the marker of a fleet said before it said anything.
const NO_VERSION: &str = "CLIENT_VERSION_INIT";
/// What the marker of a fleet says that moved to one table.
const ONE_TABLE: &str = "TABLE_MIGRATION_STATUS_COMPLETE";

/// Where to look, and what to write with.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The table of markers that the Java KCL 3.0 to 3.4 made for this application, if it did.
    coordinator: Option<Requests>,
    wall: WallClock,
}

impl Layout {
    pub(crate) fn new(coordinator: Option<Requests>, wall: WallClock) -> Self {
        Self { coordinator, wall }
    }

    /// The application has one table, or its Java workers finished moving to one. Reads only.
    pub(crate) async fn check_tables(&self) -> Result<(), StoreError> {
        let Some(coordinator) = &self.coordinator else {
            return Ok(());
        };
        if coordinator.describe().await.map_err(|error| explained(coordinator, error))?.is_none() {
            return Ok(());
        }
        let key = Key::Known(TABLE_STATE_KEY);
        let marker = coordinator.get(key, true).await.map_err(|error| explained(coordinator, error))?;
        let found = marker.as_ref().map_or(Ok(None), |marker| said(marker, TABLE_STATE));
        match found {
            Ok(Some(ONE_TABLE)) => Ok(()),
            found => Err(unusable(format!(
                "table {} is there, and its item {TABLE_STATE_KEY} {}, not that {} is {ONE_TABLE}: this application has the \
                 three tables of the Java KCL 3.0 to 3.4, and workers of this library can only share one; finish the Java \
                 workers' migration to one table (migrateAllEntitiesToLeaseTable of KCL 3.5), or use another application \
                 name",
                coordinator.table,
                in_words(marker.is_some(), found, TABLE_STATE),
                TABLE_STATE.name(),
            ))),
        }
    }

    /// The leases in `table` are handed out as of the KCL 3. An application without a marker is given one that says so.
    pub(crate) async fn check_version(&self, table: &Requests) -> Result<(), StoreError> {
        let key = Key::Known(CLIENT_VERSION_KEY);
        if let Some(marker) = table.get(key, true).await? {
            return is_of_version_3(table, Some(&marker));
        }
        match table.put(key, marker(self.wall.now()), write::creation()).await? {
            Conditional::Done(_) => Ok(()),
            Conditional::Failed(Some(met)) => is_of_version_3(table, Some(&met)),
            Conditional::Failed(None) => is_of_version_3(table, table.get(key, true).await?.as_ref()),
        }
    }
}

/// A refusal is understood only by who knows that this table is asked for at all.
fn explained(coordinator: &Requests, error: StoreError) -> StoreError {
    if error.kind() != StoreErrorKind::Denied {
        return error;
    }
    let message = format!(
        "{error}; the table need not be there, but it must be known whether it is: an application that has it is spread \
         over the three tables of the Java KCL 3.0 to 3.4. Allow dynamodb:DescribeTable and dynamodb:GetItem on table {}",
        coordinator.table
    );
    StoreError::new(StoreErrorKind::Denied, message).with_source(error)
}

fn is_of_version_3(table: &Requests, marker: Option<&Item>) -> Result<(), StoreError> {
    let found = marker.map_or(Ok(None), |marker| said(marker, CLIENT_VERSION));
    let to_do = match found {
        Ok(Some(VERSION_3)) => return Ok(()),
        Ok(Some("CLIENT_VERSION_2X" | "CLIENT_VERSION_UPGRADE_FROM_2X")) => {
            "the Java workers still take leases from each other as of the KCL 2; finish their upgrade to the KCL 3 first"
        }
        Ok(Some("CLIENT_VERSION_3X_WITH_ROLLBACK")) => {
            "the Java workers may still go back to the KCL 2; deploy them with the client version 3X first"
        }
        _ => "repair the item, or delete it if the application has no Java workers",
    };
    Err(unusable(format!(
        "in table {} the item {CLIENT_VERSION_KEY} {}, not that {} is {VERSION_3}: {to_do}, or use another table",
        table.table,
        in_words(marker.is_some(), found, CLIENT_VERSION),
        CLIENT_VERSION.name(),
    )))
}

/// What a marker says, or how it says nothing.
fn said(marker: &Item, attribute: Attribute) -> Result<Option<&str>, String> {
    text(marker, attribute).map_err(|why| why.to_string())
}

fn in_words(there: bool, found: Result<Option<&str>, String>, attribute: Attribute) -> String {
    match found {
        _ if !there => "is missing, which should say".to_owned(),
        Ok(Some(state)) => format!("says that {} is {state}", attribute.name()),
        Ok(None) => format!("has no {}", attribute.name()),
        Err(why) => format!("cannot be understood ({why})"),
    }
}

/// The marker of an application that begins with the KCL 3, as its Java workers write it.
fn marker(now: Timestamp) -> Item {
    let by = s(env!("CARGO_PKG_NAME"));
    let state = |version: &str| {
        let attributes = [(CLIENT_VERSION, s(version)), (MODIFIED_BY, by.clone()), (MODIFIED_AT, time_value(now))];
        attributes.map(|(attribute, value)| (attribute.name().to_owned(), value))
    };
    let before = AttributeValue::M(state(NO_VERSION).into());
    let mut marker = Item::from(state(VERSION_3));
    marker.insert(LEASE_KEY.name().to_owned(), s(CLIENT_VERSION_KEY));
    marker.insert(ENTITY_TYPE.name().to_owned(), s(CLIENT_VERSION_MIGRATION));
    marker.insert(HISTORY.name().to_owned(), AttributeValue::L(vec![before]));
    marker
}

fn unusable(message: String) -> StoreError {
    StoreError::new(StoreErrorKind::Unusable, message)
}
