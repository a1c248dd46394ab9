//! Who is given what: the strategy by variance, for workers that report no load of their own, so that the throughput of
//! their leases is their load. Caps are left out.

use std::collections::BTreeMap;

use super::heap::Heap;
use super::observe::Seen;

/// `reBalanceThresholdPercentage`.
const THRESHOLD: f64 = 0.1;
/// `dampeningPercentage`.
const DAMPENING: f64 = 0.6;
/// The load at which a worker counts as full: that of the average one.
const LIMIT: f64 = 100.0;

/// A lease, by its place among those seen, goes to a worker.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Move {
    pub(super) lease: usize,
    pub(super) to: String,
}

/// Gives away what has no owner, and balances if it is time for it.
pub(super) fn plan(seen: &[Seen], workers: &[String], balance: bool, luck: &mut fastrand::Rng) -> Vec<Move> {
    let mut view = View::new(seen, workers);
    view.fill();
    if balance {
        view.balance(luck);
    }
    let to = |worker: usize| workers[worker].clone();
    view.moves.into_iter().map(|(lease, worker)| Move { lease, to: to(worker) }).collect()
}

/// The leases and workers as they will be.
struct View<'a> {
    seen: &'a [Seen],
    throughput: Vec<f64>,
    /// The actual owner of each lease, by its place among the workers that are active.
    owner: Vec<Option<usize>>,
    assigned: Vec<f64>,
    /// The load of each worker, in hundredths of what is fair.
    load: Vec<f64>,
    average: f64,
    fair: f64,
    fair_count: f64,
    heap: Heap,
    moves: BTreeMap<usize, usize>,
}

#[expect(clippy::cast_precision_loss, reason = "no fleet is so large")]
impl<'a> View<'a> {
    fn new(seen: &'a [Seen], workers: &[String]) -> Self {
        let known: Vec<_> = seen.iter().filter_map(|seen| seen.lease.throughput).collect();
        let usual = if known.is_empty() { 0.0 } else { known.iter().sum::<f64>() / known.len() as f64 };
        let throughput: Vec<_> = seen.iter().map(|seen| seen.lease.throughput.unwrap_or(usual)).collect();
        let place = |id: &str| workers.iter().position(|worker| worker == id);
        let owner: Vec<_> = seen.iter().map(|seen| seen.lease.actual_owner().and_then(place)).collect();
        let mut assigned = vec![0.0; workers.len()];
        for (owner, throughput) in owner.iter().zip(&throughput) {
            if let Some(owner) = owner {
                assigned[*owner] += throughput;
            }
        }
        let count = workers.len().max(1) as f64;
        let fair = throughput.iter().sum::<f64>() / count;
        // Nothing by nothing is not a number, and stays so until there is traffic.
        let load: Vec<_> = assigned.iter().map(|assigned| LIMIT * assigned / fair).collect();
        let average = load.iter().sum::<f64>() / count;
        let mut view = Self {
            seen,
            throughput,
            owner,
            assigned,
            load,
            average,
            fair,
            fair_count: (seen.len() / workers.len().max(1)).max(1) as f64,
            heap: Heap::new(),
            moves: BTreeMap::new(),
        };
        (0..workers.len()).for_each(|worker| view.offer(worker));
        view
    }

    /// Puts a worker among those that may be given something.
    fn offer(&mut self, worker: usize) {
        let load = self.load[worker];
        let headroom = if load == 0.0 { 1.0 } else { (self.average - load) / load };
        self.heap.push(headroom, worker);
    }

    /// How much one more lease would weigh.
    fn weight(&self, lease: usize) -> f64 {
        if self.fair == 0.0 {
            self.average / self.fair_count
        } else {
            self.throughput[lease] * self.average / self.fair
        }
    }

    fn give(&mut self, lease: usize, worker: usize) {
        self.load[worker] += self.weight(lease);
        self.assigned[worker] += self.throughput[lease];
        // Of whom it was before, however often it goes on: sums of one run may be wrong.
        if let Some(before) = self.owner[lease] {
            self.assigned[before] -= self.throughput[lease];
        }
        self.moves.insert(lease, worker);
        self.offer(worker);
    }

