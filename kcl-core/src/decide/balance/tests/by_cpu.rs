use super::*;

/// A leader that has led for long enough to look at the CPU.
fn settled(candidates: &[Candidate], work: &mut [Work]) -> Leader {
    let mut leader = Leader::new(Strategy::Utilization);
    assert_eq!(leader.balance(candidates, work), [0; 0], "a new leader waits");
    leader.wait(59);
    assert_eq!(leader.balance(candidates, work), [0; 0], "a new leader waits for a minute");
    leader.wait(1);
    leader
}

#[test]
fn a_busy_worker_gives_to_one_that_is_less_busy_but_not_all_at_once() {
    let (candidates, mut work) = (using(&[Some(80.0), Some(40.0)]), idle(&[10, 10]));
    let mut leader = settled(&candidates, &mut work);
    assert_eq!(leader.balance(&candidates, &mut work).len(), 2, "equally busy at 6.7 and 13.3; 60 % of the way");
    assert_eq!(counts(2, &work), [8, 12]);
}

#[test]
fn a_plan_by_cpu_is_followed_by_no_other_for_a_minute() {
    let (candidates, mut work) = (using(&[Some(80.0), Some(40.0)]), idle(&[10, 10]));
    let mut leader = settled(&candidates, &mut work);
    leader.balance(&candidates, &mut work);
    let turned = using(&[Some(30.0), Some(90.0)]);
    for _ in 0..6 {
        assert_eq!(leader.balance(&turned, &mut work), [0; 0]);
        assert_eq!(leader.balance(&workers(2), &mut work), [0; 0], "nor by one that does not know the CPU");
        leader.wait(10);
    }
    assert_ne!(leader.balance(&turned, &mut work), [0; 0]);
}

#[test]
fn a_newcomer_is_given_its_part_at_once() {
    let (mut candidates, mut work) = (using(&[Some(80.0), Some(40.0)]), idle(&[10, 10]));
    let mut leader = settled(&candidates, &mut work);
    leader.balance(&candidates, &mut work);
    assert_eq!(counts(2, &work), [8, 12]);
    candidates.push(worker(2));
    leader.balance(&candidates, &mut work);
    assert_eq!(counts(3, &work), [6, 8, 6], "the mean, and the others keep their proportion");
    candidates[2].utilization = Some(2.0);
    assert_eq!(leader.balance(&candidates, &mut work), [0; 0], "its CPU says nothing yet");

    for percents in [[Some(50.0), None], [Some(50.0), Some(1.0)]] {
        let mut work = idle(&[10, 0]);
        let mut new_leader = Leader::new(Strategy::Utilization);
        assert_eq!(new_leader.balance(&using(&percents), &mut work).len(), 5, "also by a new leader: {percents:?}");
        assert_eq!(new_leader.balance(&using(&percents), &mut work), [0; 0]);
    }
}

#[test]
fn what_was_too_much_for_one_plan_is_gone_on_with_at_once() {
    let (candidates, mut work) = (using(&[Some(50.0), None]), idle(&[300, 0]));
    let mut leader = Leader::new(Strategy::Utilization);
    let plans = [(); 4].map(|()| leader.balance(&candidates, &mut work).len());
    assert_eq!(plans, [100, 50, 0, 0]);
}

#[test]
fn workers_that_are_about_equally_busy_keep_what_they_have() {
    for percents in [[50.0, 58.0], [25.0, 34.0], [95.0, 100.0], [50.0, 50.0]] {
        let (candidates, mut work) = (using(&percents.map(Some)), idle(&[6, 14]));
        let mut leader = settled(&candidates, &mut work);
        assert_eq!(leader.balance(&candidates, &mut work), [0; 0], "{percents:?}");
    }
}

#[test]
fn without_cpu_values_or_when_idle_the_weight_decides() {
    for percents in [[None, Some(50.0)], [Some(15.0), Some(24.0)], [None, None], [Some(f64::NAN), Some(50.0)]] {
        let (candidates, mut work) = (using(&percents), idle(&[6, 14]));
        let mut leader = Leader::new(Strategy::Utilization);
        assert_eq!(leader.balance(&candidates, &mut work).len(), 4, "{percents:?}");
        leader.wait(100);
        assert_eq!(leader.balance(&candidates, &mut work), [0; 0], "{percents:?}");
    }
}

#[test]
fn a_fleet_that_is_a_little_less_busy_for_a_while_is_not_turned_over() {
    let (mut candidates, mut work) = (using(&[Some(20.0), Some(21.0)]), idle(&[6, 14]));
    let mut leader = settled(&candidates, &mut work);
    leader.balance(&candidates, &mut work);
    for (percents, moved) in
        [([Some(17.0), Some(18.0)], 0), ([Some(20.0), None], 0), ([None, None], 4), ([Some(17.0), Some(18.0)], 0)]
    {
        candidates[0].utilization = percents[0];
        candidates[1].utilization = percents[1];
        leader.wait(60);
        assert_eq!(leader.balance(&candidates, &mut work).len(), moved, "{percents:?}");
    }
}

#[test]
fn the_only_lease_of_a_busy_worker_stays() {
    let (candidates, mut work) = (using(&[Some(100.0), Some(30.0)]), weighing(&[&[1.0], &[1.0, 1.0, 1.0]]));
    let mut leader = settled(&candidates, &mut work);
    assert_eq!(leader.balance(&candidates, &mut work), [0; 0]);
}

#[test]
fn a_worker_that_is_busy_with_a_part_of_the_mean_is_not_flooded() {
    let (candidates, mut work) = (using(&[Some(60.0), Some(60.0), Some(0.0)]), idle(&[10, 10, 2]));
    let mut leader = settled(&candidates, &mut work);
    leader.balance(&candidates, &mut work);
    let given = counts(3, &work)[2];
    assert!((3..=10).contains(&given), "{given}");
}

#[test]
fn a_fleet_whose_cpu_follows_its_work_comes_to_rest() {
    // The third worker is half as fast as the others.
    let (speeds, mut work) = ([1.0, 1.0, 0.5], idle(&[20, 20, 20]));
    let mut leader = Leader::new(Strategy::Utilization);
    let mut moved = Vec::new();
    for _ in 0..20 {
        let percents: Vec<_> =
            loads(3, &work).iter().zip(speeds).map(|(load, speed)| Some(load / speed * 2.0)).collect();
        moved.push(leader.balance(&using(&percents), &mut work).len());
        leader.wait(60);
    }
    assert_eq!(moved[6..], [0; 14], "{moved:?}");
    assert!((12..=14).contains(&counts(3, &work)[2]), "{:?}", counts(3, &work));
}
