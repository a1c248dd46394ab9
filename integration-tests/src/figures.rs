//! What a run amounted to, on one line.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use kcl_core::event::Event;

use crate::faults::Class;
use crate::history::{HowOver, What};
use crate::rare::Rare;
use crate::world::Lived;

/// The figures of one run, or of several added up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Virtual time.
    pub lasted: Duration,
    /// User records that the stream stored.
    pub records: u64,
    /// User records given to processors, each as often as it was.
    pub deliveries: u64,
    /// Requests sent.
    pub requests: u64,
    /// Faults that requests met.
    pub faults: BTreeMap<Class, u64>,
    /// Checkpoints that moved.
    pub commits: u64,
    /// Workers dropped.
    pub kills: u64,
    /// Workers stopped in good order.
    pub stops: u64,
    /// Workers that gave up.
    pub failures: u64,
    /// Splits and merges.
    pub reshards: u64,
    /// Leases passed on by their holders.
    pub passed: u64,
    /// Leases that nobody held, offered to somebody.
    pub offered: u64,
    /// Holders asked to pass a lease on.
    pub asked: u64,
    /// How often a worker began to balance.
    pub leaders: u64,
    /// Subscriptions asked for.
    pub subscriptions: u64,
    /// Rare states.
    pub rare: Rare,
}

impl Figures {
    /// The figures of a run.
    #[must_use]
    pub fn of(lived: &Lived) -> Self {
        let mut figures = Self { lasted: lived.lasted, rare: Rare::of(&lived.history), ..Self::default() };
        let mut committed = BTreeMap::new();
        let count = |records: &[_]| u64::try_from(records.len()).unwrap_or(u64::MAX);
        for happening in &lived.history.happenings {
            match &happening.what {
                What::Stored { records, .. } => figures.records += count(records),
                What::Called { records, .. } => figures.deliveries += count(records),
                What::Sent { operation, .. } => {
                    figures.requests += 1;
                    figures.subscriptions += u64::from(operation == "SubscribeToShard");
                }
                What::Fault { class, .. } => *figures.faults.entry(*class).or_default() += 1,
                What::Over { how: HowOver::Killed, .. } => figures.kills += 1,
                What::Over { how: HowOver::Stopped, .. } => figures.stops += 1,
                What::Over { how: HowOver::Failed(_), .. } => figures.failures += 1,
                What::Resharded { .. } => figures.reshards += 1,
                What::Event { event, .. } => match event {
                    Event::LeasePassed { .. } => figures.passed += 1,
                    Event::LeaseOffered { .. } => figures.offered += 1,
                    Event::MoveAsked { .. } => figures.asked += 1,
                    Event::Leading { now: true } => figures.leaders += 1,
                    _ => {}
                },
                What::Lease { shard, row: Some(row), .. } => {
                    let before = committed.insert(shard, &row.checkpoint);
                    figures.commits += u64::from(before.is_some_and(|before| *before != row.checkpoint));
                }
                _ => {}
            }
        }
        figures
    }

    /// How many faults there were.
    #[must_use]
    pub fn all_faults(&self) -> u64 {
        self.faults.values().sum()
    }

    /// What must be in a run for it to have shown anything, and is not.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let counts = [
            ("records", self.records, 500),
            ("requests", self.requests, 1),
            ("faults", self.all_faults(), 3),
            ("commits", self.commits, 1),
            ("reshards", self.reshards, 1),
        ];
        counts.into_iter().filter(|(_, count, least)| count < least).map(|(name, ..)| name).collect()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "virtual_s={:.1} records={}", self.lasted.as_secs_f64(), self.records)?;
        write!(f, " deliveries={} requests={}", self.deliveries, self.requests)?;
        write!(f, " faults={}", self.all_faults())?;
        for (place, (class, count)) in self.faults.iter().enumerate() {
            write!(f, "{}{class}:{count}", if place == 0 { '(' } else { ',' })?;
        }
        write!(f, "{} commits={} kills={}", if self.faults.is_empty() { "" } else { ")" }, self.commits, self.kills)?;
        write!(f, " stops={} failures={} reshards={}", self.stops, self.failures, self.reshards)?;
        let Self { passed, offered, asked, leaders, subscriptions, .. } = self;
        write!(f, " passed={passed} offered={offered} asked={asked} leaders={leaders} subscriptions={subscriptions}")?;
        for (name, count) in self.rare.counts().into_iter().filter(|(_, count)| *count > 0) {
            write!(f, " {name}={count}")?;
        }
        Ok(())
    }
}
