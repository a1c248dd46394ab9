//! Fleets of 2 to 50 workers on the real SDK clients, under virtual time: they come, go, die, are cut off, and have wrong
//! clocks. A shard is silent while nobody reads it: between two answers to `GetRecords`, whoever asked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use integration_tests::check::check;
use integration_tests::determinism::with_seed;
use integration_tests::faults::{Class, Window};
use integration_tests::fleet::{Fleet, FleetSpec};
use integration_tests::history::{Happening, History, HowOver, Run, What};
use integration_tests::producer::Producer;
use integration_tests::site::{Clocks, Site};
use integration_tests::trace::Trace;
use kcl_core::event::Event;
use kcl_local::{Service, Settings};
use tokio::task::JoinSet;

const FAILOVER: Duration = Duration::from_secs(10);

/// What a stop, a move or a new worker may cost a shard.
const HAND_OVER: u64 = 1_500;

struct World {
    site: Site,
    fleet: Fleet,
    producing: JoinSet<()>,
}

impl World {
    async fn new(shards: u32, spec: FleetSpec) -> Self {
        let mut settings = Settings { seed: spec.seed, ..Settings::default() };
        settings.dynamodb.table_creating = Duration::from_millis(500);
        let site = Site::new(settings, Trace::default());
        site.create_stream(shards).await;
        let mut producing = JoinSet::new();
        producing.spawn(Producer::new(&site, spec.seed).run(100..=400));
        Self { fleet: Fleet::new(site.clone(), spec), site, producing }
    }

    fn start(&mut self, slot: usize) -> Run {
        self.fleet.start(slot, &format!("worker-{slot}")).expect("the settings work").run
    }

    fn now(&self) -> u64 {
        self.site.recorder.now()
    }

