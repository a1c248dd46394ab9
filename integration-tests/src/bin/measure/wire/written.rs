//! A record as an answer in JSON writes it down.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

/// The digits of a sequence number, as many as the service's have.
const DIGITS: usize = 56;

/// What all sequence numbers begin with.
const LEADING: &str = "49";

/// A record of which only the sequence number is still open.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    /// All that follows the number.
    rest: Vec<u8>,
    user_records: usize,
    /// What the service counts: data and key.
    bytes: usize,
}

impl Written {
    /// A record with this many user records in it. `arrival` is in milliseconds since the Unix epoch.
    pub(crate) fn new(key: &str, data: &[u8], arrival: u64, user_records: usize) -> Self {
        let (seconds, millis) = (arrival / 1000, arrival % 1000);
        let data_text = BASE64_STANDARD.encode(data);
        let key_text = json!(key);
        let rest = format!(
            r#"","ApproximateArrivalTimestamp":{seconds}.{millis:03},"Data":"{data_text}","PartitionKey":{key_text}}}"#
        );
        Self { rest: rest.into_bytes(), user_records, bytes: data.len() + key.len() }
    }

    pub(crate) fn user_records(&self) -> usize {
        self.user_records
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds it to an answer, as the record at this place of its shard.
    pub(crate) fn write(&self, answer: &mut Vec<u8>, place: u64) {
        answer.extend_from_slice(br#"{"SequenceNumber":""#);
        answer.extend_from_slice(sequence_number(place).as_bytes());
        answer.extend_from_slice(&self.rest);
    }

    /// No more bytes than this are added.
    pub(crate) fn len(&self) -> usize {
        self.rest.len() + DIGITS + 20
    }
}

/// The sequence number of the record at a place.
pub(crate) fn sequence_number(place: u64) -> String {
    number_after(place + 1)
}

/// The number after which the first record is that at this place: of the record before it, if there is one.
pub(crate) fn number_after(place: u64) -> String {
    format!("{LEADING}{place:0width$}", width = DIGITS - LEADING.len())
}

/// The place of the first record after a number; `None` of another kind of number.
pub(crate) fn place_after(number: &str) -> Option<u64> {
    number.strip_prefix(LEADING).filter(|rest| rest.len() == DIGITS - LEADING.len())?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_record_is_an_object_with_all_members() {
        let mut text = Vec::new();
        let record = Written::new("k\"1", b"data", 1_700_000_000_025, 1);
        record.write(&mut text, 7);
        assert!(text.len() <= record.len());
        let read: Value = serde_json::from_slice(&text).expect("JSON");
        let expected = json!({
            "SequenceNumber": sequence_number(7),
            "ApproximateArrivalTimestamp": 1_700_000_000.025,
            "Data": "ZGF0YQ==",
            "PartitionKey": "k\"1",
        });
        assert_eq!((read, record.bytes()), (expected, 7));
    }

    #[test]
    fn a_sequence_number_gives_back_its_place() {
        for place in [0, 1, u64::MAX - 1] {
            let number = sequence_number(place);
            assert_eq!((number.len(), place_after(&number)), (DIGITS, Some(place + 1)));
            assert_eq!(place_after(&number_after(place)), Some(place));
        }
        assert_eq!((place_after("12"), place_after("")), (None, None));
    }
}
