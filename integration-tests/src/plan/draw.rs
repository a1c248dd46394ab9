//! Draws a plan from its seed.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use kcl_local::dynamodb::StaleReads;
use kcl_local::kinesis::TakenOver;
use kcl_local::{Service, Settings};

use super::{Back, Deed, Plan, Point};
use crate::faults::{Class, Window};
use crate::handling::Handling;
use crate::history::millis;
use crate::modelled::Reading;
use crate::producer::PADDING;
use crate::site::{BYTE_BUDGET, Clocks, IDLE_INTERVAL};

/// When the first worker starts, after the stream is ACTIVE.
pub(super) const START: Duration = Duration::from_secs(2);

/// Draws with the words of this module.
pub(super) struct Luck(pub(super) fastrand::Rng);

impl Luck {
    pub(super) fn millis(&mut self, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.0.u64(range))
    }

    pub(super) fn happens(&mut self, probability: f64) -> bool {
        self.0.f64() < probability
    }

    /// Who is gone comes back after such a time, in half of the cases under the same worker id.
    pub(super) fn back(&mut self, after: RangeInclusive<u64>) -> Back {
        Back { after: self.millis(after), same_id: self.happens(0.5) }
    }

    pub(super) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.0.usize(..choices.len())]
    }
}

impl Plan {
    /// The plan of a seed: at least one reshard, one kill and one time of faults, in about a minute.
    #[must_use]
    pub fn draw(seed: u64) -> Self {
        let mut luck = Luck(fastrand::Rng::with_seed(seed));
        let failover = luck.millis(4_000..=10_000);
        let calm = luck.millis(35_000..=60_000);
        let workers = luck.0.usize(1..=3);
        let mut starts: Vec<_> = (0..workers).map(|_| START + luck.millis(0..=3_000)).collect();
        // Drawn beside the rest: what a seed had in store before there were these, it still has.
        let mut beside = Luck(fastrand::Rng::with_seed(seed ^ 0x666c_6565));
        starts.extend((0..beside.0.usize(0..=2)).map(|_| beside.millis(8_000..=30_000)));
        let clocks: Vec<_> = starts.iter().map(|_| clocks(&mut beside)).collect();
        // Never so few that some shards could be read by nobody.
        let max_leases = beside.happens(0.2).then(|| beside.0.usize(12..=20));
        let mut plan = Self {
            seed,
            failover,
            starts,
            clocks,
            max_leases,
            readings: Vec::new(),
            switches: false,
            shards: luck.0.u32(1..=4),
            services: services(seed, &mut luck),
            idle_interval: IDLE_INTERVAL,
            read_limit: luck.one_of(&[20, 100, 10_000]),
            handling: handling(&mut luck),
            put_every: luck.one_of(&[30..=150, 50..=300, 5..=600].map(Range::from)).into(),
            padding: PADDING,
            byte_budget: BYTE_BUDGET,
            windows: Vec::new(),
            deeds: Vec::new(),
            calm,
            java: Vec::new(),
            absent: BTreeSet::new(),
            records: 500,
            faults: 3,
        };
        plan.draw_windows(&mut luck);
        plan.draw_deeds(&mut luck);
        plan.draw_readings(&mut Luck(fastrand::Rng::with_seed(seed ^ 0x7265_6164)));
        plan.draw_weights(&mut Luck(fastrand::Rng::with_seed(seed ^ 0x6865_6176)));
        plan.draw_freezes(&mut Luck(fastrand::Rng::with_seed(seed ^ 0x6963_6521)));
        if seed.is_multiple_of(16) {
            plan.lengthen(&mut Luck(fastrand::Rng::with_seed(seed ^ 0x6c6f_6e67)));
        } else {
            plan.aim(&mut Luck(fastrand::Rng::with_seed(seed ^ 0x6169_6d73)));
            plan.draw_java(&mut Luck(fastrand::Rng::with_seed(seed ^ 0x6a61_7661)));
        }
        plan
    }

