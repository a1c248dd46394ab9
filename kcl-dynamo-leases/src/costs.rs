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

use kcl_core::decide::timing::Timing;

/// A fleet of workers of this library, and the sizes of its items.
#[derive(Debug, Clone, PartialEq)]
pub struct Fleet {
    /// How many leases there are: one for each shard that is open, or was closed lately.
    pub leases: u32,
    /// How many workers share them.
    pub workers: u32,
    /// The failover time of all of them. Default: 10 s.
    pub failover: Duration,
    /// How many workers look at the table as often as a failure must be seen. Default: 2, as this library has it.
    pub fast_lookers: u32,
    /// The bytes of a lease. Default: 475, one of a single stream with a worker id of a host's name and a UUID. With several
    /// streams about 120 more.
    pub lease_bytes: u32,
    /// The bytes of a worker's row. Default: 260.
    pub row_bytes: u32,
    /// The bytes of a lease in the index of leases by owner. Default: 115; with several streams about 40 more.
    pub index_bytes: u32,
}

impl Default for Fleet {
    fn default() -> Self {
        Self {
            leases: 1,
            workers: 1,
            failover: Duration::from_secs(10),
            fast_lookers: 2,
            lease_bytes: 475,
            row_bytes: 260,
            index_bytes: 115,
        }
    }
}

/// The units of one minute, each loop of the workers for itself. An on-demand table is paid for by them; one of
/// provisioned capacity needs a sixtieth of them each second, and room for what happens.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bill {
    /// Read units: the workers that look often read the whole table.
    pub looks: f64,
    /// Read units: the other workers do so rarely.
    pub rare_looks: f64,
    /// Read units: every worker reads its own row twice a second, for what it was woken by.
    pub listening: f64,
    /// Read units of the index: every worker asks now and then which leases name it.
    pub index: f64,
    /// Read units: workers that look rarely read the leader lock in between.
    pub pulses: f64,
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
        self.looks + self.rare_looks + self.listening + self.index + self.pulses
    }

    /// All write units of a minute.
    #[must_use]
    pub fn writes(&self) -> f64 {
        self.renewals + self.reports + self.lock
    }
}

/// How often a worker reads its own row.
const LISTEN: Duration = Duration::from_millis(500);
/// How often a worker reports.
const REPORT: Duration = Duration::from_secs(30);
/// Beyond so many read units a second, the workers that look often look more rarely.
const LOOKING_UNITS_PER_SECOND: f64 = 250.0;
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
    let often = timing.look.max(Duration::from_secs_f64(scan / LOOKING_UNITS_PER_SECOND));
    let fast = fleet.fast_lookers.min(fleet.workers);
    let rarely: Vec<Duration> = (fast..fleet.workers).map(|rank| look_of(rank, often, fleet)).collect();
    let pulsing = rarely.iter().filter(|pause| **pause > fleet.failover / 2).count();
    let index_page = read(leases / workers * f64::from(fleet.index_bytes));
    let row = f64::from(fleet.row_bytes);
    Bill {
        looks: f64::from(fast) * per_minute(often) * scan,
        rare_looks: rarely.iter().map(|pause| per_minute(*pause) * scan).sum(),
        listening: workers * per_minute(LISTEN) * read(row),
        index: workers * per_minute(fleet.failover * 3) * index_page,
        pulses: count(pulsing) * per_minute(fleet.failover / 2) * read(0.0),
        renewals: leases * per_minute(timing.renew_after) * write(f64::from(fleet.lease_bytes)),
        reports: workers * per_minute(REPORT) * write(row),
        lock: per_minute(fleet.failover / 2),
    }
}

/// How often a worker looks that is not among those that do so often: each half as often as the one before it.
fn look_of(rank: u32, often: Duration, fleet: &Fleet) -> Duration {
    let most = (fleet.failover * 3).max(often.saturating_mul(fleet.workers.saturating_mul(2)));
    often.saturating_mul(2_u32.saturating_pow(rank)).min(most)
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

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The protocol's own table, to the unit where it is exact and to a hundredth where it is rounded. Nothing in it differs:
    /// at a failover time of 10 s leases are renewed every 7 s.
    #[test]
    fn two_fleets_cost_what_the_protocol_says() {
        let close = |figure: f64, expected: f64| (figure - expected).abs() <= expected.max(100.0) / 100.0;
        for (leases, workers, expected) in [
            (100, 2, [480.0, 0.0, 120.0, 4.0, 857.0, 16.0]),
            (2_000, 50, [9_440.0, 4_320.0, 3_000.0, 390.0, 17_143.0, 112.0]),
        ] {
            let bill = steady_state(&Fleet { leases, workers, ..Fleet::default() });
            let rest = [bill.index + bill.pulses, bill.renewals, bill.reports + bill.lock];
            let figures = [bill.looks, bill.rare_looks, bill.listening, rest[0], rest[1], rest[2]];
            let fits = figures.iter().zip(expected).all(|(figure, expected)| close(*figure, expected));
            assert!(fits, "{figures:?} {expected:?}");
            assert!(close(bill.reads(), expected[..4].iter().sum()), "{bill:?}");
            assert!(close(bill.writes(), expected[4..].iter().sum()), "{bill:?}");
        }
    }

    #[test]
    fn a_large_table_is_looked_at_for_no_more_than_its_budget() {
        let bill = steady_state(&Fleet { leases: 50_000, workers: 2, ..Fleet::default() });
        let a_second = bill.looks / 2.0 / 60.0;
        assert!((a_second - LOOKING_UNITS_PER_SECOND).abs() < 1.0, "{a_second} for each of the two");
    }

    #[test]
    fn a_fleet_of_nobody_costs_nothing_and_one_without_leases_little() {
        assert_eq!(steady_state(&Fleet { workers: 0, ..Fleet::default() }), Bill::default());
        let bill = steady_state(&Fleet { leases: 0, ..Fleet::default() });
        assert_eq!((bill.renewals, bill.rare_looks, bill.pulses), (0.0, 0.0, 0.0));
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
