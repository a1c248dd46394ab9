//! What the leader remembers between plans, and how it judges the workers by their CPU.
//!
//! The CPU follows a move only after a while, and is measured in a smoothed way. So a worker's share is taken from it at
//! most once a minute and kept in between: it is what plans go on with that were cut short, or that newcomers need.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::Strategy;
use super::fleet::{Fleet, Hand};
use super::weight::{in_leases, number};
use crate::ids::WorkerId;

/// How long CPU values are not looked at after a plan that moved something, and by a new leader.
const SETTLING: Duration = Duration::from_secs(60);
/// Percent of CPU from which on it decides, on average; below, a worker is judged by the weight of its leases.
const BUSY: f64 = 20.0;
/// Percent of CPU below which it no longer decides. Less, so that a fleet near the limit does not go to and fro.
const IDLE: f64 = 15.0;
/// How far a worker may be off the average: both a part of it, and points.
const TOLERANCE: (f64, f64) = (0.1, 5.0);
/// The part of the way that is gone at once (the KCL's dampening).
const DAMPING: f64 = 0.6;
/// A CPU below this part of the average says little about how much more fits.
const LEAST_TOLD: f64 = 0.25;

/// What a leader remembers of its plans. A new leader begins with the default.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// When the leases last moved, or this leader began.
    since: Option<Instant>,
    /// What each worker should have in proportion to the others, while the CPU decides; empty while it does not.
    shares: BTreeMap<WorkerId, f64>,
    /// More was to be moved than one plan may.
    unfinished: bool,
}

impl Memory {
    /// What each worker should have, in proportion, by rank. `None` if nothing is to be moved now.
    pub(super) fn shares(&mut self, fleet: &Fleet<'_>, strategy: Strategy, now: Instant) -> Option<Vec<f64>> {
        let since = *self.since.get_or_insert(now);
        let settling = now.saturating_duration_since(since) < SETTLING;
        let known = match strategy {
            Strategy::LeaseCount => None,
            Strategy::Utilization if settling && !self.shares.is_empty() => {
                if !self.unfinished && self.is_same_set(fleet) {
                    return None;
                }
                Some(fleet.hands.iter().map(|hand| self.shares.get(&hand.candidate.worker).copied()).collect())
            }
            Strategy::Utilization => {
                self.mean_cpu(fleet).map(|mean| by_cpu(fleet, if settling { None } else { Some(mean) }))
            }
        };
        let shares = known.map(or_mean);
        self.shares.clear();
        match shares {
            Some(shares) => {
                let workers = fleet.hands.iter().map(|hand| hand.candidate.worker.clone());
                self.shares.extend(workers.zip(shares.iter().copied()));
                Some(shares)
            }
            None => Some(vec![1.0; fleet.hands.len()]),
        }
    }

    /// A plan was made.
    pub(super) fn planned(&mut self, moved: bool, unfinished: bool, now: Instant) {
        if moved {
            self.since = Some(now);
        }
        self.unfinished = unfinished;
    }

    fn is_same_set(&self, fleet: &Fleet<'_>) -> bool {
        fleet.hands.len() == self.shares.len()
            && fleet.hands.iter().all(|hand| self.shares.contains_key(&hand.candidate.worker))
    }

    /// The mean CPU of those that hold something, if it is to decide: it must be known of all of them to begin with, and
    /// of half of them later, since a report may be late.
    fn mean_cpu(&self, fleet: &Fleet<'_>) -> Option<f64> {
        let holders = fleet.hands.iter().filter(|hand| hand.count > 0).count();
        let known: Vec<f64> = fleet.hands.iter().filter(|hand| hand.count > 0).filter_map(cpu).collect();
        let (needed, least) = if self.shares.is_empty() { (holders, BUSY) } else { (holders.div_ceil(2), IDLE) };
        let mean = known.iter().sum::<f64>() / number(known.len().max(1));
        (known.len() >= needed && mean >= least).then_some(mean)
    }
}

/// Percent of a worker's CPU.
fn cpu(hand: &Hand<'_>) -> Option<f64> {
    hand.candidate.utilization.filter(|percent| percent.is_finite()).map(|percent| percent.clamp(0.0, 100.0))
}

/// The shares at which all would be equally busy, as far as one plan goes towards them; what each has now if the mean is
/// not given. `None` for a worker that has nothing.
fn by_cpu(fleet: &Fleet<'_>, mean: Option<f64>) -> Vec<Option<f64>> {
    let judged: Vec<_> = fleet
        .hands
        .iter()
        .map(|hand| {
            let cpu = mean.and_then(|mean| cpu(hand).map(|cpu| (cpu, mean)));
            (in_leases(hand.load), cpu)
        })
        .collect();
    let told = judged.iter().filter_map(|(load, cpu)| cpu.map(|(cpu, mean)| (*load, per_cpu(*load, cpu, mean))));
    let (all, all_per_cpu) = told.fold((0.0, 0.0), |(loads, per_cpu), told| (loads + told.0, per_cpu + told.1));
    let share = |(load, cpu): (f64, Option<(f64, f64)>)| match cpu {
        _ if load <= 0.0 => None,
        Some((cpu, mean)) if (cpu - mean).abs() > (mean * TOLERANCE.0).max(TOLERANCE.1) => {
            let ideal = all * per_cpu(load, cpu, mean) / all_per_cpu;
            Some(load + DAMPING * (ideal - load))
        }
        _ => Some(load),
    };
    judged.into_iter().map(share).collect()
}

/// How much work a worker does for its CPU.
fn per_cpu(load: f64, cpu: f64, mean: f64) -> f64 {
    load / cpu.max(mean * LEAST_TOLD)
}

/// Whoever has no share of its own counts as the mean of the others.
fn or_mean(shares: Vec<Option<f64>>) -> Vec<f64> {
    let (sum, known) = shares.iter().flatten().fold((0.0, 0), |(sum, known), share| (sum + share, known + 1));
    let mean = if known == 0 { 1.0 } else { sum / number(known) };
    shares.into_iter().map(|share| share.unwrap_or(mean)).collect()
}
