//! What holds of every small fleet: a worker of this library and two of any kind, two leases in every state, heard of
//! at different times; seen by each of the workers, leading or not.

use super::*;

/// What a worker is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ours,
    Java,
    Leaving,
    /// Its row has not moved for long.
    Stale,
    /// It has no row.
    Absent,
}

const KINDS: [Kind; 5] = [Kind::Ours, Kind::Java, Kind::Leaving, Kind::Stale, Kind::Absent];

/// What a lease is like; workers by their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Free,
    Finished,
    Offered(usize),
    Held(usize),
    /// Named without a write of its running process.
    Named(usize),
    Moving(usize, usize),
    /// Both owners are the same.
    Half(usize),
}

/// For how many seconds nothing has been heard of a lease.
const SILENCES: [u64; 5] = [0, 3, 10, 12, 26];

/// The moments of the looks, in seconds: those at which the leases were last heard of, and no long pause in between.
const LOOKS: [u64; 9] = [0, 4, 9, 14, 18, 20, 23, 27, 30];

/// Some more of those who wait for nothing: the last in rank waits for half a second more.
const PATIENCE: u64 = 1;

fn states() -> Vec<State> {
    let pairs = (0..3).flat_map(|from| (0..3).filter(move |to| *to != from).map(move |to| State::Moving(from, to)));
    let single = (0..3)
        .flat_map(|worker| [State::Offered(worker), State::Held(worker), State::Named(worker), State::Half(worker)]);
    [State::Free, State::Finished].into_iter().chain(single).chain(pairs).collect()
}

/// Some that matter to the fate of another lease: who is busy, and who looks dead.
fn others() -> Vec<(State, u64)> {
    let held = (0..3).flat_map(|worker| [(State::Held(worker), 0), (State::Held(worker), 12)]);
    held.chain([(State::Free, 3), (State::Offered(1), 3), (State::Moving(1, 2), 26), (State::Moving(2, 0), 3)])
        .collect()
}

/// A fleet of which everything is known.
struct Truth {
    kinds: [Kind; 3],
    caps: [Option<usize>; 3],
    leases: Vec<(State, u64)>,
}

impl Truth {
    fn is_java(&self, worker: usize) -> bool {
        self.kinds[worker] == Kind::Java
    }

    /// Whether a worker can be given something.
    fn is_there(&self, worker: usize) -> bool {
        matches!(self.kinds[worker], Kind::Ours | Kind::Java)
    }

    fn lease(&self, number: usize) -> Lease {
        let name = number.to_string();
        let held = |worker: usize| {
            let stamp = (!self.is_java(worker)).then(|| begun_by(RANKED[worker]));
            lease(&name, Some(RANKED[worker]), stamp)
        };
        let half = |from: usize, to: usize| {
            let mut lease = held(from);
            (lease.owner, lease.checkpoint_owner) = (Some(RANKED[to].into()), lease.owner.take());
            lease
        };
        match self.leases[number].0 {
            State::Free => lease(&name, None, Some(offer_of_another())),
            State::Finished => Lease { checkpoint: Position::ShardEnd, ..held(1) },
            State::Offered(worker) => lease(&name, Some(RANKED[worker]), Some(offer_of_another())),
            State::Held(worker) => held(worker),
            State::Named(worker) => lease(&name, Some(RANKED[worker]), Some(Stamp::held(process("earlier"), 1, 1))),
            State::Moving(from, to) => half(from, to),
            State::Half(worker) => half(worker, worker),
        }
    }

    /// As it was before it was last heard of: the holder's own earlier write, or free.
    fn lease_before(&self, number: usize) -> Lease {
        let now = self.lease(number);
        if let State::Offered(_) | State::Named(_) | State::Free = self.leases[number].0 {
            return lease(&number.to_string(), None, None);
        }
        let earlier = now.stamp.as_ref().and_then(Stamp::instance).map(|instance| Stamp::held(instance, 1, 0));
        Lease { stamp: earlier, ..now }
    }

    fn fleet(&self) -> Fleet {
        let mut fleet = Fleet::of(0);
        for ((name, kind), cap) in RANKED.iter().zip(self.kinds).zip(self.caps) {
            if kind != Kind::Absent {
                let leaving = kind == Kind::Leaving;
                fleet.members.push(Member { leaving, cap, ..row(name, kind != Kind::Java) });
            }
            if kind == Kind::Stale {
                fleet.mute.insert((*name).into());
            }
        }
        let start = fleet.now;
        let end = *LOOKS.last().expect("some");
        for look in LOOKS {
            fleet.now = start + Duration::from_secs(look);
            let as_of = |number: usize| {
                let heard = look >= end - self.leases[number].1;
                let lease = if heard { self.lease(number) } else { self.lease_before(number) };
                Lease { heartbeat: Heartbeat::new(if heard { "8" } else { "7" }), ..lease }
            };
            fleet.leases = (0..self.leases.len()).map(as_of).collect();
            fleet.look();
        }
        fleet
    }

