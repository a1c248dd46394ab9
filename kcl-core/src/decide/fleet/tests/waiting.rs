//! After how long a lease is taken care of, by the first two in rank: tables 1.1 and 3.3 of the protocol.

use super::*;

/// When this worker first does something about the shard, and what.
fn first_deed(mut fleet: Fleet, worker: &str) -> Option<(f64, String)> {
    let mut seconds = 0.0;
    fleet.look();
    while seconds < 60.0 {
        let deeds = fleet.does(worker).into_iter().find(|deed| deed.starts_with("take") || deed.starts_with("offer"));
        if let Some(deed) = deeds {
            return Some((seconds, deed));
        }
        fleet.pass(STEP);
        seconds += STEP;
    }
    None
}

#[track_caller]
fn check(fleet: impl Fn() -> Fleet, deeds: &[(&str, f64, &str)]) {
    for (worker, seconds, deed) in deeds {
        assert_eq!(first_deed(fleet(), worker), Some((*seconds, (*deed).to_owned())), "{worker}");
    }
}

/// A lease that was seen to be renewed without a stamp, right before.
fn renewed(mut fleet: Fleet) -> Fleet {
    fleet.look();
    fleet.pass(5.0);
    fleet.beat("1");
    fleet
}

#[test]
fn what_is_free_is_placed_at_once_and_by_each_further_rank_a_moment_later() {
    check(
        || Fleet::of(3).free("1").holds(THIRD, &["2"]).beating(THIRD).holds(SECOND, &["3"]).beating(SECOND),
        &[(FIRST, 0.0, "take 1"), (SECOND, 0.25, "offer 1 to no.0"), (THIRD, 0.5, "offer 1 to no.0")],
    );
}

#[test]
fn what_is_offered_to_a_worker_of_this_library_waits_for_a_quarter_of_the_failover_time() {
    check(
        || Fleet::of(3).offered("1", THIRD),
        &[(THIRD, 0.0, "take 1"), (FIRST, 2.5, "take 1"), (SECOND, 2.75, "take 1")],
    );
    check(|| Fleet::of(3).offered("1", FIRST), &[(SECOND, 2.5, "take 1"), (THIRD, 2.75, "take 1")]);
}

#[test]
fn what_is_offered_to_a_worker_of_this_library_that_is_not_there_any_more_waits_for_nothing() {
    check(|| Fleet::of(3).leaving(THIRD).offered("1", THIRD), &[(FIRST, 0.0, "take 1"), (SECOND, 0.25, "take 1")]);
    check(|| Fleet::of(2).offered("1", GONE), &[(FIRST, 0.0, "take 1"), (SECOND, 0.25, "take 1")]);
    check(
        || {
            let mut fleet = Fleet::of(3).mute(THIRD).after(20.0);
            fleet = fleet.offered("1", THIRD);
            fleet
        },
        &[(FIRST, 0.0, "take 1")],
    );
}

#[test]
fn what_is_offered_to_a_worker_of_another_library_waits_until_it_must_have_begun() {
    check(|| Fleet::of(2).with_java().offered("1", JAVA), &[(FIRST, 24.0, "take 1"), (SECOND, 24.25, "take 1")]);
}

#[test]
fn what_a_worker_of_another_library_may_have_begun_with_is_not_taken_sooner_because_of_its_row() {
    let unfit = |member: &mut Member| member.assignable = false;
    check(|| Fleet::of(2).with_java().change(JAVA, unfit).offered("1", JAVA), &[(FIRST, 24.0, "take 1")]);
    // A wall clock that is far behind: at first sight its row looks old.
    let mut behind = Fleet::of(2).with_java().mute(JAVA).offered("1", JAVA);
    behind.looks = 4_000;
    assert_eq!(first_deed(behind, FIRST), Some((24.0, "take 1".to_owned())));
}

#[test]
fn what_a_worker_of_another_library_was_seen_to_renew_is_its_own_although_the_stamp_is_an_offer() {
    check(|| renewed(Fleet::of(2).with_java().offered("1", JAVA)), &[(FIRST, 12.0, "take 1")]);
}

#[test]
fn what_is_held_waits_for_the_failover_time() {
    check(|| Fleet::of(3).held("1", THIRD), &[(FIRST, 10.0, "take 1"), (SECOND, 10.25, "take 1")]);
    check(|| Fleet::of(3).held("1", FIRST), &[(SECOND, 10.0, "take 1"), (THIRD, 10.25, "take 1")]);
    check(|| Fleet::of(2).held("1", GONE), &[(FIRST, 10.0, "take 1"), (SECOND, 10.25, "take 1")]);
    assert_eq!(first_deed(Fleet::of(3).held("1", THIRD).beating(THIRD), FIRST), None);
}