    /// How many shards each run holds, as its events tell.
    fn shares(&self) -> BTreeMap<Run, usize> {
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
    fn balance(&self) -> (usize, usize, usize, usize) {
        let shares: Vec<_> = self.shares().into_values().collect();
        let (least, most) = (shares.iter().min(), shares.iter().max());
        (least.copied().unwrap_or(0), most.copied().unwrap_or(0), shares.len(), shares.iter().sum())
    }

    /// How often each shard was taken since then.
    fn taken_since(&self, since: u64) -> BTreeMap<String, usize> {
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
    fn silence_since(&self, from: u64) -> (u64, String) {
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

    /// Lets everything be consumed, ends the world, and holds its history against every invariant.
    async fn end(mut self) {
        self.producing.shutdown().await;
        self.site.recorder.note(What::Calm);
        seconds(20).await;
        self.fleet.stop_all(Duration::from_secs(5)).await;
        let (happenings, shards) = (self.site.recorder.happenings(), self.site.shards());
        let failover = FAILOVER.mul_f64(1.01);
        let history = History { happenings, shards, failover, staleness: Duration::ZERO, silence: Duration::ZERO };
        let violations: Vec<_> = check(&history).iter().map(ToString::to_string).collect();
        assert!(violations.is_empty(), "{violations:#?}");
    }
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// Lives through a story under virtual time. The same seed tells the same story.
fn tell<F: Future<Output = ()>>(seed: u64, story: impl FnOnce() -> F + Send + 'static) {
    with_seed(seed, move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime without IO can be built");
        runtime.block_on(story());
    });
}

/// Everything goes wrong in this way with these requests, for so long from now on.
fn break_down(
    world: &World,
    class: Class,
    slot: Option<usize>,
    service: Option<Service>,
    probability: f64,
    lasting: u64,
) {
    let from = Duration::from_millis(world.now());
    let (to, delay) = (from + Duration::from_secs(lasting), Duration::from_secs(1));
    world.site.faults.open(vec![Window { from, to, slot, service, class, probability, delay }], 5);
}

/// Wrong clocks for as many workers: every monotonic clock up to a hundredth, every wall clock by hours.
fn wrong_clocks(workers: usize) -> Vec<Clocks> {
    let rates = [1.01, 0.99, 1.0, 0.995, 1.005];
    let skews = [0, 7_200_000, -7_200_000, 90_000, -90_000];
    (0..workers).map(|slot| Clocks { rate: rates[slot % 5], skew_ms: skews[slot % 5] }).collect()
}

#[test]
fn workers_that_come_one_after_the_other_each_get_a_fair_part_within_five_seconds() {
    tell(1, || async {
        let mut world = World::new(24, FleetSpec::plain(FAILOVER, 1)).await;
        world.start(0);
        seconds(15).await;
        for workers in 2..=8 {
            let began = world.now();
            world.start(workers - 1);
            seconds(5).await;
            let (least, most, holders, all) = world.balance();
            assert!(most - least <= 1 && holders == workers && all == 24, "{workers}: {:?}", world.shares());
            let taken = world.taken_since(began);
            assert!(taken.values().all(|taken| *taken == 1), "{workers}: {taken:?}");
            assert_eq!(taken.len(), least, "{workers}: no more moves than the newcomer has shards");
            let (silence, shard) = world.silence_since(began);
            assert!(silence <= HAND_OVER, "{workers}: {shard} {silence} ms");
        }
        let settled = world.now();
        seconds(120).await;
        assert_eq!(world.taken_since(settled), BTreeMap::new(), "stable");
        world.end().await;
    });
}

#[test]
fn fifty_workers_that_start_together_share_two_hundred_shards_evenly_and_then_rest() {
    tell(2, || async {
        let mut world = World::new(200, FleetSpec::plain(FAILOVER, 2)).await;
        for slot in 0..50 {
            world.start(slot);
        }
        seconds(20).await;
        assert_eq!(world.balance(), (4, 4, 50, 200), "{:?}", world.shares());
        let settled = world.now();
        seconds(40).await;
        assert_eq!(world.taken_since(settled), BTreeMap::new());
        world.end().await;
    });
}

#[test]
fn a_rolling_deploy_of_ten_workers_leaves_no_shard_without_a_reader() {
    tell(3, || async {
        let mut world = World::new(20, FleetSpec::plain(FAILOVER, 3)).await;
        for slot in 0..10 {
            world.start(slot);
        }
        seconds(30).await;
        let began = world.now();
        for slot in 0..10 {
            let old = world.fleet.in_slot(slot).expect("it runs");
            world.fleet.stop(&old, Duration::from_secs(5));
            world.fleet.over().await.expect("it stops");
            world.fleet.start(slot, &format!("worker-{slot}-new")).expect("the settings work");
            seconds(4).await;
        }
        let (silence, shard) = world.silence_since(began);
        println!("rolling deploy: at most {silence} ms");
        assert!(silence <= HAND_OVER, "{shard} {silence} ms");
        assert_eq!(world.balance(), (2, 2, 10, 20));
        world.end().await;
    });
}

/// Kills the worker that balances, or another, in fleets of several sizes.
fn kill(seed: u64, workers: usize, leader: bool, clocks: Vec<Clocks>) {
    tell(seed, move || async move {
        let shards = u32::try_from(workers * 2).expect("small");
        let mut world = World::new(shards, FleetSpec { clocks, ..FleetSpec::plain(FAILOVER, seed) }).await;
        for slot in 0..workers {
            world.start(slot);
        }
        seconds(40).await;
        let leading = world.site.recorder.with(|happenings| {
            happenings.iter().rev().find_map(|happening| match &happening.what {
                What::Event { run, event: Event::Leading { now: true } } => Some(*run),
                _ => None,
            })
        });
        let victim = world.fleet.live().into_iter().find(|live| (Some(live.run) == leading) == leader);
        let killed = world.now();
        victim.expect("one of them").fate.strike(0);
        seconds(25).await;
        let (silence, shard) = world.silence_since(killed);
        println!("killed one of {workers}, leader {leader}: at most {silence} ms");
        assert!(silence <= 13_000, "{shard} {silence} ms");
        let (least, most, holders, all) = world.balance();
        assert!(most - least <= 1 && holders == workers - 1, "{:?}", world.shares());
        assert_eq!(all, workers * 2);
        world.end().await;
    });
}

#[test]
fn the_leader_of_any_fleet_is_replaced_as_fast_as_anybody() {
    for (seed, workers) in [(11, 2), (12, 5), (13, 12)] {
        kill(seed, workers, true, Vec::new());
        kill(seed, workers, false, Vec::new());
    }
}

#[test]
fn a_death_is_found_out_in_time_although_all_clocks_are_wrong() {
    for leader in [true, false] {
        kill(14, 5, leader, wrong_clocks(5));
    }
}

#[test]
fn a_table_that_was_away_for_a_minute_is_gone_on_with_within_five_seconds() {
    for (seed, class) in [(21, Class::HangBefore), (22, Class::InternalError), (23, Class::LostAfter)] {
        tell(seed, move || async move {
            let mut world =
                World::new(8, FleetSpec { clocks: wrong_clocks(4), ..FleetSpec::plain(FAILOVER, seed) }).await;
            for slot in 0..4 {
                world.start(slot);
            }
            seconds(30).await;
            break_down(&world, class, None, Some(Service::DynamoDb), 1.0, 60);
            seconds(60).await;
            let back = world.now();
            seconds(20).await;
            let (silence, shard) = world.silence_since(back);
            println!("away ({class}): at most {silence} ms after its return");
            assert!(silence <= 5_000, "{class}: {shard} {silence} ms");
            assert_eq!(world.balance().3, 8);
            world.end().await;
        });
    }
}

#[test]
fn a_table_that_throttles_half_of_everything_for_a_minute_costs_nobody_a_shard() {
    tell(24, || async {
        let mut world = World::new(8, FleetSpec::plain(FAILOVER, 24)).await;
        for slot in 0..4 {
            world.start(slot);
        }
        seconds(30).await;
        let began = world.now();
        break_down(&world, Class::Throttled, None, Some(Service::DynamoDb), 0.5, 60);
        seconds(70).await;
        assert_eq!(world.taken_since(began), BTreeMap::new());
        world.end().await;
    });
}

#[test]
fn a_worker_that_was_cut_off_and_comes_back_disturbs_nobody_and_commits_nothing() {
    for (seed, clocks) in [(31, Vec::new()), (32, wrong_clocks(3))] {
        tell(seed, move || async move {
            let mut world = World::new(6, FleetSpec { clocks, ..FleetSpec::plain(FAILOVER, seed) }).await;
            for slot in 0..3 {
                world.start(slot);
            }
            seconds(30).await;
            let cut = world.now();
            break_down(&world, Class::HangBefore, Some(0), None, 1.0, 30);
            seconds(28).await;
            let (silence, shard) = world.silence_since(cut);
            assert!(silence <= 13_000, "{shard} {silence} ms");
            let back = world.now() + 2_000;
            seconds(20).await;
            let (silence, shard) = world.silence_since(back);
            assert!(silence <= HAND_OVER, "{shard} {silence} ms");
            assert_eq!(world.balance(), (2, 2, 3, 6), "it has its part again");
            world.end().await;
        });
    }
}

#[test]
fn a_second_process_with_the_same_id_takes_over_within_two_seconds() {
    tell(41, || async {
        let mut world = World::new(4, FleetSpec::plain(FAILOVER, 41)).await;
        let first = world.start(0);
        world.start(1);
        seconds(30).await;
        let began = world.now();
        world.fleet.start(2, "worker-0").expect("the settings work");
        seconds(10).await;
        let (silence, shard) = world.silence_since(began);
        assert!(silence <= 2_000, "{shard} {silence} ms");
        assert!(matches!(world.fleet.how_over(first), Some(HowOver::Failed(why)) if why.contains("worker id")));
        assert_eq!(world.balance(), (2, 2, 2, 4));
    });
}
