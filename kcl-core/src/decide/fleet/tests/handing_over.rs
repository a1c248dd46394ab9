//! What is done about a hand-off that is under way.

use super::*;

#[test]
fn a_living_giver_is_woken_and_nothing_else_happens() {
    let mut fleet = Fleet::of(3).moving("1", SECOND, THIRD).beating(SECOND).after(0.0);
    let wake = "wake no.1 for 1 at 7";
    for _ in 0..100 {
        assert_eq!((fleet.does(FIRST), fleet.does(THIRD)), (vec![wake.to_owned()], Vec::new()));
        assert_eq!(fleet.leads(FIRST), [wake]);
        fleet.pass(STEP);
    }
    fleet.woken.insert(key("1"), Version::new(7));
    assert_eq!(fleet.does(FIRST), NOTHING);
}

#[test]
fn a_giver_of_another_library_is_not_woken() {
    assert_eq!(Fleet::of(2).with_java().moving("1", JAVA, SECOND).after(5.0).does(FIRST), NOTHING);
}

#[test]
fn a_worker_gives_what_it_holds_as_soon_as_it_is_asked_to() {
    let fleet = Fleet::of(3).moving("1", SECOND, THIRD).beating(SECOND).after(0.0);
    assert_eq!(fleet.does(SECOND), ["give 1 to no.2"]);
    assert_eq!(Fleet::of(1).moving("1", FIRST, GONE).after(0.0).does(FIRST), ["give 1 to gone"]);
}

#[test]
fn what_is_moving_is_work_of_its_receiver() {
    let moving = Fleet::of(2).moving("1", FIRST, SECOND).moving("2", FIRST, SECOND).beating(FIRST);
    let plan = moving.held("3", FIRST).free("4").after(0.0).plan(FIRST);
    assert_eq!(plan.take.iter().map(|lease| &lease.shard).collect::<Vec<_>>(), [&key("4")]);
}

#[test]
fn a_receiver_above_its_limit_gets_what_a_dead_giver_was_to_give() {
    let fleet = Fleet::of(3).capped(THIRD, 0).moving("1", SECOND, THIRD).after(10.0);
    assert_eq!(fleet.does(FIRST), ["offer 1 to no.2", "wake no.2 for 1 at 8"]);
    assert_eq!(fleet.plan(FIRST).dead, BTreeSet::from([SECOND.into()]));
}

#[test]
fn a_hand_off_by_a_living_giver_to_one_that_is_gone_goes_elsewhere_in_the_end() {
    let stuck = Fleet::of(2).capped(SECOND, 0).moving("1", SECOND, GONE).beating(SECOND).after(40.0);
    assert_eq!(stuck.does(FIRST), ["take 1"]);
    assert_eq!(stuck.plan(FIRST).dead, BTreeSet::new());
}
