//! What workers hold, and what they have not yet written down.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kcl_core::event::Event;
use kcl_core::position::Position;

use super::Findings;
use super::leases::Holders;
use crate::faults::Class;
use crate::history::{Happening, History, HowReturned, Run, Seat, What, millis};
use crate::timeline::Short;

/// A commit that nobody asked for is written with the next renewal, which is sent so soon.
const RENEWED: f64 = 0.7;
/// For the answer, and for what has just been sent.
const ANSWERED: Duration = Duration::from_secs(1);

/// What a worker holds of records stays within its byte budget, but for answers that are larger than a quarter of it: that
/// much is reserved for each at most, so that there are four such at a time.
pub(super) fn memory_stays_in_the_budget(history: &History) -> Findings {
    let budget = history.byte_budget;
    let beyond = |happening: &Happening| {
        let What::Held { run, bytes, largest } = happening.what else { return None };
        let most = budget.saturating_add(4 * largest.saturating_sub(budget / 4));
        let seen = format!("{run} holds {bytes} bytes; its budget is {budget}, its largest answer {largest}");
        (bytes > most).then_some((happening.at, seen))
    };
    history.happenings.iter().filter_map(beyond).collect()
}

/// What a processor is done with is committed within 0.7 F and a second, counted anew after each fault that hits its worker, as
/// long as it does not panic and its worker keeps the lease: so much is delivered again at most when the worker dies.
pub(super) fn commits_keep_up(history: &History) -> Findings {
    let bound = history.failover.mul_f64(RENEWED) + ANSWERED;
    let mut owed = Owed { bound: millis(bound), ..Owed::default() };
    let mut done: BTreeMap<Seat, (&str, &Position)> = BTreeMap::new();
    let mut holders = Holders::default();
    for Happening { at, what } in &history.happenings {
        holders.take_in(what);
        match what {
            What::Seated { shard, .. } => owed.settle(shard, *at, |_| true),
            What::Done { seat, shard, through, .. } => drop(done.insert(*seat, (shard, through))),
            What::Returned { run, seat, how: HowReturned::Ok } if !run.is_java() => {
                if let Some((shard, through)) = done.get(seat)
                    && owed.committed.get(shard).is_none_or(|committed| *committed < *through)
                {
                    owed.debts.entry(shard).or_default().push(Debt { run: *run, since: *at, through });
                }
            }
            // The next processor begins at what is committed.
            What::Returned { seat, how: HowReturned::Panicked, .. } => {
                if let Some((shard, _)) = done.get(seat) {
                    owed.settle(shard, *at, |_| true);
                }
            }
            What::Lease { shard, row, .. } => {
                let committed = row.as_ref().map(|row| &row.checkpoint);
                // Whoever asks for the lease, or notes something in it, leaves it to its holder.
                let paid = |debt: &Debt<'_>| {
                    holders.holder(shard) != Some(debt.run)
                        || committed.is_none_or(|committed| debt.through <= committed)
                };
                owed.settle(shard, *at, paid);
                if let Some(committed) = committed {
                    owed.committed.insert(shard, committed);
                }
            }
            What::Fault { run: Some(run), class } => {
                owed.count_anew(*run, *at);
                if *class == Class::Frozen {
                    owed.frozen.insert(*run);
                }
            }
            What::Woke { run } => {
                owed.count_anew(*run, *at);
                owed.frozen.remove(run);
            }
            What::Event { run, event: Event::LeaseEnded { shard, .. } } => {
                owed.settle(shard.shard.as_str(), *at, |debt| debt.run == *run);
            }
            What::Over { run, .. } => owed.settle_all(*at, |debt| debt.run == *run),
            _ => {}
        }
    }
    owed.settle_all(history.happenings.last().map_or(0, |last| last.at), |_| true);
    owed.found
}

/// What is done and not committed.
#[derive(Default)]
struct Owed<'a> {
    bound: u64,
    committed: BTreeMap<&'a str, &'a Position>,
    /// Workers that stand still: what is taken from them meanwhile is not theirs to pay.
    frozen: BTreeSet<Run>,
    debts: BTreeMap<&'a str, Vec<Debt<'a>>>,
    found: Findings,
}

struct Debt<'a> {
    run: Run,
    since: u64,
    through: &'a Position,
}

impl Owed<'_> {
    /// A fault hit a worker: what it owes may be late by that.
    fn count_anew(&mut self, run: Run, now: u64) {
        let of_run = self.debts.values_mut().flatten().filter(|debt| debt.run == run);
        of_run.for_each(|debt| debt.since = now);
    }

    fn settle_all(&mut self, now: u64, paid: impl Fn(&Debt<'_>) -> bool) {
        let shards: Vec<&str> = self.debts.keys().copied().collect();
        for shard in shards {
            self.settle(shard, now, &paid);
        }
    }

    /// Some debts of a shard are paid now, or not asked for any more.
    fn settle(&mut self, shard: &str, now: u64, paid: impl Fn(&Debt<'_>) -> bool) {
        let Some(debts) = self.debts.get_mut(shard) else { return };
        let (bound, frozen) = (self.bound, &self.frozen);
        let mut late = None;
        debts.retain(|debt| {
            let paid = paid(debt);
            let is_late = now.saturating_sub(debt.since) > bound && !frozen.contains(&debt.run);
            if paid && is_late && late.is_none() {
                let (run, through, ms) = (debt.run, Short(debt.through), now - debt.since);
                late =
                    Some(format!("{run} is done with {shard} through {through} and has not committed it for {ms} ms"));
            }
            !paid
        });
        self.found.extend(late.map(|late| (now, late)));
    }
}
