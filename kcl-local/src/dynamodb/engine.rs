//! The embedded DynamoDB (dynoxide) as a function from a JSON request to a JSON answer, without clocks of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dynoxide::storage_backend::Clock;
use dynoxide::{Database, DynoxideError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::errors::refusal;
use crate::wire::{Reply, Timestamp};

/// One embedded database.
pub(super) struct Engine {
    database: Result<Database, String>,
    clock: Arc<SetClock>,
}

/// A clock that shows the time of the request being served.
#[derive(Debug, Default)]
struct SetClock(AtomicU64);

impl Clock for SetClock {
    fn now_unix_secs(&self) -> u64 {
        self.0.load(Ordering::Relaxed) / 1000
    }

    fn now_unix_secs_f64(&self) -> f64 {
        Duration::from_millis(self.0.load(Ordering::Relaxed)).as_secs_f64()
    }
}

impl Engine {
    /// An empty database in memory. Should SQLite not open, every call answers an internal error that says why.
    pub(super) fn new() -> Self {
        let clock = Arc::new(SetClock::default());
        let shared: Arc<dyn Clock> = Arc::<SetClock>::clone(&clock);
        let database = Database::memory_with_clock(shared).map_err(|error| error.to_string());
        Self { database, clock }
    }

    /// Serves one request. Objects in the answer have their keys in order, whatever maps the engine uses inside.
    pub(super) fn call(&self, operation: &str, request: &Value, now: Timestamp) -> Reply {
        self.clock.0.store(now.0, Ordering::Relaxed);
        let database = match &self.database {
            Ok(database) => database,
            Err(reason) => return internal(reason),
        };
        let mut reply = match dispatch(database, operation, request) {
            Ok(body) => Reply::ok(body),
            Err(Failure::Engine(error)) => {
                Reply { status: error.status_code(), body: serde_json::from_str(&error.to_json()).unwrap_or_default() }
            }
            Err(Failure::Request(message)) => malformed(&message),
            Err(Failure::Unknown) => {
                refusal("UnknownOperationException", format!("kcl-local does not implement DynamoDB {operation}"))
            }
            Err(Failure::Answer(message)) => internal(&message),
        };
        reply.body.sort_all_objects();
        reply
    }
}

enum Failure {
    /// The engine refused the request.
    Engine(Box<DynoxideError>),
    /// The request does not have the operation's shape.
    Request(String),
    /// The answer could not be written as JSON.
    Answer(String),
    /// No such operation here.
    Unknown,
}

fn dispatch(db: &Database, operation: &str, request: &Value) -> Result<Value, Failure> {
    match operation {
        "BatchGetItem" => run(request, |r| db.batch_get_item(r)),
        "BatchWriteItem" => run(request, |r| db.batch_write_item(r)),
        "CreateTable" => run(request, |r| db.create_table(r)),
        "DeleteItem" => run(request, |r| db.delete_item(r)),
        "DeleteTable" => run(request, |r| db.delete_table(r)),
        "DescribeTable" => run(request, |r| db.describe_table(r)),
        "DescribeTimeToLive" => run(request, |r| db.describe_time_to_live(r)),
        "GetItem" => run(request, |r| db.get_item(r)),
        "ListTables" => run(request, |r| db.list_tables(r)),
        "ListTagsOfResource" => run(request, |r| db.list_tags_of_resource(r)),
        "PutItem" => run(request, |r| db.put_item(r)),
        "Query" => run(request, |r| db.query(r)),
        "Scan" => run(request, |r| db.scan(r)),
        "TagResource" => run(request, |r| db.tag_resource(r)),
        "TransactGetItems" => run(request, |r| db.transact_get_items(r)),
        "TransactWriteItems" => run(request, |r| db.transact_write_items(r)),
        "UntagResource" => run(request, |r| db.untag_resource(r)),
        "UpdateItem" => run(request, |r| db.update_item(r)),
        "UpdateTable" => run(request, |r| db.update_table(r)),
        "UpdateTimeToLive" => run(request, |r| db.update_time_to_live(r)),
        _ => Err(Failure::Unknown),
    }
}

fn run<'a, Request, Answer>(
    request: &'a Value,
    operation: impl FnOnce(Request) -> dynoxide::Result<Answer>,
) -> Result<Value, Failure>
where
    Request: Deserialize<'a>,
    Answer: Serialize,
{
    let request = Request::deserialize(request).map_err(|error| Failure::Request(error.to_string()))?;
    let answer = operation(request).map_err(|error| Failure::Engine(Box::new(error)))?;
    serde_json::to_value(answer).map_err(|error| Failure::Answer(error.to_string()))
}

/// The engine marks the class of error that the service gives for a malformed member with a prefix of the message.
fn malformed(message: &str) -> Reply {
    for (marker, kind) in [
        ("SERIALIZATION_AS_READ:", "SerializationException"),
        ("SERIALIZATION:", "SerializationException"),
        ("VALIDATION_REQUEST:", "ValidationException"),
        ("VALIDATION_AS_READ:", "ValidationException"),
        ("VALIDATION:", "ValidationException"),
    ] {
        if let Some(message) = message.strip_prefix(marker) {
            return refusal(kind, message);
        }
    }
    let required = ["missing field", "unknown variant", "invalid type: null", "AttributeValue"];
    let kind = if required.iter().any(|part| message.contains(part)) {
        "ValidationException"
    } else {
        "SerializationException"
    };
    refusal(kind, message)
}

fn internal(reason: &str) -> Reply {
    let mut reply = refusal("InternalServerError", format!("the embedded database failed: {reason}"));
    reply.status = 500;
    reply
}
