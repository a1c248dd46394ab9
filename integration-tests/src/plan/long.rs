//! Plans that last for hours, in which little happens: what only time brings about is in these.

use std::time::Duration;

use super::draw::Luck;
use super::{Deed, Plan};

impl Plan {
    /// Stretches the plan to more than an hour. What was to happen happens in its course, and more of it; records come
    /// seldom, but enough of them.
    pub(super) fn lengthen(&mut self, luck: &mut Luck) {
        let short = u32::try_from(self.calm.as_millis()).unwrap_or(u32::MAX);
        let lasts = luck.millis(80 * 60_000..=100 * 60_000);
        let stretch = lasts.div_duration_f64(Duration::from_millis(short.into()));
        self.calm = lasts;
        self.failover = Duration::from_secs(luck.one_of(&[10, 30]));
        self.starts.truncate(luck.0.usize(1..=2));
        self.clocks.truncate(self.starts.len());
        self.readings.truncate(self.starts.len());
        self.shards = luck.0.u32(1..=2);
        self.put_every = 4_000..=20_000;
        // The shortest that the service knows is a day, which is too long to wait for.
        self.services.kinesis.retention_min_hours = luck.one_of(&[1, 24]);
        self.services.kinesis.subscription_life = Duration::from_mins(5);
        let workers = self.starts.len();
        for window in &mut self.windows {
            let lasting = window.to.saturating_sub(window.from);
            window.from = window.from.mul_f64(stretch);
            window.to = window.from + lasting;
            window.slot = window.slot.map(|slot| slot % workers);
        }
        for (at, deed) in &mut self.deeds {
            *at = at.mul_f64(stretch);
            match deed {
                Deed::Kill { slot, .. }
                | Deed::Stop { slot, .. }
                | Deed::Release { slot }
                | Deed::Fence { slot }
                | Deed::Freeze { slot, .. } => *slot %= workers,
                Deed::Split | Deed::Merge => {}
            }
        }
    }
}
