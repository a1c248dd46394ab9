//! Making the table ready at a worker's start, while others do the same.

use std::time::Duration;

use aws_sdk_dynamodb::types::TableDescription;
use futures_util::future::try_join;
use kcl_core::error::{StoreError, StoreErrorKind};
use tokio::time::Instant;

use crate::layout::Layout;
use crate::requests::Requests;
use crate::table::{NewTable, Readiness, index_status, readiness};

/// How long a table may take to become usable. The Java KCL waits as long.
const DEADLINE: Duration = Duration::from_mins(10);
/// The pause before the second look; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause: a worker starts within little more after the table is there.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How many requests may fail, in all, without an answer that tells why.
const UNANSWERED: u32 = 5;

/// Waits until the table can be used; creates it, and asks for its index and backups, if `new` says how. Nothing is written
/// for an application of another layout.
///
/// Losing a race against another worker that does the same is as good as winning it.
pub(crate) async fn prepare(requests: &Requests, layout: &Layout, new: Option<&NewTable>) -> Result<(), StoreError> {
    let mut patience = Patience::new(Instant::now());
    let table = usable(requests, layout, new, &mut patience).await?;
    insist(&mut patience, || layout.check_version(requests)).await?;
    let Some(new) = new else {
        return Ok(());
    };
    if new.point_in_time_recovery {
        recoverable(requests, &mut patience).await?;
    }
    if index_status(&table).is_none() {
        // A worker does its work without the index: it looks at the whole table anyway, only less often.
        if let Err(error) = requests.add_index(&table).await {
            tracing::warn!(table = requests.table, %error, "the index of leases by owner was not asked for");
        }
    }
    Ok(())
}

/// Both tables are looked at together: that costs no time.
async fn usable(
    requests: &Requests,
    layout: &Layout,
    new: Option<&NewTable>,
    patience: &mut Patience,
) -> Result<TableDescription, StoreError> {
    let look = || async { try_join(layout.check_tables(), requests.describe()).await };
    let ((), mut table) = insist(patience, look).await?;
    loop {
        let waiting_for = match made(requests, table, new).await {
            Ok(Made::Ready(table)) => return Ok(*table),
            Ok(Made::Waiting(status)) => not_ready(requests, &status),
            Err(error) => patience.forgive(error)?,
        };
        patience.wait(waiting_for).await?;
        table = insist(patience, || requests.describe()).await?;
    }
}

/// Repeats a request until it is answered, or there is no use in it.
async fn insist<T, F>(patience: &mut Patience, request: impl Fn() -> F + Send) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>> + Send,
    T: Send,
{
    loop {
        match request().await {
            Ok(answer) => return Ok(answer),
            Err(error) => {
                let error = patience.forgive(error)?;
                patience.wait(error).await?;
            }
        }
    }
}

enum Made {
    Ready(Box<TableDescription>),
    Waiting(String),
}

/// Whether the table can be used. Creates it if it is not there.
async fn made(
    requests: &Requests,
    table: Option<TableDescription>,
    new: Option<&NewTable>,
) -> Result<Made, StoreError> {
    match (table, new) {
        (Some(table), _) => match readiness(&table) {
            Readiness::Ready => Ok(Made::Ready(Box::new(table))),
            Readiness::Waiting(status) => Ok(Made::Waiting(status)),
            Readiness::Unusable(why) => {
                Err(unusable(format!("table {} cannot be used as a lease table: {why}", requests.table)))
            }
        },
        (None, Some(new)) => {
            requests.create_table(new).await?;
            Ok(Made::Waiting("CREATING".to_owned()))
        }
        (None, None) => Err(unusable(format!(
            "there is no table {} in this account and region, and this worker is not to create it",
            requests.table
        ))),
    }
}

async fn recoverable(requests: &Requests, patience: &mut Patience) -> Result<(), StoreError> {
    loop {
        let waiting_for = match requests.enable_point_in_time_recovery().await {
            Ok(true) => return Ok(()),
            Ok(false) => not_ready(requests, "not ready for point-in-time recovery"),
            Err(error) => patience.forgive(error)?,
        };
        patience.wait(waiting_for).await?;
    }
}

fn not_ready(requests: &Requests, status: &str) -> StoreError {
    let message = format!(
        "table {} was {status} for {} minutes; look at it in the DynamoDB console and start again",
        requests.table,
        DEADLINE.as_secs() / 60
    );
    StoreError::new(StoreErrorKind::Unavailable, message)
}

fn unusable(message: String) -> StoreError {
    StoreError::new(StoreErrorKind::Unusable, message)
}

/// How long to go on, and how fast.
struct Patience {
    deadline: Instant,
    pause: Duration,
    unanswered: u32,
}

impl Patience {
    fn new(now: Instant) -> Self {
        Self { deadline: now + DEADLINE, pause: FIRST_PAUSE, unanswered: 0 }
    }

    /// Gives an error back to go on with, or to end with.
    ///
    /// A throttled request is one of many workers that start at once, and answered in the end.
    fn forgive(&mut self, error: StoreError) -> Result<StoreError, StoreError> {
        match error.kind() {
            StoreErrorKind::Throttled => Ok(error),
            StoreErrorKind::Unavailable if self.unanswered < UNANSWERED => {
                self.unanswered += 1;
                Ok(error)
            }
            _ => Err(error),
        }
    }

    /// Pauses, unless there is no time left: then it ends with what was waited for.
    async fn wait(&mut self, waiting_for: StoreError) -> Result<(), StoreError> {
        if Instant::now() + self.pause > self.deadline {
            return Err(waiting_for);
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}
