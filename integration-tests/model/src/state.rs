//! One state of a fleet: the table, the processes, what is on its way between them, and the faults that may still come.

use crate::invariant::Invariant;
use crate::lease::{FAR_BEHIND, Id, Lease, Stamp, Write};
use crate::rules::FAILOVER;

/// How many processes there can be.
pub(crate) const SLOTS: usize = 3;

/// How many writes can be under way of which nobody waits for the answer.
pub(crate) const MAIL: usize = 5;

/// The longest time that is told from longer ones.
pub(crate) const LONG: u8 = FAILOVER;

/// A fleet with `L` shards.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct State<const L: usize> {
    pub(crate) leases: [Option<Lease>; L],
    pub(crate) workers: [Worker<L>; SLOTS],
    /// Writes whose writers do not wait any more. Each arrives at any time, or never.
    pub(crate) mail: [Option<(u8, Write)>; MAIL],
    /// What a planner or the leader has sent: an offer, or a move.
    pub(crate) plan: Option<(u8, Write)>,
    pub(crate) budget: Budget,
    /// The first thing that a step did and must not.
    pub(crate) broken: Option<Invariant>,
}

/// What may still happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Budget {
    pub(crate) crashes: u8,
    pub(crate) pauses: u8,
    /// Answers, or requests, that are lost or given up.
    pub(crate) losses: u8,
    /// Leases that the leader moves.
    pub(crate) moves: u8,
    /// Workers that are told to stop.
    pub(crate) stops: u8,
    /// Ticks that one worker's clock misses.
    pub(crate) slow_ticks: u8,
}

/// One process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Worker<const L: usize> {
    pub(crate) id: Id,
    pub(crate) life: Life,
    /// It was told to stop.
    pub(crate) leaving: bool,
    pub(crate) seats: [Seat; L],
}

/// Whether a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Life {
    Up,
    Paused,
    /// It does not run, and may be started.
    Down,
    /// It has ended, or never was.
    Gone,
}

/// What a process has to do with one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Seat {
    pub(crate) tenure: Option<Tenure>,
    pub(crate) request: Option<Request>,
}

/// An ownership, as its owner knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Tenure {
    pub(crate) number: u8,
    /// How many writes the table is ahead of the version that the owner knows.
    pub(crate) behind: u8,
    /// How many ticks ago the last write that is known to be applied was first sent.
    pub(crate) age: u8,
    /// The same of the oldest write of unknown fate.
    pub(crate) unresolved: Option<u8>,
    pub(crate) phase: Phase,
    pub(crate) committed: u8,
    /// Up to where the processor is done. What comes next is in its hands.
    pub(crate) done: u8,
    /// Who should get the lease.
    pub(crate) asked: Option<Id>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Phase {
    AwaitingParents,
    Reading,
    /// `pass` was sent.
    Passing,
}

/// A write under way, whose writer waits for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Request {
    pub(crate) write: Write,
    /// How many ticks ago it was first sent.
    pub(crate) age: u8,
    /// What the table said, once it has.
    pub(crate) answer: Option<crate::answer::Answer>,
}

impl<const L: usize> State<L> {
    /// Notes what a step did and must not. The first such thing stands.
    pub(crate) fn demand(&mut self, holds: bool, invariant: Invariant) {
        if !holds {
            self.broken.get_or_insert(invariant);
        }
    }

    pub(crate) fn lease(&self, shard: usize) -> Option<&Lease> {
        self.leases[shard].as_ref()
    }

    /// A stamp that no write to this shard bears.
    pub(crate) fn fresh(&self, shard: usize, tenure: Option<u8>, held: bool) -> Stamp {
        let mut used = Stamp::NOBODY;
        self.for_each_stamp(shard, |stamp| {
            used.tenure = used.tenure.max(stamp.tenure);
            if tenure == Some(stamp.tenure) {
                used.write = used.write.max(stamp.write);
            }
        });
        match tenure {
            Some(tenure) => Stamp { tenure, write: used.write + 1, held },
            None => Stamp { tenure: used.tenure + 1, write: 1, held },
        }
    }

    fn for_each_stamp(&self, shard: usize, mut look: impl FnMut(Stamp)) {
        let of_tenure = |tenure: u8| Stamp { tenure, write: 0, held: true };
        if let Some(lease) = &self.leases[shard] {
            look(lease.stamp);
            look(of_tenure(lease.holds));
        }
        for worker in &self.workers {
            let Seat { tenure, request } = &worker.seats[shard];
            if let Some(tenure) = tenure {
                look(of_tenure(tenure.number));
            }
            if let Some(request) = request {
                look(request.write.stamp);
            }
        }
        let mail = self.mail.iter().flatten().filter(|(of, _)| usize::from(*of) == shard);
        for (_, write) in mail {
            look(write.stamp);
        }
    }

    /// The version of a lease has moved: whoever rests on it is one more behind.
    pub(crate) fn moved(&mut self, shard: usize) {
        let one_more = |behind: &mut u8| *behind = (*behind + 1).min(FAR_BEHIND);
        for worker in &mut self.workers {
            let Seat { tenure, request } = &mut worker.seats[shard];
            if let Some(tenure) = tenure {
                one_more(&mut tenure.behind);
            }
            if let Some(request) = request {
                one_more(&mut request.write.behind);
            }
        }
        for (of, write) in self.mail.iter_mut().chain([&mut self.plan]).flatten() {
            if usize::from(*of) == shard {
                one_more(&mut write.behind);
            }
        }
    }
}

impl<const L: usize> Worker<L> {
    pub(crate) fn is_up(&self) -> bool {
        self.life == Life::Up
    }

    /// Whether it can be given work.
    pub(crate) fn stays(&self) -> bool {
        self.is_up() && !self.leaving
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.seats.iter().all(|seat| seat.tenure.is_none() && seat.request.is_none())
    }
}
