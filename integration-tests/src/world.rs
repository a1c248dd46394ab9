//! The world of a seed: a fleet, a producer, and everything that the plan has in store for them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use kcl_core::ids::ShardKey;
use kcl_core::worker::WorkerHandle;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::faults::{Class, Window};
use crate::fleet::{Fleet, FleetSpec};
use crate::handling::Handling;
use crate::history::{Happening, History, ShardFacts, What};
use crate::java::{JavaSlots, JavaSpec};
use crate::plan::{Back, Deed, JavaMember, Plan, Point};
use crate::planted::Planted;
use crate::producer::Producer;
use crate::reshard;
use crate::site::{Common, Site, shard_facts, silence};
use crate::trace::Trace;
use crate::work::Work;

/// For how long records are still put once nothing goes wrong any more.
const STILL_PUTTING: Duration = Duration::from_secs(5);
/// How long a plan in which too little went wrong goes on before the calm.
const ONE_MORE: Duration = Duration::from_secs(10);
/// After how long without another record the world ends, whether or not everything is consumed.
const PATIENCE: Duration = Duration::from_mins(1);
/// A stream that is being resharded is asked again.
const RESHARD_AGAIN: Duration = Duration::from_millis(1_500);
/// How often it is asked whether all is done. What was put last has arrived by then.
const ASK_AGAIN: Duration = Duration::from_millis(250);
/// How long processors have at the end.
const LAST_STOP: Duration = Duration::from_secs(10);

/// What a run of a world gives.
#[derive(Debug)]
pub struct Lived {
    /// What happened.
    pub history: History,
    /// Virtual time from beginning to end.
    pub lasted: Duration,
    /// The hash of the trace.
    pub trace: u64,
    /// The trace itself, if it was asked for.
    pub text: Option<String>,
}

/// What is on the world's agenda.
#[derive(Debug)]
enum Entry {
    Start { slot: usize, same_id: bool },
    Do(Deed),
    Calm,
    StopPutting,
}

struct World {
    plan: Plan,
    site: Site,
    fleet: Fleet,
    java: JavaSlots,
    producers: JoinSet<()>,
    handling: Arc<Handling>,
    luck: fastrand::Rng,
    began: Instant,
    agenda: BTreeMap<Instant, VecDeque<Entry>>,
    ids: Vec<(String, u32)>,
    back: Vec<Back>,
    calm: bool,
    stopped_putting: Option<Instant>,
    /// All that the stream had before it was split or merged last: in the end it has forgotten some of them.
    shards: BTreeMap<String, ShardFacts>,
}

/// Lives through the world of a plan. Call it inside a runtime of one thread whose clock is paused.
pub async fn live(plan: Plan, planted: Option<Planted>, trace: Trace) -> Lived {
    let began = Instant::now();
    let mut world = World::new(plan, planted, trace);
    world.begin().await;
    world.go_on().await;
    let history = History {
        happenings: world.site.recorder.happenings(),
        shards: world.all_shards(),
        // By the slowest clock.
        failover: world.plan.failover.mul_f64(1.01),
        staleness: world.plan.services.dynamodb.stale_reads.map_or(Duration::ZERO, |stale| stale.max_age),
        byte_budget: world.plan.byte_budget,
        retention: Duration::from_hours(world.plan.services.kinesis.retention_min_hours.into()),
        readings: world.fleet.readings(),
        patience_of_java: world.plan.patience_of_java(),
        in_flight: Duration::ZERO,
        silence: if world.plan.has_fan_out() { silence(&world.plan.services) } else { Duration::ZERO },
    };
    let (trace, text) = world.site.recorder.traced();
    Lived { history, lasted: began.elapsed(), trace, text }
}

impl World {
    fn new(mut plan: Plan, planted: Option<Planted>, trace: Trace) -> Self {
        let site = Site::new(plan.services.clone(), trace);
        let handling = Arc::new(std::mem::take(&mut plan.handling));
        let common = Common {
            failover: plan.failover,
            read_limit: plan.read_limit,
            idle_interval: plan.idle_interval,
            handling: Arc::clone(&handling),
            planted,
            max_leases: plan.max_leases,
            byte_budget: plan.byte_budget,
        };
        let (readings, clocks) = (plan.readings.clone(), plan.clocks.clone());
        let spec = FleetSpec { seed: plan.seed, readings, clocks, common };
        let (workers, java) = (plan.starts.len(), plan.java.len());
        let names =
            (0..workers).map(|slot| format!("worker-{slot}")).chain((0..java).map(|slot| format!("java-{slot}")));
        Self {
            java: JavaSlots::new(site.clone()),
            fleet: Fleet::new(site.clone(), spec),
            luck: fastrand::Rng::with_seed(plan.seed ^ 0x776f_726c),
            began: Instant::now(),
            agenda: BTreeMap::new(),
            ids: names.map(|name| (name, 0)).collect(),
            back: vec![Back { after: Duration::from_secs(1), same_id: true }; workers + java],
            producers: JoinSet::new(),
            calm: false,
            stopped_putting: None,
            shards: BTreeMap::new(),
            handling,
            site,
            plan,
        }
    }

