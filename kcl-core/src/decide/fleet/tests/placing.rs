//! Who gets what nobody reads.

use super::*;

#[test]
fn each_gets_its_part_of_what_is_free_and_those_who_get_something_are_woken() {
    let fleet = Fleet::of(2).with_java().frees(&["1", "2", "3"]).after(0.0);
    let plan = fleet.plan(FIRST);
    let offers: BTreeMap<_, _> = plan.offer.iter().map(|(lease, to)| (to.as_str(), &lease.shard)).collect();
    assert_eq!((plan.take.len(), offers.len()), (1, 2), "{plan:?}");
    let wakes: Vec<_> = plan.wake.into_iter().collect();
    let wake = Wake::Lease(offers[SECOND].clone(), Version::new(8));
    assert_eq!(wakes, [(SECOND.into(), vec![wake])], "one of another library does not listen");
}

#[test]
fn all_ranks_come_to_the_same_answer() {
    let mut fleet = Fleet::of(3).frees(&["1", "2", "3", "4", "5"]).held("6", SECOND).beating(SECOND).after(2.0);
    let mut places = Vec::new();
    for worker in RANKED {
        let plan = fleet.plan(worker);
        let own = plan.take.into_iter().map(|lease| (lease.shard, worker.into()));
        let all: BTreeMap<ShardKey, WorkerId> =
            own.chain(plan.offer.into_iter().map(|(lease, to)| (lease.shard, to))).collect();
        places.push(all);
        fleet.leases.reverse();
    }
    assert_eq!(places[0].len(), 5);
    assert!(places.iter().all(|all| *all == places[0]), "{places:?}");
}

#[test]
fn a_worker_that_sees_no_other_takes_half_and_then_the_rest() {
    let mut fleet = Fleet::of(1).frees(&["1", "2", "3", "4", "5"]).after(0.0);
    assert_eq!(fleet.does(FIRST), ["take 1", "take 2", "take 3"]);
    assert!(fleet.plan(FIRST).more);
    fleet.just_took = true;
    assert_eq!(fleet.does(FIRST), NOTHING);
    assert!(fleet.plan(FIRST).more);
    let rest = Fleet::of(1).holds(FIRST, &["1", "2", "3", "4"]).free("5").after(0.0);
    assert_eq!(rest.does(FIRST), ["take 5"]);
    assert!(!rest.plan(FIRST).more);
}

#[test]
fn what_the_dead_and_those_who_did_not_come_left_is_taken_at_once_although_nobody_else_is_there() {
    let mut fleet = Fleet::of(1).holds(GONE, &["1", "2", "3"]).offered("4", GONE).after(10.0);
    fleet.just_took = true;
    assert_eq!(fleet.does(FIRST), ["take 1", "take 2", "take 3", "take 4"]);
}

#[test]
fn a_worker_whose_row_is_not_in_sight_yet_takes_its_part() {
    let mut fleet = Fleet::of(2).frees(&["1", "2"]);
    fleet.members.remove(0);
    let fleet = fleet.after(1.0);
    assert_eq!(fleet.plan(FIRST).take.len(), 1);
    assert_eq!(fleet.plan(FIRST).offer.len(), 1);
}

#[test]
fn a_child_waits_for_all_its_parents() {
    let child = |finished: &[&str]| {
        let mut fleet = Fleet::of(1).holds(FIRST, &["1", "2"]).free("3");
        fleet.leases[2].parents = vec!["1".into(), "2".into(), "forgotten".into()];
        finished.iter().fold(fleet, |fleet, shard| fleet.finished(shard)).after(30.0).does(FIRST)
    };
    assert_eq!(child(&[]), NOTHING);
    assert_eq!(child(&["2"]), NOTHING);
    assert_eq!(child(&["1", "2"]), ["take 3"]);
}

#[test]
fn a_parent_of_another_stream_is_not_waited_for() {
    let mut fleet = Fleet::of(1).free("1").free("2");
    fleet.leases[0].shard.stream = StreamId::named("other");
    fleet.leases[1].parents = vec!["1".into()];
    assert_eq!(fleet.after(0.0).does(FIRST), ["take 2"]);
}

