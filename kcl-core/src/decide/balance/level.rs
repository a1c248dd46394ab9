//! How much work each worker should have.

use super::fleet::Fleet;
use super::weight::{Milli, in_leases, number, to_milli};

/// Shares out what is held in proportion to `shares`, by rank; all shares are above 0.
///
/// What a worker cannot have because of its cap, as so many leases of average weight, falls to the others. Its own
/// target stays above what it may be given: it is the number of its leases that stops it.
pub(super) fn level(fleet: &Fleet<'_>, shares: &[f64]) -> Vec<Milli> {
    let (weight, leases) =
        fleet.hands.iter().fold((0, 0), |(weight, leases), hand| (weight + hand.load, leases + hand.count));
    let mut left = in_leases(weight);
    let average = left / number(leases.max(1));
    let mut sharing: f64 = shares.iter().sum();
    let mut level = left / sharing;

    let mut capped: Vec<_> = fleet
        .hands
        .iter()
        .zip(shares)
        .enumerate()
        .filter_map(|(rank, (hand, share))| {
            let most = hand.candidate.cap.map(|cap| number(cap) * average)?;
            Some((most / share, rank, most, *share))
        })
        .collect();
    capped.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    for (full_at, _, most, share) in capped {
        if full_at >= level || sharing - share <= share * 1e-9 {
            break;
        }
        left -= most;
        sharing -= share;
        level = left / sharing;
    }
    shares.iter().map(|share| to_milli(level * share)).collect()
}
