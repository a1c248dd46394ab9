//! The worker beside the SDK alone, and beside other libraries, in one run.

use serde_json::Value;

use super::figures::mib;
use super::kinds::{Mode, Payload, Reader};
use super::run::Idle;
use crate::report::{Table, cell};

/// What a backlog cost, as medians.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Figures {
    pub(crate) cpu_seconds_per_gb: Option<f64>,
    pub(crate) peak_mib: Option<f64>,
}

/// One figure of one reader.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    reader: Reader,
    mode: Mode,
    what: String,
    figure: f64,
}

/// The figures of all readers that are to be compared.
#[derive(Debug, Clone, Default)]
pub(crate) struct Comparison(Vec<Line>);

impl Comparison {
    /// A backlog was read.
    pub(crate) fn backlog(&mut self, reader: &Reader, mode: Mode, payload: Payload, figures: Figures) {
        self.add(reader, mode, per_gb(payload), figures.cpu_seconds_per_gb);
        self.add(reader, mode, format!("peak_rss_mib, {}", payload.name()), figures.peak_mib);
    }

    /// Shards without records were held.
    pub(crate) fn idle(&mut self, reader: &Reader, mode: Mode, idle: &Idle) {
        self.add(reader, mode, "cpu_s_per_minute, idle".to_owned(), Some(idle.cpu_seconds_per_minute));
        self.add(reader, mode, "rss_mib, idle".to_owned(), Some(mib(idle.process.rss_kib)));
        #[expect(clippy::cast_precision_loss, reason = "a number of threads")]
        self.add(reader, mode, "threads, idle".to_owned(), Some(idle.process.threads as f64));
    }

    /// A cost in terms of the SDK's.
    pub(crate) fn times_the_floor(&self, mode: Mode, payload: Payload, cost: Option<f64>) -> Option<f64> {
        Some(cost? / self.find(&Reader::Sdk, mode, &per_gb(payload))?)
    }

    /// The worker's figures beside those of each other library.
    pub(crate) fn table(&self) -> Table {
        let mut table =
            Table::new("beside others", &["other", "mode", "figure", "worker", "other_s", "worker_of_other"]);
        let peers = self.0.iter().filter(|line| matches!(line.reader, Reader::Peer(_)));
        for line in peers {
            let ours = self.find(&Reader::Worker, line.mode, &line.what);
            let ratio = ours.map_or(Value::Null, |ours| cell(ours / line.figure));
            let (name, mode, what) = (cell(line.reader.name()), cell(line.mode.name()), cell(line.what.as_str()));
            table.row([name, mode, what, cell(ours), cell(line.figure), ratio]);
        }
        table
    }

    fn add(&mut self, reader: &Reader, mode: Mode, what: String, figure: Option<f64>) {
        self.0.extend(figure.map(|figure| Line { reader: reader.clone(), mode, what, figure }));
    }

    fn find(&self, reader: &Reader, mode: Mode, what: &str) -> Option<f64> {
        let mut lines = self.0.iter();
        lines.find(|line| line.reader == *reader && line.mode == mode && line.what == what).map(|line| line.figure)
    }
}

fn per_gb(payload: Payload) -> String {
    format!("cpu_s_per_gb, {}", payload.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::kinds::Peer;

    fn comparison() -> Comparison {
        let mut comparison = Comparison::default();
        let peer = Reader::Peer(Peer { name: "other".into(), command: vec!["other".into()] });
        for (reader, cost) in [(Reader::Sdk, 1.5), (Reader::Worker, 2.0), (peer, 8.0)] {
            let figures = Figures { cpu_seconds_per_gb: Some(cost), peak_mib: None };
            comparison.backlog(&reader, Mode::Polling, Payload::Plain, figures);
        }
        comparison
    }

    #[test]
    fn a_cost_is_compared_with_the_floor_of_the_same_bytes() {
        let times = |payload| comparison().times_the_floor(Mode::Polling, payload, Some(3.0));
        assert_eq!((times(Payload::Plain), times(Payload::Aggregated)), (Some(2.0), None));
    }

    #[test]
    fn a_peer_is_compared_with_the_worker() {
        let table = comparison().table().to_string();
        let row: Vec<_> = table.lines().nth(2).unwrap_or_default().split_whitespace().collect();
        assert_eq!(row, ["other", "polling", "cpu_s_per_gb,", "plain", "2.00", "8.00", "0.25"]);
    }
}
