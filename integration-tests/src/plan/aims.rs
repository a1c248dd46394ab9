//! What chance seldom brings together. All of it happens in other plans too; here it meets what it is to meet.

mod cut_off;
mod late;

use std::ops::RangeInclusive;
use std::time::Duration;

use kcl_local::Service;
use kcl_local::dynamodb::StaleReads;

use super::draw::{Luck, START};
use super::{Back, Deed, Plan, Point};
use crate::faults::{Class, Window};
use crate::history::millis;
use crate::modelled::Reading;
use crate::site::Clocks;

/// What requests meet while a service cannot be reached.
const UNREACHABLE: [Class; 4] = [Class::Throttled, Class::InternalError, Class::LostBefore, Class::HangBefore];
/// While its answers cannot.
const UNANSWERED: [Class; 2] = [Class::LostAfter, Class::HangAfter];

/// The seeds of every 16 that aim at something. The others are left to chance.
const AIMED: [u64; 7] = [2, 3, 7, 8, 10, 11, 15];

/// What they aim at, in turn. What lands late has much to meet.
const AIMS: [fn(&mut Plan, &mut Luck); 10] = [
    Plan::cut_off_from_the_table,
    Plan::land_late,
    Plan::begin_in_trouble,
    Plan::be_alone,
    Plan::land_late_amid_others,
    Plan::change_hands_amid_records,
    Plan::reshard_at_once,
    Plan::read_too_much,
    Plan::fall_silent_before_the_calm,
    Plan::take_together,
];

impl Plan {
    /// Makes what the seed aims at, if it aims at something, happen in the plan.
    pub(super) fn aim(&mut self, luck: &mut Luck) {
        let aimed = (0..).zip(AIMED).find(|(_, aimed)| self.seed % 16 == *aimed);
        if let Some((place, _)) = aimed {
            let turn = (self.seed / 16 * 7 + place) % 10;
            AIMS[usize::try_from(turn).unwrap_or_default()](self, luck);
        }
    }

    /// Workers meet trouble from their first request on, and may be told to stop before it is over.
    fn begin_in_trouble(&mut self, luck: &mut Luck) {
        for slot in 0..self.starts.len() {
            let from = self.starts[slot];
            let service = luck.one_of(&[None, Some(Service::Kinesis), Some(Service::DynamoDb)]);
            let lasting = luck.millis(1_000..=8_000);
            let classes = if luck.happens(0.7) { &UNREACHABLE[..] } else { &UNANSWERED };
            let class = luck.one_of(classes);
            self.trouble(Some(slot), service, class, from, lasting, 1.0);
            if luck.happens(0.3) {
                let back = luck.back(0..=3_000);
                let (stopped, within) = (from + luck.millis(0..=millis(lasting)), luck.millis(0..=3_000));
                self.deeds.push((stopped, Deed::Stop { slot, within, back }));
            }
        }
    }

    /// Of ours there is one worker, and it is to let go of its shards.
    fn be_alone(&mut self, luck: &mut Luck) {
        self.keep_workers(1);
        for _ in 0..luck.0.usize(2..=4) {
            let at = self.millis_before_calm(luck, 8_000, 5_000);
            let deed = if luck.happens(0.5) { Deed::Release { slot: 0 } } else { Deed::Fence { slot: 0 } };
            self.deeds.push((at, deed));
        }
    }

    /// Processors say slowly, record by record, what is done, and lose their shards meanwhile.
    fn change_hands_amid_records(&mut self, luck: &mut Luck) {
        self.handling.explicit = 1.0;
        self.slow_down(1_000..=4_000);
        for _ in 0..luck.0.usize(4..=8) {
            let slot = self.any_slot(luck);
            let back = luck.back(0..=1_000);
            let deed = match luck.0.u8(0..3) {
                0 => Deed::Release { slot },
                1 => Deed::Stop { slot, within: luck.millis(0..=500), back },
                _ => Deed::Kill { slot, point: Point::Turns(0), back },
            };
            self.deeds.push((self.millis_before_calm(luck, 8_000, 5_000), deed));
        }
    }

    /// Many shards are closed at about the same time, and finished at very different ones.
    fn reshard_at_once(&mut self, luck: &mut Luck) {
        self.shards = self.shards.max(3);
        self.slow_down(500..=luck.one_of(&[3_000, 6_000]));
        let from = luck.millis(8_000..=16_000);
        for _ in 0..luck.0.usize(3..=5) {
            let deed = if luck.happens(0.3) { Deed::Merge } else { Deed::Split };
            self.deeds.push((from + luck.millis(0..=3_000), deed));
        }
    }

