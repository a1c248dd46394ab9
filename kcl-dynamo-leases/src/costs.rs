//! What a fleet costs in DynamoDB while nothing happens to it: no checkpoints, no worker that comes or goes.
//!
//! ```
//! use kcl_dynamo_leases::costs::{Fleet, steady_state};
//!
//! let bill = steady_state(&Fleet { leases: 100, workers: 2, ..Fleet::default() });
//! println!("{:.0} read and {:.0} write units a minute", bill.reads(), bill.writes());
//! ```
//!
//! What happens comes on top. A checkpoint is one write unit and takes the place of a renewal; handing a lease over is about
//! four, two of them on the index; a refused write costs as much as one that is applied.

use std::time::Duration;

use kcl_core::decide::roster::look_every;
use kcl_core::decide::timing::Timing;

/// A fleet of workers of this library, and the sizes of its items.
#[derive(Debug, Clone, PartialEq)]
pub struct Fleet {
    /// How many leases there are: one for each shard that is open, or was closed lately.
    pub leases: u32,
    /// How many workers share them.
    pub workers: u32,
    /// How many streams they read. Default: 1.
    pub streams: u32,
    /// The failover time of all of them. Default: 10 s.
    pub failover: Duration,
    /// The bytes of a lease. Default: 475, one of a single stream with a worker id of a host's name and a UUID. With several
    /// streams about 120 more.
    pub lease_bytes: u32,
    /// The bytes of a worker's row. Default: 260.
    pub row_bytes: u32,
}

impl Default for Fleet {
    fn default() -> Self {
        let failover = Duration::from_secs(10);
        Self { leases: 1, workers: 1, streams: 1, failover, lease_bytes: 475, row_bytes: 260 }
    }
}

/// The units of one minute, each loop of the workers for itself. An on-demand table is paid for by them; one of
/// provisioned capacity needs a sixtieth of them each second, and room for what happens.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bill {
    /// Read units: the first workers in rank read the whole table as often as a failure must be seen, the others rarely.
    pub looks: f64,
    /// Read units: the leases are compared with the shards of each stream, by the first in rank every 30 s.
    pub comparisons: f64,
    /// Read units: every worker reads its own row twice a second, for what it was woken by.
    pub listening: f64,
    /// Write units: every lease is renewed.
    pub renewals: f64,
    /// Write units: every worker reports into its row.
    pub reports: f64,
    /// Write units: the leader keeps its lock.
    pub lock: f64,
}

impl Bill {
    /// All read units of a minute.
    #[must_use]
    pub fn reads(&self) -> f64 {
        self.looks + self.comparisons + self.listening
    }

    /// All write units of a minute.
    #[must_use]
    pub fn writes(&self) -> f64 {
        self.renewals + self.reports + self.lock
    }
}

/// How often a worker reads its own row.
const LISTEN: Duration = Duration::from_millis(500);
/// How often the first in rank compares leases and shards; the second half as often, and so on.
const COMPARE: Duration = Duration::from_secs(30);
/// DynamoDB developer guide, "Read consistency" and "Item sizes": an eventually consistent read costs half a unit for every
/// 4 KiB that were read, a write one for every KiB.
const READ_UNIT_BYTES: f64 = 4096.0;
const WRITE_UNIT_BYTES: f64 = 1024.0;

