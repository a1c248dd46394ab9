//! Who gets what a worker gives away.

use super::*;

fn heirs_of(fleet: &Fleet, shards: &[&str], absent: &[&str]) -> Vec<(String, usize)> {
    let me = fleet.me(FIRST);
    let shards = shards.iter().map(|shard| key(shard)).collect();
    let absent = absent.iter().map(|worker| WorkerId::from(*worker)).collect();
    let mut parts: BTreeMap<String, usize> = BTreeMap::new();
    for (shard, heir) in heirs(&fleet.sight(&me), &shards, &absent) {
        assert!(shards.contains(&shard));
        *parts.entry(heir.to_string()).or_default() += 1;
    }
    parts.into_iter().collect()
}

const ALL: [&str; 4] = ["1", "2", "3", "4"];

#[test]
fn all_others_get_a_fair_part() {
    let fleet = Fleet::of(3).holds(FIRST, &ALL).after(0.0);
    assert_eq!(heirs_of(&fleet, &ALL, &[]), [(SECOND.to_owned(), 2), (THIRD.to_owned(), 2)]);
    let unequal = Fleet::of(3).holds(FIRST, &ALL).holds(SECOND, &["5", "6"]).after(0.0);
    assert_eq!(heirs_of(&unequal, &ALL, &[]), [(SECOND.to_owned(), 1), (THIRD.to_owned(), 3)]);
}

#[test]
fn what_is_on_its_way_to_a_worker_counts_for_it_and_what_it_passes_on_does_not() {
    let fleet = Fleet::of(3).holds(FIRST, &["1", "2"]).moving("5", SECOND, THIRD).offered("6", THIRD).after(0.0);
    assert_eq!(heirs_of(&fleet, &["1", "2"], &[]), [(SECOND.to_owned(), 2)]);
    let finished = Fleet::of(3).holds(FIRST, &["1", "2"]).holds(SECOND, &["5", "6"]).finished("5").finished("6");
    assert_eq!(heirs_of(&finished.after(0.0), &["1", "2"], &[]), [(SECOND.to_owned(), 1), (THIRD.to_owned(), 1)]);
}

#[test]
fn what_a_leader_asks_to_be_moved_is_placed_like_the_rest_when_its_holder_leaves() {
    let fleet = Fleet::of(3).moving("1", FIRST, SECOND).moving("2", FIRST, SECOND).after(0.0);
    assert_eq!(heirs_of(&fleet, &["1", "2"], &[]), [(SECOND.to_owned(), 1), (THIRD.to_owned(), 1)]);
}

#[test]
fn the_absent_the_leaving_and_the_dead_inherit_nothing() {
    let fleet = || Fleet::of(3).holds(FIRST, &ALL);
    let second = [(SECOND.to_owned(), 4)];
    assert_eq!(heirs_of(&fleet().after(0.0), &ALL, &[THIRD]), second);
    assert_eq!(heirs_of(&fleet().leaving(THIRD).after(0.0), &ALL, &[]), second);
    assert_eq!(heirs_of(&fleet().mute(THIRD).after(20.0), &ALL, &[]), second);
    assert_eq!(heirs_of(&fleet().change(THIRD, |row| row.assignable = false).after(0.0), &ALL, &[]), second);
    let silent = fleet().held("5", THIRD).after(10.0);
    assert_eq!(heirs_of(&silent, &ALL, &[]), second);
}

#[test]
fn a_worker_inherits_no_more_than_its_limit() {
    let fleet = Fleet::of(2).capped(SECOND, 2).holds(FIRST, &ALL).held("5", SECOND).after(0.0);
    assert_eq!(heirs_of(&fleet, &ALL, &[]), [(SECOND.to_owned(), 1)]);
}

#[test]
fn where_nobody_else_is_there_nobody_inherits() {
    assert_eq!(heirs_of(&Fleet::of(1).holds(FIRST, &ALL).after(0.0), &ALL, &[]), []);
    assert_eq!(heirs_of(&Fleet::of(2).holds(FIRST, &ALL).after(0.0), &ALL, &[SECOND]), []);
}

#[test]
fn what_was_passed_to_one_that_did_not_come_is_offered_to_the_next() {
    let fleet = Fleet::of(3).offered("1", THIRD).after(1.0);
    assert_eq!(heirs_of(&fleet, &["1"], &[THIRD]), [(SECOND.to_owned(), 1)]);
}
