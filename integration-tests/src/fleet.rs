//! The workers of a site: each has a slot, and in it one run after the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kcl_core::error::ConfigError;
use kcl_core::testing::standstill::Standstill;
use kcl_core::worker::WorkerHandle;
use tokio::task::JoinSet;

use crate::fate::Fate;
use crate::history::{HowOver, Run, What};
use crate::modelled::Reading;
use crate::site::{Clocks, Common, Site, WorkerSpec};

/// The workers of a fleet.
#[derive(Debug, Clone)]
pub struct FleetSpec {
    /// What all luck follows from.
    pub seed: u64,
    /// How the worker in each slot reads; by polling where nothing is said.
    pub readings: Vec<Reading>,
    /// What is wrong with the clocks of each slot; right where nothing is said.
    pub clocks: Vec<Clocks>,
    /// What they have in common.
    pub common: Common,
}

impl FleetSpec {
    /// Workers whose processors do well, whose clocks are right, and who have no limits.
    #[must_use]
    pub fn plain(failover: Duration, seed: u64) -> Self {
        Self { seed, readings: Vec::new(), clocks: Vec::new(), common: Common::plain(failover) }
    }

    /// The same, all of them reading in this way.
    #[must_use]
    pub fn reading(mut self, reading: Reading, workers: usize) -> Self {
        self.readings = vec![reading; workers];
        self
    }
}

/// The workers of a site. Dropping it drops all of them.
#[derive(Debug)]
pub struct Fleet {
    site: Site,
    spec: FleetSpec,
    runs: JoinSet<Run>,
    live: Vec<Live>,
    begun: u32,
    readings: BTreeMap<Run, Reading>,
}

/// A worker that runs.
#[derive(Debug, Clone)]
pub struct Live {
    /// Its run.
    pub run: Run,
    /// Its slot.
    pub slot: usize,
    /// Its worker id.
    pub id: String,
    /// Its handle.
    pub handle: WorkerHandle,
    /// When it dies.
    pub fate: Arc<Fate>,
    standstill: Standstill,
}

impl Fleet {
    /// No worker yet.
    #[must_use]
    pub fn new(site: Site, spec: FleetSpec) -> Self {
        Self { site, spec, runs: JoinSet::new(), live: Vec::new(), begun: 0, readings: BTreeMap::new() }
    }

    /// Starts a worker.
    ///
    /// # Errors
    /// If a setting cannot work.
    pub fn start(&mut self, slot: usize, id: &str) -> Result<Live, ConfigError> {
        self.start_with(slot, id, Fate::default())
    }

    /// Starts a worker whose fate is given.
    ///
    /// # Errors
    /// If a setting cannot work.
    pub fn start_with(&mut self, slot: usize, id: &str, fate: Fate) -> Result<Live, ConfigError> {
        self.begun += 1;
        let run = Run(self.begun);
        let reading = self.reading(slot);
        let spec = WorkerSpec {
            run,
            slot,
            id: id.to_owned(),
            seed: self.spec.seed.wrapping_add(u64::from(run.0) << 40),
            reading,
            clocks: self.spec.clocks.get(slot).copied().unwrap_or_default(),
            common: self.spec.common.clone(),
        };
        let recorder = self.site.recorder.clone();
        let standstill = recorder.standstill(run);
        let worker = self.site.worker(&spec, &standstill)?;
        self.readings.insert(run, reading);
        let fate = Arc::new(fate);
        let (fate_of, standstill_of, handle) = (Arc::clone(&fate), standstill.clone(), worker.handle());
        let live = Live { run, slot, id: id.to_owned(), handle, fate: fate_of, standstill: standstill_of };
        recorder.note(What::Begun { run, worker: id.to_owned() });
        self.live.push(live.clone());
        self.runs.spawn(async move {
            let how = fate.live(worker, &standstill).await;
            recorder.note(What::Over { run, how });
            run
        });
        Ok(live)
    }

    /// How each run reads, those that are over too.
    #[must_use]
    pub fn readings(&self) -> BTreeMap<Run, Reading> {
        self.readings.clone()
    }

    /// How the worker in a slot reads.
    #[must_use]
    pub fn reading(&self, slot: usize) -> Reading {
        self.spec.readings.get(slot).copied().unwrap_or(Reading::Polling)
    }

    /// How the next worker in a slot reads.
    pub fn set_reading(&mut self, slot: usize, reading: Reading) {
        if self.spec.readings.len() <= slot {
            self.spec.readings.resize(slot + 1, Reading::Polling);
        }
        self.spec.readings[slot] = reading;
    }

    /// The worker in a slot, if one runs.
    #[must_use]
    pub fn in_slot(&self, slot: usize) -> Option<Live> {
        self.live.iter().find(|live| live.slot == slot).cloned()
    }

    /// All workers that run.
    #[must_use]
    pub fn live(&self) -> Vec<Live> {
        self.live.clone()
    }

    /// Asks a worker to stop in good order.
    pub fn stop(&self, live: &Live, within: Duration) {
        self.site.recorder.note(What::StopAsked { run: live.run });
        live.handle.shutdown(within);
    }

    /// Freezes a worker: nothing of it moves for so long.
    pub fn freeze(&self, live: &Live, lasting: Duration) {
        self.site.recorder.freeze(live.run, &live.standstill, lasting);
    }

    /// Waits until a worker is over; `None` at once if none runs. Cancel safe.
    pub async fn over(&mut self) -> Option<Live> {
        let run = self.runs.join_next().await?.ok()?;
        let at = self.live.iter().position(|live| live.run == run)?;
        Some(self.live.swap_remove(at))
    }

    /// Stops all workers in good order, and waits until they are over.
    pub async fn stop_all(&mut self, within: Duration) {
        for live in self.live() {
            self.stop(&live, within);
        }
        while self.over().await.is_some() {}
    }

    /// How a run ended, if it did.
    #[must_use]
    pub fn how_over(&self, run: Run) -> Option<HowOver> {
        self.site.recorder.find(|happening| match &happening.what {
            What::Over { run: over, how } if *over == run => Some(how.clone()),
            _ => None,
        })
    }
}