    /// After how many seconds of silence nobody can be reading the shard, whoever it names; `None` if nobody does anyway.
    fn safe_after(&self, state: State) -> Option<u64> {
        match state {
            State::Free | State::Finished => None,
            State::Offered(worker) => self.is_java(worker).then_some(24),
            State::Held(worker) | State::Half(worker) | State::Moving(worker, _) => {
                Some(if self.is_java(worker) { 12 } else { 10 })
            }
            // As a lease that a worker of another library has just come to hold, with a stamp of ours.
            State::Named(worker) => Some(if self.is_java(worker) { 24 } else { 10 }),
        }
    }

    /// How long others wait, at the most.
    fn due_after(&self, state: State) -> u64 {
        match state {
            State::Offered(worker) if self.kinds[worker] == Kind::Ours => 3,
            _ => self.safe_after(state).unwrap_or(0),
        }
    }

    /// Whether a worker is in line to look after what nobody reads.
    fn looks_after(&self, worker: usize) -> bool {
        let held = self.leases.iter().filter(
            |(state, _)| matches!(state, State::Held(it) | State::Half(it) | State::Moving(it, _) if *it == worker),
        );
        let heard: Vec<bool> = held.map(|(_, silence)| *silence < 10).collect();
        self.kinds[worker] == Kind::Ours && (heard.is_empty() || heard.contains(&true))
    }

    /// Who is asked to begin, or has it: it decides alone, and at once.
    fn is_for(state: State, worker: usize) -> bool {
        matches!(state, State::Offered(it) | State::Held(it) | State::Named(it) | State::Half(it) if it == worker)
            || matches!(state, State::Moving(from, _) if from == worker)
    }
}

fn number_of(worker: &WorkerId) -> usize {
    RANKED.iter().position(|name| *name == worker.as_str()).expect("one of them")
}

fn acted_on(plan: &Plan, number: usize) -> usize {
    let shard = key(&number.to_string());
    plan.take.iter().chain(plan.offer.iter().map(|(lease, _)| lease)).filter(|lease| lease.shard == shard).count()
}

fn asked_for(plan: &Plan, number: usize) -> usize {
    let shard = key(&number.to_string());
    let asked = plan.initiate.iter().map(|(lease, _)| &lease.shard).chain(plan.give.iter().map(|(shard, _)| shard));
    asked.filter(|asked| **asked == shard).count()
}

/// What holds of the plan of one worker.
fn check_plan(truth: &Truth, fleet: &Fleet, me: usize, plan: &Plan) {
    let mut has = [0; 3];
    for (number, (state, silence)) in truth.leases.iter().copied().enumerate() {
        let has_no_room = usize::from(plan.no_room.contains(&key(&number.to_string())));
        let (acts, asks) = (acted_on(plan, number), asked_for(plan, number));
        assert!(acts + asks + has_no_room <= 1, "one thing at most");
        if state == State::Finished {
            assert_eq!(acts + asks + has_no_room, 0, "it is done");
            continue;
        }
        let named = match state {
            State::Offered(worker) | State::Held(worker) | State::Named(worker) | State::Half(worker) => Some(worker),
            State::Moving(_, to) => Some(to),
            _ => None,
        };
        if let Some(worker) = named.filter(|_| acts == 0) {
            has[worker] += 1;
        }
        if acts > 0 && !Truth::is_for(state, me) {
            let safe = truth.safe_after(state).is_none_or(|safe| silence >= safe);
            assert!(safe, "somebody may be reading {number}");
        }
        if asks > 0 && plan.initiate.iter().any(|(lease, _)| lease.shard == key(&number.to_string())) {
            assert!(
                matches!(state, State::Held(_)) || matches!(state, State::Named(it) if truth.is_java(it)),
                "only what is held can be moved"
            );
        }
        if plan.more && state == State::Free {
            // It is alone, and sees to it in a moment.
            continue;
        }
        if silence > truth.due_after(state) + PATIENCE && !Truth::is_for(state, me) {
            assert_eq!(acts + has_no_room, 1, "{number} is seen to");
        }
        if state == State::Free && (0..3).find(|worker| truth.looks_after(*worker)) == Some(me) {
            assert_eq!(acts + has_no_room, 1, "{number} is seen to at once");
        }
    }
    for (lease, to) in &plan.offer {
        let to = number_of(to);
        assert!(to != me && truth.is_there(to), "offered to one that is not there");
        let failed = |workers: &BTreeSet<WorkerId>| workers.contains(&WorkerId::from(RANKED[to]));
        assert!(!failed(&plan.dead) && !failed(&plan.distrust), "offered to one that failed");
        let promised = matches!(truth.leases[lease.shard.shard.as_str().parse::<usize>().expect("number")].0,
            State::Moving(_, receiver) if receiver == to);
        has[to] += 1;
        let room = truth.caps[to].is_none_or(|cap| has[to] <= cap);
        assert!(promised || room, "offered above the limit");
    }
    for (_, to) in &plan.initiate {
        assert!(truth.is_there(number_of(to)), "moved to one that is not there");
    }
    let failed = plan.dead.iter().chain(&plan.distrust);
    assert!(failed.into_iter().all(|worker| *worker != RANKED[me].into()), "it knows that it lives");
    assert!(plan.due.is_none_or(|due| due > fleet.now), "what is due has been done");
}

