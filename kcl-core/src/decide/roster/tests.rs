//! Who counts as alive, in which order, and how often each looks.

use super::*;
use crate::ids::{ShardKey, StreamId};
use crate::lease::{Heartbeat, Instance, Stamp};
use crate::position::Position;

const HOUR: u64 = 3_600_000;

/// The process of every worker here.
const PROCESS: Instance = Instance::new(1);

fn timing() -> Timing {
    Timing::new(Duration::from_secs(10))
}

fn row(worker: &str, reported: u64) -> Member {
    Member {
        worker: worker.into(),
        instance: Some(PROCESS),
        reported: Timestamp::from_millis(reported),
        leaving: false,
        assignable: true,
        cap: None,
        utilization: None,
        wakes: Vec::new(),
    }
}

fn foreign(worker: &str, reported: u64) -> Member {
    Member { instance: None, ..row(worker, reported) }
}

fn lock(owner: &str) -> LeaderLock {
    LeaderLock { owner: owner.into(), version: "v".to_owned(), lasts: Duration::from_secs(15), released: false }
}

/// A lease that its owner has renewed so many times.
fn held(shard: &str, owner: &str, beats: u64) -> Lease {
    let mut lease = Lease::new(ShardKey::new(StreamId::named("s"), shard), Position::TrimHorizon, None);
    lease.owner = Some(owner.into());
    lease.stamp = Some(Stamp::held(PROCESS, 1, beats));
    lease.heartbeat = Heartbeat::new(beats.to_string());
    lease
}

/// One observer, whose wall clock shows ten hours at the start.
struct Observer {
    roster: Roster,
    seen: Observations,
    leases: Vec<Lease>,
    start: Instant,
}

impl Observer {
    fn new() -> Self {
        let (roster, seen) = (Roster::default(), Observations::default());
        Self { roster, seen, leases: Vec::new(), start: Instant::now() }
    }

    fn look(&mut self, seconds: u64, members: &[Member], leases: &[Lease]) {
        let (now, wall) =
            (self.start + Duration::from_secs(seconds), Timestamp::from_millis(10 * HOUR + seconds * 1000));
        self.seen.look(leases, now, &timing());
        self.roster.look(members, None, now, wall, &timing());
        self.leases = leases.to_vec();
    }

    fn living(&self) -> Living<'_> {
        self.roster.living(&self.leases, &self.seen, &timing())
    }

    fn has(&self, worker: &str) -> bool {
        self.living().has(&worker.into())
    }
}

/// At which of these seconds a worker counts as alive that reports at some of them, by a wall clock that is so many
/// milliseconds off.
fn alive(ours: bool, off: i64, looks: &[(u64, bool)]) -> Vec<u64> {
    let (mut observer, mut reported, mut alive) = (Observer::new(), 0, Vec::new());
    for (seconds, reports) in looks {
        if *reports {
            reported = (10 * HOUR + seconds * 1000).saturating_add_signed(off);
        }
        let member = if ours { row("a", reported) } else { foreign("a", reported) };
        observer.look(*seconds, &[member], &[]);
        alive.extend(observer.has("a").then_some(*seconds));
    }
    alive
}

#[test]
fn a_worker_is_alive_while_its_row_moves_and_a_while_longer() {
    let looks = [(0, true), (5, false), (10, true), (25, false), (26, false), (40, true)];
    assert_eq!(alive(true, 0, &looks), [0, 5, 10, 25, 40]);
    let looks = [(0, true), (30, true), (105, false), (106, false), (140, true)];
    assert_eq!(alive(false, 0, &looks), [0, 30, 105, 140]);
}

#[test]
fn a_row_that_is_old_at_first_sight_counts_when_it_moves() {
    let ten_hours_ago = -10 * i64::try_from(HOUR).expect("small");
    assert_eq!(alive(true, ten_hours_ago, &[(0, true), (3, false), (5, true)]), [5]);
    assert_eq!(alive(true, -15_000, &[(0, true), (1, false)]), [0, 1], "not too old");
    assert_eq!(alive(true, -15_001, &[(0, true), (1, false)]), [0; 0]);
    assert_eq!(alive(false, -75_000, &[(0, true)]), [0]);
    assert_eq!(alive(false, -75_001, &[(0, true)]), [0; 0]);
    let looks = [(0, true), (5, false), (6, false), (7, true)];
    assert_eq!(alive(false, -70_000, &looks), [0, 5, 7], "how old it was counts");
}

