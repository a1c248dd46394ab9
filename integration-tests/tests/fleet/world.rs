//! A world that a test tells a story in, and what can be asked of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use integration_tests::check::check;
use integration_tests::determinism::with_seed;
use integration_tests::faults::{Class, Window};
use integration_tests::fleet::{Fleet, FleetSpec};
use integration_tests::history::{Happening, History, Run, What};
use integration_tests::producer::Producer;
use integration_tests::site::{STREAM, Site};
use integration_tests::trace::Trace;
use kcl_core::event::Event;
use kcl_core::position::Position;
use kcl_local::{Service, Settings};
use tokio::task::JoinSet;

pub(crate) const FAILOVER: Duration = Duration::from_secs(10);

/// What a stop, a move or a new worker may cost a shard.
pub(crate) const HAND_OVER: u64 = 1_500;

pub(crate) struct World {
    pub(crate) site: Site,
    pub(crate) fleet: Fleet,
    producing: JoinSet<()>,
}

impl World {
    pub(crate) async fn new(shards: u32, spec: FleetSpec) -> Self {
        let mut settings = Settings { seed: spec.seed, ..Settings::default() };
        settings.dynamodb.table_creating = Duration::from_millis(500);
        let site = Site::new(settings, Trace::default());
        site.create_stream(shards).await;
        let mut producing = JoinSet::new();
        producing.spawn(Producer::new(&site, spec.seed).run(100..=400));
        Self { fleet: Fleet::new(site.clone(), spec), site, producing }
    }

    pub(crate) fn start(&mut self, slot: usize) -> Run {
        self.fleet.start(slot, &format!("worker-{slot}")).expect("the settings work").run
    }

    /// As many workers, which read in this way and have settled.
    pub(crate) async fn settled(shards: u32, spec: FleetSpec, workers: usize) -> Self {
        let mut world = Self::new(shards, spec).await;
        for slot in 0..workers {
            world.start(slot);
        }
        seconds(40).await;
        world
    }

    /// Stops the worker in a slot, and starts another in its place.
    pub(crate) async fn replace(&mut self, slot: usize, id: &str) {
        let old = self.fleet.in_slot(slot).expect("it runs");
        self.fleet.stop(&old, Duration::from_secs(5));
        self.fleet.over().await.expect("it stops");
        self.fleet.start(slot, id).expect("the settings work");
    }

    /// Kills the worker that balances, or another one.
    pub(crate) fn kill(&self, leader: bool) {
        let leading = self.site.recorder.with(|happenings| {
            happenings.iter().rev().find_map(|happening| match &happening.what {
                What::Event { run, event: Event::Leading { now: true } } => Some(*run),
                _ => None,
            })
        });
        let victim = self.fleet.live().into_iter().find(|live| (Some(live.run) == leading) == leader);
        victim.expect("one of them").fate.strike(0);
    }

    /// Splits a shard.
    pub(crate) async fn split(&self, shard: &str) {
        let half = self
            .site
            .local
            .kinesis(|kinesis, now| kinesis.split_shard_in_half(STREAM, shard.parse().expect("an id"), now).map(drop));
        half.expect("split");
        seconds(2).await;
    }

    /// Merges two shards.
    pub(crate) async fn merge(&self, shard: &str, adjacent: &str) {
        let ids = [shard, adjacent].map(|id| id.parse().expect("an id"));
        let merged =
            self.site.local.kinesis(|kinesis, now| kinesis.merge_shards(STREAM, ids[0], ids[1], now).map(drop));
        merged.expect("merged");
        seconds(2).await;
    }

    pub(crate) fn now(&self) -> u64 {
        self.site.recorder.now()
    }

    /// How many shards each run holds, as its events tell.
    pub(crate) fn shares(&self) -> BTreeMap<Run, usize> {
        let mut shares: BTreeMap<Run, BTreeSet<String>> = BTreeMap::new();
        self.site.recorder.with(|happenings| {
            for happening in happenings {
                match &happening.what {
                    What::Event { run, event: Event::LeaseTaken { shard, .. } } => {
                        shares.entry(*run).or_default().insert(shard.shard.to_string());
                    }
                    What::Event { run, event: Event::LeaseEnded { shard, .. } } => {
                        shares.entry(*run).or_default().remove(shard.shard.as_str());
                    }
                    What::Over { run, .. } => drop(shares.remove(run)),
                    _ => {}
                }
            }
        });
        shares.into_iter().map(|(run, shards)| (run, shards.len())).filter(|(_, shards)| *shards > 0).collect()
    }

