//! What a run amounted to, on one line.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use integration_tests::faults::Class;
use integration_tests::history::{History, HowOver, What};
use integration_tests::silence;

/// The figures of one run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    /// The seed, where it is known.
    seed: Option<u64>,
    lasted: Duration,
    kills: usize,
    stops: usize,
    pauses: usize,
    reshards: usize,
    /// User records that the stream stored.
    records: usize,
    /// User records given to processors, each as often as it was.
    deliveries: usize,
    /// Those of them that a processor had been given before.
    duplicates: usize,
    lease_writes: usize,
    worst_silence: Duration,
    pub(crate) violations: usize,
}

impl Sum {
    pub(crate) fn of(seed: Option<u64>, history: &History, violations: usize) -> Self {
        let lasted = Duration::from_millis(history.happenings.last().map_or(0, |last| last.at));
        let mut sum = Self { seed, lasted, violations, worst_silence: silence::worst(history), ..Self::default() };
        let mut given = BTreeSet::new();
        for happening in &history.happenings {
            match &happening.what {
                What::Over { how: HowOver::Killed, .. } => sum.kills += 1,
                What::Over { how: HowOver::Stopped, .. } => sum.stops += 1,
                What::Fault { class: Class::Frozen, .. } => sum.pauses += 1,
                What::Resharded { .. } => sum.reshards += 1,
                What::Stored { records, .. } => sum.records += records.len(),
                What::Called { shard, records, .. } => {
                    sum.deliveries += records.len();
                    let again = records.iter().filter(|(at, _)| !given.insert((shard, at))).count();
                    sum.duplicates += again;
                }
                What::Lease { .. } => sum.lease_writes += 1,
                _ => {}
            }
        }
        sum
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, kills, stops, pauses, reshards, records, deliveries, duplicates, lease_writes, .. } = self;
        if let Some(seed) = seed {
            write!(f, "seed={seed} ")?;
        }
        write!(f, "seconds={:.0} kills={kills} stops={stops} pauses={pauses}", self.lasted.as_secs_f64())?;
        write!(f, " reshards={reshards} records={records} deliveries={deliveries} duplicates={duplicates}")?;
        let silence = self.worst_silence.as_millis();
        write!(f, " lease_writes={lease_writes} worst_silence_ms={silence} violations={}", self.violations)
    }
}
