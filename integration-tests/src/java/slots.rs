//! The Java workers of a world: each has a slot, and in it one run after the other.

use std::sync::Arc;
use std::time::Duration;

use kcl_core::testing::standstill::Standstill;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::process::{JavaSpec, Process};
use super::worker::live;
use crate::fate::Fate;
use crate::history::{HowOver, Run, What};
use crate::site::Site;

/// A Java worker that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Its slot.
    pub slot: usize,
    /// It was told to stop, and did.
    pub stopped: bool,
}

/// The Java workers of a site. Dropping it drops all of them.
#[derive(Debug)]
pub struct JavaSlots {
    site: Site,
    runs: JoinSet<(Run, bool)>,
    live: Vec<JavaLive>,
    begun: u32,
}

/// One that runs.
#[derive(Debug, Clone)]
pub struct JavaLive {
    /// Its run.
    pub run: Run,
    /// Its slot.
    pub slot: usize,
    /// When it dies.
    pub fate: Arc<Fate>,
    standstill: Standstill,
    stop: watch::Sender<bool>,
    within: watch::Sender<Option<Duration>>,
}

impl JavaSlots {
    /// No worker yet.
    #[must_use]
    pub fn new(site: Site) -> Self {
        Self { site, runs: JoinSet::new(), live: Vec::new(), begun: 0 }
    }

    /// The run that begins next.
    #[must_use]
    pub fn next_run(&mut self) -> Run {
        self.begun += 1;
        Run::java(self.begun)
    }

    /// Starts a worker.
    pub fn start(&mut self, spec: JavaSpec) {
        let (stop, told) = watch::channel(false);
        let (within, mut limit) = watch::channel(None);
        let fate = Arc::new(Fate::default());
        let (run, slot, recorder) = (spec.run, spec.slot, self.site.recorder.clone());
        recorder.note(What::Begun { run, worker: spec.id.clone() });
        let standstill = recorder.standstill(run);
        let (fate_of, standstill_of) = (Arc::clone(&fate), standstill.clone());
        self.live.push(JavaLive { run, slot, fate: fate_of, standstill: standstill_of, stop, within });
        let process = Arc::new(Process::new(&self.site, spec, told));
        self.runs.spawn(async move {
            // A process that was told to stop is ended when its time is up, in whatever state it is.
            let too_long = async {
                let Ok(within) = limit.wait_for(Option::is_some).await.map(|within| within.unwrap_or_default()) else {
                    return std::future::pending().await;
                };
                tokio::time::sleep(within).await;
            };
            let how = tokio::select! {
                biased;
                how = fate.run(standstill.hold(live(process))) => how,
                () = too_long => HowOver::Killed,
            };
            let stopped = how == HowOver::Stopped;
            recorder.note(What::Over { run, how });
            (run, stopped)
        });
    }

    /// The worker in a slot, if one runs.
    #[must_use]
    pub fn in_slot(&self, slot: usize) -> Option<JavaLive> {
        self.live.iter().find(|live| live.slot == slot).cloned()
    }

    /// All workers that run.
    #[must_use]
    pub fn live(&self) -> Vec<JavaLive> {
        self.live.clone()
    }

    /// Freezes a worker: nothing of it moves for so long.
    pub fn freeze(&self, live: &JavaLive, lasting: Duration) {
        self.site.recorder.freeze(live.run, &live.standstill, lasting);
    }

    /// Tells a worker to stop, and ends it when its time is up.
    pub fn stop(&self, live: &JavaLive, within: Duration) {
        self.site.recorder.note(What::StopAsked { run: live.run });
        live.stop.send_replace(true);
        live.within.send_if_modified(|known| {
            let new = known.is_none();
            known.get_or_insert(within);
            new
        });
    }

    /// Waits until a worker is over; `None` at once if none runs. Cancel safe.
    pub async fn over(&mut self) -> Option<Left> {
        let (run, stopped) = self.runs.join_next().await?.ok()?;
        let at = self.live.iter().position(|live| live.run == run)?;
        Some(Left { slot: self.live.swap_remove(at).slot, stopped })
    }

    /// Stops all workers, and waits until they are over.
    pub async fn stop_all(&mut self, within: Duration) {
        for live in self.live() {
            self.stop(&live, within);
        }
        while self.over().await.is_some() {}
    }
}
