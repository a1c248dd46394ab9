//! Fleets in a few words, looked at second by second, and what one of their workers plans.

mod balancing;
mod handing_over;
mod heirs;
mod placing;
mod small_fleets;
mod waiting;

use super::*;
use crate::lease::{Heartbeat, Stamp};
use crate::member::{LeaderLock, Member};
use crate::position::Position;
use crate::time::Timestamp;

/// Workers of this library, named by their rank.
const FIRST: &str = "no.0";
const SECOND: &str = "no.1";
const THIRD: &str = "no.2";
const RANKED: [&str; 3] = [FIRST, SECOND, THIRD];
/// A worker of another library.
const JAVA: &str = "java";
/// A worker without a row.
const GONE: &str = "gone";

/// The pause between two looks, in seconds: that between two ranks.
const STEP: f64 = 0.25;

fn key(shard: &str) -> ShardKey {
    ShardKey::new(StreamId::named("s"), shard)
}

/// The running process of a worker.
fn process(worker: &str) -> Instance {
    Instance::new(worker.bytes().fold(0, |number, byte| number * 256 + u64::from(byte)))
}

fn begun_by(worker: &str) -> Stamp {
    Stamp::held(process(worker), 1, 1)
}

fn offer_of_another() -> Stamp {
    Stamp::offered(process("another"), 1, 1)
}

fn row(worker: &str, ours: bool) -> Member {
    Member {
        worker: worker.into(),
        instance: ours.then(|| process(worker)),
        reported: Timestamp::from_millis(0),
        leaving: false,
        assignable: true,
        cap: None,
        utilization: None,
        wakes: Vec::new(),
    }
}

fn lease(shard: &str, owner: Option<&str>, stamp: Option<Stamp>) -> Lease {
    let mut lease = Lease::new(key(shard), Position::TrimHorizon, None);
    lease.version = Version::new(7);
    lease.owner = owner.map(WorkerId::from);
    lease.stamp = stamp;
    lease
}

struct Fleet {
    members: Vec<Member>,
    leases: Vec<Lease>,
    lock: Option<LeaderLock>,
    /// These do not report any more.
    mute: BTreeSet<WorkerId>,
    /// These renew all that they hold, at each look.
    beating: BTreeSet<WorkerId>,
    /// What the planning worker does not hold, although it would seem so.
    dropped: BTreeSet<ShardKey>,
    avoided: BTreeSet<ShardKey>,
    woken: BTreeMap<ShardKey, Version>,
    distrusted: BTreeSet<WorkerId>,
    just_took: bool,
    looks: u32,
    now: Instant,
    roster: Roster,
    seen: Observations,
    timing: Timing,
}

impl Fleet {
    /// So many workers of this library.
    fn of(workers: usize) -> Self {
        Self {
            members: RANKED[..workers].iter().map(|worker| row(worker, true)).collect(),
            leases: Vec::new(),
            lock: None,
            mute: BTreeSet::new(),
            beating: BTreeSet::new(),
            dropped: BTreeSet::new(),
            avoided: BTreeSet::new(),
            woken: BTreeMap::new(),
            distrusted: BTreeSet::new(),
            just_took: false,
            looks: 0,
            now: Instant::now(),
            roster: Roster::default(),
            seen: Observations::default(),
            timing: Timing::new(Duration::from_secs(10)),
        }
    }

    fn with_java(mut self) -> Self {
        self.members.push(row(JAVA, false));
        self
    }

    fn change(mut self, worker: &str, change: impl FnOnce(&mut Member)) -> Self {
        change(self.members.iter_mut().find(|member| member.worker == worker.into()).expect("there"));
        self
    }

    fn capped(self, worker: &str, cap: usize) -> Self {
        self.change(worker, |member| member.cap = Some(cap))
    }

    fn leaving(self, worker: &str) -> Self {
        self.change(worker, |member| member.leaving = true)
    }

    fn mute(mut self, worker: &str) -> Self {
        self.mute.insert(worker.into());
        self
    }

    /// It renews what it holds.
    fn beating(mut self, worker: &str) -> Self {
        self.beating.insert(worker.into());
        self
    }

    fn lease(mut self, lease: Lease) -> Self {
        self.leases.push(lease);
        self
    }

    fn free(self, shard: &str) -> Self {
        self.lease(lease(shard, None, None))
    }

    fn frees(self, shards: &[&str]) -> Self {
        shards.iter().fold(self, |fleet, shard| fleet.free(shard))
    }

    fn offered(self, shard: &str, to: &str) -> Self {
        self.lease(lease(shard, Some(to), Some(offer_of_another())))
    }

    /// As a worker of another library assigns it.
    fn assigned(self, shard: &str, to: &str) -> Self {
        self.lease(lease(shard, Some(to), None))
    }

    fn held(self, shard: &str, by: &str) -> Self {
        let stamp = (by != JAVA).then(|| begun_by(by));
        self.lease(lease(shard, Some(by), stamp))
    }

    fn holds(self, by: &str, shards: &[&str]) -> Self {
        shards.iter().fold(self, |fleet, shard| fleet.held(shard, by))
    }

    /// By an earlier process of that worker.
    fn held_before(self, shard: &str, by: &str) -> Self {
        self.lease(lease(shard, Some(by), Some(Stamp::held(process("earlier"), 1, 1))))
    }

