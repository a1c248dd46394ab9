//! A worker that cannot reach the lease table, and goes on reading.

use std::time::Duration;

use kcl_local::Service;

use super::super::draw::{Luck, START};
use super::super::{Deed, Plan};
use super::{UNANSWERED, UNREACHABLE};
use crate::faults::{Class, Window};

impl Plan {
    /// One worker reads on, and cannot renew for as long as others wait for it, or longer.
    pub(super) fn cut_off_from_the_table(&mut self, luck: &mut Luck) {
        // Who waits for a commit would not read on.
        self.handling.checkpoints = 0.0;
        let slot = self.any_slot(luck);
        let from = self.once_it_works(slot, luck);
        if luck.happens(0.5) {
            // Before that it is seldom told what became of its requests, and its processors begin anew at what it knows of.
            self.handling.panics = 0.2;
            let class = luck.one_of(&UNANSWERED);
            let lasting = self.failovers(luck, 0.3..1.0);
            let probability = luck.one_of(&[0.5, 0.8]);
            self.trouble(
                Some(slot),
                Some(Service::DynamoDb),
                class,
                from.saturating_sub(lasting),
                lasting,
                probability,
            );
        }
        let lasting = self.failovers(luck, 1.0..3.0);
        self.trouble(Some(slot), Some(Service::DynamoDb), luck.one_of(&UNREACHABLE), from, lasting, 1.0);
        if luck.happens(0.3) {
            self.answer_late_before(slot, from, luck);
        }
    }

    /// Before that, answers come almost too late: the worker could think that it may read for longer than it may. Nothing else
    /// happens meanwhile, and others hurry.
    fn answer_late_before(&mut self, slot: usize, at: Duration, luck: &mut Luck) {
        self.have_workers(3, luck);
        self.failover = Duration::from_secs(10);
        for (other, clocks) in self.clocks.iter_mut().enumerate() {
            clocks.rate = if other == slot { 1.01 } else { 0.99 };
        }
        self.put_every = 5..=50;
        (self.handling.fails, self.handling.panics, self.handling.slows) = (0.0, 0.0, 0.0);
        let mut unreachable = self.windows.remove(0);
        // The first workers have been there for a while.
        let at = at.max(START + Duration::from_secs(4) + self.failover);
        let (from, to) = (at.saturating_sub(self.failover), at + self.failover.mul_f64(1.5));
        self.keep_free(from, to);
        (unreachable.from, unreachable.to) = (at, to);
        self.before_all(unreachable);
        self.before_all(Window {
            from,
            to: at,
            slot: Some(slot),
            service: Some(Service::DynamoDb),
            writes: true,
            class: Class::AnsweredLate,
            probability: 1.0,
            delay: self.failover.mul_f64(0.2),
        });
    }

    /// Nothing is done to the fleet in that time: it is done later, or not at all. (Java workers, where there are some, do as they
    /// like.)
    fn keep_free(&mut self, from: Duration, to: Duration) {
        self.windows.retain(|window| window.to + window.delay <= from || window.from >= to);
        for start in self.starts.iter_mut().filter(|start| (from..to).contains(*start)) {
            *start = to;
        }
        for (at, deed) in &mut self.deeds {
            let lasting = if let Deed::Freeze { lasting, .. } = deed { *lasting } else { Duration::ZERO };
            if *at < to && *at + lasting >= from {
                *at = to + at.saturating_sub(from);
                self.calm = self.calm.max(*at + lasting + Duration::from_secs(5));
            }
        }
    }
}