    fn enter(&mut self, at: Duration, entry: Entry) {
        let at = (self.began + at).max(Instant::now());
        self.agenda.entry(at).or_default().push_back(entry);
    }

    async fn begin(&mut self) {
        self.site.create_stream(self.plan.shards).await;
        let windows = self.plan.windows.clone();
        self.site.faults.open(windows, self.plan.seed ^ 0x6661_7465);
        self.producers.spawn(
            Producer::new(&self.site, self.plan.seed).padded(self.plan.padding).run(self.plan.put_every.clone()),
        );
        let java = self.plan.java.iter().map(|member| member.start);
        let starts: Vec<_> = self.plan.starts.iter().copied().chain(java).collect();
        let absent = std::mem::take(&mut self.plan.absent);
        for (slot, at) in starts.into_iter().enumerate().filter(|(slot, _)| !absent.contains(slot)) {
            self.enter(at, Entry::Start { slot, same_id: true });
        }
        for (at, deed) in std::mem::take(&mut self.plan.deeds) {
            self.enter(at, Entry::Do(deed));
        }
        self.enter(self.plan.calm, Entry::Calm);
    }

    async fn go_on(&mut self) {
        loop {
            let asks = self.stopped_putting.is_some();
            let again = Instant::now() + ASK_AGAIN;
            let next = self.agenda.keys().next().copied().unwrap_or(again);
            let next = if asks { next.min(again) } else { next };
            tokio::select! {
                biased;
                Some(gone) = self.fleet.over() => self.gone(gone.slot),
                Some(left) = self.java.over() => {
                    if !(left.stopped && self.java_member(left.slot).is_some_and(|member| member.leaves)) {
                        self.gone(left.slot);
                    }
                }
                () = tokio::time::sleep_until(next) => {}
            }
            self.act();
            let patience = PATIENCE + self.plan.patience_of_java();
            let impatient = self.stopped_putting.is_some_and(|at| at.elapsed() >= patience);
            if impatient || (asks && self.is_settled()) {
                tokio::join!(self.fleet.stop_all(LAST_STOP), self.java.stop_all(LAST_STOP));
                return;
            }
        }
    }

    fn is_settled(&self) -> bool {
        // Asked first: what is on its way to the services arrives when they are looked at.
        let shards = self.site.shards();
        let mut work = Work::default();
        self.site.recorder.with(|happenings| work.read(happenings));
        // Where Java workers are a shard may be taken from one of ours that was done with it and had not said so.
        work.is_settled(&shards) && (self.plan.java.is_empty() || work.is_committed(&shards))
    }

    fn act(&mut self) {
        while let Some(due) = self.agenda.first_entry().filter(|due| *due.key() <= Instant::now()) {
            for entry in due.remove() {
                match entry {
                    Entry::Start { slot, same_id } => self.start(slot, same_id),
                    Entry::Do(deed) => self.do_deed(deed),
                    Entry::Calm => self.calm_down(),
                    Entry::StopPutting => self.stop_putting(),
                }
            }
        }
    }

    fn gone(&mut self, slot: usize) {
        let Some(Back { after, same_id }) = self.back.get(slot).copied() else { return };
        let after = if self.calm { Duration::ZERO } else { after };
        self.enter(self.began.elapsed() + after, Entry::Start { slot, same_id });
    }

    /// The Java worker of a slot, if that is one of theirs.
    fn java_member(&self, slot: usize) -> Option<&JavaMember> {
        self.plan.java.get(slot.checked_sub(self.plan.starts.len())?)
    }

    fn start_java(&mut self, slot: usize, id: String) {
        let run = self.java.next_run();
        let Some(member) = self.java_member(slot) else { return };
        self.java.start(JavaSpec {
            run,
            slot,
            id,
            pace: member.pace.clone(),
            skew_ms: member.skew_ms,
            seed: self.plan.seed.wrapping_add(u64::from(run.0) << 40),
            read_limit: self.plan.read_limit,
            handling: Arc::clone(&self.handling),
        });
    }

    fn start(&mut self, slot: usize, same_id: bool) {
        let java = self.java_member(slot).is_some();
        if !java && self.plan.switches && self.luck.bool() {
            self.fleet.set_reading(slot, self.fleet.reading(slot).other());
        }
        let (name, generation) = &mut self.ids[slot];
        if !same_id {
            *generation += 1;
        }
        let id = format!("{name}.{generation}");
        if java {
            self.start_java(slot, id);
        } else {
            self.begin_in(slot, &id);
        }
    }

    fn begin_in(&mut self, slot: usize, id: &str) {
        if let Err(error) = self.fleet.start(slot, id) {
            unreachable!("the settings of a plan work: {error}");
        }
    }

    /// The producers end, once they have put enough.
    fn stop_putting(&mut self) {
        let stored = self.count(|what| match what {
            What::Stored { records, .. } => records.len(),
            _ => 0,
        });
        if stored < self.plan.records {
            self.enter(self.began.elapsed() + STILL_PUTTING, Entry::StopPutting);
            return;
        }
        self.producers.abort_all();
        self.stopped_putting = Some(Instant::now());
    }

