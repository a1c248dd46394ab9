//! What is printed: tables for people, or one JSON object.

use integration_tests::history::millis;
use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::options::Fleet;
use crate::percentiles::Summary;
use crate::procfs;

/// What was measured, and under which conditions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    measure: &'static str,
    conditions: Map<String, Value>,
    tables: Vec<Table>,
    /// What must not have happened.
    pub(crate) failures: Vec<String>,
}

/// Rows of figures.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    name: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<Vec<Value>>,
}

/// A figure.
pub(crate) fn cell(value: impl Into<Value>) -> Value {
    value.into()
}

/// Median, 99th percentile and maximum; nothing, of nothing.
pub(crate) fn cells(summary: Option<Summary>) -> [Value; 3] {
    summary.map_or([Value::Null, Value::Null, Value::Null], |it| [cell(it.median), cell(it.p99), cell(it.max)])
}

impl Report {
    /// An empty report of a measurement on this machine.
    pub(crate) fn new(measure: &'static str) -> Self {
        let mut report = Self { measure, ..Self::default() };
        report.condition("cores", std::thread::available_parallelism().map_or(0, std::num::NonZero::get));
        report.condition("load_before", procfs::load());
        report.condition("build", if cfg!(debug_assertions) { "debug" } else { "release" });
        report
    }

    /// A report of a fleet that something happens to.
    pub(crate) fn of_fleet(measure: &'static str, options: &Fleet) -> Self {
        let mut report = Self::new(measure);
        report.condition("workers", options.workers);
        report.condition("shards", options.shards);
        report.failover(options.failover_ms, options.seed);
        report.condition("record_every_ms", millis(crate::producer::PERIOD));
        report
    }

    /// The failover time and the seed.
    pub(crate) fn failover(&mut self, failover: Duration, seed: u64) {
        self.condition("failover_ms", millis(failover));
        self.condition("seed", seed);
    }

    /// Something that the figures depend on.
    pub(crate) fn condition(&mut self, name: &str, value: impl Into<Value>) {
        self.conditions.insert(name.to_owned(), value.into());
    }

    /// Adds a table.
    pub(crate) fn table(&mut self, table: Table) {
        self.tables.push(table);
    }

    /// All of it as one object.
    pub(crate) fn json(&self) -> Value {
        let tables: Map<_, _> = self.tables.iter().map(|table| (table.name.to_owned(), table.json())).collect();
        json!({
            "measure": self.measure,
            "conditions": self.conditions,
            "tables": tables,
            "failures": self.failures,
        })
    }
}

impl Table {
    pub(crate) fn new(name: &'static str, columns: &[&'static str]) -> Self {
        Self { name, columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row: a figure for each column.
    pub(crate) fn row(&mut self, row: impl IntoIterator<Item = Value>) {
        self.rows.push(row.into_iter().collect());
    }

    fn json(&self) -> Value {
        let named = |row: &Vec<Value>| {
            let names = self.columns.iter().map(|&name| name.to_owned());
            Value::Object(names.zip(row.iter().cloned()).collect())
        };
        self.rows.iter().map(named).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let conditions: Vec<_> =
            self.conditions.iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
        writeln!(f, "{}: {}", self.measure, conditions.join(" "))?;
        self.tables.iter().filter(|table| !table.rows.is_empty()).try_for_each(|table| write!(f, "\n{table}"))?;
        self.failures.iter().try_for_each(|failure| writeln!(f, "\nfailed: {failure}"))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.name)?;
        let head = self.columns.iter().map(|&name| name.to_owned()).collect();
        let rows: Vec<Vec<String>> =
            std::iter::once(head).chain(self.rows.iter().map(|row| row.iter().map(text).collect())).collect();
        let width = |column: usize| rows.iter().filter_map(|row| Some(row.get(column)?.chars().count())).max();
        let widths: Vec<usize> = (0..self.columns.len()).filter_map(width).collect();
        for row in &rows {
            let padded: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            writeln!(f, "  {}", padded.join("  ").trim_end())?;
        }
        Ok(())
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "none".to_owned(),
        Value::Array(list) => list.iter().map(text).collect::<Vec<_>>().join("; "),
        Value::Number(number) if number.is_f64() => number.as_f64().map_or_else(String::new, |it| format!("{it:.2}")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report { measure: "idle", ..Report::default() };
        report.condition("seed", 7);
        report.condition("kcl_local_changed", Vec::<String>::new());
        let mut table = Table::new("cost", &["operation", "units"]);
        table.row([cell("UpdateItem"), cell(1.5)]);
        table.row([cell("Scan"), Value::Null]);
        report.table(table);
        report.table(Table::new("troubles", &["what"]));
        report
    }

    #[test]
    fn people_get_columns_and_no_empty_tables() {
        let expected =
            "idle: seed=7 kcl_local_changed=none\n\ncost\n  operation   units\n  UpdateItem  1.50\n  Scan        -\n";
        assert_eq!(report().to_string(), expected);
    }

    #[test]
    fn programs_get_every_figure_by_its_name() {
        let json = report().json();
        assert_eq!(json["tables"]["cost"][0], json!({"operation": "UpdateItem", "units": 1.5}));
        assert_eq!(json["tables"]["troubles"], json!([]));
        assert_eq!((&json["measure"], &json["conditions"]["seed"]), (&json!("idle"), &json!(7)));
    }

    #[test]
    fn the_cells_of_nothing_are_empty() {
        assert_eq!(cells(None), [Value::Null, Value::Null, Value::Null]);
        assert_eq!(cells(Summary::of([3, 1, 2])), [cell(2), cell(3), cell(3)]);
    }
}
