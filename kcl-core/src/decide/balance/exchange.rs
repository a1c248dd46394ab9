//! Who gives what to whom, so that all come near their targets.
//!
//! Again and again the worker with the greatest surplus gives to the one with the greatest deficit. A move is made only
//! if the two come nearer to their targets by a margin, and if neither ends so far beyond its own that somebody would
//! gain by giving the difference on. So when no more moves are found here, the next plan finds none either.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::fleet::Fleet;
use super::stock::Stock;
use super::weight::{Milli, ONE, weight_of};
use super::{Move, Work};

/// How often those are asked again that could give nothing without going too far, now that others have moved.
const ROUNDS: usize = 16;

/// The moves of one round of balancing.
#[derive(Default)]
pub(super) struct Plan {
    /// In the order in which they were decided.
    pub(super) moves: Vec<Move>,
    /// The limit of a plan was met: there may be more to move.
    pub(super) cut: bool,
}

/// Plans towards these targets, by rank.
pub(super) fn exchange(fleet: &Fleet<'_>, work: &[Work], targets: &[Milli]) -> Plan {
    let mut exchange = Exchange::new(fleet, work, targets);
    if exchange.receivers.is_empty() {
        return exchange.plan;
    }
    exchange.relieve_those_over_their_cap();
    exchange.even_out();
    exchange.plan
}

struct Exchange<'a> {
    /// By rank.
    parties: Vec<Party<'a>>,
    /// Deficit and rank of those with room. Of those that give, the deficit is that of the beginning: negative.
    receivers: BinaryHeap<(Milli, Reverse<usize>)>,
    margin: Margin,
    /// The least gap between two workers across which the lightest lease would be moved.
    least_gap: Milli,
    /// The most moves of this plan.
    limit: usize,
    plan: Plan,
}

struct Party<'a> {
    index: usize,
    surplus: Milli,
    count: usize,
    cap: usize,
    /// How many leases it may still give in this plan.
    may_give: usize,
    received: bool,
    /// What can be moved from here.
    stock: Stock<'a>,
}

impl<'a> Exchange<'a> {
    fn new(fleet: &Fleet<'_>, work: &'a [Work], targets: &[Milli]) -> Self {
        let mut parties: Vec<_> = fleet
            .hands
            .iter()
            .zip(targets)
            .map(|(hand, target)| Party {
                index: hand.index,
                surplus: hand.load - target,
                count: hand.count,
                cap: hand.cap(),
                may_give: hand.count.div_ceil(3).max(16),
                received: false,
                stock: Stock::default(),
            })
            .collect();
        let (mut leases, mut all, mut lightest) = (0, 0, ONE);
        for (index, one) in work.iter().enumerate() {
            let Some(rank) = fleet.rank_of_holder(one) else { continue };
            let (party, weight) = (&mut parties[rank], weight_of(one));
            lightest = if leases == 0 { weight } else { lightest.min(weight) };
            (leases, all) = (leases + 1, all + weight);
            if one.movable && (party.surplus > 0 || party.count > party.cap) {
                party.stock.add(weight, &one.shard, index);
            }
        }
        let with_room = parties.iter().enumerate().filter(|(_, party)| party.count < party.cap);
        let receivers = with_room.map(|(rank, party)| (-party.surplus, Reverse(rank))).collect();
        let limit = usize::max(64, usize::div_ceil(leases, 3));
        let margin = Margin::new(all, leases, fleet.hands.len());
        let least_gap = margin.least_gap(lightest);
        Self { parties, receivers, margin, least_gap, limit, plan: Plan::default() }
    }

    /// A cap that is exceeded is a reason of its own.
    fn relieve_those_over_their_cap(&mut self) {
        for giver in 0..self.parties.len() {
            while self.parties[giver].count > self.parties[giver].cap {
                let Some(&(deficit, Reverse(receiver))) = self.receivers.peek() else { return };
                let party = &mut self.parties[giver];
                let Some((weight, work)) = party.stock.take_nearest(party.surplus.min(deficit), Milli::MAX) else {
                    break;
                };
                if !self.give(giver, receiver, weight, work) {
                    break;
                }
            }
        }
    }

