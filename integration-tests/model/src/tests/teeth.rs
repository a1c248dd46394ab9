//! Invariants that no mutant breaks first: what they say of a step that does.

use crate::catalogue::SMALL;
use crate::invariant::Invariant;
use crate::lease::{Act, Lease, Stamp, Write};
use crate::request::{begin, put};
use crate::state::{Phase, State, Tenure};
use crate::step::first;

const STAMP: Stamp = Stamp { tenure: 1, write: 1, held: true };

/// Worker 0 holds the lease, which is committed through `at`.
fn held(at: u8, processed: u8) -> State<1> {
    let mut state = first::<1>(&SMALL[0]);
    let owner = Some(state.workers[0].id);
    state.leases[0] = Some(Lease { owner, at, processed, stamp: STAMP, holds: 1, ..Lease::NEW });
    let tenure = Tenure {
        number: 1,
        behind: 0,
        age: 0,
        unresolved: None,
        phase: Phase::AwaitingParents,
        committed: at,
        done: at,
        asked: None,
    };
    state.workers[0].seats[0].tenure = Some(tenure);
    state
}

#[test]
fn a_commit_that_goes_back_is_seen() {
    let mut state = held(2, 2);
    let write = Write { by: state.workers[0].id, act: Act::Commit { at: 1 }, stamp: STAMP, behind: 0 };
    assert!(put(&SMALL[0], &mut state, 0, &write));
    assert_eq!(state.broken, Some(Invariant::CommitsNeverMoveBack));
}

#[test]
fn a_start_beyond_what_was_processed_is_seen() {
    let mut state = held(2, 1);
    begin(&SMALL[0], &mut state, 0, 0);
    assert_eq!(state.broken, Some(Invariant::ProcessorsStartAtWhatIsDone));
}
