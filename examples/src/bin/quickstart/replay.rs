//! Reads again what was consumed, and proves what was read.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::time::Duration;

use examples::{Reading, timestamp};
use kcl_core::error::Failure;
use kcl_core::position::InitialPosition;
use kcl_core::reset::{ResetTo, reset};
use kcl_core::store::LeaseStore;
use kcl_core::time::{Timestamp, WallClock};
use kcl_local::Local;
use tokio::time::Instant;

use crate::fleet::{self, FAILOVER, Fleet};
use crate::flights::Flight;
use crate::ledger::{Delivery, Entries, Ledger};
use crate::progress::Screen;
use crate::proof::{self, Check};
use crate::stream;

/// From where to read again.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Replay {
    /// The oldest record.
    TrimHorizon,
    /// The first record that arrived at this time or later.
    Since(Timestamp),
    /// Where the application stopped: a plain restart.
    Checkpoint,
}

impl FromStr for Replay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "trim-horizon" => Ok(Self::TrimHorizon),
            "checkpoint" => Ok(Self::Checkpoint),
            _ => timestamp(text).map(Self::Since),
        }
    }
}

/// Moves the application as asked, starts a worker, and waits until it has read all that it should and is at the tip of
/// every shard.
pub(crate) async fn run(
    replay: Replay,
    local: &Local,
    before: &Ledger,
    fleet: &mut Fleet,
    again: &Ledger,
    screen: &Screen,
) -> Result<(BTreeSet<usize>, Instant), Failure> {
    let expected = expected(replay, local, before).await?;
    let to = match replay {
        Replay::TrimHorizon => Some(InitialPosition::TrimHorizon),
        Replay::Since(time) if time > WallClock::system().now() => return Err("--replay: the time is to come".into()),
        Replay::Since(time) => Some(InitialPosition::AtTimestamp(time)),
        Replay::Checkpoint => None,
    };
    if let Some(position) = to {
        // Whichever way is read afterwards: the shards are only listed here.
        let (leases, stream) = (fleet::leases(local, "operator")?, fleet::stream(local, "operator", Reading::Polling)?);
        let report = reset(&leases, &stream, &ResetTo::Stream(position), FAILOVER).await?;
        screen.say(&format!("the application is reset to {position}: {} shards", report.moved.len()));
    }

    again.put(expected.iter().copied());
    let open = stream::open(&local.kinesis_client("operator")).await?;
    let started = Instant::now();
    fleet.start("worker-3")?;
    screen.say("a new worker starts on the table that is there");
    let is_read = |entries: &Entries| {
        entries.seen.is_superset(&expected)
            && open.iter().all(|shard| entries.behind.get(shard).is_some_and(Duration::is_zero))
    };
    again.until(is_read).await?;
    fleet.shut_down().await;
    Ok((expected, started))
}

/// What must be read, by what was read before.
async fn expected(replay: Replay, local: &Local, before: &Ledger) -> Result<BTreeSet<usize>, Failure> {
    let leases = fleet::leases(local, "operator")?.list().await?.leases;
    let is_committed = |delivery: &Delivery| {
        let lease = leases.iter().find(|lease| lease.shard.shard == delivery.shard);
        lease.is_none_or(|lease| delivery.position <= lease.checkpoint)
    };
    let is_expected = |delivery: &&Delivery| match replay {
        Replay::TrimHorizon => true,
        Replay::Since(time) => delivery.arrival.is_some_and(|arrival| arrival >= time),
        Replay::Checkpoint => !is_committed(delivery),
    };
    Ok(before.read(|entries| entries.deliveries.iter().filter(is_expected).map(|it| it.row).collect()))
}

/// The proof of a replay.
pub(crate) fn proof(flights: &[Flight], expected: &BTreeSet<usize>, started: Instant, again: &Ledger) -> Vec<Check> {
    again.read(|entries| {
        let detail = format!("{} records expected, {} read", expected.len(), entries.seen.len());
        let read = Check { passed: entries.seen == *expected, name: "read again, no other", detail };
        if expected.is_empty() {
            return vec![read];
        }
        vec![
            read,
            proof::in_order(flights, &entries.deliveries),
            proof::duplicates(entries),
            proof::first_record(started, "the start of a worker on an existing table", entries),
        ]
    })
}