#[test]
fn a_wall_clock_that_is_an_hour_off_does_not_matter_while_the_row_moves() {
    let hour = i64::try_from(HOUR).expect("small");
    let looks: Vec<(u64, bool)> = (0..20).map(|look| (look * 5, true)).collect();
    assert_eq!(alive(true, -hour, &looks).len(), 19, "all but the first");
    assert_eq!(alive(true, hour, &looks).len(), 20);
    assert_eq!(alive(true, hour, &[(0, true), (15, false), (16, false)]), [0, 15], "nor when it stops to move");
}

#[test]
fn a_row_that_was_not_there_before_counts_at_once() {
    let mut observer = Observer::new();
    observer.look(0, &[], &[]);
    observer.look(1, &[row("late", HOUR)], &[]);
    assert!(observer.has("late"), "although its wall clock is far behind");
    observer.look(2, &[], &[]);
    assert!(!observer.has("late"), "it removed its row");
}

#[test]
fn a_new_process_of_a_worker_is_heard_of_although_its_wall_clock_says_the_same() {
    let mut observer = Observer::new();
    let restarted = Member { instance: Some(Instance::new(2)), ..row("a", HOUR) };
    observer.look(0, &[row("a", HOUR)], &[]);
    assert!(!observer.has("a"));
    observer.look(1, &[restarted], &[]);
    assert!(observer.has("a"));
}

#[test]
fn before_the_first_look_nobody_is_known_to_live() {
    let observer = Observer::new();
    assert_eq!(observer.living().first(), None);
    assert_eq!(observer.living().rank(&"a".into()), 0);
    assert_eq!(observer.living().look_every(&"a".into(), &timing(), 1.0), timing().look);
}

fn members(number: usize) -> Vec<Member> {
    (0..number).map(|number| row(&format!("no.{number}"), 10 * HOUR)).collect()
}

fn watching(members: &[Member], lock: Option<&LeaderLock>) -> Observer {
    let mut observer = Observer::new();
    observer.look(0, members, &[]);
    observer.roster.see_lock(lock, observer.start);
    observer
}

/// The workers by their ranks, as `no.` and a number.
fn ranked(members: &[Member], lock: Option<&LeaderLock>) -> Vec<String> {
    let observer = watching(members, lock);
    let living = observer.living();
    let mut ranks: Vec<_> =
        members.iter().map(|member| (living.rank(&member.worker), member.worker.to_string())).collect();
    ranks.sort();
    let count = living.rankers().count();
    ranks.into_iter().filter(|(rank, _)| *rank < count).map(|(_, worker)| worker).collect()
}

#[test]
fn the_order_of_the_ranks_is_fixed_and_the_leader_goes_first() {
    let mut fleet = members(4);
    assert_eq!(ranked(&fleet, None), ["no.0", "no.1", "no.2", "no.3"]);
    fleet.reverse();
    assert_eq!(ranked(&fleet, None), ["no.0", "no.1", "no.2", "no.3"]);
    assert_eq!(ranked(&fleet, Some(&lock("no.2"))), ["no.2", "no.0", "no.1", "no.3"]);
    assert_eq!(ranked(&fleet, Some(&lock("java"))), ["no.0", "no.1", "no.2", "no.3"]);
}

#[test]
fn only_living_workers_of_this_library_that_stay_have_a_rank() {
    let mut fleet = members(4);
    fleet[0].leaving = true;
    fleet[1].instance = None;
    fleet[2].reported = Timestamp::from_millis(0);
    let observer = watching(&fleet, Some(&lock("no.1")));
    let living = observer.living();
    assert_eq!(living.first(), Some(&"no.3".into()));
    let rank = |worker: &str| living.rank(&worker.into());
    assert_eq!((rank("no.3"), rank("no.0"), rank("a newcomer")), (0, 1, 1), "others come after all");
    let all: Vec<_> = living.all().map(|member| member.worker.as_str()).collect();
    assert_eq!(all, ["no.1", "no.0", "no.3"]);
    let candidates: Vec<_> = living.candidates().map(|member| member.worker.as_str()).collect();
    assert_eq!(candidates, ["no.1", "no.3"]);
}

#[test]
fn one_that_cannot_be_given_leases_looks_after_them_all_the_same() {
    let mut fleet = members(2);
    fleet[0].assignable = false;
    let observer = watching(&fleet, None);
    assert_eq!(observer.living().first(), Some(&"no.0".into()));
    assert_eq!(observer.living().candidates().count(), 1);
}

