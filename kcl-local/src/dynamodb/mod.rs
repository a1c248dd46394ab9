//! The DynamoDB model: an embedded database, and in front of it what it lacks of the service.
//!
//! The database is dynoxide, which has the service's expressions, conditions, transactions, paging, indexes and
//! capacity. Added in front: a table that is `CREATING` for a while and meanwhile cannot be read, written or changed;
//! an index that is allocated and backfilled and meanwhile cannot be queried; late indexes, stale reads and throttling,
//! all off by default; continuous backups; idempotency tokens by the caller's clock; and a [`Ledger`] of what every
//! request cost.
//!
//! Simpler than the service: a table is gone at once when it is deleted; a change other than a new index takes effect
//! at once; units used on an index count against the limit of its table; a throttled batch is refused whole; a
//! cancelled transaction costs two write units an action, a repeated one two read units an action.

mod backups;
mod capacity;
mod control;
mod data;
mod engine;
mod errors;
mod lifecycle;
mod names;
mod replica;
mod settings;
mod throttle;
mod tokens;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use self::engine::Engine;
use self::lifecycle::Table;
use self::names::Arns;
use self::replica::Replica;
use self::throttle::Throttles;
use self::tokens::Tokens;
use crate::wire::{Reply, Timestamp};

pub use self::capacity::{Ledger, Line, Usage};
pub use self::settings::{Settings, StaleReads};
pub use self::throttle::Throttle;

/// The tables of one account in one region.
pub struct DynamoDb {
    settings: Settings,
    arns: Arns,
    primary: Engine,
    index_replica: Option<Replica>,
    stale_replica: Option<Replica>,
    tables: BTreeMap<String, Table>,
    tables_made: u64,
    throttles: Throttles,
    tokens: Tokens,
    ledger: Ledger,
}

impl DynamoDb {
    /// No tables yet.
    pub fn new(settings: Settings) -> Self {
        let mut throttles = Throttles::default();
        for (table, throttle) in &settings.throttles {
            throttles.set(table, *throttle, Timestamp(0));
        }
        Self {
            arns: Arns::new(&settings.region, &settings.account),
            primary: Engine::new(),
            index_replica: (settings.index_lag > Duration::ZERO).then(Replica::new),
            stale_replica: settings.stale_reads.map(|_| Replica::new()),
            tables: BTreeMap::new(),
            tables_made: 0,
            throttles,
            tokens: Tokens::default(),
            ledger: Ledger::default(),
            settings,
        }
    }

    /// Serves one request, given as the JSON of the wire, at `now`. `rng` decides which reads are stale and how late.
    ///
    /// `now` must not go back from call to call. Operations that are not modelled answer `UnknownOperationException`
    /// and say which they are.
    pub fn call(&mut self, operation: &str, request: &Value, now: Timestamp, rng: &mut fastrand::Rng) -> Reply {
        match operation {
            "BatchGetItem" | "BatchWriteItem" | "DeleteItem" | "GetItem" | "PutItem" | "Query" | "Scan"
            | "TransactGetItems" | "TransactWriteItems" | "UpdateItem" => self.data(operation, request, now, rng),
            _ => self.control(operation, request, now),
        }
    }

    /// What requests have cost so far.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The same, to start counting again.
    pub fn ledger_mut(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// Limits a table's capacity from `now` on; [`Throttle::default`] lifts the limit.
    pub fn throttle(&mut self, table: &str, throttle: Throttle, now: Timestamp) {
        self.throttles.set(table, throttle, now);
    }
}

impl std::fmt::Debug for DynamoDb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DynamoDb")
            .field("settings", &self.settings)
            .field("tables", &self.tables)
            .finish_non_exhaustive()
    }
}