    fn count(&self, of: impl Fn(&What) -> usize) -> u64 {
        let all = |happenings: &[Happening]| happenings.iter().map(|happening| of(&happening.what)).sum::<usize>();
        u64::try_from(self.site.recorder.with(all)).unwrap_or(u64::MAX)
    }

    /// Peace begins, once enough has gone wrong.
    fn calm_down(&mut self) {
        let faults = self.count(|what| usize::from(matches!(what, What::Fault { .. })));
        if faults < self.plan.faults {
            let from = self.began.elapsed();
            let to = from + ONE_MORE / 2;
            let window = Window {
                from,
                to,
                slot: None,
                service: None,
                writes: false,
                class: Class::LostAfter,
                probability: 0.3,
                delay: Duration::ZERO,
            };
            self.site.faults.open(vec![window], self.plan.seed);
            self.enter(from + ONE_MORE, Entry::Calm);
            return;
        }
        self.calm = true;
        self.site.faults.close();
        self.plan_for_peace();
        self.site.recorder.note(What::Calm);
    }

    /// Nobody dies any more, and whoever is away comes back at once.
    fn plan_for_peace(&mut self) {
        for live in self.fleet.live() {
            live.fate.spare();
        }
        for live in self.java.live() {
            live.fate.spare();
        }
        self.handling.calm_down();
        let away: Vec<_> = std::mem::take(&mut self.agenda).into_values().flatten().collect();
        for entry in away {
            self.enter(self.began.elapsed(), entry);
        }
        self.enter(self.began.elapsed() + STILL_PUTTING, Entry::StopPutting);
    }

    fn do_deed(&mut self, deed: Deed) {
        match deed {
            Deed::Split | Deed::Merge => {
                if !self.reshard(&deed) {
                    self.enter(self.began.elapsed() + RESHARD_AGAIN, Entry::Do(deed));
                }
            }
            Deed::Kill { slot, point, back } => {
                let ours = self.fleet.in_slot(slot).map(|live| (live.run, live.fate));
                let java = || self.java.in_slot(slot).map(|live| (live.run, live.fate));
                let Some((run, fate)) = ours.or_else(java) else { return };
                self.back[slot] = back;
                match point {
                    Point::Turns(turns) => fate.strike(turns),
                    Point::Polls(polls) => fate.die_after_polls(polls),
                    Point::Requests(requests) => self.site.faults.kill_after(run, requests, fate),
                }
            }
            Deed::Stop { slot, within, back } => {
                if let Some(live) = self.java.in_slot(slot) {
                    self.back[slot] = back;
                    self.java.stop(&live, within);
                }
                let Some(live) = self.fleet.in_slot(slot) else { return };
                self.back[slot] = back;
                self.fleet.stop(&live, within);
            }
            Deed::Twin { slot } => {
                // A slot of its own, from which nobody comes back.
                let twin = self.back.len() + slot;
                if let (Some(live), None) = (self.fleet.in_slot(slot), self.fleet.in_slot(twin)) {
                    self.begin_in(twin, &live.id);
                }
            }
            Deed::Freeze { slot, lasting } => {
                if let Some(live) = self.java.in_slot(slot) {
                    self.java.freeze(&live, lasting);
                }
                if let Some(live) = self.fleet.in_slot(slot) {
                    self.fleet.freeze(&live, lasting);
                }
            }
            Deed::Release { slot } => self.with_a_shard(slot, |handle, shard| {
                handle.release_shard(shard, Duration::from_secs(5));
            }),
            Deed::Fence { slot } => self.with_a_shard(slot, |handle, shard| {
                handle.fence_shard(shard);
            }),
        }
    }

    /// Does something to one of the shards that a worker holds, if it holds any.
    fn with_a_shard(&mut self, slot: usize, act: impl Fn(&WorkerHandle, &ShardKey)) {
        let Some(live) = self.fleet.in_slot(slot) else { return };
        let mut held = live.handle.status().shards;
        held.retain(|shard| shard.held.is_some());
        if let Some(one) = held.get(self.luck.usize(..held.len().max(1))) {
            act(&live.handle, &one.shard);
        }
    }

    /// All shards that the stream ever had. Those that it has forgotten were closed.
    fn all_shards(&mut self) -> BTreeMap<String, ShardFacts> {
        let mut all = std::mem::take(&mut self.shards);
        for facts in all.values_mut() {
            facts.closed = true;
        }
        all.append(&mut self.site.shards());
        all
    }

    /// Asks for a split or a merge. `false` if the stream is busy with another.
    fn reshard(&mut self, deed: &Deed) -> bool {
        let listed = self.site.list_shards();
        self.shards.append(&mut shard_facts(&listed));
        let Some((operation, body)) = reshard::choose(&listed, *deed == Deed::Merge, &mut self.luck) else {
            return true;
        };
        self.site.ask(operation, body)["__type"].as_str() != Some("ResourceInUseException")
    }
}
