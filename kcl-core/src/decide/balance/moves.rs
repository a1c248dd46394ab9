//! What the leader moves.

use tokio::time::Instant;

use super::exchange::exchange;
use super::fleet::Fleet;
use super::level::level;
use super::{Candidate, Memory, Strategy, Work};

/// A lease to be handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Move {
    /// Index into the work.
    pub work: usize,
    /// Who holds it: index into the candidates.
    pub from: usize,
    /// Who shall hold it: index into the candidates.
    pub to: usize,
}

/// What to move so that each worker has its share, most needed first. Work that is nowhere is not considered.
///
/// Each move makes the fleet more even by a margin: after the moves were made, planning again moves nothing. Nobody both
/// gives and receives, nobody is given more than its cap, and who has more than its cap gives the rest away. One plan
/// takes at most a third of the leases, or 16, from one worker, and a third, or 64, in all.
///
/// The leader keeps the `memory` between its plans, and passes the time of each as `now`.
pub fn moves(
    candidates: &[Candidate],
    work: &[Work],
    strategy: Strategy,
    memory: &mut Memory,
    now: Instant,
) -> Vec<Move> {
    let fleet = Fleet::new(candidates, work);
    let Some(shares) = memory.shares(&fleet, strategy, now) else { return Vec::new() };
    let plan = exchange(&fleet, work, &level(&fleet, &shares));
    memory.planned(!plan.moves.is_empty(), plan.cut, now);
    plan.moves
}
