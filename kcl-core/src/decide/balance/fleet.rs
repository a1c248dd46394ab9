//! The candidates in an order of their own, with what each holds.

use super::weight::{Milli, weight_of};
use super::{Candidate, Work};

/// The candidates by rank: a rank depends on who they are, not on where they stand in the input.
pub(super) struct Fleet<'a> {
    /// By rank.
    pub(super) hands: Vec<Hand<'a>>,
    /// The rank of each candidate.
    ranks: Vec<usize>,
}

/// One candidate, and what it holds or will hold.
pub(super) struct Hand<'a> {
    pub(super) candidate: &'a Candidate,
    /// Its place in the input.
    pub(super) index: usize,
    /// The weight of what it holds.
    pub(super) load: Milli,
    /// The number of leases that it holds.
    pub(super) count: usize,
}

impl<'a> Fleet<'a> {
    pub(super) fn new(candidates: &'a [Candidate], work: &[Work]) -> Self {
        let mut order: Vec<_> = candidates
            .iter()
            .enumerate()
            .map(|(index, candidate)| {
                (!candidate.ours, scatter(&[candidate.worker.as_str()]), &candidate.worker, index)
            })
            .collect();
        order.sort_unstable();
        let mut ranks = vec![0; candidates.len()];
        let mut hands = Vec::with_capacity(order.len());
        for (rank, (.., index)) in order.into_iter().enumerate() {
            ranks[index] = rank;
            hands.push(Hand { candidate: &candidates[index], index, load: 0, count: 0 });
        }
        let mut fleet = Self { hands, ranks };
        for one in work {
            if let Some(rank) = fleet.rank_of_holder(one) {
                fleet.hands[rank].load += weight_of(one);
                fleet.hands[rank].count += 1;
            }
        }
        fleet
    }

    /// The rank of the candidate that holds it or will hold it.
    pub(super) fn rank_of_holder(&self, work: &Work) -> Option<usize> {
        work.at.and_then(|at| self.ranks.get(at)).copied()
    }
}

impl Hand<'_> {
    /// The most leases it may be given.
    pub(super) fn cap(&self) -> usize {
        self.candidate.cap.unwrap_or(usize::MAX)
    }
}

/// A number by which names are put into an order that looks like chance and changes little as they come and go. FNV-1a,
/// and a last mixing since it spreads short differences badly.
pub(super) fn scatter(parts: &[&str]) -> u64 {
    let hash = parts
        .iter()
        .flat_map(|part| part.bytes().chain([0]))
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let hash: u64 = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^ (hash >> 29)
}