    /// One seed in eight has records so heavy, and processors so slow, that workers must not read all that they can.
    fn draw_weights(&mut self, luck: &mut Luck) {
        if luck.happens(0.125) {
            self.padding = luck.one_of(&[5_000, 20_000]);
            self.byte_budget = 1024 * 1024;
            self.handling.slows = 0.3;
        }
    }

    /// Who is frozen, and which iterators do not live long.
    fn draw_freezes(&mut self, luck: &mut Luck) {
        let latest = millis(self.calm) - 5_000;
        self.services.kinesis.iterator_life = Duration::from_secs(luck.one_of(&[300, 300, 4]));
        for _ in 0..luck.0.usize(0..=2) {
            let from = luck.0.u64(5_000..latest);
            let slot = luck.0.usize(..self.starts.len());
            // All of it is over before the calm.
            let lasting = luck.millis(200..=20_000).min(Duration::from_millis(latest - from));
            self.deeds.push((Duration::from_millis(from), Deed::Freeze { slot, lasting }));
        }
        if luck.happens(0.1) {
            let slot = luck.0.usize(..self.starts.len());
            self.deeds.push((luck.millis(8_000..=latest), Deed::Twin { slot }));
        }
    }

    /// Who subscribes, and what subscriptions meet.
    fn draw_readings(&mut self, luck: &mut Luck) {
        let workers = self.starts.len();
        self.readings = match luck.0.u8(0..10) {
            0..4 => vec![Reading::Polling; workers],
            4..8 => vec![Reading::FanOut; workers],
            _ => (0..workers).map(|_| luck.one_of(&[Reading::Polling, Reading::FanOut])).collect(),
        };
        self.switches = luck.happens(0.3);
        let kinesis = &mut self.services.kinesis;
        kinesis.subscription_life = Duration::from_secs(luck.one_of(&[300, 20, 8]));
        kinesis.push_max_records = luck.one_of(&[2, 10_000]);
        kinesis.taken_over = luck.one_of(&[TakenOver::Fails, TakenOver::Ends]);
        for _ in 0..luck.0.usize(2..=6) {
            let from = self.millis_before_calm(luck, 4_000, 9_000);
            let service = |_: &mut Luck| Some(Service::Kinesis);
            self.draw_window(luck, from, 0.5, service, &Class::PUSHED, &[0.02, 0.1, 0.5]);
        }
    }

    /// A time after the beginning, and so long before the calm.
    pub(super) fn millis_before_calm(&self, luck: &mut Luck, earliest: u64, before: u64) -> Duration {
        luck.millis(earliest..=millis(self.calm) - before)
    }

    /// Some seconds in which something goes wrong, for one worker or everybody.
    fn draw_window(
        &mut self,
        luck: &mut Luck,
        from: Duration,
        everybody: f64,
        service: impl FnOnce(&mut Luck) -> Option<Service>,
        classes: &[Class],
        probabilities: &[f64],
    ) {
        let everybody = luck.happens(everybody);
        self.windows.push(Window {
            from,
            to: from + luck.millis(500..=8_000),
            slot: (!everybody).then(|| luck.0.usize(..self.starts.len())),
            service: service(luck),
            writes: false,
            class: luck.one_of(classes),
            probability: luck.one_of(probabilities),
            delay: luck.millis(200..=6_000),
        });
    }

    /// Whether anybody subscribes.
    #[must_use]
    pub fn has_fan_out(&self) -> bool {
        self.switches || self.readings.contains(&Reading::FanOut)
    }

    fn draw_windows(&mut self, luck: &mut Luck) {
        // The first one cannot miss: whoever reads or renews meets it.
        let first = luck.millis(8_000..=20_000);
        self.windows.push(Window {
            from: first,
            to: first + luck.millis(1_500..=5_000),
            slot: None,
            service: None,
            writes: false,
            class: luck.one_of(&Class::ALL),
            probability: 0.5,
            delay: luck.millis(200..=6_000),
        });
        for _ in 0..luck.0.usize(1..=6) {
            let from = self.millis_before_calm(luck, 2_000, 9_000);
            let services = [None, Some(Service::DynamoDb), Some(Service::DynamoDb), Some(Service::Kinesis)];
            let service = |luck: &mut Luck| luck.one_of(&services);
            self.draw_window(luck, from, 0.4, service, &Class::ALL, &[0.1, 0.3, 0.6, 1.0]);
        }
    }

