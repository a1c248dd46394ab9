//! What the system knows of a process: `/proc/PID/stat` and `/proc/PID/status` of Linux.

use kcl_core::error::Failure;

/// Linux counts a process's time in hundredths of a second, whatever the kernel's own clock is (proc(5), USER_HZ).
const TICKS_PER_SECOND: f64 = 100.0;

/// A process at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Process {
    /// Processor time since it began, its own and the system's for it, in seconds.
    pub(crate) cpu_seconds: f64,
    /// Memory that is in RAM, in KiB.
    pub(crate) rss_kib: u64,
    /// The most of it that there was, in KiB.
    pub(crate) peak_rss_kib: u64,
    /// Threads.
    pub(crate) threads: u64,
}

/// Looks at a process that runs.
pub(crate) fn look(pid: u32) -> Result<Process, Failure> {
    let read = |file: &str| {
        let path = format!("/proc/{pid}/{file}");
        std::fs::read_to_string(&path).map_err(|error| format!("cannot read {path}: {error}"))
    };
    parse(&read("stat")?, &read("status")?).ok_or_else(|| "/proc has another form than that of Linux".into())
}

/// How many threads are ready to run or run on this machine, averaged over a minute: what else goes on.
pub(crate) fn load() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

fn parse(stat: &str, status: &str) -> Option<Process> {
    // The name of the program is in brackets, and may contain any character.
    let after_name = stat.rsplit_once(')')?.1;
    let mut fields = after_name.split_whitespace().skip(11).map(str::parse::<f64>);
    let ticks = fields.next()?.ok()? + fields.next()?.ok()?;
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse().ok()
    };
    Some(Process {
        cpu_seconds: ticks / TICKS_PER_SECOND,
        rss_kib: number("VmRSS")?,
        peak_rss_kib: number("VmHWM")?,
        threads: number("Threads")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "42 (a )worker) S 1 42 42 0 -1 4194304 1500 0 3 0 125 75 9 9 20 0 4 0 100 1000 2000";
    const STATUS: &str = "Name:\tworker\nVmPeak:\t  999 kB\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\nThreads:\t4\n";

    #[test]
    fn time_memory_and_threads_are_found_whatever_the_program_is_called() {
        let process = Process { cpu_seconds: 2.0, rss_kib: 10_240, peak_rss_kib: 20_480, threads: 4 };
        assert_eq!(parse(STAT, STATUS), Some(process));
    }

    #[test]
    fn another_form_is_not_guessed_at() {
        assert_eq!(parse("42 (worker", STATUS), None);
        assert_eq!(parse(STAT, "Name:\tworker\n"), None);
    }
}