#[test]
fn streams_that_this_worker_does_not_read_are_for_others_but_work_of_theirs() {
    let other = |mut fleet: Fleet| {
        fleet.leases.iter_mut().for_each(|lease| lease.shard.stream = StreamId::named("other"));
        fleet
    };
    let untouched = other(Fleet::of(2).free("1").offered("2", FIRST).held("3", GONE).moving("4", GONE, SECOND));
    assert_eq!(untouched.after(60.0).does(FIRST), NOTHING);
    let busy = other(Fleet::of(2).holds(SECOND, &["1", "2"]).beating(SECOND)).frees(&["3", "4"]).after(0.0);
    assert_eq!(busy.does(FIRST), ["take 3", "take 4"]);
}

#[test]
fn what_this_worker_gave_up_a_moment_ago_is_for_others_if_there_are_any() {
    let avoiding = |workers: usize| {
        let mut fleet = Fleet::of(workers).free("1").held("2", GONE).offered("3", GONE);
        fleet.avoided = BTreeSet::from(["1", "2", "3"].map(key));
        fleet.after(30.0).does(FIRST)
    };
    assert_eq!(avoiding(2), NOTHING);
    assert_eq!(avoiding(1), ["take 1", "take 2", "take 3"]);
}

#[test]
fn a_lease_that_could_not_be_given_back_is_left_alone_until_others_take_it() {
    let mut fleet = Fleet::of(2).held("1", FIRST).free("2").free("3");
    fleet.dropped.insert(key("1"));
    fleet.avoided.insert(key("1"));
    let fleet = fleet.after(30.0);
    assert!(!fleet.does(FIRST).contains(&"take 1".to_owned()));
    assert!(fleet.does(SECOND).contains(&"take 1".to_owned()), "{:?}", fleet.does(SECOND));
}

#[test]
fn what_names_this_worker_is_read_at_once_above_its_limit_too() {
    let fleet = Fleet::of(2).capped(FIRST, 0).offered("1", FIRST).held_before("2", FIRST).assigned("3", FIRST);
    assert_eq!(fleet.after(0.0).does(FIRST), ["take 1", "take 2", "take 3"]);
    let mut odd = Fleet::of(2).held_before("1", FIRST);
    odd.leases[0].checkpoint_owner = Some(FIRST.into());
    assert_eq!(odd.after(0.0).does(FIRST), ["take 1"]);
}

#[test]
fn nobody_is_given_more_than_its_limit_and_what_is_left_is_told() {
    let fleet = Fleet::of(2).with_java().frees(&["1", "2", "3", "4", "5"]);
    let fleet = fleet.capped(FIRST, 1).capped(SECOND, 2).capped(JAVA, 0).after(0.0);
    let plan = fleet.plan(FIRST);
    assert_eq!((plan.take.len(), plan.offer.len(), plan.no_room.len()), (1, 2, 2));
    assert!(plan.offer.iter().all(|(_, to)| *to == SECOND.into()));
}

#[test]
fn what_a_worker_has_to_do_for_a_stream_of_its_own_counts_towards_its_limit() {
    let fleet = Fleet::of(2).capped(SECOND, 2).holds(SECOND, &["1", "2"]).beating(SECOND).capped(FIRST, 0);
    assert_eq!(fleet.free("3").after(0.0).plan(FIRST).no_room, [key("3")]);
}

#[test]
fn one_that_is_alone_and_at_its_limit_does_not_look_again_and_again() {
    let fleet = Fleet::of(1).capped(FIRST, 1).held("1", FIRST).frees(&["2", "3", "4", "5"]).after(0.0);
    let plan = fleet.plan(FIRST);
    assert!(!plan.more);
    assert_eq!(plan.no_room, ["2", "3", "4", "5"].map(key));
}

#[test]
fn finished_leases_are_no_work() {
    let fleet = Fleet::of(2).holds(FIRST, &["1", "2", "3"]).held("4", SECOND).beating(FIRST).beating(SECOND);
    let fleet = ["1", "2", "3"].iter().fold(fleet, |fleet, shard| fleet.finished(shard));
    assert_eq!(fleet.free("5").after(0.0).does(FIRST), ["take 5"]);
    let done = Fleet::of(2).held("1", GONE).finished("1").offered("2", GONE).finished("2").after(60.0);
    assert_eq!(done.does(FIRST), NOTHING);
    assert_eq!(done.leads(FIRST), NOTHING);
}

