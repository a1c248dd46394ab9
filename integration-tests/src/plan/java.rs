//! Which Java workers are in a fleet.

use std::time::Duration;

use super::draw::Luck;
use super::{Deed, JavaMember, Plan, Point};
use crate::history::millis;
use crate::java::Pace;

impl Plan {
    /// The longest that a shard may stand still that a Java worker has or is given; nothing where there are none.
    #[must_use]
    pub fn patience_of_java(&self) -> Duration {
        self.java.iter().map(|member| member.pace.patience()).max().unwrap_or_default()
    }

    /// One seed in three has Java workers. They join ours, or begin alone and are joined; they stop, die, come back, or
    /// leave for good.
    pub(super) fn draw_java(&mut self, luck: &mut Luck) {
        if !luck.happens(0.36) {
            return;
        }
        let members = luck.0.usize(1..=2);
        let first = luck.happens(0.5);
        if first {
            // A new table and its index alone take it 20 seconds.
            self.begin_later(luck.millis(35_000..=75_000));
        }
        // It takes Java workers longer to come to anything.
        self.calm += luck.millis(15_000..=40_000);
        for member in 0..members {
            let start = if first && member == 0 {
                luck.millis(2_000..=4_000)
            } else {
                self.starts[0] + luck.millis(0..=20_000)
            };
            let pace = if luck.happens(0.75) { Pace::short(self.failover) } else { Pace::of_the_kcl(self.failover) };
            let skew_ms = luck.one_of(&[0, 0, -500, 3_000, -90_000, 90_000]);
            self.java.push(JavaMember { start, pace, skew_ms, leaves: luck.happens(0.3) });
        }
        self.draw_java_deeds(luck);
    }

    /// Everything but the stream happens so much later.
    fn begin_later(&mut self, by: Duration) {
        self.starts.iter_mut().for_each(|start| *start += by);
        self.deeds.iter_mut().for_each(|(at, _)| *at += by);
        for window in &mut self.windows {
            window.from += by;
            window.to += by;
        }
        self.calm += by;
    }

    /// What is done to Java workers, whose slots come after ours.
    fn draw_java_deeds(&mut self, luck: &mut Luck) {
        let latest = millis(self.calm) - 3_000;
        // So that somebody else has to lead.
        for _ in 0..luck.0.usize(0..=2) {
            let (slot, from) = (luck.0.usize(..self.starts.len()), millis(self.starts[0]));
            let back = luck.back(0..=millis(self.failover) * 2);
            let deed = Deed::Kill { slot, point: Point::Turns(luck.0.u64(0..50)), back };
            self.deeds.push((luck.millis(from..=latest), deed));
        }
        for (member, slot) in (self.starts.len()..).enumerate().take(self.java.len()) {
            let earliest = millis(self.java[member].start + Duration::from_secs(5)).min(latest);
            for _ in 0..luck.0.usize(0..=3) {
                let back = luck.back(0..=millis(self.failover) * 3 / 2);
                let at = luck.millis(earliest..=latest);
                let deed = match luck.0.u8(0..7) {
                    0 => Deed::Kill { slot, point: Point::Turns(luck.0.u64(0..50)), back },
                    1 => Deed::Kill { slot, point: Point::Polls(luck.0.u64(1..=40)), back },
                    2 => Deed::Kill { slot, point: Point::Requests(luck.0.u64(1..=30)), back },
                    // All of it is over before the calm.
                    3 | 4 => {
                        Deed::Freeze { slot, lasting: luck.millis(200..=25_000).min(self.calm.saturating_sub(at)) }
                    }
                    _ => Deed::Stop { slot, within: luck.millis(0..=12_000), back },
                };
                self.deeds.push((at, deed));
            }
        }
    }
}
