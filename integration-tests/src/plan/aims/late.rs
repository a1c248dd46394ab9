//! Writes that are on their way for long, and land where much has happened since.

use std::time::Duration;

use kcl_local::Service;

use super::super::draw::Luck;
use super::super::{Back, Deed, Plan, Point};
use crate::faults::{Class, Window};
use crate::history::millis;

/// The longest that a request is on its way. Leases of finished shards are kept for 20 s, so that a lease is not made anew by a
/// request that comes late: see `kcl_core`'s `decide/linger.rs`.
const LATEST: Duration = Duration::from_secs(12);

impl Plan {
    /// What one worker wrote lands when it is no more, or when others have what was its own.
    pub(super) fn land_late(&mut self, luck: &mut Luck) {
        if luck.happens(0.5) {
            // Then there is nothing to commit most times, and leases are only renewed.
            self.slow_down(2_000..=6_000);
        }
        let slot = self.any_slot(luck);
        let from = if luck.happens(0.3) {
            // There is most to write when somebody joins.
            self.starts[self.starts.len() - 1]
        } else {
            self.once_it_works(slot, luck)
        };
        let lasting = self.failovers(luck, 0.5..1.5);
        let delay = self.lateness(luck);
        let probability = luck.one_of(&[0.5, 1.0]);
        self.before_all(Window { probability, ..late(slot, from, lasting, delay) });
        // What is free or has a new holder by then.
        for _ in 0..luck.0.usize(1..=3) {
            let (at, slot) = (from + luck.millis(0..=millis(lasting)), self.any_slot(luck));
            let back = luck.back(0..=3_000);
            let stop = Deed::Stop { slot, within: luck.millis(0..=1_000), back };
            self.deeds.push((at, if luck.happens(0.5) { stop } else { Deed::Release { slot } }));
        }
        if luck.happens(0.5) {
            let back = luck.back(0..=1_500);
            let killed = from + luck.millis(millis(lasting) / 2..=millis(lasting));
            self.deeds.push((killed, Deed::Kill { slot, point: Point::Turns(0), back }));
        }
    }

    /// The same, where one certain kind of write meets what it must not change.
    pub(super) fn land_late_amid_others(&mut self, luck: &mut Luck) {
        match luck.0.u8(0..4) {
            0 => self.come_back_amid_what_lands_late(luck),
            1 => self.offer_late(luck),
            // Of these much must come together.
            _ => self.ask_late(luck),
        }
    }

    /// A worker dies or stops, and its next process has the leases again before the last writes of the one before have landed.
    fn come_back_amid_what_lands_late(&mut self, luck: &mut Luck) {
        // Then there is nothing to commit most times, and leases are only renewed.
        self.slow_down(1_000..=5_000);
        let slot = self.any_slot(luck);
        let from = self.once_it_works(slot, luck);
        let lasting = self.failovers(luck, 0.2..0.8);
        let dies = from + lasting;
        self.write_late(slot, from, lasting, luck);
        if luck.happens(0.5) {
            let stops = dies.saturating_sub(luck.millis(200..=1_500));
            let back = Back { after: luck.millis(0..=500), same_id: true };
            self.deeds.push((stops, Deed::Stop { slot, within: luck.millis(0..=300), back }));
        }
        let back = Back { after: luck.millis(0..=500), same_id: true };
        self.deeds.push((dies, Deed::Kill { slot, point: Point::Turns(0), back }));
    }

    /// Somebody joins, and who leads asks others to give it leases: late, when they have given them to somebody already, or
    /// are to have them back.
    fn ask_late(&mut self, luck: &mut Luck) {
        self.have_workers(3, luck);
        self.shards = self.shards.max(6);
        // Leases are given away when a call has ended.
        self.slow_down(1_000..=5_000);
        let leader = (0..self.starts.len()).min_by_key(|slot| self.starts[*slot]).unwrap_or_default();
        let from = self.millis_before_calm(luck, 12_000, 12_000);
        let givers: Vec<_> = (0..self.starts.len()).filter(|slot| *slot != leader).collect();
        self.add_worker(from, luck);
        let lasting = luck.millis(1_500..=3_000);
        self.write_late(leader, from, lasting, luck);
        for slot in if luck.happens(0.5) { vec![luck.one_of(&givers)] } else { givers } {
            let at = from + luck.millis(500..=millis(lasting));
            let back = Back { after: luck.millis(0..=2_000), same_id: true };
            let stop = Deed::Stop { slot, within: luck.millis(0..=500), back };
            self.deeds.push((at, if luck.happens(0.7) { stop } else { Deed::Release { slot } }));
        }
    }

    /// A worker is taken for dead and comes back; what of its own was offered to others lands when it has it again.
    fn offer_late(&mut self, luck: &mut Luck) {
        self.have_workers(3, luck);
        self.shards = self.shards.max(4);
        let slot = self.any_slot(luck);
        let killed = self.once_it_works(slot, luck);
        let back = Back { after: self.failovers(luck, 1.0..1.5), same_id: true };
        self.deeds.push((killed, Deed::Kill { slot, point: Point::Turns(0), back }));
        let from = killed + self.failovers(luck, 0.7..0.9);
        let lasting = self.failovers(luck, 0.5..0.8);
        for other in (0..self.starts.len()).filter(|other| *other != slot) {
            self.write_late(other, from, lasting, luck);
        }
    }

    /// How late what is late may be.
    fn lateness(&self, luck: &mut Luck) -> Duration {
        self.failovers(luck, 1.0..3.0).min(LATEST)
    }

    /// Everything that a worker writes to the table lands late for a time.
    fn write_late(&mut self, slot: usize, from: Duration, lasting: Duration, luck: &mut Luck) {
        let delay = self.lateness(luck);
        self.before_all(Window { writes: true, ..late(slot, from, lasting, delay) });
    }
}

/// All that a worker asks of the table is late for a time.
fn late(slot: usize, from: Duration, lasting: Duration, delay: Duration) -> Window {
    Window {
        from,
        to: from + lasting,
        slot: Some(slot),
        service: Some(Service::DynamoDb),
        writes: false,
        class: Class::Late,
        probability: 1.0,
        delay,
    }
}
