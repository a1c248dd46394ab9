use super::*;

/// Calls with each way in which `leases` leases can be at `workers` workers.
fn each_distribution(workers: usize, leases: u32, mut check: impl FnMut(&[usize])) {
    for number in 0..workers.pow(leases) {
        let at: Vec<_> = (0..leases).map(|lease| number / workers.pow(lease) % workers).collect();
        check(&at);
    }
}

/// Balances until nothing moves: each lease moves once at most, and everything moves in the first plan.
fn come_to_rest(strategy: Strategy, candidates: &[Candidate], work: &mut [Work]) {
    let mut leader = Leader::new(strategy);
    let mut moved = BTreeSet::new();
    for round in 0..4 {
        for shard in leader.balance(candidates, work) {
            assert!(moved.insert(shard), "{shard} moved twice");
            assert_eq!(round, 0, "one plan is enough");
        }
    }
}

#[test]
fn every_small_fleet_is_even_after_one_plan_and_then_rests() {
    for workers_there in 1..=4 {
        for leases in 0..=6 {
            each_distribution(workers_there, leases, |at| {
                let candidates = workers(workers_there);
                let mut work: Vec<_> = at.iter().enumerate().map(|(n, at)| lease(n, 1.0, Some(*at))).collect();
                let before = counts(workers_there, &work);
                let from = work.clone();
                come_to_rest(Strategy::LeaseCount, &candidates, &mut work);
                let after = counts(workers_there, &work);
                assert!(spread(&loads(workers_there, &work)) <= 1.0, "{before:?} {after:?}");

                let mut most: Vec<_> = before.clone();
                most.sort_unstable_by_key(|count| std::cmp::Reverse(*count));
                let (share, larger) = (at.len() / workers_there, at.len() % workers_there);
                let target = |rank: usize| share + usize::from(rank < larger);
                let needed: usize =
                    most.iter().enumerate().map(|(rank, count)| count.saturating_sub(target(rank))).sum();
                let moved = from.iter().zip(&work).filter(|(from, to)| from.at != to.at).count();
                assert_eq!(moved, needed, "as few moves as can be: {before:?} {after:?}");
            });
        }
    }
}

#[test]
fn in_every_small_fleet_caps_are_kept_and_exceeded_ones_are_mended() {
    let caps = [None, Some(0), Some(1), Some(3)];
    for combination in 0..64 {
        let candidates = capped(&[caps[combination % 4], caps[combination / 4 % 4], caps[combination / 16]]);
        each_distribution(3, 5, |at| {
            let mut work: Vec<_> = at.iter().enumerate().map(|(n, at)| lease(n, 1.0, Some(*at))).collect();
            let before = counts(3, &work);
            come_to_rest(Strategy::Utilization, &candidates, &mut work);
            let after = counts(3, &work);
            let cap = |worker: usize| candidates[worker].cap.unwrap_or(usize::MAX);
            let room = (0..3).any(|worker| after[worker] < cap(worker));
            for one in 0..3 {
                assert!(after[one] <= cap(one) || !room, "over its cap: {before:?} {after:?}");
                for other in (0..3).filter(|other| after[*other] < cap(*other)) {
                    assert!(after[one] <= after[other] + 1, "{before:?} {after:?}, caps {combination}");
                }
            }
        });
    }
}

#[test]
fn every_small_fleet_of_unequal_leases_rests_after_one_plan() {
    let weights = [1.0, 1.2, 2.0, 3.5, 5.0, 7.0];
    for workers_there in 2..=4 {
        each_distribution(workers_there, 6, |at| {
            let mut work: Vec<_> =
                at.iter().zip(weights).enumerate().map(|(n, (at, weight))| lease(n, weight, Some(*at))).collect();
            let before = spread(&loads(workers_there, &work));
            come_to_rest(Strategy::Utilization, &workers(workers_there), &mut work);
            let after = spread(&loads(workers_there, &work));
            assert!(after <= before + 1e-9, "{before} {after}");
        });
    }
}

#[test]
fn what_was_placed_by_the_fill_is_not_moved() {
    let weights = [1.0, 1.3, 2.0, 4.0, 7.0];
    for workers_there in 1..=4 {
        each_distribution(5, 6, |kinds| {
            let mut work: Vec<_> = kinds.iter().enumerate().map(|(n, kind)| lease(n, weights[*kind], None)).collect();
            assert_eq!(place(&workers(workers_there), &mut work), 6);
            let mut leader = Leader::new(Strategy::Utilization);
            assert_eq!(leader.balance(&workers(workers_there), &mut work), [0; 0], "{work:?}");
        });
    }
}