#[test]
fn each_leaves_a_quarter_of_a_second_to_all_before_it_but_for_the_owner_and_a_second_at_most() {
    let observer = watching(&members(6), None);
    let living = observer.living();
    let patience = |me: usize, owner: Option<usize>| {
        let name = |number: usize| WorkerId::new(format!("no.{number}"));
        living.patience(&name(me), owner.map(name).as_ref()).as_millis()
    };
    assert_eq!([0, 1, 2, 3, 4, 5].map(|me| patience(me, None)), [0, 250, 500, 750, 1000, 1000]);
    assert_eq!([0, 1, 2, 3, 4, 5].map(|me| patience(me, Some(0))), [0, 0, 250, 500, 750, 1000]);
    assert_eq!([0, 1, 2, 3].map(|me| patience(me, Some(2))), [0, 250, 500, 500]);
    assert_eq!(living.patience(&"a newcomer".into(), None), Duration::from_secs(1));
}

/// How often each of so many workers looks, in looks of the first one.
fn looks(workers: usize, read_units: f64) -> Vec<f64> {
    let observer = watching(&members(workers), None);
    let living = observer.living();
    let every: Vec<_> =
        living.rankers().map(|member| living.look_every(&member.worker, &timing(), read_units)).collect();
    assert!(every.is_sorted());
    every.iter().map(|pause| every[0].as_secs_f64() / pause.as_secs_f64()).collect()
}

#[test]
fn the_first_look_often_and_all_others_together_as_much_as_one_of_them() {
    for (read_units, fast) in [(1.0, 3), (20.0, 3), (21.0, 2), (118.0, 2), (10_000.0, 2)] {
        for workers in 1..=50 {
            let looks = looks(workers, read_units);
            let (often, rarely) = looks.split_at(fast.min(workers));
            assert!(often.iter().all(|looks| *looks >= 1.0), "{looks:?}");
            assert!(rarely.iter().sum::<f64>() <= 1.0, "{looks:?}");
            assert!(rarely.iter().all(|looks| *looks <= 0.25), "{looks:?}");
        }
    }
    assert_eq!(looks(5, 21.0), [1.0, 1.0, 0.25, 0.125, 0.0625]);
}

#[test]
fn nobody_looks_more_rarely_than_three_failover_times_in_a_fleet_of_ten() {
    let observer = watching(&members(10), None);
    let living = observer.living();
    let every = |me: &str| living.look_every(&me.into(), &timing(), 1.0);
    assert!(living.rankers().all(|member| every(member.worker.as_str()) <= Duration::from_secs(30)));
    assert_eq!(every("a newcomer"), Duration::from_secs(30));
}

#[test]
fn looks_at_a_table_that_is_dear_to_read_are_rarer() {
    let observer = watching(&members(1), None);
    let every = |read_units: f64| observer.living().look_every(&"no.0".into(), &timing(), read_units).as_millis();
    assert_eq!([0.0, 118.0, 375.0, 1000.0].map(every), [1_500, 1_500, 1_500, 4_000]);
    assert_eq!([f64::INFINITY, -1.0, 1e12].map(every), [3_600_000, 1_500, 3_600_000]);
}

#[test]
fn a_worker_all_of_whose_leases_are_silent_is_not_alive_although_it_reports() {
    let mut observer = Observer::new();
    let report = |seconds: u64| row("a", 10 * HOUR + seconds);
    for seconds in [0, 5, 9, 10] {
        observer.look(seconds, &[report(seconds)], &[held("1", "a", 1), held("2", "a", 1)]);
        assert_eq!((observer.has("a"), observer.living().is_proven(&"a".into())), (seconds < 10, seconds < 10));
    }
    observer.look(11, &[report(11)], &[held("1", "a", 1), held("2", "a", 2)]);
    assert!(observer.has("a"), "one of them was renewed");
    for seconds in [15, 19, 23] {
        observer.look(seconds, &[report(seconds)], &[held("2", "a", 2)]);
    }
    assert!(!observer.has("a"));
    observer.look(24, &[report(24)], &[Lease { checkpoint: Position::ShardEnd, ..held("2", "a", 2) }]);
    assert!(observer.has("a"), "finished leases tell nothing");
    assert!(!observer.living().is_proven(&"a".into()));
}

