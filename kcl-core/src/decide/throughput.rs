//! How much of a shard is processed, as its lease tells others.

use std::time::Duration;

use tokio::time::Instant;

/// An exponential moving average of KiB/s, taken at each renewal; each interval counts half (the KCL's weight).
#[derive(Debug, Clone)]
pub struct Throughput {
    since: Instant,
    bytes: usize,
    average: Option<f64>,
}

impl Throughput {
    /// Starts with what an earlier owner wrote.
    #[must_use]
    pub fn new(now: Instant, known: Option<f64>) -> Self {
        Self { since: now, bytes: 0, average: known }
    }

    /// These bytes were processed.
    pub fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// Ends an interval. `None` until anything was ever processed.
    pub fn sample(&mut self, now: Instant) -> Option<f64> {
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed < Duration::from_secs(1) || (self.bytes == 0 && self.average.is_none()) {
            return self.average;
        }
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let rate = self.bytes as f64 / 1024.0 / elapsed.as_secs_f64();
        self.average = Some(self.average.map_or(rate, |average| f64::midpoint(average, rate)));
        self.since = now;
        self.bytes = 0;
        self.average
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_interval_counts_half() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut throughput = Throughput::new(start, None);
        assert_eq!(throughput.sample(at(7)), None, "nothing processed yet");
        throughput.add(10 * 1024);
        assert_eq!(throughput.sample(at(10)), Some(1.0));
        assert_eq!(throughput.sample(at(20)), Some(0.5));
        throughput.add(1024);
        assert_eq!(throughput.sample(at(20)), Some(0.5), "too short an interval to tell");
    }
}
