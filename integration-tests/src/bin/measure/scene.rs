//! A fleet that reads, records that come in, and somebody who waits for something.

use integration_tests::history::millis;
use std::collections::BTreeSet;
use std::time::Duration;

use kcl_core::error::Failure;
use kcl_core::time::WallClock;
use tokio::time::Instant;

use crate::ending::Ending;
use crate::fleet::Fleet;
use crate::journal::{Journal, Pages};
use crate::moved::Moved;
use crate::options::Fleet as Options;
use crate::producer::{PERIOD, Producer};
use crate::services::{Services, Shard};
use crate::settled::View;

/// How often it is looked whether something happened.
const LOOK: Duration = Duration::from_millis(20);

/// How long after an event a silence may still begin.
const AFTERMATH: Duration = Duration::from_millis(1500);

/// Everything that takes part.
pub(crate) struct Scene {
    pub(crate) services: Services,
    pub(crate) fleet: Fleet,
    pub(crate) journal: Journal,
    producer: Producer,
    shards: Vec<Shard>,
    failover: Duration,
    clock: WallClock,
}

impl Scene {
    /// Starts the services, the producer and this many workers, and waits until they are at rest.
    pub(crate) async fn start(options: &Options, workers: u32) -> Result<Self, Failure> {
        let (services, shards) = Services::start(options.seed, options.shards).await?;
        let (journal, failover) = (Journal::default(), options.failover_ms);
        let fleet = Fleet::new(services.address, services.local.region(), failover, &journal);
        let producer = Producer::start(services.local.clone(), shards.clone());
        let mut scene = Self { services, fleet, journal, producer, shards, failover, clock: WallClock::system() };
        for _ in 0..workers {
            scene.fleet.start()?;
        }
        scene.settle().await?;
        Ok(scene)
    }

    /// The time, as workers tell it too: milliseconds since the Unix epoch.
    pub(crate) fn now(&self) -> u64 {
        self.clock.now().millis()
    }

    /// One of the workers that hold a shard.
    pub(crate) fn choose_holder(&self, luck: &mut fastrand::Rng) -> Result<String, Failure> {
        let holding: Vec<_> = self.journal.read(|pages| {
            let workers = self.fleet.names().into_iter();
            workers.filter(|worker| !pages.held_by(worker).is_empty()).collect()
        });
        Ok(luck.choice(&holding).ok_or("no worker holds a shard")?.clone())
    }

    /// Waits until the fleet is at rest.
    pub(crate) async fn settle(&mut self) -> Result<(), Failure> {
        let within = self.failover * 4 + Duration::from_secs(60);
        if self.until(within, |_, view| view.is_settled()).await? {
            return Ok(());
        }
        let holders = self.journal.read(|pages| pages.holders.clone());
        Err(format!("the fleet is not at rest after {within:?}: {holders:?}").into())
    }

    /// Waits until something is so; answers whether it came to be so in time. An error if a worker or the producer ends
    /// by itself.
    pub(crate) async fn until(
        &mut self,
        within: Duration,
        is_so: impl Fn(&Pages, &View<'_>) -> bool + Send,
    ) -> Result<bool, Failure> {
        let end = Instant::now() + within;
        loop {
            self.fleet.check()?;
            self.producer.check()?;
            let (now, workers) = (self.now(), self.fleet.names());
            let (shards, failover) = (self.shards.len(), millis(self.failover));
            let so = self.journal.read(|pages| {
                let calm_for = now.saturating_sub(pages.changed);
                is_so(pages, &View { holders: &pages.holders, shards, workers: &workers, calm_for, failover })
            });
            if so || Instant::now() >= end {
                return Ok(so);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What became of `shards` since an event, when a moment has passed in which more could happen to them.
    pub(crate) async fn moved(&self, shards: &BTreeSet<String>, event: u64) -> Moved {
        tokio::time::sleep(AFTERMATH).await;
        let now = self.now();
        self.journal.read(|pages| Moved::of(pages, shards, event, now, millis(PERIOD)))
    }

    /// Ends the scene: stops the producer, and waits until all is read.
    pub(crate) async fn finish(mut self) -> Result<Ending, Failure> {
        let put = self.producer.stop().await?;
        let end = Instant::now() + self.failover * 2 + Duration::from_secs(10);
        loop {
            let shards = self.shards.iter().map(|shard| shard.id.as_str());
            let ending = self.journal.read(|pages| Ending::of(pages, shards, put));
            if ending.lost == 0 || Instant::now() >= end {
                return Ok(ending);
            }
            tokio::time::sleep(LOOK * 10).await;
        }
    }
}