#[test]
fn a_worker_of_another_library_is_given_as_much_time_as_its_leases_are() {
    let mut observer = Observer::new();
    let assigned = |beat: &str| {
        // As its leader assigns it: with the stamp that was there before.
        let mut lease = held("1", "java", 1);
        lease.heartbeat = Heartbeat::new(beat);
        lease
    };
    let member = [foreign("java", 10 * HOUR)];
    observer.look(0, &member, &[assigned("7")]);
    for seconds in [5, 10, 15, 20, 23] {
        observer.look(seconds, &member, &[assigned("7")]);
        assert!(observer.has("java"), "it may not have begun: {seconds}");
    }
    observer.look(24, &member, &[assigned("7")]);
    assert!(!observer.has("java"));
    for (seconds, alive) in [(25, true), (30, true), (35, true), (37, false)] {
        observer.look(seconds, &member, &[assigned("8")]);
        assert_eq!(observer.has("java"), alive, "{seconds}");
    }
}

/// Which of these looks, given as the second, the number of reports and the number of renewals, show a worker alive that
/// was found dead at 2 s.
fn alive_after_death(looks: &[(u64, u64, u64)]) -> Vec<u64> {
    let (mut observer, mut alive) = (Observer::new(), Vec::new());
    observer.look(0, &[row("a", 10 * HOUR)], &[held("1", "a", 1)]);
    observer.look(2, &[row("a", 10 * HOUR)], &[held("1", "a", 1)]);
    assert!(observer.has("a"));
    observer.roster.presume_dead(&"a".into());
    observer.roster.presume_dead(&"unknown".into());
    assert!(!observer.has("a"));
    for (seconds, reports, renewals) in looks {
        observer.look(*seconds, &[row("a", 10 * HOUR + reports)], &[held("1", "a", 1 + renewals)]);
        alive.extend(observer.has("a").then_some(*seconds));
    }
    alive
}

#[test]
fn the_dead_stay_dead_until_they_report_or_renew() {
    assert_eq!(alive_after_death(&[(3, 0, 0), (5, 0, 0), (8, 0, 0)]), [0; 0]);
    assert_eq!(alive_after_death(&[(3, 0, 0), (5, 1, 0), (6, 1, 0)]), [5, 6]);
    assert_eq!(alive_after_death(&[(3, 0, 0), (5, 0, 1), (6, 0, 1)]), [5, 6]);
}

#[test]
fn a_renewal_that_was_seen_together_with_the_silence_revives_nobody() {
    let mut observer = Observer::new();
    let reported = [row("a", 10 * HOUR)];
    observer.look(0, &reported, &[held("silent", "a", 1), held("renewed", "a", 1)]);
    observer.look(4, &reported, &[held("silent", "a", 1), held("renewed", "a", 2)]);
    observer.roster.presume_dead(&"a".into());
    for (seconds, renewals, alive) in [(5, 2, false), (6, 3, true)] {
        observer.look(seconds, &reported, &[held("silent", "a", 1), held("renewed", "a", renewals)]);
        assert_eq!(observer.has("a"), alive, "{seconds}");
    }
}

#[test]
fn the_dead_do_not_revive_because_the_observer_was_away() {
    // Of the pause, half a failover time counts as silence: the lease does not look silent yet.
    assert_eq!(alive_after_death(&[(14, 0, 0), (15, 0, 0)]), [0; 0]);
}

#[test]
fn the_lock_is_timed_from_the_first_sight_of_its_version() {
    let mut roster = Roster::default();
    let start = Instant::now();
    let at = |seconds: u64| start + Duration::from_secs(seconds);
    let since = |roster: &Roster| roster.lock().map(|(_, since)| since);
    roster.look(&[], Some(&lock("a")), at(0), Timestamp::from_millis(0), &timing());
    roster.see_lock(Some(&lock("a")), at(5));
    assert_eq!(since(&roster), Some(at(0)));
    let beat = LeaderLock { version: "w".to_owned(), ..lock("a") };
    roster.see_lock(Some(&beat), at(6));
    assert_eq!(since(&roster), Some(at(6)));
    roster.look(&[], None, at(7), Timestamp::from_millis(0), &timing());
    assert_eq!(roster.lock(), None);
}

#[tokio::test(start_paused = true)]
async fn cpu_is_compared_if_all_workers_of_other_libraries_that_live_tell_it() {
    let telling = |member: Member| Member { utilization: Some(20.0), ..member };
    let now = 10 * HOUR;
    for (members, expected) in [
        (vec![], true),
        (vec![row("ours", now)], true),
        (vec![telling(foreign("java", now))], true),
        (vec![foreign("java", now), telling(row("ours", now))], false),
        (vec![telling(foreign("java-1", now)), foreign("java-2", now)], false),
        (vec![telling(foreign("java-1", now)), foreign("dead", now - HOUR)], true),
    ] {
        let mut observer = Observer::new();
        observer.look(0, &members, &[]);
        assert_eq!(observer.living().compare_cpu(), expected, "{members:?}");
    }
}
