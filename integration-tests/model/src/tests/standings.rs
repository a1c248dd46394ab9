//! The model reads the two owners of a lease as the library does.

use kcl_core::decide::observe::Observations;
use kcl_core::decide::roster::Roster;
use kcl_core::decide::standing;

use super::code;
use crate::lease::{Lease, Stamp, Standing};

#[test]
fn a_lease_stands_where_the_library_says() {
    for (owner, checkpoint_owner) in code::owners() {
        for held in [false, true] {
            let stamp = Stamp { tenure: 1, write: 1, held };
            let lease = Lease { owner, checkpoint_owner, stamp, ..Lease::NEW };
            let row = code::lease(&lease);
            let theirs = standing::standing(&row, &Roster::default(), &Observations::default());
            let mine = lease.standing();
            let same = match (mine, theirs) {
                (Standing::Free, standing::Standing::Free) => true,
                (Standing::Named(mine), standing::Standing::Named(theirs))
                | (Standing::Held(mine), standing::Standing::Held(theirs)) => code::worker(mine) == *theirs,
                (Standing::Moving { from, to }, standing::Standing::Moving { from: their_from, to: their_to }) => {
                    code::worker(from) == *their_from && code::worker(to) == *their_to
                }
                _ => false,
            };
            assert!(same, "{lease:?}: {mine:?}, but {theirs:?}");
        }
    }
}