fn check(truth: &Truth) {
    let mut fleet = truth.fleet();
    let lookers: Vec<usize> = (0..3).filter(|worker| truth.kinds[*worker] == Kind::Ours).collect();
    let mut plans = Vec::new();
    for me in &lookers {
        let plan = fleet.plan(RANKED[*me]);
        let leading = fleet.plan_as(RANKED[*me], Some(&mut Memory::default()));
        check_plan(truth, &fleet, *me, &plan);
        check_plan(truth, &fleet, *me, &leading);
        let mut without_moves = leading.clone();
        without_moves.initiate.clear();
        without_moves.give.truncate(plan.give.len());
        without_moves.wake.clone_from(&plan.wake);
        assert_eq!(without_moves, plan, "leading adds moves, and changes nothing else");
        plans.push((*me, plan, leading));
    }
    for (number, (state, _)) in truth.leases.iter().enumerate() {
        // Those that decide alone are not in line; nobody waits for them.
        let in_line = plans.iter().filter(|(me, ..)| truth.looks_after(*me) && !Truth::is_for(*state, *me));
        let acts: Vec<bool> = in_line.map(|(_, plan, _)| acted_on(plan, number) > 0).collect();
        let full = plans.iter().any(|(_, plan, _)| !plan.no_room.is_empty());
        assert!(full || acts.is_sorted_by(|before, after| before >= after), "{number}: in the order of the ranks");
    }
    fleet.leases.reverse();
    fleet.members.reverse();
    for (me, plan, leading) in plans {
        assert_eq!(fleet.plan(RANKED[me]), plan, "in any order");
        assert_eq!(fleet.plan_as(RANKED[me], Some(&mut Memory::default())), leading, "in any order");
    }
}

/// Says which fleet it was.
struct Says<'a>(&'a Truth);

impl Drop for Says<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Truth { kinds, caps, leases } = self.0;
            eprintln!("in the fleet of {kinds:?}, limits {caps:?}, leases {leases:?}");
        }
    }
}

fn check_all(caps: [Option<usize>; 3]) {
    let (states, others) = (states(), others());
    // The states name each of the workers, so their order does not matter.
    let pairs = (0..KINDS.len()).flat_map(|second| (second..KINDS.len()).map(move |third| (second, third)));
    for (second, third) in pairs {
        let kinds = [Kind::Ours, KINDS[second], KINDS[third]];
        for (state, silence) in states.iter().flat_map(|state| SILENCES.map(|silence| (*state, silence))) {
            for other in &others {
                let truth = Truth { kinds, caps, leases: vec![(state, silence), *other] };
                let _says = Says(&truth);
                check(&truth);
            }
        }
    }
}

#[test]
fn every_small_fleet_is_looked_after() {
    check_all([None; 3]);
}

#[test]
fn every_small_fleet_with_limits_is_looked_after() {
    check_all([Some(1); 3]);
}

#[test]
fn fleets_of_more_leases_are_looked_after_too() {
    let mut random = fastrand::Rng::with_seed(5);
    let states = states();
    for _ in 0..2_000 {
        let mut kind = || KINDS[random.usize(..KINDS.len())];
        let kinds = [Kind::Ours, kind(), kind()];
        let caps = [(); 3].map(|()| [None, Some(1), Some(2)][random.usize(..3)]);
        let leases = (0..random.usize(1..6))
            .map(|_| (states[random.usize(..states.len())], SILENCES[random.usize(..SILENCES.len())]))
            .collect();
        let truth = Truth { kinds, caps, leases };
        let _says = Says(&truth);
        check(&truth);
    }
}