#[test]
fn what_an_earlier_process_of_a_worker_held_waits_for_the_failover_time_too() {
    check(|| Fleet::of(3).held_before("1", THIRD), &[(THIRD, 0.0, "take 1"), (FIRST, 10.0, "take 1")]);
    check(|| Fleet::of(3).leaving(THIRD).held_before("1", THIRD), &[(FIRST, 10.0, "take 1")]);
}

#[test]
fn what_another_library_assigned_to_a_worker_of_this_one_waits_as_long_as_its_own_leases() {
    check(|| Fleet::of(3).assigned("1", THIRD), &[(THIRD, 0.0, "take 1"), (FIRST, 12.0, "take 1")]);
}

#[test]
fn what_a_worker_of_another_library_holds_waits_two_seconds_more_and_longer_if_it_was_never_heard() {
    check(|| renewed(Fleet::of(2).with_java().held("1", JAVA)), &[(FIRST, 12.0, "take 1"), (SECOND, 12.25, "take 1")]);
    check(|| Fleet::of(2).with_java().held("1", JAVA), &[(FIRST, 24.0, "take 1"), (SECOND, 24.25, "take 1")]);
}

#[test]
fn half_a_hand_off_of_another_library_is_held_by_its_giver() {
    let half = |owner: Option<&str>| {
        let mut fleet = Fleet::of(2).with_java().held("1", JAVA);
        (fleet.leases[0].owner, fleet.leases[0].checkpoint_owner) = (owner.map(WorkerId::from), Some(JAVA.into()));
        renewed(fleet)
    };
    check(|| half(Some(JAVA)), &[(FIRST, 12.0, "take 1"), (SECOND, 12.25, "take 1")]);
    check(|| half(None), &[(FIRST, 12.0, "take 1")]);
}

#[test]
fn a_hand_off_whose_giver_is_silent_is_made_for_it() {
    check(|| Fleet::of(3).moving("1", THIRD, SECOND), &[(FIRST, 10.0, "offer 1 to no.1"), (SECOND, 10.25, "take 1")]);
    check(|| Fleet::of(3).moving("1", FIRST, THIRD), &[(SECOND, 10.0, "offer 1 to no.2"), (THIRD, 10.25, "take 1")]);
    check(|| Fleet::of(2).moving("1", SECOND, GONE), &[(FIRST, 10.0, "take 1")]);
    check(|| Fleet::of(3).leaving(THIRD).moving("1", SECOND, THIRD), &[(FIRST, 10.0, "take 1")]);
    let java = || renewed(Fleet::of(2).with_java().moving("1", JAVA, SECOND));
    check(java, &[(FIRST, 12.0, "offer 1 to no.1"), (SECOND, 12.25, "take 1")]);
}

#[test]
fn a_hand_off_that_a_living_giver_never_makes_is_made_by_the_first_in_rank_after_four_failover_times() {
    let never = || Fleet::of(3).moving("1", THIRD, SECOND).beating(THIRD);
    check(never, &[(FIRST, 40.0, "offer 1 to no.1")]);
    assert_eq!(first_deed(never(), SECOND), None);
}

#[test]
fn a_hand_off_of_an_earlier_process_of_this_worker_is_made_at_once() {
    let restarted = |to: &str| {
        let mut fleet = Fleet::of(2).moving("1", FIRST, to);
        fleet.dropped.insert(key("1"));
        fleet
    };
    check(|| restarted(SECOND), &[(FIRST, 0.0, "offer 1 to no.1")]);
    check(|| restarted(GONE), &[(FIRST, 0.0, "take 1")]);
}

#[test]
fn the_next_thing_that_is_due_is_told_ahead() {
    let fleet = Fleet::of(3).held("1", THIRD).offered("2", SECOND).after(1.0);
    let ahead = |worker| fleet.plan(worker).due.map(|due| (due - fleet.now).as_secs_f64());
    assert_eq!([FIRST, SECOND, THIRD].map(ahead), [Some(1.5), Some(9.25), Some(1.75)]);
    assert_eq!(Fleet::of(1).free("1").after(0.0).plan(FIRST).due, None);
}
