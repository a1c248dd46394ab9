//! Where a lease goes that nobody holds.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::fleet::{Fleet, scatter};
use super::weight::weight_of;
use super::{Candidate, Work};

/// Places the work that is nowhere: pairs of an index into `work` and an index into `candidates`.
///
/// The heaviest goes first, and each to the worker that has the least by then. Workers that begin equal end with a
/// difference of at most the lightest lease of the one that has more. Among equals a worker of this library is
/// preferred. A lease is left out if all workers are at their cap.
///
/// Whoever computes this from the same view comes to the same answer, in whatever order the view is.
#[must_use]
pub fn fill(candidates: &[Candidate], work: &[Work]) -> Vec<(usize, usize)> {
    let mut open: Vec<_> = work
        .iter()
        .enumerate()
        .filter(|(_, one)| one.at.is_none())
        .map(|(index, one)| {
            let scattered = scatter(&[one.shard.stream.as_str(), one.shard.shard.as_str()]);
            (Reverse(weight_of(one)), scattered, &one.shard, index)
        })
        .collect();
    open.sort_unstable();

    let mut fleet = Fleet::new(candidates, work);
    let mut least: BinaryHeap<_> = fleet
        .hands
        .iter()
        .enumerate()
        .filter(|(_, hand)| hand.count < hand.cap())
        .map(|(rank, hand)| Reverse((hand.load, rank)))
        .collect();
    let mut placed = Vec::with_capacity(open.len());
    for (Reverse(weight), _, _, index) in open {
        let Some(mut top) = least.peek_mut() else { break };
        let Reverse((load, rank)) = &mut *top;
        let hand = &mut fleet.hands[*rank];
        *load += weight;
        hand.count += 1;
        placed.push((index, hand.index));
        if hand.count >= hand.cap() {
            PeekMut::pop(top);
        }
    }
    placed
}
