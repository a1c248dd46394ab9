//! What the rows of workers promise.

use super::{Subject, instance, worker};
use crate::ids::WorkerId;
use crate::lease::{Instance, Version};
use crate::member::{Member, MemberReport, Over, Wake};
use crate::time::Timestamp;

/// Whole seconds: a store may keep no more.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const OTHER: Instance = Instance::new(0xabcd);

/// A report comes back as a row, from a read and from a listing; a worker without one has none.
pub async fn a_row_says_what_was_reported(subject: &Subject) {
    let me = worker("me");
    assert_eq!(member(subject, &me).await, None);
    let mut reported = first(&me, None);
    assert!(report(subject, &reported).await);
    let mut expected = Member {
        worker: me.clone(),
        instance: Some(instance(&me)),
        reported: NOW,
        leaving: false,
        assignable: true,
        cap: None,
        utilization: None,
        wakes: Vec::new(),
    };
    assert_eq!(member(subject, &me).await.as_ref(), Some(&expected));

    for (cap, means, utilization) in
        [(Some(7), vec![20.0, 0.0, 60.0], Some(35.0)), (Some(0), vec![], None), (None, vec![12.5], Some(12.5))]
    {
        let now = Timestamp::from_millis(reported.now.millis() + 30_000);
        reported = MemberReport { over: Over::Own, now, cap, utilization: means, ..reported };
        assert!(report(subject, &reported).await);
        expected = Member { reported: now, cap, utilization, ..expected };
        assert_eq!(member(subject, &me).await.as_ref(), Some(&expected));
    }
    let listing = subject.store.list().await.expect("answered");
    assert_eq!(listing.members.first().map(|row| &row.worker), Some(&me));
}

/// A process makes a row its own only as it was seen: nobody's, or a certain other process's.
pub async fn a_first_report_needs_the_row_as_seen(subject: &Subject) {
    let me = worker("me");
    assert!(!report(subject, &first(&me, Some(OTHER))).await, "there is no row");
    assert!(!report(subject, &MemberReport { over: Over::Own, ..first(&me, None) }).await, "there is no row");
    assert_eq!(member(subject, &me).await, None, "a refused report makes no row");

    let others = MemberReport { instance: OTHER, ..first(&me, None) };
    assert!(report(subject, &others).await);
    let before = member(subject, &me).await;
    assert!(!report(subject, &first(&me, None)).await, "it is another process's by now");
    assert!(!report(subject, &first(&me, Some(Instance::new(0xef)))).await, "it is another one's than was seen");
    assert!(!report(subject, &others).await, "a repeated first report is refused: the row tells whose it is");
    assert_eq!(member(subject, &me).await, before, "a refused report changes nothing");
    assert!(report(subject, &first(&me, Some(OTHER))).await);
    assert_eq!(member(subject, &me).await.and_then(|row| row.instance), Some(instance(&me)));
}

/// What a process writes after another one made the row its own is refused.
pub async fn an_earlier_process_is_refused(subject: &Subject) {
    let me = worker("me");
    assert!(report(subject, &MemberReport { instance: OTHER, ..first(&me, None) }).await);
    assert!(report(subject, &first(&me, Some(OTHER))).await);
    let now = Timestamp::from_millis(NOW.millis() + 60_000);
    let late = MemberReport { instance: OTHER, over: Over::Own, now, ..first(&me, None) };
    let before = member(subject, &me).await;
    assert!(!report(subject, &late).await);
    assert!(!subject.store.resign(&me, OTHER, now).await.expect("answered"));
    assert_eq!(member(subject, &me).await, before);
}

/// A report leaves hints and the mark of leaving alone, so that one which arrives after a resignation does not bring the
/// worker back. The first report of another process begins anew.
pub async fn a_report_keeps_what_others_wrote_and_a_first_one_does_not(subject: &Subject) {
    let me = worker("me");
    assert!(report(subject, &first(&me, None)).await);
    let hint = lease(subject, 1);
    assert!(wake(subject, &me, std::slice::from_ref(&hint)).await);
    assert!(subject.store.resign(&me, instance(&me), NOW).await.expect("answered"));
    assert!(report(subject, &MemberReport { over: Over::Own, ..first(&me, None) }).await);
    let row = member(subject, &me).await.expect("it is there");
    assert_eq!((row.leaving, row.wakes), (true, vec![hint]));

    assert!(report(subject, &MemberReport { instance: OTHER, ..first(&me, Some(instance(&me))) }).await);
    let row = member(subject, &me).await.expect("it is there");
    assert_eq!((row.instance, row.leaving, row.wakes), (Some(OTHER), false, vec![]));
}

