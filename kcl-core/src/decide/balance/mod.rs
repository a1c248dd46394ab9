//! Which worker is given which lease: where a free lease goes, and what the leader moves.
//!
//! Everything is measured in idle leases: a lease without traffic weighs 1, a busy one up to 7 ([`weights`]). The scale is
//! absolute, so that the noise of a quiet fleet weighs nothing. Inside, weights are whole thousandths: sums do not depend
//! on the order of the input, and neither does a plan.

mod exchange;
mod fill;
mod fleet;
mod level;
mod memory;
mod moves;
mod stock;
mod weight;

pub use fill::fill;
pub use memory::Memory;
pub use moves::{Move, moves};
pub use weight::{Strategy, weights};

use crate::ids::{ShardKey, WorkerId};

/// A worker that can be given leases.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its id; no two candidates have the same.
    pub worker: WorkerId,
    /// Whether it runs this library: it begins seconds sooner than a Java worker, and is preferred among equals.
    pub ours: bool,
    /// The most leases that it may be given.
    pub cap: Option<usize>,
    /// How busy its CPU is, in percent, smoothed; `None` if unknown.
    pub utilization: Option<f64>,
}

/// An unfinished lease, as work.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    /// The shard.
    pub shard: ShardKey,
    /// As [`weights`] gives it. Less than 1 counts as 1.
    pub weight: f64,
    /// Who holds it or will hold it, as an index into the candidates; `None` if it is to be placed.
    pub at: Option<usize>,
    /// Whether the leader may move it now: it is held, no move of it is under way, and it was not just begun.
    pub movable: bool,
}

#[cfg(test)]
mod tests;
