//! Which leases a worker begins to hold.
//!
//! Nobody assigns leases here: each worker takes what is free or left behind, up to its fair share of the work, judged by
//! who holds what. A lease that nobody took in time is taken by whoever sees it, share or not. All writes are
//! conditional, so two workers that decide alike cost a write, not a mistake.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::observe::Observations;
use crate::decide::timing::Timing;
use crate::ids::{ShardId, ShardKey, StreamId, WorkerId};
use crate::lease::{Instance, Lease, Stamp};

/// Who asks.
#[derive(Debug, Clone)]
pub struct Me {
    /// Its id.
    pub worker: WorkerId,
    /// Its process.
    pub instance: Instance,
}

/// What to do about the leases.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// Leases to begin to hold, most wanted first.
    pub take: Vec<Lease>,
    /// More can be had that is left, for a moment, to workers that may be starting too.
    pub more: bool,
    /// A shard that another live process holds under this worker's id.
    pub twin: Option<ShardKey>,
}

/// Plans for one worker that holds `held`, after a look at the table.
///
/// A worker that sees no other takes half of what is free, and the rest in the looks that follow at once: one that
/// starts at the same moment finds something left. `just_took` says that it took some a moment ago.
#[must_use]
pub fn plan(
    leases: &[Lease],
    held: &BTreeSet<ShardKey>,
    me: &Me,
    seen: &Observations,
    timing: &Timing,
    just_took: bool,
) -> Plan {
    let unfinished: BTreeSet<(&StreamId, &ShardId)> =
        leases.iter().filter(|lease| !lease.is_finished()).map(|l| (&l.shard.stream, &l.shard.shard)).collect();
    let is_ready =
        |lease: &Lease| lease.parents.iter().all(|parent| !unfinished.contains(&(&lease.shard.stream, parent)));

    let mut plan = Plan::default();
    let mut others: BTreeMap<&WorkerId, usize> = BTreeMap::new();
    let (mut mine, mut open, mut unclear) = (0, Vec::new(), false);
    for lease in leases.iter().filter(|lease| !lease.is_finished()) {
        if held.contains(&lease.shard) {
            mine += 1;
            continue;
        }
        match standing(lease, me, seen, timing) {
            Standing::Mine => {
                mine += 1;
                plan.take.push(lease.clone());
            }
            Standing::Open if is_ready(lease) => open.push(lease),
            Standing::Open => {}
            Standing::Unclear => unclear = true,
            // Of two that hold something, the lower number goes. One that holds nothing came later, and goes.
            Standing::Twin(twin) if held.is_empty() || me.instance < twin => {
                plan.twin.get_or_insert_with(|| lease.shard.clone());
            }
            Standing::Twin(_) => *others.entry(&me.worker).or_default() += 1,
            Standing::Held(holder) => *others.entry(holder).or_default() += 1,
        }
    }
    if unclear {
        // A process that was started under the id of a living one must not disturb it.
        open.clear();
    }

    open.sort_by_key(|lease| (preference(&me.worker, &lease.shard), &lease.shard));
    let total = mine + open.len() + others.values().sum::<usize>();
    let mut room = match others.len() {
        0 if just_took => 0,
        0 => open.len().div_ceil(2),
        others => total.div_ceil(others + 1).saturating_sub(mine),
    };
    let overdue = |lease: &Lease| {
        let patience = if lease.holder().is_some() { timing.failover * 2 } else { timing.failover };
        seen.silence(lease) >= patience
    };
    for lease in open {
        if room > 0 {
            room -= 1;
        } else if !overdue(lease) {
            plan.more |= others.is_empty();
            continue;
        }
        plan.take.push(lease.clone());
    }
    plan
}

enum Standing<'a> {
    /// It names this worker, and no other process can be holding it.
    Mine,
    /// Free, or its holder is silent.
    Open,
    /// It names this worker; whether another process with the same id holds it is not yet known.
    Unclear,
    /// Another live process holds it under this worker's id.
    Twin(Instance),
    Held(&'a WorkerId),
}

fn standing<'a>(lease: &'a Lease, me: &Me, seen: &Observations, timing: &Timing) -> Standing<'a> {
    let Some(holder) = lease.holder() else { return Standing::Open };
    if seen.is_silent(lease, timing) {
        return Standing::Open;
    }
    if *holder != me.worker {
        return Standing::Held(holder);
    }
    let stamp = lease.stamp.as_ref().filter(|stamp| stamp.is_held() || lease.checkpoint_owner.is_some());
    match stamp.and_then(Stamp::instance) {
        Some(other) if other != me.instance && seen.has_beaten(&lease.shard) => Standing::Twin(other),
        Some(other) if other != me.instance => Standing::Unclear,
        // To be given away: nothing to begin.
        _ if lease.checkpoint_owner.is_some() => Standing::Held(holder),
        _ => Standing::Mine,
    }
}

