//! What happens to the application, step by step.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use kcl_core::error::Failure;
use kcl_local::{Local, Service};
use serde_json::json;
use tokio::time::Instant;

use crate::fleet::{Dropped, Fleet};
use crate::flights::Flight;
use crate::ledger::Ledger;
use crate::progress::Screen;
use crate::{APP, producer, stream};

/// Between two requests of the producer: some 600 flights a second.
const PACE: Duration = Duration::from_millis(100);

/// What the ledger cannot tell.
pub(crate) struct Told {
    /// When the lease table became ACTIVE.
    pub(crate) active: Instant,
    /// The worker that was dropped.
    pub(crate) dropped: Dropped,
}

/// Tells it to the end: all flights are put and read, and all workers are stopped.
pub(crate) async fn tell(
    local: &Local,
    flights: &[Flight],
    fleet: &mut Fleet,
    ledger: &Ledger,
    screen: &Screen,
) -> Result<Told, Failure> {
    let kinesis: Client = local.kinesis_client("producer");
    let (before, rest) = flights.split_at(flights.len() / 8);
    let (first_half, second_half) = rest.split_at(flights.len() / 2 - before.len());

    stream::create(&kinesis).await?;
    producer::put(&kinesis, before, Duration::ZERO, ledger).await?;
    screen.say(&format!("the stream is ACTIVE; the first {} flights are in it", before.len()));

    fleet.start("worker-1")?;
    fleet.start("worker-2")?;
    screen.say("two workers start; one of them creates the lease table");
    let active = table_active(local).await;
    screen.say("the lease table is ACTIVE");
    ledger.until(|entries| !entries.deliveries.is_empty()).await?;

    screen.say("flights come in; one shard is split, two are merged");
    let reshard = stream::reshard(&kinesis);
    tokio::try_join!(producer::put(&kinesis, first_half, PACE, ledger), reshard)?;

    let dropped = fleet.drop_busiest().await?;
    screen.say(&format!("{} is dropped without warning, with {} shards", dropped.worker, dropped.shards));
    producer::put(&kinesis, second_half, PACE, ledger).await?;
    ledger.until(|entries| entries.seen.len() >= flights.len()).await?;

    screen.say("everything is read; the other worker is told to stop");
    fleet.shut_down().await;
    Ok(Told { active, dropped })
}

/// Waits until the lease table is ACTIVE, and says when that was to within 10 ms. Asks past the network, so that it is
/// in nobody's way.
async fn table_active(local: &Local) -> Instant {
    loop {
        let reply = local.ask(Service::DynamoDb, "DescribeTable", json!({"TableName": APP}));
        if reply.body["Table"]["TableStatus"] == "ACTIVE" {
            return Instant::now();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
