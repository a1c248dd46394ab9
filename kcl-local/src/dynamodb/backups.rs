//! `DescribeContinuousBackups` and `UpdateContinuousBackups`, which the engine does not have.

use serde_json::{Value, json};

use super::errors::refusal;
use super::lifecycle::{Table, TableStatus};
use crate::wire::{Reply, Timestamp};

/// Serves one of the two operations on `table`, which is called `name`.
pub(super) fn call(operation: &str, name: &str, table: Option<&mut Table>, request: &Value, now: Timestamp) -> Reply {
    let Some(table) = table else {
        return refusal("TableNotFoundException", format!("Table not found: {name}"));
    };
    if operation == "UpdateContinuousBackups" {
        if table.status(now) == TableStatus::Creating {
            let message = format!("Backups are being enabled for the table: {name}. Please retry later");
            return refusal("ContinuousBackupsUnavailableException", message);
        }
        let wanted = &request["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"];
        let Some(enabled) = wanted.as_bool() else {
            return refusal(
                "ValidationException",
                "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled must be set",
            );
        };
        table.point_in_time_recovery = enabled;
    }
    let recovery = if table.point_in_time_recovery { "ENABLED" } else { "DISABLED" };
    let description = json!({
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": recovery},
    });
    Reply::ok(json!({"ContinuousBackupsDescription": description}))
}