/// What `fleet` costs in a minute.
#[must_use]
pub fn steady_state(fleet: &Fleet) -> Bill {
    if fleet.workers == 0 {
        return Bill::default();
    }
    let timing = Timing::new(fleet.failover);
    let (leases, workers) = (f64::from(fleet.leases), f64::from(fleet.workers));
    let scan = read(leases * f64::from(fleet.lease_bytes) + workers * f64::from(fleet.row_bytes));
    let ranks = 0..fleet.workers;
    let of_rank = |rank: u32| look_every(place(rank), place(fleet.workers), &timing, scan);
    // The lock beats after the first look that comes half the failover time after the last beat.
    let look = of_rank(0).as_secs_f64();
    let beat = look * (fleet.failover.as_secs_f64() / 2.0 / look).ceil();
    let row = f64::from(fleet.row_bytes);
    Bill {
        looks: ranks.clone().map(|rank| per_minute(of_rank(rank)) * scan).sum(),
        comparisons: ranks
            .map(|rank| f64::from(fleet.streams) * scan * per_minute(COMPARE) / f64::from(rank + 1))
            .sum(),
        // In place of one, the worker reports.
        listening: workers * (per_minute(LISTEN) - per_minute(timing.report)) * read(row),
        renewals: leases * per_minute(timing.renew_after) * write(f64::from(fleet.lease_bytes)),
        reports: workers * per_minute(timing.report) * write(row),
        lock: 60.0 / beat,
    }
}

fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn per_minute(pause: Duration) -> f64 {
    60.0 / pause.as_secs_f64()
}

/// The read units of so many bytes, read at once and eventually consistent; of nothing too.
fn read(bytes: f64) -> f64 {
    (bytes / READ_UNIT_BYTES).ceil().max(1.0) / 2.0
}

/// The write units of one item.
fn write(bytes: f64) -> f64 {
    (bytes / WRITE_UNIT_BYTES).ceil().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worked out by hand from the rates: renewals every 7 s, looks every 1.5 s by two or, at a small table, three workers,
    /// then 6, 12, 24 s and so on.
    #[test]
    fn two_fleets_cost_what_their_rates_say() {
        let close = |figure: f64, expected: f64| (figure - expected).abs() <= expected / 100.0;
        for (leases, workers, looks, renewals, reports) in [
            (100, 2, 80.0 * 6.0, 857.0, 24.0),
            (100, 3, 120.0 * 6.0, 857.0, 36.0),
            (2_000, 2, 80.0 * 116.5, 17_143.0, 24.0),
        ] {
            let bill = steady_state(&Fleet { leases, workers, ..Fleet::default() });
            assert!(close(bill.looks, looks), "{leases} {workers}: {bill:?}");
            assert!(close(bill.renewals, renewals) && close(bill.reports, reports), "{leases} {workers}: {bill:?}");
            assert!(close(bill.lock, 10.0), "{bill:?}");
            assert!(close(bill.listening, f64::from(workers) * 54.0), "{bill:?}");
        }
    }

    #[test]
    fn the_workers_that_look_rarely_cost_together_about_as_much_as_one_that_looks_often() {
        let of = |workers| steady_state(&Fleet { leases: 2_000, workers, ..Fleet::default() }).looks;
        let one = of(2) / 2.0;
        assert!(of(50) - of(2) < one, "{} {one}", of(50) - of(2));
    }

    #[test]
    fn a_large_table_is_looked_at_for_no_more_than_its_budget() {
        let bill = steady_state(&Fleet { leases: 50_000, workers: 2, ..Fleet::default() });
        let a_second = bill.looks / 2.0 / 60.0;
        assert!((a_second - 250.0).abs() < 1.0, "{a_second} for each of the two");
    }

    #[test]
    fn a_fleet_of_nobody_costs_nothing_and_one_without_leases_little() {
        assert_eq!(steady_state(&Fleet { workers: 0, ..Fleet::default() }), Bill::default());
        let bill = steady_state(&Fleet { leases: 0, ..Fleet::default() });
        assert!(bill.renewals.abs() < f64::EPSILON);
        assert!(bill.reads() > 0.0 && bill.writes() > 0.0, "{bill:?}");
    }

    #[test]
    fn a_longer_failover_time_costs_less() {
        let of = |seconds| {
            let failover = Duration::from_secs(seconds);
            steady_state(&Fleet { leases: 100, workers: 3, failover, ..Fleet::default() })
        };
        let (short, long) = (of(10), of(30));
        assert!(long.writes() < short.writes() / 2.5 && long.reads() < short.reads() / 1.5, "{short:?} {long:?}");
    }
}
