//! Plans that last for hours, in which little happens: what only time brings about is in these.

use std::time::Duration;

use kcl_local::Service;

use super::draw::Luck;
use super::{Deed, Plan, Point};
use crate::faults::{Class, Window};

impl Plan {
    /// Stretches the plan to more than an hour. What was to happen happens in its course, and more of it; records come
    /// seldom, but enough of them.
    pub(super) fn lengthen(&mut self, luck: &mut Luck) {
        let short = u32::try_from(self.calm.as_millis()).unwrap_or(u32::MAX);
        let lasts = luck.millis(80 * 60_000..=100 * 60_000);
        let stretch = lasts.div_duration_f64(Duration::from_millis(short.into()));
        self.calm = lasts;
        self.failover = Duration::from_secs(luck.one_of(&[20, 30]));
        // Nine of ten requests are for records; the rest is what these plans are for.
        self.idle_interval = Duration::from_secs(5);
        self.keep_workers(luck.0.usize(1..=2));
        self.shards = luck.0.u32(1..=2);
        self.put_every = 4_000..=20_000;
        // The shortest that the service knows is a day, which is too long to wait for.
        self.services.kinesis.retention_min_hours = luck.one_of(&[1, 24]);
        self.services.kinesis.subscription_life = Duration::from_mins(5);
        for window in &mut self.windows {
            let lasting = window.to.saturating_sub(window.from);
            window.from = window.from.mul_f64(stretch);
            window.to = window.from + lasting;
        }
        for (at, _) in &mut self.deeds {
            *at = at.mul_f64(stretch);
        }
        match luck.0.u8(0..8) {
            0 => self.leave_alone(luck),
            1..4 => self.cut_off(luck),
            _ => {}
        }
    }

    /// Nobody reads for longer than the stream keeps records. The shards stay meanwhile: of one that is gone with all of its
    /// records, nobody can tell what its children have lost.
    fn leave_alone(&mut self, luck: &mut Luck) {
        self.starts.truncate(1);
        self.services.kinesis.retention_min_hours = 1;
        self.deeds.retain(|(_, deed)| matches!(deed, Deed::Split | Deed::Merge));
        for (at, _) in &mut self.deeds {
            *at = self.calm.saturating_sub(luck.millis(10_000..=60_000));
        }
        let away = luck.back(63 * 60_000..=68 * 60_000);
        self.deeds.push((luck.millis(60_000..=600_000), Deed::Kill { slot: 0, point: Point::Turns(0), back: away }));
    }

    /// One worker cannot reach the stream for longer than a reader may stall.
    fn cut_off(&mut self, luck: &mut Luck) {
        let from = luck.millis(60_000..=40 * 60_000);
        self.windows.push(Window {
            from,
            to: from + luck.millis(6 * 60_000..=12 * 60_000),
            slot: Some(luck.0.usize(..self.starts.len())),
            service: Some(Service::Kinesis),
            writes: false,
            class: Class::HangBefore,
            probability: 1.0,
            delay: Duration::ZERO,
        });
    }
}
