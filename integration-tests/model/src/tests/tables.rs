//! The model's table does what the library's table in memory does.

use kcl_core::lease::{LeaseWrite, Version, WriteOutcome};
use kcl_core::memory::InMemoryLeases;
use kcl_core::store::LeaseStore;
use kcl_core::time::Timestamp;

use super::code::{self, END, NOW};
use crate::lease::{Act, Id, Lease, Stamp, Write};
use crate::rules::Rules;
use crate::table::{admits, moves_version, written};

const ME: Id = 0;
const BEFORE: Stamp = Stamp { tenure: 7, write: 1, held: true };

/// Every write that worker 0 can make: the owners that it saw, and whom it gives the lease to.
fn acts() -> Vec<Act> {
    let mut acts = vec![Act::Claim, Act::Renew, Act::Commit { at: 1 }, Act::Commit { at: END }];
    for to in [None, Some(1), Some(2)] {
        acts.extend([Act::Pass { to, at: None }, Act::Pass { to, at: Some(1) }]);
    }
    for (owner, checkpoint_owner) in code::owners() {
        acts.push(Act::Take { owner, checkpoint_owner });
        acts.extend([1, 2].map(|to| Act::Offer { owner, checkpoint_owner, to }));
    }
    acts
}

#[tokio::test]
async fn a_write_is_applied_when_the_librarys_is_and_does_the_same() {
    let stamp = |act| Stamp { tenure: 9, write: 3, held: !matches!(act, Act::Pass { .. } | Act::Offer { .. }) };
    let (mut applied, mut refused) = (0, 0);
    for (owner, checkpoint_owner) in code::owners() {
        for act in acts() {
            for behind in 0..3 {
                let before = Lease { owner, checkpoint_owner, stamp: BEFORE, ..Lease::NEW };
                let write = Write { by: ME, act, stamp: stamp(act), behind };
                let mine = admits(&Rules::WHOLE, Some(&before), false, &write).then(|| written(Some(before), &write));
                let store = InMemoryLeases::new();
                put_in(&store, &before).await;
                let mut seen = code::lease(&before);
                seen.version = Version::new(NOW - u64::from(behind));
                if let Act::Take { owner, checkpoint_owner } | Act::Offer { owner, checkpoint_owner, .. } = act {
                    seen.owner = owner.map(code::worker);
                    seen.checkpoint_owner = checkpoint_owner.map(code::worker);
                }
                let (by, stamp, now) = (code::worker(ME), code::stamp(write.stamp), Timestamp::from_millis(1));
                let action = code::action(act).expect("a write");
                let theirs = store.write(&LeaseWrite { seen, by, stamp, now, action }).await.expect("answered");
                let said = format!("{act:?} {behind} behind, to {before:?}");
                match (mine, theirs) {
                    (Some(mine), WriteOutcome::Applied(theirs)) => {
                        same(&mine, &theirs, &said);
                        assert_eq!(theirs.version == Version::new(NOW + 1), moves_version(&Rules::WHOLE, act));
                        applied += 1;
                    }
                    (None, WriteOutcome::Refused(Some(theirs))) => {
                        same(&before, &theirs, &said);
                        refused += 1;
                    }
                    (mine, theirs) => panic!("{said}: {mine:?}, but {theirs:?}"),
                }
            }
        }
    }
    assert!(applied > 50 && refused > 500, "{applied} {refused}");
}

#[tokio::test]
async fn a_move_is_asked_for_when_the_librarys_is_and_moves_no_version() {
    for (owner, checkpoint_owner) in code::owners() {
        for at in [0, 1, END] {
            for (from, to) in [(0, 1), (1, 2), (2, 0)] {
                let before = Lease { owner, checkpoint_owner, at, stamp: BEFORE, ..Lease::NEW };
                let act = Act::Initiate { owner: from, to };
                let write = Write { by: ME, act, stamp: Stamp::NOBODY, behind: 2 };
                let mine = admits(&Rules::WHOLE, Some(&before), at == END, &write);
                let store = InMemoryLeases::new();
                put_in(&store, &before).await;
                let mut seen = code::lease(&before);
                seen.owner = Some(code::worker(from));
                let theirs = store.initiate(&seen, &code::worker(to)).await.expect("answered");
                let said = format!("{act:?} {before:?}");
                match theirs {
                    WriteOutcome::Applied(theirs) if mine => {
                        same(&written(Some(before), &write), &theirs, &said);
                        assert_eq!(theirs.version, Version::new(NOW));
                    }
                    theirs => assert!(!mine && matches!(theirs, WriteOutcome::Refused(_)), "{said}: {theirs:?}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn a_lease_is_made_once() {
    let write = Write { by: ME, act: Act::Create { keep: true }, stamp: BEFORE, behind: 0 };
    assert!(admits(&Rules::WHOLE, None, false, &write));
    let made = written(None, &write);
    let store = InMemoryLeases::new();
    let first = store.create(&code::lease(&made)).await.expect("answered");
    let WriteOutcome::Applied(first) = first else { panic!("{first:?}") };
    same(&made, &first, "made");
    assert!(!admits(&Rules::WHOLE, Some(&made), false, &write));
    let again = store.create(&code::lease(&made)).await.expect("answered");
    assert!(matches!(again, WriteOutcome::Refused(Some(_))));
}

/// The table of the library holds this lease.
async fn put_in(store: &InMemoryLeases, lease: &Lease) {
    let made = store.create(&code::lease(lease)).await.expect("answered");
    assert!(matches!(made, WriteOutcome::Applied(_)));
}

fn same(mine: &Lease, theirs: &kcl_core::lease::Lease, said: &str) {
    let expected = code::lease(mine);
    let of = |lease: &kcl_core::lease::Lease| {
        (lease.owner.clone(), lease.checkpoint_owner.clone(), lease.checkpoint.clone(), lease.stamp.clone())
    };
    assert_eq!(of(&expected), of(theirs), "{said}");
}
