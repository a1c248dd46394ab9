use super::*;

fn free(weights: &[f64]) -> Vec<Work> {
    weights.iter().enumerate().map(|(number, weight)| lease(number, *weight, None)).collect()
}

#[test]
fn a_cold_start_gives_every_worker_its_part() {
    let mut work = free(&[1.0; 50]);
    assert_eq!(place(&workers(5), &mut work), 50);
    assert_eq!(counts(5, &work), [10; 5]);
}

#[test]
fn heavy_leases_are_spread_and_light_ones_fill_the_gaps() {
    let mut work = free(&[7.0, 7.0, 3.0, 2.0, 1.0, 1.0, 4.0, 2.0]);
    place(&workers(3), &mut work);
    assert_eq!(loads(3, &work), [9.0; 3]);
}

#[test]
fn what_is_held_counts() {
    let mut work = idle(&[4, 0, 1]);
    work.extend((5..10).map(|number| lease(number, 1.0, None)));
    place(&workers(3), &mut work);
    assert_eq!(counts(3, &work), [4, 3, 3]);
}

#[test]
fn a_worker_at_its_cap_is_given_nothing() {
    let mut work = idle(&[2, 9]);
    work.extend((11..18).map(|number| lease(number, 1.0, None)));
    assert_eq!(place(&capped(&[Some(2), None]), &mut work), 7);
    assert_eq!(counts(2, &work), [2, 16]);
}

#[test]
fn what_nobody_may_have_is_left_out() {
    let mut work = free(&[1.0; 6]);
    assert_eq!(place(&capped(&[Some(2), Some(1), Some(0)]), &mut work), 3);
    assert_eq!(counts(3, &work), [2, 1, 0]);
    assert_eq!(place(&[], &mut free(&[1.0])), 0);
}

#[test]
fn a_worker_of_this_library_is_preferred_among_equals_only() {
    let mut candidates = workers(4);
    for java in [0, 1, 3] {
        candidates[java].ours = false;
    }
    assert_eq!(fill(&candidates, &free(&[1.0])), [(0, 2)]);
    let mut work = idle(&[1, 1, 1, 0]);
    work.push(lease(3, 1.0, None));
    assert_eq!(fill(&candidates, &work), [(3, 3)]);
}

#[test]
fn a_weight_that_is_none_counts_as_that_of_an_idle_lease() {
    let mut work = free(&[f64::NAN, -3.0, 0.0, f64::INFINITY, 1.0]);
    place(&workers(2), &mut work);
    assert_eq!(counts(2, &work).into_iter().max(), Some(4), "the infinite one alone");
}
