//! How busy the machine, or the container, of a worker is.

use std::fmt;
use std::fs;
use std::time::Duration;

use tokio::time::Instant;

/// Tells how much of its CPU a worker used since it was last asked, in percent of what it may use: 0 to 100. `None` if
/// that cannot be told.
pub struct Gauge(Box<dyn FnMut() -> Option<f64> + Send + Sync>);

impl Gauge {
    /// A gauge that asks this.
    pub fn new(percent: impl FnMut() -> Option<f64> + Send + Sync + 'static) -> Self {
        Self(Box::new(percent))
    }

    /// The CPU of the container by its control group (version 2), within the quota that it has, else of the machine by
    /// `/proc/stat`. Tells nothing on other systems than Linux.
    #[must_use]
    pub fn system() -> Self {
        let mut before = Reading::now();
        Self::new(move || {
            let now = Reading::now();
            let percent = before.as_ref().zip(now.as_ref()).and_then(|(before, now)| now.percent_since(before));
            before = now;
            percent
        })
    }

    /// Asks.
    pub fn percent(&mut self) -> Option<f64> {
        (self.0)().filter(|percent| percent.is_finite()).map(|percent| percent.clamp(0.0, 100.0))
    }
}

impl fmt::Debug for Gauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gauge")
    }
}

/// What the system counted so far.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Reading {
    /// A control group: CPU time used, and how many CPUs' worth it may use.
    Group { used: Duration, cpus: f64, at: Instant },
    /// The machine, in ticks.
    Machine { busy: u64, total: u64 },
}

impl Reading {
    fn now() -> Option<Self> {
        Self::group().or_else(|| machine(&fs::read_to_string("/proc/stat").ok()?))
    }

    fn group() -> Option<Self> {
        let used = group_used(&fs::read_to_string("/sys/fs/cgroup/cpu.stat").ok()?)?;
        let quota = fs::read_to_string("/sys/fs/cgroup/cpu.max").ok().and_then(|text| group_quota(&text));
        // A group without a quota may use the machine.
        let machine = std::thread::available_parallelism().ok()?.get();
        let cpus = quota.unwrap_or(f64::from(u32::try_from(machine).ok()?));
        Some(Self::Group { used, cpus, at: Instant::now() })
    }

    fn percent_since(&self, before: &Self) -> Option<f64> {
        match (before, self) {
            (Self::Group { used: then, at: from, .. }, Self::Group { used, cpus, at }) => {
                let could = at.saturating_duration_since(*from).as_secs_f64() * cpus;
                (could > 0.0).then(|| used.saturating_sub(*then).as_secs_f64() / could * 100.0)
            }
            (Self::Machine { busy: then, total: from }, Self::Machine { busy, total }) => {
                let ticks = total.checked_sub(*from).filter(|ticks| *ticks > 0)?;
                #[expect(clippy::cast_precision_loss, reason = "a ratio of ticks")]
                Some(busy.saturating_sub(*then) as f64 / ticks as f64 * 100.0)
            }
            _ => None,
        }
    }
}

/// `usage_usec` of a `cpu.stat`. The root group's has none on some kernels.
fn group_used(stat: &str) -> Option<Duration> {
    let micros = stat.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
    micros.trim().parse().ok().map(Duration::from_micros)
}

/// How many CPUs' worth a `cpu.max` allows; `None` for no limit.
fn group_quota(max: &str) -> Option<f64> {
    let (quota, period) = max.trim().split_once(' ')?;
    let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

/// The first line of a `/proc/stat`: all ticks but those idle or waiting for a disk are busy.
fn machine(stat: &str) -> Option<Reading> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    // What follows the first eight is counted among them already.
    let ticks: Vec<u64> = line.split_whitespace().take(8).map_while(|word| word.parse().ok()).collect();
    let total: u64 = ticks.iter().sum();
    let idle = ticks.get(3)? + ticks.get(4)?;
    Some(Reading::Machine { busy: total.checked_sub(idle)?, total })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_busy_as_far_as_it_is_not_idle() {
        let before = machine("cpu  100 0 50 800 50 0 0 0 7 0\ncpu0 1 2 3").expect("a line");
        let now = machine("cpu  150 10 80 1600 60 5 5 0 9 0\n").expect("a line");
        assert_eq!(before, Reading::Machine { busy: 150, total: 1000 });
        assert_eq!(now.percent_since(&before), Some(100.0 * 100.0 / 910.0));
        assert_eq!(before.percent_since(&before), None, "no time has passed");
        assert_eq!(machine("intr 1 2 3"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_group_is_measured_against_its_quota() {
        assert_eq!(group_used("usage_usec 2500000\nuser_usec 1\n"), Some(Duration::from_millis(2_500)));
        assert_eq!(group_used("nr_periods 1\n"), None);
        assert_eq!((group_quota("150000 100000\n"), group_quota("max 100000\n")), (Some(1.5), None));
        let at = Instant::now();
        let reading = |used: u64, at| Reading::Group { used: Duration::from_secs(used), cpus: 1.5, at };
        let later = at + Duration::from_secs(10);
        assert_eq!(reading(8, later).percent_since(&reading(5, at)), Some(20.0));
    }

    #[test]
    fn a_gauge_stays_within_its_scale() {
        let mut readings = [Some(250.0), Some(-1.0), Some(f64::NAN), None].into_iter();
        let mut gauge = Gauge::new(move || readings.next().flatten());
        assert_eq!([(); 4].map(|()| gauge.percent()), [Some(100.0), Some(0.0), None, None]);
    }
}