/// A worker that is not there, or leaves, cannot be woken, and no row is made by trying.
pub async fn a_wake_reaches_only_who_is_there_and_stays(subject: &Subject) {
    let me = worker("me");
    let hint = [lease(subject, 1)];
    assert!(!wake(subject, &me, &hint).await);
    assert_eq!(member(subject, &me).await, None);
    assert!(report(subject, &first(&me, None)).await);
    assert!(wake(subject, &me, &hint).await);
    assert!(wake(subject, &me, &[]).await, "no hints are no matter");
    assert!(wake(subject, &me, &hint).await, "again");
    assert!(wake(subject, &me, &[Wake::Look, lease(subject, 2)]).await);
    assert_eq!(woken(subject, &me).await, [lease(subject, 1), lease(subject, 2), Wake::Look]);
    assert!(subject.store.resign(&me, instance(&me), NOW).await.expect("answered"));
    assert!(!wake(subject, &me, &[lease(subject, 3)]).await);
    assert_eq!(woken(subject, &me).await.len(), 3);
}

/// A hundred hints are kept one by one; more become one.
pub async fn many_wakes_become_one_look(subject: &Subject) {
    let me = worker("me");
    assert!(report(subject, &first(&me, None)).await);
    let hints: Vec<_> = (0..101).map(|number| lease(subject, number)).collect();
    assert!(wake(subject, &me, &hints).await);
    assert_eq!(woken(subject, &me).await, [Wake::Look]);
    assert!(wake(subject, &me, &hints[..100]).await);
    assert_eq!(woken(subject, &me).await.len(), 101);
}

/// Hints that came since stay, also one about the same lease at another version.
pub async fn only_what_was_read_is_consumed(subject: &Subject) {
    let me = worker("me");
    let shard = subject.shard(1);
    let (before, after) = (Wake::Lease(shard.clone(), Version::new(7)), Wake::Lease(shard, Version::new(8)));
    subject.store.consume(&me, std::slice::from_ref(&before)).await.expect("answered");
    assert_eq!(member(subject, &me).await, None, "nothing makes a row but a report");
    assert!(report(subject, &first(&me, None)).await);
    assert!(wake(subject, &me, &[before.clone(), after.clone(), Wake::Look]).await);
    for _ in 0..2 {
        subject.store.consume(&me, &[before.clone(), Wake::Look]).await.expect("answered");
        assert_eq!(woken(subject, &me).await, std::slice::from_ref(&after));
    }
    subject.store.consume(&me, &[]).await.expect("answered");
    subject.store.consume(&me, &[after]).await.expect("answered");
    assert_eq!(woken(subject, &me).await, []);
}

/// The row of a worker that resigned is ten minutes old at once, for those who know nothing of the mark.
pub async fn who_resigns_is_leaving_and_too_old_for_leases(subject: &Subject) {
    let me = worker("me");
    assert!(!subject.store.resign(&me, instance(&me), NOW).await.expect("answered"));
    assert_eq!(member(subject, &me).await, None, "nothing makes a row but a report");
    assert!(report(subject, &first(&me, None)).await);
    let before = member(subject, &me).await.expect("it is there");
    let now = Timestamp::from_millis(NOW.millis() + 5_000);
    assert!(subject.store.resign(&me, instance(&me), now).await.expect("answered"));
    let reported = Timestamp::from_millis(now.millis() - 600_000);
    assert_eq!(member(subject, &me).await, Some(Member { leaving: true, reported, ..before }));
}

/// A process's row is removed whatever it reported since; the row of another process stays. What is gone counts as
/// removed.
pub async fn a_row_is_removed_as_it_was_seen(subject: &Subject) {
    let me = worker("me");
    assert!(report(subject, &first(&me, None)).await);
    let seen = member(subject, &me).await.expect("it is there");
    let remove = |seen: Member| async move { subject.store.remove_member(&seen).await.expect("answered") };
    remove(Member { instance: Some(OTHER), ..seen.clone() }).await;
    remove(Member { instance: None, ..seen.clone() }).await;
    assert!(member(subject, &me).await.is_some());
    assert!(subject.store.resign(&me, instance(&me), NOW).await.expect("answered"));
    for _ in 0..2 {
        remove(seen.clone()).await;
        assert_eq!(member(subject, &me).await, None);
    }
    assert!(report(subject, &first(&me, None)).await, "it can have a row again");
}

pub(super) fn first(by: &WorkerId, seen: Option<Instance>) -> MemberReport {
    MemberReport {
        worker: by.clone(),
        instance: instance(by),
        over: Over::Seen(seen),
        now: NOW,
        cap: None,
        utilization: Vec::new(),
    }
}

pub(super) fn lease(subject: &Subject, number: usize) -> Wake {
    Wake::Lease(subject.shard(number), Version::new(7))
}

async fn report(subject: &Subject, report: &MemberReport) -> bool {
    subject.store.report(report).await.expect("answered")
}

async fn wake(subject: &Subject, worker: &WorkerId, wakes: &[Wake]) -> bool {
    subject.store.wake(worker, wakes).await.expect("answered")
}

async fn member(subject: &Subject, worker: &WorkerId) -> Option<Member> {
    subject.store.member(worker, true).await.expect("answered")
}

/// What the worker was woken by, in order.
async fn woken(subject: &Subject, worker: &WorkerId) -> Vec<Wake> {
    let mut wakes = member(subject, worker).await.expect("it is there").wakes;
    wakes.sort_unstable();
    wakes
}
