//! Settings, checked before anything is sent.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use kcl_core::error::ConfigError;
use kcl_core::time::WallClock;

use crate::keys::Keys;
use crate::layout::Layout;
use crate::requests::Requests;
use crate::store::DynamoLeases;
use crate::table::{Billing, NewTable};

/// Settings of a [`DynamoLeases`]; made by [`DynamoLeases::single_stream`] and [`DynamoLeases::multi_stream`].
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    client: Client,
    table: String,
    application: Option<String>,
    keys: Keys,
    wall: WallClock,
    create_table: bool,
    new_table: NewTable,
    operation_timeout: Duration,
}

impl Builder {
    pub(crate) fn new(client: Client, table: String, keys: Keys) -> Self {
        Self {
            client,
            create_table: !is_arn(&table),
            table,
            application: None,
            keys,
            wall: WallClock::system(),
            new_table: NewTable::default(),
            operation_timeout: Duration::from_secs(5),
        }
    }

    /// The application's name. Default: the table's name, as in the Java KCL.
    ///
    /// It matters where Java workers were told a table of another name: the two further tables of the KCL 3.0 to 3.4,
    /// by which such an application is known, are named after it.
    pub fn application(mut self, name: impl Into<String>) -> Self {
        self.application = Some(name.into());
        self
    }

    /// Where wall-clock time comes from. Default: the machine's clock. For simulations.
    pub fn wall_clock(mut self, clock: WallClock) -> Self {
        self.wall = clock;
        self
    }

    /// Whether a table that is missing is created, and one that lacks the index of leases by owner is given it.
    ///
    /// Default: `true` for a table given by its name, `false` for one given by its ARN, which cannot be created. A table
    /// that must not be created is not changed in any way.
    pub fn create_table(mut self, create: bool) -> Self {
        self.create_table = create;
        self
    }

    /// How the table is paid for if it is created. Default: [`Billing::OnDemand`].
    pub fn billing(mut self, billing: Billing) -> Self {
        self.new_table.billing = billing;
        self
    }

    /// The tags of the table if it is created. Default: none.
    pub fn tags<K: Into<String>, V: Into<String>>(mut self, tags: impl IntoIterator<Item = (K, V)>) -> Self {
        self.new_table.tags =
            tags.into_iter().map(|(key, value)| (key.into(), value.into())).collect::<BTreeMap<_, _>>();
        self
    }

    /// Whether the table is protected from deletion if it is created. Default: `false`.
    pub fn deletion_protection(mut self, protect: bool) -> Self {
        self.new_table.deletion_protection = protect;
        self
    }

    /// Whether continuous backups of the table are switched on, at every start. Default: `false`, which leaves them as
    /// they are.
    ///
    /// A table that was restored has the positions of then: records since are delivered again.
    pub fn point_in_time_recovery(mut self, enable: bool) -> Self {
        self.new_table.point_in_time_recovery = enable;
        self
    }

    /// How long one request may take, from 100 ms. Default: 5 s.
    ///
    /// This is the last resort against a connection that hangs. A worker gives up sooner where a lease depends on it.
    pub fn operation_timeout(mut self, timeout: Duration) -> Self {
        self.operation_timeout = timeout;
        self
    }

    /// Checks the settings. Nothing is sent: see [`LeaseStore::prepare`](kcl_core::store::LeaseStore::prepare).
    ///
    /// # Errors
    /// If a setting cannot work, or would have no effect.
    pub fn build(self) -> Result<DynamoLeases, ConfigError> {
        check_table(&self.table)?;
        let application = self.application.as_deref().unwrap_or_else(|| name_of(&self.table));
        if !is_made_of_table_letters(application) || application.is_empty() {
            let problem = format!("{application:?} is not an application's name: letters, digits, `_`, `-` and `.`");
            return Err(ConfigError::new("application", problem));
        }
        if let Keys::Single(stream) = &self.keys
            && (stream.name().is_empty() || stream.name().contains([':', '/']))
        {
            return Err(ConfigError::new("stream", format!("{stream:?} is not the name of a stream")));
        }
        if self.create_table && is_arn(&self.table) {
            return Err(ConfigError::new("create_table", "a table given by its ARN cannot be created; give its name"));
        }
        if !self.create_table && self.new_table != NewTable::default() {
            let problem = "billing, tags, deletion protection and backups have no effect on a table that is not to be \
                           created; leave them out";
            return Err(ConfigError::new("create_table", problem));
        }
        if let Billing::Provisioned { read_units: 0, .. } | Billing::Provisioned { write_units: 0, .. } =
            self.new_table.billing
        {
            return Err(ConfigError::new("billing", "provisioned read and write units must be at least 1"));
        }
        if self.operation_timeout < Duration::from_millis(100) {
            return Err(ConfigError::new("operation_timeout", "must be at least 100 ms"));
        }
        let coordinator = coordinator_table(&self.table, application);
        let requests = Requests::new(self.client, self.table, self.operation_timeout);
        let layout = Layout::new(coordinator.map(|table| requests.of_coordinator(table)), self.wall);
        Ok(DynamoLeases::new(requests, self.keys, layout, self.create_table.then_some(self.new_table)))
    }
}

/// The longest name of a table.
const LONGEST_NAME: usize = 255;

fn is_arn(table: &str) -> bool {
    table.starts_with("arn:")
}

/// What an ARN says before the name of its table.
const TABLE_IN_ARN: &str = ":table/";

/// The name of a table that is given by its name or ARN; empty if the ARN is another thing's.
fn name_of(table: &str) -> &str {
    if is_arn(table) { table.split_once(TABLE_IN_ARN).map_or("", |(_, name)| name) } else { table }
}

/// The table in which the Java KCL 3.0 to 3.4 keeps an application's markers, or `None` if it could not be named: in the
/// account and region of the lease table.
fn coordinator_table(lease_table: &str, application: &str) -> Option<String> {
    let name = format!("{application}-CoordinatorState");
    if name.len() > LONGEST_NAME {
        return None;
    }
    let place = if is_arn(lease_table) { lease_table.split_once(TABLE_IN_ARN) } else { None };
    Some(place.map_or_else(|| name.clone(), |(place, _)| format!("{place}{TABLE_IN_ARN}{name}")))
}

/// DynamoDB API reference, `CreateTable`: 3 to 255 letters, digits, `_`, `-` and `.`.
fn check_table(table: &str) -> Result<(), ConfigError> {
    let name = name_of(table);
    if (3..=LONGEST_NAME).contains(&name.len()) && is_made_of_table_letters(name) {
        return Ok(());
    }
    let problem = format!(
        "{table:?} is not the name or ARN of a table: a name has 3 to 255 letters, digits, underscores, hyphens and dots"
    );
    Err(ConfigError::new("table", problem))
}

fn is_made_of_table_letters(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}