/// A number by which workers prefer different shards: rendezvous hashing, so that it changes little as workers come and
/// go. FNV-1a, and a last mixing since it spreads short differences badly.
fn preference(worker: &WorkerId, shard: &ShardKey) -> u64 {
    let parts = [worker.as_str(), shard.stream.as_str(), shard.shard.as_str()];
    let hash = parts
        .iter()
        .flat_map(|part| part.bytes().chain([0]))
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let hash: u64 = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^ (hash >> 29)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::lease::Heartbeat;
    use crate::position::Position;

    const ME: Instance = Instance::new(1);

    fn lease(shard: u32, owner: Option<&str>) -> Lease {
        let key = ShardKey::new(StreamId::named("s"), format!("shardId-{shard}"));
        let mut lease = Lease::new(key, Position::TrimHorizon, None);
        lease.owner = owner.map(WorkerId::from);
        lease.stamp = owner.map(|_| Stamp::held(Instance::new(99), 1, 1));
        lease
    }

    fn fleet(owners: &[Option<&str>]) -> Vec<Lease> {
        owners.iter().zip(0..).map(|(owner, shard)| lease(shard, *owner)).collect()
    }

    struct Watch {
        seen: Observations,
        timing: Timing,
        start: Instant,
        held: BTreeSet<ShardKey>,
    }

    impl Watch {
        fn new() -> Self {
            Self {
                seen: Observations::default(),
                timing: Timing::new(Duration::from_secs(10)),
                start: Instant::now(),
                held: BTreeSet::new(),
            }
        }

        fn plan(&mut self, seconds: u64, leases: &[Lease]) -> Plan {
            self.seen.look(leases, self.start + Duration::from_secs(seconds), &self.timing);
            let me = Me { worker: "me".into(), instance: ME };
            plan(leases, &self.held, &me, &self.seen, &self.timing, false)
        }

        /// How many were taken; they are held from now on.
        fn take(&mut self, seconds: u64, leases: &[Lease]) -> usize {
            let plan = self.plan(seconds, leases);
            self.held.extend(plan.take.iter().map(|lease| lease.shard.clone()));
            plan.take.len()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_worker_leaves_something_for_one_that_starts_at_the_same_moment() {
        let leases = fleet(&[None; 8]);
        let mut watch = Watch::new();
        assert_eq!([(); 4].map(|()| watch.take(0, &leases)), [4, 2, 1, 1]);
        let nothing_left = watch.plan(0, &leases);
        assert_eq!((nothing_left.take.len(), nothing_left.more), (0, false));

        let me = Me { worker: "me".into(), instance: ME };
        let watch = Watch::new();
        let at_once = plan(&leases, &BTreeSet::new(), &me, &watch.seen, &watch.timing, true);
        assert_eq!((at_once.take.len(), at_once.more), (0, true), "not twice in the same moment");
    }

    #[tokio::test(start_paused = true)]
    async fn a_single_free_lease_is_taken_at_once() {
        let plan = Watch::new().plan(0, &fleet(&[None]));
        assert_eq!((plan.take.len(), plan.more), (1, false));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_takes_more_than_the_fair_share_while_others_live() {
        let leases = fleet(&[Some("a"), Some("b"), Some("b"), None, None, None, None]);
        assert_eq!(Watch::new().plan(0, &leases).take.len(), 3, "7 leases, 3 workers");
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_takes_is_taken_over_the_share() {
        let owners: Vec<_> = ["a", "a", "a", "me", "me", "me"].map(Some).into_iter().chain([None]).collect();
        let leases = fleet(&owners);
        let mut watch = Watch::new();
        watch.held = leases[3..6].iter().map(|lease| lease.shard.clone()).collect();
        // The heart of `a` beats all the time.
        let beating = |seconds: u64| {
            let mut leases = leases.clone();
            for lease in &mut leases[..3] {
                lease.heartbeat = Heartbeat::new(seconds.to_string());
            }
            leases
        };
        let share = watch.plan(0, &beating(0)).take.len();
        assert_eq!(share, 1, "7 leases, 2 workers: the share is 4");
        watch.held.insert(ShardKey::new(StreamId::named("s"), "shardId-7"));
        let mut more = beating(1);
        more.push(lease(7, Some("me")));
        more.push(lease(8, Some("a")));
        assert_eq!(watch.plan(1, &more).take.len(), 1);
        watch.held.insert(ShardKey::new(StreamId::named("s"), "shardId-9"));
        more.push(lease(9, Some("me")));
        for seconds in [2, 6] {
            let leases: Vec<_> = more
                .iter()
                .cloned()
                .map(|mut l| {
                    if l.owner == Some("a".into()) {
                        l.heartbeat = Heartbeat::new(seconds.to_string());
                    }
                    l
                })
                .collect();
            assert_eq!(watch.plan(seconds, &leases).take.len(), 0, "no room at {seconds} s");
        }
        let leases: Vec<_> = more
            .iter()
            .cloned()
            .map(|mut l| {
                if l.owner == Some("a".into()) {
                    l.heartbeat = Heartbeat::new("x");
                }
                l
            })
            .collect();
        assert_eq!(watch.plan(11, &leases).take.len(), 1, "free for the failover time");
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_workers_leases_are_taken_after_the_failover_time() {
        let leases = fleet(&[Some("a"), Some("a")]);
        let mut watch = Watch::new();
        assert_eq!([0, 5, 9].map(|seconds| watch.plan(seconds, &leases).take.len()), [0, 0, 0]);
        assert_eq!([10, 10].map(|seconds| watch.take(seconds, &leases)), [1, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn finished_shards_are_left_and_children_wait_for_their_parents() {
        let mut leases = fleet(&[None, None]);
        leases[1].parents = vec![leases[0].shard.shard.clone()];
        assert_eq!(Watch::new().plan(0, &leases).take, [leases[0].clone()]);
        leases[0].checkpoint = Position::ShardEnd;
        assert_eq!(Watch::new().plan(0, &leases).take, [leases[1].clone()]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_names_this_worker_is_taken_at_once_unless_another_process_may_hold_it() {
        let mut mine = lease(0, Some("me"));
        mine.stamp = Some(Stamp::held(ME, 4, 9));
        assert_eq!(Watch::new().plan(0, &[mine.clone()]).take.len(), 1, "held before, by this process");
        mine.stamp = Some(Stamp::offered(Instance::new(99), 4, 9));
        assert_eq!(Watch::new().plan(0, &[mine.clone()]).take.len(), 1, "offered by another");
        mine.stamp = None;
        assert_eq!(Watch::new().plan(0, &[mine.clone()]).take.len(), 1, "assigned by a worker of another library");

        mine.stamp = Some(Stamp::held(Instance::new(99), 4, 9));
        let mut watch = Watch::new();
        assert_eq!([0, 5].map(|s| watch.plan(s, &[mine.clone()])), [Plan::default(), Plan::default()]);
        assert_eq!(watch.plan(10, &[mine.clone()]).take.len(), 1, "the other process is dead");
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_process_with_a_living_ones_id_goes_and_takes_nothing_before() {
        let mut theirs = lease(0, Some("me"));
        let free = lease(1, None);
        let mut watch = Watch::new();
        assert_eq!(watch.plan(0, &[theirs.clone(), free.clone()]), Plan::default());
        theirs.heartbeat = Heartbeat::new("sooner");
        assert_eq!(watch.plan(2, &[theirs.clone(), free.clone()]), Plan::default(), "it may have died since");
        theirs.heartbeat = Heartbeat::new("later");
        assert_eq!(watch.plan(7, &[theirs.clone(), free]).twin, Some(theirs.shard));
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_processes_with_one_id_that_both_hold_something_exactly_one_goes() {
        let goes = |me: u64, other: u64| {
            let mut theirs = lease(0, Some("me"));
            theirs.stamp = Some(Stamp::held(Instance::new(other), 1, 1));
            let mut seen = Observations::default();
            let timing = Timing::new(Duration::from_secs(10));
            let me = Me { worker: "me".into(), instance: Instance::new(me) };
            seen.look(&[theirs.clone()], Instant::now(), &timing);
            theirs.heartbeat = Heartbeat::new("later");
            seen.look(&[theirs.clone()], Instant::now() + timing.renew_after, &timing);
            let held = BTreeSet::from([lease(7, None).shard]);
            plan(&[theirs], &held, &me, &seen, &timing, false).twin.is_some()
        };
        assert_eq!((goes(1, 2), goes(2, 1)), (true, false));
    }

    #[test]
    fn workers_prefer_different_shards() {
        let keys: Vec<_> = (0..64).map(|shard| lease(shard, None).shard).collect();
        let first = |worker: &str| keys.iter().min_by_key(|key| preference(&worker.into(), key));
        let firsts: BTreeSet<_> = (0..16).map(|worker| first(&format!("worker-{worker}"))).collect();
        assert!(firsts.len() > 10, "{}", firsts.len());
    }
}
