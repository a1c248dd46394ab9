use super::*;

#[test]
fn a_newcomer_is_given_half_of_what_one_holds() {
    let (candidates, mut work) = (workers(2), idle(&[10, 0]));
    let mut leader = Leader::new(Strategy::Utilization);
    assert_eq!(leader.balance(&candidates, &mut work), [0, 1, 2, 3, 4], "the least shards first");
    assert_eq!(leader.balance(&candidates, &mut work), [0; 0]);
}

#[test]
fn equal_leases_end_with_counts_that_differ_by_one_at_most() {
    for (before, moved) in [
        (vec![8, 8, 8, 6], 1),
        (vec![9, 7, 7, 7], 1),
        (vec![8, 8, 7, 7], 0),
        (vec![8, 8, 6], 1),
        (vec![0, 0, 0, 1], 0),
        (vec![3, 0, 0, 0], 2),
        (vec![12, 0, 6], 6),
        (vec![1, 15, 1, 15], 14),
    ] {
        for strategy in [Strategy::Utilization, Strategy::LeaseCount] {
            let (candidates, mut work) = (workers(before.len()), idle(&before));
            let mut leader = Leader::new(strategy);
            assert_eq!(leader.balance(&candidates, &mut work).len(), moved, "{before:?}");
            let after = counts(before.len(), &work);
            assert!(after.iter().max() <= after.iter().min().map(|least| least + 1).as_ref(), "{before:?} {after:?}");
            assert_eq!(leader.balance(&candidates, &mut work), [0; 0], "{before:?}");
        }
    }
}

#[test]
fn noise_moves_nothing() {
    let mut random = fastrand::Rng::with_seed(7);
    for (kbps, busy) in [(0.0, 0.0), (0.0, 0.3), (1500.0, 0.5)] {
        for held in [&[10; 10][..], &[8, 7], &[3, 2, 2, 3, 3], &[100, 101, 100]] {
            let candidates = workers(held.len());
            let mut leader = Leader::new(Strategy::Utilization);
            for _ in 0..50 {
                let mut noisy =
                    |_: &Work| Load { kbps: Some(kbps + random.f64() * 40.0), busy: Some(busy + random.f64() * 0.03) };
                let mut work = idle(held);
                let loads: Vec<_> = work.iter().map(&mut noisy).collect();
                for (one, weight) in work.iter_mut().zip(weights(Strategy::Utilization, &loads)) {
                    one.weight = weight;
                }
                leader.wait(10);
                assert_eq!(leader.balance(&candidates, &mut work), [0; 0], "{held:?}, {kbps} KiB/s, busy {busy}");
            }
        }
    }
}

#[test]
fn the_lease_is_moved_that_fits_best() {
    for (held, moved) in [
        (vec![&[1.0, 2.0, 3.0, 4.0][..], &[]], vec![3, 0]),
        (vec![&[1.0, 4.0, 2.0, 5.0][..], &[4.0]], vec![1]),
        (vec![&[7.0, 7.0, 1.0][..], &[7.0, 7.0]], vec![]),
        (vec![&[2.0, 2.0, 2.0][..], &[]], vec![0]),
        (vec![&[6.0][..], &[1.0]], vec![]),
    ] {
        let (candidates, mut work) = (workers(2), weighing(&held));
        let mut leader = Leader::new(Strategy::Utilization);
        assert_eq!(leader.balance(&candidates, &mut work), moved, "{held:?}");
        assert_eq!(leader.balance(&candidates, &mut work), [0; 0], "{held:?}");
    }
}

#[test]
fn by_count_the_weight_does_not_matter() {
    // The strategy's own weights are 1; the same plan comes out whatever the workers' CPU.
    let mut candidates = using(&[Some(90.0), Some(30.0)]);
    let mut leader = Leader::new(Strategy::LeaseCount);
    leader.balance(&candidates, &mut idle(&[4, 4]));
    leader.wait(100);
    assert_eq!(leader.balance(&candidates, &mut idle(&[4, 4])), [0; 0]);
    candidates.push(worker(2));
    assert_eq!(leader.balance(&candidates, &mut idle(&[4, 4, 0])).len(), 2);
}

#[test]
fn a_cap_lowers_the_share_of_one_and_raises_that_of_the_others() {
    let candidates = capped(&[None, Some(2), None, Some(0)]);
    let mut work = idle(&[12, 0, 0, 0]);
    let mut leader = Leader::new(Strategy::Utilization);
    assert_eq!(leader.balance(&candidates, &mut work).len(), 7);
    assert_eq!(counts(4, &work), [5, 2, 5, 0]);
    assert_eq!(leader.balance(&candidates, &mut work), [0; 0]);
}

#[test]
fn a_worker_over_its_cap_gives_the_rest_away() {
    for (caps, before, after) in [
        (vec![Some(5), None], vec![6, 7], vec![5, 8]),
        (vec![Some(5), None, None, None], vec![6, 7, 7, 7], vec![5, 8, 7, 7]),
        (vec![Some(0), None], vec![1, 9], vec![0, 10]),
        (vec![Some(2), Some(2)], vec![4, 0], vec![2, 2]),
        (vec![Some(2), Some(2)], vec![4, 2], vec![4, 2]),
    ] {
        let (candidates, mut work) = (capped(&caps), idle(&before));
        let mut leader = Leader::new(Strategy::Utilization);
        leader.balance(&candidates, &mut work);
        let (mut sorted, all) = (counts(caps.len(), &work), counts(caps.len(), &work));
        sorted[1..].sort_unstable_by_key(|count| std::cmp::Reverse(*count));
        assert_eq!(sorted, after, "{caps:?} {before:?} {all:?}");
        assert_eq!(leader.balance(&candidates, &mut work), [0; 0]);
    }
}

#[test]
fn what_may_not_be_moved_counts_and_stays() {
    let (candidates, mut work) = (workers(2), idle(&[6, 0]));
    for one in &mut work[..5] {
        one.movable = false;
    }
    let mut leader = Leader::new(Strategy::Utilization);
    assert_eq!(leader.balance(&candidates, &mut work), [5]);
    work[0].at = None;
    assert_eq!(leader.balance(&candidates, &mut work), [0; 0], "what is nowhere is placed by others");
}

#[test]
fn one_plan_moves_a_part_and_the_next_ones_the_rest() {
    let (candidates, mut work) = (workers(2), idle(&[300, 0]));
    let mut leader = Leader::new(Strategy::Utilization);
    let plans = [(); 4].map(|()| leader.balance(&candidates, &mut work).len());
    assert_eq!(plans, [100, 50, 0, 0]);
    assert_eq!(counts(2, &work), [150, 150]);
}

#[test]
fn a_fleet_without_workers_or_work_has_nothing_to_move() {
    let mut leader = Leader::new(Strategy::Utilization);
    assert_eq!(leader.balance(&[], &mut idle(&[])), [0; 0]);
    assert_eq!(leader.balance(&workers(3), &mut idle(&[])), [0; 0]);
    assert_eq!(leader.balance(&workers(1), &mut idle(&[4])), [0; 0]);
}
