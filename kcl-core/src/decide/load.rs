//! How much work a shard is, as its lease tells others.

use std::time::Duration;

use tokio::time::Instant;

use crate::lease::Load;

/// Exponential moving averages of KiB/s and of the part of the time in which the processor was busy, taken at each
/// renewal; each interval counts half (the KCL's weight).
#[derive(Debug, Clone)]
pub struct LoadMeter {
    since: Instant,
    bytes: usize,
    busy: Duration,
    average: Load,
}

impl LoadMeter {
    /// Starts with what an earlier owner wrote.
    #[must_use]
    pub fn new(now: Instant, known: Load) -> Self {
        Self { since: now, bytes: 0, busy: Duration::ZERO, average: known }
    }

    /// These bytes were processed, and it took so long.
    pub fn add(&mut self, bytes: usize, took: Duration) {
        self.bytes += bytes;
        self.busy += took;
    }

    /// Ends an interval. Nothing is known until anything was ever processed.
    pub fn sample(&mut self, now: Instant) -> Load {
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed < Duration::from_secs(1) || (self.bytes == 0 && self.average.kbps.is_none()) {
            return self.average;
        }
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let kbps = self.bytes as f64 / 1024.0 / elapsed.as_secs_f64();
        // A call that began in the interval before can have taken longer than this one.
        let busy = (self.busy.as_secs_f64() / elapsed.as_secs_f64()).min(1.0);
        self.average = Load { kbps: Some(half(self.average.kbps, kbps)), busy: Some(half(self.average.busy, busy)) };
        self.since = now;
        self.bytes = 0;
        self.busy = Duration::ZERO;
        self.average
    }
}

fn half(average: Option<f64>, new: f64) -> f64 {
    average.map_or(new, |average| f64::midpoint(average, new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_interval_counts_half() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut meter = LoadMeter::new(start, Load::default());
        assert_eq!(meter.sample(at(7)), Load::default(), "nothing processed yet");
        meter.add(10 * 1024, Duration::from_secs(5));
        assert_eq!(meter.sample(at(10)), Load { kbps: Some(1.0), busy: Some(0.5) });
        assert_eq!(meter.sample(at(20)), Load { kbps: Some(0.5), busy: Some(0.25) });
        meter.add(1024, Duration::ZERO);
        assert_eq!(meter.sample(at(20)).kbps, Some(0.5), "too short an interval to tell");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_busier_than_all_the_time() {
        let start = Instant::now();
        let mut meter = LoadMeter::new(start, Load::default());
        meter.add(1, Duration::from_mins(5));
        assert_eq!(meter.sample(start + Duration::from_secs(10)).busy, Some(1.0));
    }
}
