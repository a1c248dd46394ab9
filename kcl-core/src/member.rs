//! Workers as their application's table shows them: the row that each keeps there, what it is woken by, and the lock of
//! the one that balances.

use std::time::Duration;

use crate::ids::{ShardKey, WorkerId};
use crate::lease::{Instance, Version};
use crate::time::Timestamp;

/// One worker's row. It may be out of date the moment it is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The worker.
    pub worker: WorkerId,
    /// The process of this library that keeps the row; `None` if a worker of another library keeps it.
    pub instance: Option<Instance>,
    /// When it reported last, by its own wall clock. A worker reports twice in a failover time (a Java worker every 30 s), and
    /// counts as alive while this moves.
    pub reported: Timestamp,
    /// It stops: it is given no more leases, and gives away those that it has.
    pub leaving: bool,
    /// Whether it may be given leases at all: its report is complete, and it could measure itself.
    pub assignable: bool,
    /// The most leases that it may be given, if it set a limit.
    pub cap: Option<usize>,
    /// How much of its CPU it uses, smoothed, in percent; `None` if it does not tell.
    pub utilization: Option<f64>,
    /// What it was woken by and has not yet acted on. In no particular order.
    pub wakes: Vec<Wake>,
}

/// A hint to a worker. Losing one costs time, never safety.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wake {
    /// This lease became the worker's business with the write that gave it this version: it may begin to hold it, or is
    /// asked to give it away.
    Lease(ShardKey, Version),
    /// Look at the table.
    Look,
}

/// What a worker writes into its row.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberReport {
    /// The worker.
    pub worker: WorkerId,
    /// Its process.
    pub instance: Instance,
    /// Whose row it is to be now.
    pub over: Over,
    /// The time by its wall clock.
    pub now: Timestamp,
    /// The most leases that it may be given.
    pub cap: Option<usize>,
    /// The last means of its CPU use in percent, oldest first, at most ten.
    pub utilization: Vec<f64>,
}

/// The condition of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// The row is this process's.
    Own,
    /// The first report of a process: the row is as it was seen, another process's or nobody's of this library. It begins
    /// anew: neither leaving nor woken.
    Seen(Option<Instance>),
}

/// The lock of the worker that balances, as the DynamoDB lock client 1.4.0 keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaderLock {
    /// Who holds it.
    pub owner: WorkerId,
    /// Changes with every write; compared, never ordered.
    pub version: String,
    /// For how long it holds after its version was first seen, by the observer's clock.
    pub lasts: Duration,
    /// It was given back without being removed.
    pub released: bool,
}

/// A write to the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockWrite {
    /// Begin to hold it. Condition: it is as it was seen, released, or absent.
    Acquire {
        /// As it was seen.
        seen: Option<LeaderLock>,
        /// As it is to be.
        new: LeaderLock,
    },
    /// Go on to hold it. Condition: it is the writer's, at this version.
    Beat {
        /// The version of the last write.
        from: String,
        /// As it is to be.
        new: LeaderLock,
    },
    /// Give it back, by removing it. Condition: as for a beat.
    Release {
        /// As it is.
        held: LeaderLock,
    },
}

/// One figure for the last means of a worker's use of its CPU, oldest first, as the Java KCL forms it: each counts as much as
/// all before it together. What is no measurement, negative or not a number, is passed over. `None` if there is none.
#[must_use]
pub fn smoothed(means: &[f64]) -> Option<f64> {
    let measured = means.iter().copied().filter(|mean| mean.is_finite() && *mean >= 0.0);
    measured.reduce(f64::midpoint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_workers_means_counts_most() {
        for (means, expected) in [
            (&[][..], None),
            (&[-1.0, f64::NAN], None),
            (&[40.0], Some(40.0)),
            (&[40.0, -1.0, 80.0], Some(60.0)),
            (&[0.0, 0.0, 100.0, 20.0], Some(35.0)),
        ] {
            assert_eq!(smoothed(means), expected, "{means:?}");
        }
    }
}