    fn moving(self, shard: &str, from: &str, to: &str) -> Self {
        let mut fleet = self.held(shard, from);
        let lease = fleet.leases.last_mut().expect("just added");
        (lease.owner, lease.checkpoint_owner) = (Some(to.into()), Some(from.into()));
        fleet
    }

    fn finished(mut self, shard: &str) -> Self {
        self.leases.iter_mut().find(|lease| lease.shard == key(shard)).expect("there").checkpoint = Position::ShardEnd;
        self
    }

    fn look(&mut self) {
        self.looks += 1;
        let beat = Heartbeat::new(self.looks.to_string());
        for lease in &mut self.leases {
            if lease.holder().is_some_and(|holder| self.beating.contains(holder)) {
                lease.heartbeat = beat.clone();
                if let Some(instance) = lease.stamp.as_ref().filter(|stamp| stamp.is_held()).and_then(Stamp::instance) {
                    lease.stamp = Some(Stamp::held(instance, 1, u64::from(self.looks)));
                }
            }
        }
        let wall = Timestamp::from_millis(u64::from(self.looks) * 250);
        for member in self.members.iter_mut().filter(|member| !self.mute.contains(&member.worker)) {
            member.reported = wall;
        }
        self.seen.look(&self.leases, self.now, &self.timing);
        self.roster.look(&self.members, self.lock.as_ref(), self.now, wall, &self.timing);
    }

    /// So many seconds pass, with looks all the while.
    fn pass(&mut self, seconds: f64) {
        let end = self.now + Duration::from_secs_f64(seconds);
        while self.now < end {
            self.now += Duration::from_secs_f64(STEP);
            self.look();
        }
    }

    /// After a first look, and so many seconds.
    fn after(mut self, seconds: f64) -> Self {
        self.look();
        self.pass(seconds);
        self
    }

    /// What holds this lease renews it once, as the workers of another library do.
    fn beat(&mut self, shard: &str) {
        let lease = self.leases.iter_mut().find(|lease| lease.shard == key(shard)).expect("there");
        lease.heartbeat = Heartbeat::new(format!("{} more", self.looks));
    }

    fn me(&self, worker: &str) -> Me {
        let cap = self.members.iter().find(|member| member.worker == worker.into()).and_then(|member| member.cap);
        Me { worker: worker.into(), instance: process(worker), cap }
    }

    fn sight<'a>(&'a self, me: &'a Me) -> Sight<'a> {
        let Self { leases, roster, seen, timing, .. } = self;
        Sight { me, leases, roster, seen, timing, strategy: Strategy::LeaseCount }
    }

    fn plan_as(&self, worker: &str, lead: Option<&mut Memory>) -> Plan {
        let me = self.me(worker);
        let is_held = |lease: &&Lease| {
            let is_mine = lease.stamp.as_ref().is_some_and(|stamp| stamp.is_held() && stamp.is_by(me.instance));
            is_mine && lease.holder() == Some(&me.worker) && !self.dropped.contains(&lease.shard)
        };
        let held = self.leases.iter().filter(is_held).map(|lease| lease.shard.clone()).collect();
        let own = Own {
            streams: &BTreeSet::from([StreamId::named("s")]),
            held: &held,
            avoided: &self.avoided,
            woken: &self.woken,
            distrusted: &self.distrusted,
            just_took: self.just_took,
        };
        plan(&self.sight(&me), &own, lead, self.now)
    }

    fn plan(&self, worker: &str) -> Plan {
        self.plan_as(worker, None)
    }

    /// What a worker does, in words.
    fn does(&self, worker: &str) -> Vec<String> {
        in_words(&self.plan(worker))
    }

    /// The same of the leader.
    fn leads(&self, worker: &str) -> Vec<String> {
        in_words(&self.plan_as(worker, Some(&mut Memory::default())))
    }
}

fn in_words(plan: &Plan) -> Vec<String> {
    let takes = plan.take.iter().map(|lease| format!("take {}", lease.shard.shard));
    let offers = plan.offer.iter().map(|(lease, to)| format!("offer {} to {to}", lease.shard.shard));
    let gives = plan.give.iter().map(|(shard, to)| format!("give {} to {to}", shard.shard));
    let asks = plan.initiate.iter().map(|(lease, to)| format!("ask for {} to {to}", lease.shard.shard));
    let wakes = plan.wake.iter().flat_map(|(worker, wakes)| wakes.iter().map(move |wake| (worker, wake)));
    let wakes = wakes.map(|(worker, wake)| match wake {
        Wake::Lease(shard, version) => format!("wake {worker} for {} at {version}", shard.shard),
        Wake::Look => format!("wake {worker}"),
    });
    let mut words: Vec<String> = takes.chain(offers).chain(gives).chain(asks).chain(wakes).collect();
    words.sort();
    words
}

const NOTHING: [&str; 0] = [];

#[test]
fn the_names_are_in_the_order_of_the_ranks() {
    let fleet = Fleet::of(3).after(0.0);
    let living = fleet.roster.living(&fleet.leases, &fleet.seen, &fleet.timing);
    assert_eq!(living.all().map(|member| member.worker.as_str()).collect::<Vec<_>>(), RANKED);
}