    /// One or two workers have many shards of heavy records, and processors that do not keep up.
    fn read_too_much(&mut self, luck: &mut Luck) {
        self.keep_workers(luck.0.usize(1..=2));
        self.shards = luck.0.u32(8..=12);
        self.padding = 20_000;
        self.byte_budget = 1024 * 1024;
        self.read_limit = 20;
        self.handling.slows = 1.0;
        self.handling.slow = 1_000..=4_000;
        self.put_every = 20..=100;
    }

    /// Nothing more comes on any subscription, and none of them would end soon by itself. (Java workers, where there are some, put off
    /// the calm.)
    fn fall_silent_before_the_calm(&mut self, _: &mut Luck) {
        self.readings.fill(Reading::FanOut);
        self.switches = false;
        self.services.kinesis.subscription_life = Duration::from_mins(5);
        let from = self.calm.saturating_sub(Duration::from_secs(4));
        self.trouble(None, Some(Service::Kinesis), Class::PushSilent, from, Duration::from_secs(3), 1.0);
    }

    /// Several workers miss others at the same time, and none of them sees what the rest does about it.
    fn take_together(&mut self, luck: &mut Luck) {
        self.have_workers(4, luck);
        self.shards = self.shards.max(4);
        self.services.dynamodb.stale_reads = Some(StaleReads { max_age: Duration::from_secs(2), probability: 1.0 });
        for _ in 0..luck.0.usize(1..=3) {
            let slot = self.any_slot(luck);
            let back = Back { after: self.failovers(luck, 1.0..1.5), same_id: false };
            let killed = self.millis_before_calm(luck, 8_000, 9_000);
            self.deeds.push((killed, Deed::Kill { slot, point: Point::Turns(0), back }));
        }
    }

    /// Only so many workers of ours there are, and what was to happen to others happens to them.
    pub(super) fn keep_workers(&mut self, workers: usize) {
        self.starts.truncate(workers);
        self.clocks.truncate(workers);
        self.readings.truncate(workers);
        // It was enough for more workers.
        self.max_leases = None;
        let workers = self.starts.len();
        for window in &mut self.windows {
            window.slot = window.slot.map(|slot| slot % workers);
        }
        for (_, deed) in &mut self.deeds {
            match deed {
                Deed::Kill { slot, .. }
                | Deed::Stop { slot, .. }
                | Deed::Release { slot }
                | Deed::Fence { slot }
                | Deed::Twin { slot }
                | Deed::Freeze { slot, .. } => *slot %= workers,
                Deed::Split | Deed::Merge => {}
            }
        }
    }

    /// There are at least so many workers of ours.
    fn have_workers(&mut self, workers: usize, luck: &mut Luck) {
        while self.starts.len() < workers {
            self.add_worker(START + luck.millis(0..=3_000), luck);
        }
    }

    /// There is one worker more, that begins then.
    fn add_worker(&mut self, start: Duration, luck: &mut Luck) {
        self.starts.push(start);
        self.clocks.push(Clocks::default());
        self.readings.push(luck.one_of(&[Reading::Polling, Reading::FanOut]));
    }

    /// Half of all calls take so many milliseconds.
    fn slow_down(&mut self, slow: RangeInclusive<u64>) {
        (self.handling.slows, self.handling.slow) = (0.5, slow);
    }

    /// A time at which the worker of a slot has been there for a while.
    fn once_it_works(&self, slot: usize, luck: &mut Luck) -> Duration {
        self.millis_before_calm(luck, 8_000, 9_000).max(self.starts[slot] + Duration::from_secs(6))
    }

    fn any_slot(&self, luck: &mut Luck) -> usize {
        luck.0.usize(..self.starts.len())
    }

    /// So many failover times.
    fn failovers(&self, luck: &mut Luck, range: std::ops::Range<f64>) -> Duration {
        self.failover.mul_f64(range.start + (range.end - range.start) * luck.0.f64())
    }

    /// Something goes wrong for one worker, or for everybody, before anything else can. The calm comes after it.
    fn trouble(
        &mut self,
        slot: Option<usize>,
        service: Option<Service>,
        class: Class,
        from: Duration,
        lasting: Duration,
        probability: f64,
    ) {
        let (to, delay) = (from + lasting, Duration::ZERO);
        self.before_all(Window { from, to, slot, service, writes: false, class, probability, delay });
    }

    fn before_all(&mut self, window: Window) {
        self.calm = self.calm.max(window.to + window.delay.max(Duration::from_secs(1)));
        self.windows.insert(0, window);
    }
}
