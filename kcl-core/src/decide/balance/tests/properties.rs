use proptest::prelude::*;
use proptest::strategy::Strategy as _;

use super::Strategy;
use super::*;

/// A fleet of up to 12 workers, and 60 leases of equal weight, of a few weights, of about the same, or of any; no cap is
/// exceeded.
#[derive(Debug, Clone)]
struct Fleet {
    candidates: Vec<Candidate>,
    work: Vec<Work>,
}

fn fleets() -> impl proptest::strategy::Strategy<Value = Fleet> {
    (1..12_usize, 0..4_usize).prop_flat_map(|(number, kind)| {
        let cap = prop::option::weighted(0.3, 0..12_usize);
        let candidates = prop::collection::vec((cap, any::<bool>(), 0.0..100.0), number);
        let leases = prop::collection::vec((1.0..7.0, 0..number, prop::bool::weighted(0.9)), 0..60);
        (candidates, leases).prop_map(move |(candidates, leases)| fleet(kind, candidates, leases))
    })
}

fn fleet(kind: usize, candidates: Vec<(Option<usize>, bool, f64)>, leases: Vec<(f64, usize, bool)>) -> Fleet {
    let candidates: Vec<_> = candidates
        .into_iter()
        .enumerate()
        .map(|(number, (cap, ours, cpu))| Candidate { cap, ours, utilization: Some(cpu), ..worker(number) })
        .collect();
    let mut held = vec![0; candidates.len()];
    let mut work = Vec::new();
    for (weight, at, movable) in leases {
        held[at] += 1;
        if candidates[at].cap.is_none_or(|cap| held[at] <= cap) {
            let weight = [1.0, weight.round(), 1.0 + weight / 70.0, weight][kind];
            work.push(Work { movable, ..lease(work.len(), weight, Some(at)) });
        }
    }
    Fleet { candidates, work }
}

impl Fleet {
    fn without_cpu(mut self) -> Self {
        for candidate in &mut self.candidates {
            candidate.utilization = None;
        }
        self
    }

    /// Some leases are free.
    fn with_free_leases(mut self) -> Self {
        for one in self.work.iter_mut().step_by(3) {
            one.at = None;
        }
        self
    }

    /// The same in another order.
    fn turned(&self, by: usize) -> Self {
        let order = |length: usize| {
            let mut order: Vec<_> = (0..length).collect();
            order.rotate_left(by % length.max(1));
            if by % 2 == 1 {
                order.reverse();
            }
            order
        };
        let (candidates, work) = (order(self.candidates.len()), order(self.work.len()));
        let place = |at: usize| candidates.iter().position(|one| *one == at);
        let turned = |one: &usize| Work { at: self.work[*one].at.and_then(place), ..self.work[*one].clone() };
        Self {
            work: work.iter().map(turned).collect(),
            candidates: candidates.iter().map(|one| self.candidates[*one].clone()).collect(),
        }
    }

    fn name(&self, work: usize, candidate: usize) -> (ShardKey, WorkerId) {
        (self.work[work].shard.clone(), self.candidates[candidate].worker.clone())
    }

    fn fill(&self) -> Vec<(ShardKey, WorkerId)> {
        fill(&self.candidates, &self.work).into_iter().map(|(work, candidate)| self.name(work, candidate)).collect()
    }

    /// The first plan of a leader, and the one that it makes by the CPU.
    fn moves(&self, start: Instant) -> Vec<Vec<(ShardKey, WorkerId)>> {
        let mut memory = Memory::default();
        [0, 60]
            .map(|seconds| {
                let now = start + Duration::from_secs(seconds);
                let plan = moves(&self.candidates, &self.work, Strategy::Utilization, &mut memory, now);
                plan.into_iter().map(|one| self.name(one.work, one.to)).collect()
            })
            .into()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_one_plan_by_weight_nothing_is_left_to_move(fleet in fleets()) {
        let Fleet { candidates, mut work } = fleet.without_cpu();
        let mut leader = Leader::new(Strategy::Utilization);
        leader.balance(&candidates, &mut work);
        prop_assert_eq!(leader.balance(&candidates, &mut work), [0; 0]);
        prop_assert_eq!(Leader::new(Strategy::Utilization).balance(&candidates, &mut work), [0; 0], "by another leader");
    }

    #[test]
    fn what_a_plan_by_cpu_moved_stays_while_its_shares_are_valid(fleet in fleets()) {
        let Fleet { candidates, mut work } = fleet;
        let mut leader = Leader::new(Strategy::Utilization);
        for _ in 0..4 {
            if !leader.balance(&candidates, &mut work).is_empty() {
                // As if it had been cut short: it is gone on with, and nothing is left.
                leader.memory.planned(false, true, leader.now);
                prop_assert_eq!(leader.balance(&candidates, &mut work), [0; 0]);
            }
            leader.wait(60);
        }
    }

    #[test]
    fn the_spread_of_the_weights_does_not_grow(fleet in fleets()) {
        let Fleet { mut candidates, mut work } = fleet.without_cpu();
        for candidate in &mut candidates {
            candidate.cap = None;
        }
        let before = spread(&loads(candidates.len(), &work));
        Leader::new(Strategy::Utilization).balance(&candidates, &mut work);
        prop_assert!(spread(&loads(candidates.len(), &work)) <= before + 1e-3);
    }

    #[test]
    fn a_fill_of_an_empty_fleet_is_fair_and_rests(fleet in fleets()) {
        let Fleet { mut candidates, mut work } = fleet.without_cpu();
        for (candidate, one) in candidates.iter_mut().zip(0..) {
            candidate.cap = candidate.cap.filter(|_| one % 2 == 0);
        }
        for one in &mut work {
            one.at = None;
        }
        place(&candidates, &mut work);
        let counts = counts(candidates.len(), &work);
        let loads = loads(candidates.len(), &work);
        let has_room = |worker: usize| candidates[worker].cap.is_none_or(|cap| counts[worker] < cap);
        prop_assert!(work.iter().all(|one| one.at.is_some()) || (0..candidates.len()).all(|one| !has_room(one)));
        for one in &work {
            let Some(at) = one.at else { continue };
            for other in (0..candidates.len()).filter(|other| has_room(*other)) {
                prop_assert!(loads[at] - one.weight <= loads[other] + 1e-2, "{} {}", loads[at], loads[other]);
            }
        }
        prop_assert!(candidates.iter().zip(&counts).all(|(one, count)| one.cap.is_none_or(|cap| *count <= cap)));
        prop_assert_eq!(Leader::new(Strategy::Utilization).balance(&candidates, &mut work), [0; 0]);
    }

    #[test]
    fn the_order_of_the_input_does_not_matter(fleet in fleets(), by in 0..100_usize, cpu in any::<bool>()) {
        let fleet = if cpu { fleet } else { fleet.without_cpu() };
        let start = Instant::now();
        prop_assert_eq!(fleet.moves(start), fleet.turned(by).moves(start));
        let fleet = fleet.with_free_leases();
        prop_assert_eq!(fleet.fill(), fleet.turned(by).fill());
    }

    #[test]
    fn a_fleet_of_any_past_comes_to_rest(fleet in fleets(), caps in prop::collection::vec(0..8_usize, 12)) {
        let Fleet { mut candidates, mut work } = fleet.without_cpu();
        for (candidate, cap) in candidates.iter_mut().zip(caps).step_by(2) {
            candidate.cap = Some(cap);
        }
        let mut leader = Leader::new(Strategy::Utilization);
        let moved = [(); 5].map(|()| leader.balance(&candidates, &mut work).len());
        prop_assert_eq!(moved[4], 0, "{:?}", moved);
    }
}
