//! When tables and indexes become usable.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::wire::Timestamp;

/// An index's share of its creation in which the service allocates resources and holds the table at `UPDATING`.
const ALLOCATION_SHARE: u32 = 6;

/// A table's life outside its items.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) id: String,
    pub(super) created: Timestamp,
    pub(super) point_in_time_recovery: bool,
    active: Timestamp,
    indexes: BTreeMap<String, Index>,
}

#[derive(Debug)]
enum Index {
    /// Created with its table, and active with it.
    WithTable,
    /// Added to a live table.
    Added { allocated: Timestamp, active: Timestamp },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TableStatus {
    Creating,
    Updating,
    Active,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IndexStatus {
    /// No global secondary index of this name: a local one, or none.
    Unknown,
    Allocating,
    Backfilling,
    Active,
}

impl Table {
    pub(super) fn new(id: String, created: Timestamp, creating: Duration, indexes: Vec<String>) -> Self {
        let indexes = indexes.into_iter().map(|name| (name, Index::WithTable)).collect();
        Self { id, created, point_in_time_recovery: false, active: created.after(creating), indexes }
    }

    pub(super) fn add_index(&mut self, name: &str, now: Timestamp, creating: Duration) {
        let allocated = now.after(creating / ALLOCATION_SHARE);
        self.indexes.insert(name.to_owned(), Index::Added { allocated, active: now.after(creating) });
    }

    pub(super) fn remove_index(&mut self, name: &str) {
        self.indexes.remove(name);
    }

    pub(super) fn status(&self, now: Timestamp) -> TableStatus {
        if now < self.active {
            TableStatus::Creating
        } else if self.indexes.keys().any(|name| self.index(name, now) == IndexStatus::Allocating) {
            TableStatus::Updating
        } else {
            TableStatus::Active
        }
    }

    pub(super) fn index(&self, name: &str, now: Timestamp) -> IndexStatus {
        match self.indexes.get(name) {
            None => IndexStatus::Unknown,
            Some(Index::WithTable) if now < self.active => IndexStatus::Allocating,
            Some(Index::Added { allocated, .. }) if now < *allocated => IndexStatus::Allocating,
            Some(Index::Added { active, .. }) if now < *active => IndexStatus::Backfilling,
            Some(_) => IndexStatus::Active,
        }
    }

    /// Whether an index is still being created.
    pub(super) fn builds_an_index(&self, now: Timestamp) -> bool {
        self.indexes.keys().any(|name| self.index(name, now) != IndexStatus::Active)
    }

    /// Writes the states into a `TableDescription`.
    pub(super) fn describe(&self, description: &mut Value, now: Timestamp) {
        description["TableStatus"] = match self.status(now) {
            TableStatus::Creating => json!("CREATING"),
            TableStatus::Updating => json!("UPDATING"),
            TableStatus::Active => json!("ACTIVE"),
        };
        description["TableId"] = json!(self.id);
        let Some(indexes) = description.get_mut("GlobalSecondaryIndexes").and_then(Value::as_array_mut) else {
            return;
        };
        for index in indexes {
            let name = index["IndexName"].as_str().unwrap_or_default().to_owned();
            self.describe_index(&name, index, now);
        }
    }

    fn describe_index(&self, name: &str, description: &mut Value, now: Timestamp) {
        let status = self.index(name, now);
        let building = matches!(status, IndexStatus::Allocating | IndexStatus::Backfilling);
        description["IndexStatus"] = json!(if building { "CREATING" } else { "ACTIVE" });
        // The service leaves `Backfilling` out for an index that was created with its table.
        if building && matches!(self.indexes.get(name), Some(Index::Added { .. })) {
            description["Backfilling"] = json!(status == IndexStatus::Backfilling);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        Table::new("id".to_owned(), Timestamp(0), Duration::from_secs(8), vec!["made-with-table".to_owned()])
    }

    #[test]
    fn a_table_and_the_indexes_made_with_it_become_active_together() {
        let table = table();
        assert_eq!(table.status(Timestamp(7_999)), TableStatus::Creating);
        assert_eq!(table.index("made-with-table", Timestamp(7_999)), IndexStatus::Allocating);
        assert_eq!(table.status(Timestamp(8_000)), TableStatus::Active);
        assert_eq!(table.index("made-with-table", Timestamp(8_000)), IndexStatus::Active);
        assert_eq!(table.index("other", Timestamp(8_000)), IndexStatus::Unknown);
    }

    #[test]
    fn an_added_index_is_allocated_then_backfilled_then_active() {
        let mut table = table();
        table.add_index("added", Timestamp(10_000), Duration::from_mins(1));
        for (now, table_status, index_status) in [
            (10_000, TableStatus::Updating, IndexStatus::Allocating),
            (19_999, TableStatus::Updating, IndexStatus::Allocating),
            (20_000, TableStatus::Active, IndexStatus::Backfilling),
            (69_999, TableStatus::Active, IndexStatus::Backfilling),
            (70_000, TableStatus::Active, IndexStatus::Active),
        ] {
            assert_eq!(table.status(Timestamp(now)), table_status, "table at {now}");
            assert_eq!(table.index("added", Timestamp(now)), index_status, "index at {now}");
        }
    }

    #[test]
    fn only_an_index_added_later_says_whether_it_is_backfilling() {
        let mut table = table();
        table.add_index("added", Timestamp(0), Duration::from_mins(1));
        let mut description = json!({"GlobalSecondaryIndexes": [
            {"IndexName": "made-with-table"}, {"IndexName": "added"}]});
        table.describe(&mut description, Timestamp(5_000));
        assert_eq!(description["GlobalSecondaryIndexes"][0].get("Backfilling"), None);
        assert_eq!(description["GlobalSecondaryIndexes"][1]["Backfilling"], json!(false));
    }
}