    fn even_out(&mut self) {
        let mut givers: BinaryHeap<_> = self
            .parties
            .iter()
            .enumerate()
            .filter(|(_, party)| party.surplus > 0 && !party.received)
            .map(|(rank, party)| (party.surplus, Reverse(rank)))
            .collect();
        for _ in 0..ROUNDS {
            let mut waiting = Vec::new();
            let before = self.plan.moves.len();
            while let Some((surplus, Reverse(giver))) = givers.pop() {
                // Those that wait have more than those that are still to come.
                let others = waiting.first().or(givers.peek()).map(|(surplus, _)| *surplus);
                match self.give_one(giver, others) {
                    Given::One => {
                        let party = &self.parties[giver];
                        if party.surplus > 0 {
                            givers.push((party.surplus, Reverse(giver)));
                        }
                    }
                    Given::TooFar => waiting.push((surplus, Reverse(giver))),
                    Given::Nothing => {}
                }
            }
            if waiting.is_empty() || self.plan.moves.len() == before {
                return;
            }
            givers.extend(waiting);
        }
        self.plan.cut = true;
    }

    /// Gives one lease to who lacks most; `others` is the greatest surplus of the other givers.
    fn give_one(&mut self, giver: usize, others: Option<Milli>) -> Given {
        let Some((deficit, Reverse(receiver))) = self.receivers.pop() else { return Given::Nothing };
        let second = self.receivers.peek().map(|(deficit, _)| *deficit);
        self.receivers.push((deficit, Reverse(receiver)));
        let party = &mut self.parties[giver];
        let better = self.margin.heaviest(party.surplus + deficit);
        // The last lease is not what makes a worker busier than others by chance: it would be as busy elsewhere.
        if deficit <= 0 || party.count <= 1 || party.stock.lightest().is_none_or(|lightest| lightest > better) {
            return Given::Nothing;
        }
        let most = better.min(self.not_too_far(self.parties[giver].surplus, deficit, others, second));
        let party = &mut self.parties[giver];
        let Some((weight, work)) = party.stock.take_nearest(party.surplus.min(deficit), most) else {
            return Given::TooFar;
        };
        if self.give(giver, receiver, weight, work) { Given::One } else { Given::Nothing }
    }

    /// The heaviest lease after which no other move is called for: not from the next giver to this one, not from this
    /// receiver to the next, and not back.
    fn not_too_far(&self, surplus: Milli, deficit: Milli, giver: Option<Milli>, receiver: Option<Milli>) -> Milli {
        let gap = self.least_gap - 1;
        let beyond = |own: Milli, next: Option<Milli>| {
            next.filter(|next| *next > 0).map_or(Milli::MAX, |next| own.max(own - next + gap))
        };
        let back = surplus.max(deficit).max((surplus + deficit + gap) / 2);
        beyond(surplus, giver).min(beyond(deficit, receiver)).min(back)
    }

    /// Books a move to the first of the receivers, unless the limits of this plan are met.
    fn give(&mut self, giver: usize, receiver: usize, weight: Milli, work: usize) -> bool {
        let from = &mut self.parties[giver];
        if from.may_give == 0 || self.plan.moves.len() >= self.limit {
            self.plan.cut = true;
            return false;
        }
        from.may_give -= 1;
        from.surplus -= weight;
        from.count -= 1;
        let from = from.index;
        let to = &mut self.parties[receiver];
        to.received = true;
        to.surplus += weight;
        to.count += 1;
        self.plan.moves.push(Move { work, from, to: to.index });
        self.receivers.pop();
        if to.count < to.cap {
            self.receivers.push((-to.surplus, Reverse(receiver)));
        }
        true
    }
}

enum Given {
    One,
    /// Nothing helps in this plan.
    Nothing,
    /// What would help now would leave one of the two too far beyond its target, as long as others are where they are.
    TooFar,
}

/// What makes a difference big enough for a move: it must exceed the weight of the lease by a quarter of that weight, by
/// three quarters of an idle lease, and by 2 % of what a worker has on average; the last up to nearly the weight of an
/// average lease, so that of leases of equal weight a difference of two is evened out. One of one is not; what is in
/// between is for noise.
#[derive(Clone, Copy)]
struct Margin(Milli);

impl Margin {
    fn new(weight: Milli, leases: usize, workers: usize) -> Self {
        let each = |count: usize| weight / Milli::try_from(count).unwrap_or(Milli::MAX).max(1);
        Self((each(workers) / 50).min(each(leases) * 19 / 20).max(ONE * 3 / 4))
    }

    /// The heaviest lease for which a surplus and a deficit that add up to `gap` are big enough.
    fn heaviest(self, gap: Milli) -> Milli {
        (gap - self.0).min(gap * 4 / 5)
    }

    /// The least gap that is big enough for a lease of this weight.
    fn least_gap(self, weight: Milli) -> Milli {
        weight + self.0.max((weight + 3) / 4)
    }
}