    fn draw_deeds(&mut self, luck: &mut Luck) {
        let latest = millis(self.calm) - 5_000;
        let workers = self.starts.len();
        let mut deeds = vec![Deed::Split, self.draw_kill(luck)];
        for _ in 0..luck.0.usize(0..=3) {
            deeds.push(if luck.happens(0.5) { Deed::Merge } else { Deed::Split });
        }
        for _ in 0..luck.0.usize(0..=2) {
            deeds.push(self.draw_kill(luck));
        }
        for _ in 0..luck.0.usize(0..=3) {
            let slot = luck.0.usize(..workers);
            deeds.push(match luck.0.u8(0..4) {
                0 => Deed::Release { slot },
                1 => Deed::Fence { slot },
                _ => Deed::Stop { slot, within: luck.millis(0..=8_000), back: self.draw_back(luck) },
            });
        }
        self.deeds = deeds.into_iter().map(|deed| (luck.millis(5_000..=latest), deed)).collect();
    }

    fn draw_kill(&self, luck: &mut Luck) -> Deed {
        let point = match luck.0.u8(0..3) {
            0 => Point::Turns(luck.0.u64(0..50)),
            1 => Point::Polls(luck.0.u64(1..=40)),
            _ => Point::Requests(luck.0.u64(1..=30)),
        };
        Deed::Kill { slot: luck.0.usize(..self.starts.len()), point, back: self.draw_back(luck) }
    }

    fn draw_back(&self, luck: &mut Luck) -> Back {
        let longest = millis(self.failover) * 3 / 2;
        luck.back(0..=longest)
    }
}

/// Monotonic clocks are up to a hundredth wrong, as far as the fleet is made to bear it; wall clocks are any time wrong.
fn clocks(luck: &mut Luck) -> Clocks {
    let rate = luck.one_of(&[1.0, 0.99, 1.01, 0.995, 1.005]);
    let skew_ms = luck.one_of(&[0, 0, -500, 3_000, -90_000, 90_000]);
    Clocks { rate, skew_ms }
}

fn services(seed: u64, luck: &mut Luck) -> Settings {
    let mut services = Settings { seed, ..Settings::default() };
    services.dynamodb.table_creating = luck.millis(0..=3_000);
    if luck.happens(0.5) {
        services.dynamodb.index_creating = luck.millis(0..=20_000);
        services.dynamodb.index_lag = luck.millis(0..=1_000);
    }
    if luck.happens(0.5) {
        services.dynamodb.stale_reads =
            Some(StaleReads { max_age: luck.millis(100..=2_000), probability: luck.one_of(&[0.1, 0.5, 1.0]) });
    }
    services.kinesis.empty_reads_percent = luck.one_of(&[0, 0, 30]);
    services
}

fn handling(luck: &mut Luck) -> Handling {
    Handling {
        fails: luck.one_of(&[0.0, 0.02, 0.1]),
        panics: luck.one_of(&[0.0, 0.01, 0.05]),
        slows: luck.one_of(&[0.0, 0.02, 0.1]),
        checkpoints: luck.one_of(&[0.0, 0.1, 1.0]),
        explicit: luck.one_of(&[0.0, 0.5]),
        pause: luck.one_of(&[0..=5, 10..=100].map(Range::from)).into(),
        slow: 500..=3_000,
        ..Handling::default()
    }
}

/// A range that can be copied.
#[derive(Clone, Copy)]
struct Range(u64, u64);

impl From<RangeInclusive<u64>> for Range {
    fn from(range: RangeInclusive<u64>) -> Self {
        Self(*range.start(), *range.end())
    }
}

impl From<Range> for RangeInclusive<u64> {
    fn from(range: Range) -> Self {
        range.0..=range.1
    }
}