#[test]
fn a_worker_that_let_a_lease_go_silent_gets_nothing_in_that_plan() {
    let mut fleet = Fleet::of(3).capped(FIRST, 0).holds(SECOND, &["1", "2", "3"]).beating(SECOND);
    fleet = fleet.held("4", THIRD).held("5", THIRD).free("6").after(9.0);
    fleet.beat("5");
    fleet.pass(1.0);
    let offers = ["offer 4 to no.1", "offer 6 to no.1", "wake no.1 for 4 at 8", "wake no.1 for 6 at 8"];
    assert_eq!(fleet.does(FIRST), offers);
    assert_eq!(fleet.plan(FIRST).dead, BTreeSet::from([THIRD.into()]));
}

#[test]
fn a_hand_off_is_not_completed_to_a_receiver_that_is_found_dead_or_did_not_come_before() {
    for shards in [["1", "2", "3"], ["3", "2", "1"]] {
        let mut fleet = Fleet::of(3).moving(shards[0], SECOND, THIRD).held(shards[1], THIRD).held(shards[2], THIRD);
        fleet = fleet.after(9.0);
        fleet.beat(shards[2]);
        fleet.pass(1.0);
        let takes = [shards[0], shards[1]].map(|shard| format!("take {shard}"));
        assert_eq!(fleet.does(FIRST).into_iter().collect::<BTreeSet<_>>(), BTreeSet::from(takes));
    }
    let mut fleet = Fleet::of(3).moving("1", SECOND, THIRD).after(10.0);
    fleet.distrusted.insert(THIRD.into());
    assert_eq!(fleet.does(FIRST), ["take 1"]);
}

#[test]
fn what_the_dead_left_goes_to_those_who_renew_something_and_to_others_only_if_these_have_no_room() {
    let fleet = || Fleet::of(3).capped(FIRST, 0).held("1", SECOND).beating(SECOND).held("2", GONE);
    assert_eq!(fleet().after(10.0).does(FIRST), ["offer 2 to no.1", "wake no.1 for 2 at 8"]);
    let full = fleet().capped(SECOND, 1).after(10.0);
    assert_eq!(full.does(FIRST), ["offer 2 to no.2", "wake no.2 for 2 at 8"]);
}

#[test]
fn one_that_did_not_come_is_given_nothing_more() {
    let fleet = Fleet::of(2).offered("1", SECOND).after(2.5);
    assert_eq!(fleet.plan(FIRST).distrust, BTreeSet::from([SECOND.into()]));
    let full = Fleet::of(2).capped(FIRST, 0).offered("1", SECOND).free("2").after(2.5);
    assert_eq!(full.does(FIRST), NOTHING);
    assert_eq!(full.plan(FIRST).no_room, ["1", "2"].map(key));
    let mut later = Fleet::of(2).frees(&["1", "2"]).after(0.0);
    later.distrusted.insert(SECOND.into());
    assert_eq!(later.does(FIRST), ["take 1", "take 2"]);
}

#[test]
fn one_that_leaves_or_is_gone_is_not_blamed_for_what_it_does_not_begin_with() {
    let fleet = Fleet::of(2).leaving(SECOND).offered("1", SECOND).offered("2", GONE).after(5.0);
    assert_eq!(fleet.does(FIRST), ["take 1", "take 2"]);
    assert_eq!(fleet.plan(FIRST).distrust, BTreeSet::new());
}

#[test]
fn what_nobody_came_for_counts_towards_the_limit_of_the_one_that_keeps_it() {
    for (uncalled, held) in [("1", "2"), ("2", "1")] {
        let fleet = Fleet::of(2).capped(FIRST, 1).offered(uncalled, GONE).held(held, FIRST).beating(FIRST);
        let fleet = fleet.held("3", SECOND).beating(SECOND).after(0.0);
        let offer = format!("offer {uncalled} to no.1");
        assert_eq!(fleet.does(FIRST), [offer, format!("wake no.1 for {uncalled} at 8")]);
    }
}

#[test]
fn the_first_in_rank_wakes_those_who_were_offered_something_once_for_each_version() {
    let fleet = || Fleet::of(3).with_java().offered("1", THIRD).assigned("2", SECOND).offered("3", JAVA);
    let mut seen = fleet().after(0.0);
    assert_eq!(seen.does(FIRST), ["wake no.1 for 2 at 7", "wake no.2 for 1 at 7"]);
    assert_eq!(seen.does(SECOND), ["take 2"]);
    seen.woken = BTreeMap::from([(key("1"), Version::new(7)), (key("2"), Version::new(6))]);
    assert_eq!(seen.does(FIRST), ["wake no.1 for 2 at 7"]);
}