    fn fill(&mut self) {
        for lease in 0..self.seen.len() {
            let Seen { lease: row, expired } = &self.seen[lease];
            if !expired {
                continue;
            }
            let Some(worker) = self.heap.pop() else { return };
            // Its owner will find it again; but what was being handed over is stuck, and is written anew.
            if self.owner[lease] == Some(worker) && row.checkpoint_owner.is_none() {
                self.offer(worker);
                continue;
            }
            self.give(lease, worker);
        }
    }

    fn balance(&mut self, luck: &mut fastrand::Rng) {
        let (upper, lower) = (self.average * (1.0 + THRESHOLD), self.average * (1.0 - THRESHOLD));
        if !self.load.iter().any(|load| *load > upper || *load < lower || *load > LIMIT) {
            return;
        }
        let mut donors: Vec<_> =
            (0..self.load.len()).filter(|worker| self.load[*worker] >= upper || self.load[*worker] > LIMIT).collect();
        if donors.is_empty() {
            let most = (0..self.load.len()).max_by(|one, other| self.load[*one].total_cmp(&self.load[*other]));
            donors.extend(most);
        }
        let take = |view: &Self, worker: usize| {
            let load = view.load[worker];
            view.assigned[worker] * (load - view.average) / load * DAMPENING
        };
        donors.sort_by(|one, other| take(self, *other).total_cmp(&take(self, *one)));
        for donor in donors {
            let take = take(self, donor);
            for lease in self.choose(donor, take, luck) {
                let Some(worker) = self.heap.pop() else { break };
                if self.load[worker] + self.weight(lease) > self.average.min(LIMIT) {
                    // It is not put back.
                    break;
                }
                if self.owner[lease] != Some(worker) {
                    self.give(lease, worker);
                }
            }
        }
    }

    /// Which leases of a donor go: as many as fit, or else the smallest.
    fn choose(&self, donor: usize, take: f64, luck: &mut fastrand::Rng) -> Vec<usize> {
        let mut leases: Vec<_> = (0..self.seen.len()).filter(|lease| self.owner[*lease] == Some(donor)).collect();
        if self.assigned[donor] == 0.0 {
            leases.truncate(1);
            return leases;
        }
        luck.shuffle(&mut leases);
        let (mut chosen, mut left) = (Vec::new(), take);
        for lease in &leases {
            if left - self.throughput[*lease] > 0.0 {
                left -= self.throughput[*lease];
                chosen.push(*lease);
            }
        }
        if chosen.is_empty() {
            let least = leases.iter().min_by(|one, other| self.throughput[**one].total_cmp(&self.throughput[**other]));
            chosen.extend(least);
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::lease::JavaLease;
    use super::*;

    fn seen(owners: &[Option<&str>], throughput: f64) -> Vec<Seen> {
        let lease = |(place, owner): (usize, Option<&str>)| {
            let mut lease = JavaLease::new(&format!("shardId-{place}"), Vec::new(), ("0".into(), "9".into()));
            lease.owner = owner.map(str::to_owned);
            lease.throughput = Some(throughput);
            Seen { expired: owner.is_none(), lease }
        };
        owners.iter().copied().enumerate().map(lease).collect()
    }

    fn moves(owners: &[Option<&str>], throughput: f64, workers: &[&str]) -> Vec<(usize, String)> {
        let workers: Vec<_> = workers.iter().map(|id| (*id).to_owned()).collect();
        let moves = plan(&seen(owners, throughput), &workers, true, &mut fastrand::Rng::with_seed(1));
        moves.into_iter().map(|Move { lease, to }| (lease, to)).collect()
    }

    #[test]
    fn a_worker_that_has_nothing_is_given_some_of_what_the_others_have() {
        let moves = moves(&[Some("a"); 4], 10.0, &["a", "b"]);
        assert!(!moves.is_empty() && moves.len() <= 2 && moves.iter().all(|(_, to)| to == "b"), "{moves:?}");
    }

    #[test]
    fn what_nobody_has_is_given_away_and_without_traffic_nothing_is_balanced() {
        let moves = moves(&[None, None, Some("a"), Some("a")], 0.0, &["a", "b", "c"]);
        assert_eq!(moves.iter().map(|(lease, _)| *lease).collect::<Vec<_>>(), [0, 1], "{moves:?}");
    }

    #[test]
    fn without_workers_nothing_is_given() {
        assert_eq!(moves(&[None], 1.0, &[]), []);
    }
}