    /// The least and the most that a worker holds, how many hold something, and how much they hold.
    pub(crate) fn balance(&self) -> (usize, usize, usize, usize) {
        let shares: Vec<_> = self.shares().into_values().collect();
        let (least, most) = (shares.iter().min(), shares.iter().max());
        (least.copied().unwrap_or(0), most.copied().unwrap_or(0), shares.len(), shares.iter().sum())
    }

    /// How often each shard was taken since then.
    pub(crate) fn taken_since(&self, since: u64) -> BTreeMap<String, usize> {
        let mut taken = BTreeMap::new();
        self.site.recorder.with(|happenings| {
            for Happening { at, what } in happenings {
                if let What::Event { event: Event::LeaseTaken { shard, .. }, .. } = what
                    && *at >= since
                {
                    *taken.entry(shard.shard.to_string()).or_default() += 1;
                }
            }
        });
        taken
    }

    /// The longest time since `from` in which a shard was not read.
    pub(crate) fn silence_since(&self, from: u64) -> (u64, String) {
        let mut last: BTreeMap<String, u64> = BTreeMap::new();
        let mut longest = (0, String::new());
        self.site.recorder.with(|happenings| {
            for Happening { at, what } in happenings {
                if let What::Event { event: Event::Fetched { shard, .. }, .. } = what {
                    let shard = shard.shard.to_string();
                    if let Some(before) = last.insert(shard.clone(), *at)
                        && *at > from
                    {
                        longest = longest.clone().max((at - before.max(from), shard));
                    }
                }
            }
        });
        let open = last.into_iter().map(|(shard, at)| (self.now() - at.max(from), shard)).max();
        longest.max(open.unwrap_or_default())
    }

    /// How long the slowest record that was put since `from` took until a processor had it, and its shard. One that is still
    /// on its way has taken as long as it has waited.
    pub(crate) fn slowest_since(&self, from: u64) -> (u64, String) {
        let mut waiting: BTreeMap<(String, Position), u64> = BTreeMap::new();
        let mut slowest = (0, String::new());
        self.site.recorder.with(|happenings| {
            for Happening { at, what } in happenings {
                match what {
                    What::Stored { shard, records } if *at >= from => {
                        waiting.extend(records.iter().map(|(position, _)| ((shard.clone(), position.clone()), *at)));
                    }
                    What::Called { shard, records, .. } => {
                        for (position, _) in records {
                            if let Some(stored) = waiting.remove(&(shard.clone(), position.clone())) {
                                slowest = slowest.clone().max((at - stored, shard.clone()));
                            }
                        }
                    }
                    _ => {}
                }
            }
        });
        let open = waiting.into_iter().map(|((shard, _), stored)| (self.now() - stored, shard)).max();
        slowest.max(open.unwrap_or_default())
    }

    /// Lets everything be consumed, ends the world, and holds its history against every invariant.
    pub(crate) async fn end(mut self) {
        self.producing.shutdown().await;
        self.site.recorder.note(What::Calm);
        seconds(20).await;
        self.fleet.stop_all(Duration::from_secs(5)).await;
        let (happenings, shards) = (self.site.recorder.happenings(), self.site.shards());
        let failover = FAILOVER.mul_f64(1.01);
        let history = History::plain(happenings, shards, failover);
        let violations: Vec<_> = check(&history).iter().map(ToString::to_string).collect();
        assert!(violations.is_empty(), "{violations:#?}");
    }
}

pub(crate) async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// Lives through a story under virtual time. The same seed tells the same story.
pub(crate) fn tell<F: Future<Output = ()>>(seed: u64, story: impl FnOnce() -> F + Send + 'static) {
    with_seed(seed, move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime without IO can be built");
        runtime.block_on(story());
    });
}

/// Everything goes wrong in this way with these requests, for so long from now on.
pub(crate) fn break_down(
    world: &World,
    class: Class,
    slot: Option<usize>,
    service: Option<Service>,
    probability: f64,
    lasting: u64,
) {
    let from = Duration::from_millis(world.now());
    let (to, delay) = (from + Duration::from_secs(lasting), Duration::from_secs(1));
    world.site.faults.open(vec![Window { from, to, slot, service, writes: false, class, probability, delay }], 5);
}
