//! Records that wait to be read, the same in every shard.

use std::ops::Range;

use super::written::Written;

/// Records that one answer of `GetRecords` holds at most (API reference, GetRecords).
pub(crate) const ANSWER_RECORDS: usize = 10_000;
/// Bytes of the records in one answer of `GetRecords`.
pub(crate) const ANSWER_BYTES: usize = 10 * 1024 * 1024;
/// Bytes of the records in one event of a subscription. It is not documented; `kcl-local` has the same.
pub(crate) const EVENT_BYTES: usize = 1024 * 1024;

/// The records of one shard.
#[derive(Debug, Clone)]
pub(crate) struct Backlog {
    /// They come again and again.
    records: Vec<Written>,
    /// How many there are in all.
    count: u64,
}

impl Backlog {
    /// As many records as hold this many bytes.
    pub(crate) fn new(records: Vec<Written>, bytes: u64) -> Self {
        let mut backlog = Self { records, count: 0 };
        let mut held = 0;
        while let Some(record) = backlog.record(backlog.count).filter(|_| held < bytes) {
            held += u64::try_from(record.bytes()).unwrap_or(u64::MAX);
            backlog.count += 1;
        }
        backlog
    }

    /// How many records there are.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// How many user records there are.
    pub(crate) fn user_records(&self) -> u64 {
        (0..self.count).filter_map(|place| self.record(place)).map(|record| record.user_records() as u64).sum()
    }

    /// What comes from a place on and fits into an answer; at least one record, if there is one.
    pub(crate) fn part(&self, from: u64, records: usize, bytes: usize) -> Part<'_> {
        let (mut end, mut held) = (from, 0);
        for place in (from..self.count).take(records) {
            let more = self.record(place).map_or(0, Written::bytes);
            if held + more > bytes && end > from {
                break;
            }
            (end, held) = (place + 1, held + more);
        }
        Part { backlog: self, places: from..end, bytes: held }
    }

    fn record(&self, place: u64) -> Option<&Written> {
        let length = u64::try_from(self.records.len()).ok().filter(|length| *length > 0)?;
        self.records.get(usize::try_from(place % length).ok()?)
    }
}

/// Some records of a backlog.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    backlog: &'a Backlog,
    /// Which.
    pub(crate) places: Range<u64>,
    /// What the service counts of them.
    pub(crate) bytes: usize,
}

impl Part<'_> {
    /// Whether nothing follows.
    pub(crate) fn is_last(&self) -> bool {
        self.places.end >= self.backlog.count
    }

    /// The records as a list in JSON, with what comes before and after it.
    pub(crate) fn write(&self, before: &str, after: &str) -> Vec<u8> {
        let records = || self.places.clone().filter_map(|place| Some((place, self.backlog.record(place)?)));
        let length = records().map(|(_, record)| record.len() + 1).sum::<usize>();
        let mut text = Vec::with_capacity(before.len() + length + 2 + after.len());
        text.extend_from_slice(before.as_bytes());
        text.push(b'[');
        for (place, record) in records() {
            if place > self.places.start {
                text.push(b',');
            }
            record.write(&mut text, place);
        }
        text.push(b']');
        text.extend_from_slice(after.as_bytes());
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::wire::written::sequence_number;

    /// Ten records of 10 bytes each, made of three.
    fn backlog() -> Backlog {
        let record = |key: &str| Written::new(key, &[1; 9], 0, 2);
        Backlog::new(vec![record("a"), record("b"), record("c")], 95)
    }

    #[test]
    fn a_backlog_holds_at_least_the_bytes_that_are_asked_for() {
        assert_eq!((backlog().count(), backlog().user_records()), (10, 20));
        assert_eq!(Backlog::new(Vec::new(), 95).count(), 0);
    }

    #[test]
    fn a_part_is_what_fits_and_at_least_one_record() {
        let backlog = backlog();
        let places = |from, records, bytes| backlog.part(from, records, bytes).places;
        assert_eq!([places(0, 4, 1000), places(0, 100, 25), places(8, 100, 1000)], [0..4, 0..2, 8..10]);
        assert_eq!([places(3, 100, 1), places(10, 100, 1000)], [3..4, 10..10]);
        assert!(backlog.part(8, 2, 1000).is_last() && !backlog.part(8, 1, 1000).is_last());
    }

    #[test]
    fn a_part_is_written_with_its_own_sequence_numbers() {
        let text = backlog().part(2, 2, 1000).write(r#"{"Records":"#, "}");
        let read: Value = serde_json::from_slice(&text).expect("JSON");
        let seen = |index: usize| {
            (read["Records"][index]["PartitionKey"].clone(), read["Records"][index]["SequenceNumber"].clone())
        };
        assert_eq!(seen(0), (Value::from("c"), Value::from(sequence_number(2))));
        assert_eq!(seen(1), (Value::from("a"), Value::from(sequence_number(3))));
    }
}
