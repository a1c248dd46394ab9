//! What the leader adds to what everybody does.

use super::*;

#[test]
fn the_leader_asks_for_leases_and_wakes_their_holders() {
    let fleet = Fleet::of(3).holds(SECOND, &["1", "2"]).beating(SECOND).after(1.0);
    let words = fleet.leads(FIRST);
    assert_eq!(words.len(), 2, "{words:?}");
    assert!(words[0].starts_with("ask for") && words[1].starts_with("wake no.1 for"), "{words:?}");
    assert!(words[1].ends_with("at 7"), "an asked move leaves the version alone: {words:?}");
    assert_eq!(fleet.does(FIRST), NOTHING);
}

#[test]
fn the_leader_gives_its_own_leases_without_asking_itself() {
    let plan = Fleet::of(2).holds(FIRST, &["1", "2"]).beating(FIRST).after(1.0);
    let plan = plan.plan_as(FIRST, Some(&mut Memory::default()));
    assert_eq!((plan.give.len(), plan.initiate.len(), plan.wake.len()), (1, 0, 0));
    assert_eq!(plan.give[0].1, SECOND.into());
}

#[test]
fn holders_of_another_library_are_asked_and_not_woken() {
    let mut fleet = Fleet::of(1).with_java().holds(JAVA, &["1", "2"]).beating(JAVA).after(1.0);
    fleet.look();
    let words = fleet.leads(FIRST);
    assert_eq!((words.len(), words[0].ends_with(" to no.0")), (1, true), "{words:?}");
    assert!(words[0].starts_with("ask for"));
}

#[test]
fn what_nobody_holds_yet_and_what_is_moving_is_not_moved() {
    let fleet = Fleet::of(2).with_java().offered("1", SECOND).offered("2", SECOND).offered("3", SECOND);
    let fleet = fleet.moving("4", SECOND, JAVA).moving("5", SECOND, JAVA).beating(SECOND).after(1.0);
    let words = fleet.leads(FIRST);
    assert!(words.iter().all(|deed| deed.starts_with("wake no.1")), "{words:?}");
    assert_eq!(words.len(), 5);
}

#[test]
fn what_was_placed_in_the_same_plan_is_not_moved() {
    let fleet = Fleet::of(2).capped(SECOND, 0).frees(&["1", "2", "3"]).after(0.0);
    assert_eq!(fleet.leads(FIRST), fleet.does(FIRST));
}

#[test]
fn nothing_is_moved_to_one_that_leaves_is_dying_or_did_not_come() {
    let even = |fleet: Fleet| fleet.holds(FIRST, &["1", "2", "3", "4"]).beating(FIRST).after(1.0);
    assert_eq!(even(Fleet::of(2)).leads(FIRST).len(), 2);
    assert_eq!(even(Fleet::of(2).leaving(SECOND)).leads(FIRST), NOTHING);
    let mut distrusting = even(Fleet::of(2));
    distrusting.distrusted.insert(SECOND.into());
    assert_eq!(distrusting.leads(FIRST), NOTHING);
    let mut dying = Fleet::of(2).holds(FIRST, &["1", "2", "3", "4", "7"]).beating(FIRST).holds(SECOND, &["5", "6"]);
    dying = dying.after(9.0);
    dying.beat("6");
    dying.pass(1.0);
    assert_eq!(dying.leads(FIRST), ["take 5"]);
}
