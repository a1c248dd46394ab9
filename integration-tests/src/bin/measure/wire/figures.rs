//! From what was measured to what is printed.

use crate::procfs::Process;

/// One backlog, read once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reading {
    /// The user's data.
    pub(crate) bytes: u64,
    /// User records.
    pub(crate) records: u64,
    pub(crate) seconds: f64,
    /// When all shards were held and there was nothing to read.
    pub(crate) before: Process,
    /// When all was handled.
    pub(crate) after: Process,
    /// Memory in RAM while it read, in KiB, as often as it was looked at.
    pub(crate) busy_kib: Vec<u64>,
    /// The most threads.
    pub(crate) threads: u64,
}

impl Reading {
    fn cpu_seconds(&self) -> f64 {
        self.after.cpu_seconds - self.before.cpu_seconds
    }

    /// For 10^9 bytes of the user's data.
    pub(crate) fn cpu_seconds_per_gb(&self) -> f64 {
        self.cpu_seconds() / number(self.bytes) * 1e9
    }

    /// For 10^6 user records.
    pub(crate) fn cpu_seconds_per_million(&self) -> f64 {
        self.cpu_seconds() / number(self.records) * 1e6
    }

    /// User records a second if one core did nothing else.
    pub(crate) fn records_per_core_second(&self) -> f64 {
        number(self.records) / self.cpu_seconds()
    }

    /// The most memory since the process began.
    pub(crate) fn peak_mib(&self) -> f64 {
        mib(self.after.peak_rss_kib)
    }

    /// What a shard takes while it is read: half of the time more, half of it less.
    pub(crate) fn mib_per_busy_shard(&self, shards: u32) -> f64 {
        let busy = median(self.busy_kib.iter().map(|kib| mib(*kib))).unwrap_or_default();
        (busy - mib(self.before.rss_kib)) / f64::from(shards)
    }
}

/// What each shard takes that there are more of, in KiB.
pub(crate) fn kib_per_idle_shard(few: (u32, f64), many: (u32, f64)) -> Option<f64> {
    let more = many.0.checked_sub(few.0).filter(|more| *more > 0)?;
    Some((many.1 - few.1) * 1024.0 / f64::from(more))
}

/// The middle one, or between the two in the middle; `None` of nothing.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get((sorted.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

/// From KiB.
pub(crate) fn mib(kib: u64) -> f64 {
    number(kib) / 1024.0
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few minutes are far below 2^52")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading() -> Reading {
        let process = |cpu_seconds, rss_kib, peak_rss_kib| Process { cpu_seconds, rss_kib, peak_rss_kib, threads: 4 };
        Reading {
            bytes: 500_000_000,
            records: 500_000,
            seconds: 10.0,
            before: process(0.5, 10 * 1024, 10 * 1024),
            after: process(1.5, 20 * 1024, 64 * 1024),
            busy_kib: vec![50 * 1024, 30 * 1024, 40 * 1024],
            threads: 4,
        }
    }

    #[track_caller]
    fn close(figure: f64, expected: f64) {
        assert!((figure - expected).abs() < 1e-9, "{figure}, not {expected}");
    }

    #[test]
    fn costs_are_those_of_the_backlog_alone() {
        close(reading().cpu_seconds_per_gb(), 2.0);
        close(reading().cpu_seconds_per_million(), 2.0);
        close(reading().records_per_core_second(), 500_000.0);
    }

    #[test]
    fn memory_is_shared_out_among_shards() {
        close(reading().peak_mib(), 64.0);
        close(reading().mib_per_busy_shard(3), 10.0);
        close(kib_per_idle_shard((4, 10.0), (100, 22.0)).expect("more shards"), 128.0);
        assert_eq!(kib_per_idle_shard((4, 10.0), (4, 22.0)), None);
    }

    #[test]
    fn the_median_lies_in_the_middle() {
        close(median([3.0, 1.0, 2.0]).expect("some"), 2.0);
        close(median([4.0, 1.0, 2.0, 3.0]).expect("some"), 2.5);
        assert_eq!(median([]), None);
    }
}
