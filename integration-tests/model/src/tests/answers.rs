//! An answer means in the model what it means to the library's cell.

use kcl_core::decide::cell::{Cell, Verdict};
use kcl_core::lease::{Instance, Version, WriteOutcome};
use kcl_core::time::Timestamp;
use tokio::time::Instant;

use super::code::{self, NOW};
use crate::answer::{self, Answer};
use crate::lease::{Act, Id, Lease, Stamp, Write};
use crate::rules::Rules;
use crate::table::{admits, written};

const ME: Id = 0;
const TENURE: u8 = 3;
/// The tenure's second write: the first began it.
const SECOND: u8 = 2;

const ACTS: [Act; 4] =
    [Act::Renew, Act::Commit { at: 1 }, Act::Pass { to: Some(1), at: None }, Act::Pass { to: None, at: Some(1) }];

/// What the cell makes of this answer, in the model's words.
fn by_the_cell(act: Act, version: u64, outcome: WriteOutcome) -> Answer {
    let seen = Lease { owner: Some(ME), stamp: stamp(1, true), ..Lease::NEW };
    let mut seen = code::lease(&seen);
    seen.version = Version::new(version);
    let now = Instant::now();
    let mut cell = Cell::new(code::worker(ME), Instance::new(1), u64::from(TENURE), seen, now);
    let write = cell.begin(code::action(act).expect("a holder's"), now, Timestamp::from_millis(1));
    assert_eq!(write.stamp, code::stamp(stamp(SECOND, !matches!(act, Act::Pass { .. }))));
    let verdict = cell.resolve(&write, now, Ok(outcome));
    let asked = cell.asked_for().map(|to| to.to_string().parse().expect("a number"));
    match verdict {
        Verdict::Applied => Answer::Applied { asked },
        Verdict::Again => {
            let found = (0..3).find(|at| code::position(*at) == cell.lease().checkpoint);
            Answer::Again { found: found.expect("known"), asked }
        }
        Verdict::Over { applied } => Answer::Over { applied },
        Verdict::Repeat(_) | Verdict::Failed(_) => panic!("{verdict:?}"),
    }
}

fn stamp(write: u8, held: bool) -> Stamp {
    Stamp { tenure: TENURE, write, held }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_means_the_same_whatever_the_lease_is_then() {
    let mut meanings = std::collections::BTreeSet::new();
    for act in ACTS {
        let own = stamp(SECOND, !matches!(act, Act::Pass { .. }));
        let others = [own, stamp(1, true), Stamp { tenure: 4, write: 1, held: true }, Stamp::NOBODY];
        for (owner, checkpoint_owner) in code::owners() {
            for stamp in others {
                for behind in 0..4 {
                    let row = Lease { owner, checkpoint_owner, stamp, at: 1, ..Lease::NEW };
                    let write = Write { by: ME, act, stamp: own, behind };
                    let mine = answer::read(&Rules::WHOLE, &write, false, &row);
                    let refused = WriteOutcome::Refused(Some(code::lease(&row)));
                    let theirs = by_the_cell(act, NOW - u64::from(behind), refused);
                    assert_eq!(mine, theirs, "{write:?} {row:?}");
                    meanings.insert(match mine {
                        Answer::Applied { .. } => "applied",
                        Answer::Again { .. } => "again",
                        Answer::Over { applied: true } => "over, and applied",
                        _ => "over",
                    });
                }
            }
        }
    }
    assert_eq!(meanings.len(), 4, "applied, again, over and applied, over: {meanings:?}");
}

#[tokio::test(start_paused = true)]
async fn an_applied_write_means_the_same() {
    for act in ACTS {
        for (owner, checkpoint_owner) in code::owners() {
            let row = Lease { owner, checkpoint_owner, stamp: stamp(1, true), ..Lease::NEW };
            let own = stamp(SECOND, !matches!(act, Act::Pass { .. }));
            let write = Write { by: ME, act, stamp: own, behind: 0 };
            if admits(&Rules::WHOLE, Some(&row), false, &write) {
                let after = written(Some(row), &write);
                let mine = answer::read(&Rules::WHOLE, &write, true, &after);
                let theirs = by_the_cell(act, NOW - 1, WriteOutcome::Applied(code::lease(&after)));
                assert_eq!(mine, theirs, "{write:?} {row:?}");
            }
        }
    }
}
