//! What is delivered for one Kinesis record of one shard, and the counts that are kept of it.

use std::ops::RangeInclusive;

use bytes::Bytes;

use super::{Carrier, Malformed, Placement, UserRecord, deaggregate, placement};

/// What becomes of user records whose own key lies [outside](Placement::Outside) the shard's hash key range.
///
/// Neither choice is that of the Java KCL, which drops the whole carrier if one of its user records lies outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutsideRange {
    /// They are delivered, marked and counted. Nothing is lost; some may be delivered a second time, from the shard
    /// that they belong to.
    #[default]
    Deliver,
    /// They are left out, each for itself, and counted; the other user records of the carrier are delivered.
    ///
    /// Only for streams whose records are distributed by partition key. Where the service distributes the records, as
    /// with the record distribution strategy `AUTO`, this loses data. The strategy of a stream can be changed while old
    /// records are still to be read.
    LeaveOut,
}

/// What to deliver for a Kinesis record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expanded {
    /// The Kinesis record itself, which is not aggregated.
    Plain,
    /// The Kinesis record itself, which starts as an aggregated record does and could not be taken apart.
    Malformed(Malformed),
    /// These user records in its place, possibly none. Even then the carrier's sequence number has been read and must
    /// move the position of the shard.
    UserRecords(Vec<PlacedUserRecord>),
}

/// A user record to deliver, and whether it belongs to the shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedUserRecord {
    /// The user record.
    pub user_record: UserRecord,
    /// Where it belongs by its own key.
    pub placement: Placement,
}

/// What was met while expanding Kinesis records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExpansionCounts {
    /// Kinesis records that were taken apart into user records.
    pub carriers: u64,
    /// User records found in them, whether delivered or left out.
    pub user_records: u64,
    /// Of these, the ones that lie outside the shard's hash key range.
    pub outside: u64,
    /// Of those, the ones that were left out on request, and so not delivered.
    pub left_out: u64,
    /// Kinesis records that start as a carrier does, could not be taken apart, and were delivered as they are.
    pub malformed: u64,
}

/// Takes the data of a Kinesis record of `shard` apart, decides what is delivered, and adds to `counts`.
///
/// `shard` is the hash key range of the shard that the record was read from, both ends included; without it the placement
/// of every user record is [unknown](Placement::Unknown). What is unknown is always delivered.
pub fn expand(
    data: &Bytes,
    shard: Option<&RangeInclusive<u128>>,
    outside_range: OutsideRange,
    counts: &mut ExpansionCounts,
) -> Expanded {
    match deaggregate(data) {
        Carrier::Plain => Expanded::Plain,
        Carrier::Malformed(why) => {
            counts.malformed += 1;
            Expanded::Malformed(why)
        }
        Carrier::Aggregated(user_records) => {
            counts.carriers += 1;
            let mut placed = Vec::with_capacity(user_records.len());
            placed.extend(user_records.into_iter().filter_map(|user_record| {
                let placement = placement(user_record.hash_key(), shard);
                counts.admit(placement, outside_range).then_some(PlacedUserRecord { user_record, placement })
            }));
            Expanded::UserRecords(placed)
        }
    }
}

impl ExpansionCounts {
    /// Counts a user record, and says whether it is delivered.
    fn admit(&mut self, placement: Placement, outside_range: OutsideRange) -> bool {
        let outside = placement == Placement::Outside;
        let left_out = outside && outside_range == OutsideRange::LeaveOut;
        self.user_records += 1;
        self.outside += u64::from(outside);
        self.left_out += u64::from(left_out);
        !left_out
    }
}

#[cfg(test)]
mod tests {
    use super::super::aggregate;
    use super::*;

    const SHARD: RangeInclusive<u128> = 100..=199;

    /// One user record below, one inside, one without a hash key and one above the shard's range.
    fn carrier() -> Bytes {
        aggregate([
            ("a", Some("99"), &b"below"[..]),
            ("b", Some("100"), b"inside"),
            ("c", Some("not a number"), b"unknown"),
            ("d", Some("200"), b"above"),
        ])
    }

    fn delivered(expanded: &Expanded) -> Vec<(u64, &[u8], Placement)> {
        let Expanded::UserRecords(placed) = expanded else { panic!("not a carrier: {expanded:?}") };
        let row = |placed: &PlacedUserRecord| placed.user_record.sub_sequence_number;
        placed.iter().map(|placed| (row(placed), &placed.user_record.data[..], placed.placement)).collect()
    }

    #[test]
    fn by_default_every_user_record_is_delivered_and_those_outside_are_marked_and_counted() {
        let mut counts = ExpansionCounts::default();
        let expanded = expand(&carrier(), Some(&SHARD), OutsideRange::default(), &mut counts);
        let expected: [(u64, &[u8], Placement); 4] = [
            (0, b"below", Placement::Outside),
            (1, b"inside", Placement::Inside),
            (2, b"unknown", Placement::Unknown),
            (3, b"above", Placement::Outside),
        ];
        assert_eq!(delivered(&expanded), expected);
        assert_eq!(counts, ExpansionCounts { carriers: 1, user_records: 4, outside: 2, ..Default::default() });
    }

    #[test]
    fn on_request_those_outside_are_left_out_one_by_one_and_keep_their_numbers() {
        let mut counts = ExpansionCounts::default();
        let expanded = expand(&carrier(), Some(&SHARD), OutsideRange::LeaveOut, &mut counts);
        let expected: [(u64, &[u8], Placement); 2] =
            [(1, b"inside", Placement::Inside), (2, b"unknown", Placement::Unknown)];
        assert_eq!(delivered(&expanded), expected);
        let expected = ExpansionCounts { carriers: 1, user_records: 4, outside: 2, left_out: 2, malformed: 0 };
        assert_eq!(counts, expected);
    }

    #[test]
    fn nothing_is_left_out_while_the_range_of_the_shard_is_not_known() {
        let mut counts = ExpansionCounts::default();
        let expanded = expand(&carrier(), None, OutsideRange::LeaveOut, &mut counts);
        assert!(delivered(&expanded).iter().all(|(_, _, placement)| *placement == Placement::Unknown));
        assert_eq!(counts, ExpansionCounts { carriers: 1, user_records: 4, ..Default::default() });
    }

    #[test]
    fn plain_and_malformed_records_are_delivered_as_they_are_and_counts_add_up() {
        let mut counts = ExpansionCounts::default();
        let mut expand_one = |data: Bytes| expand(&data, Some(&SHARD), OutsideRange::LeaveOut, &mut counts);
        let damaged = carrier().slice(..carrier().len() - 1);
        assert_eq!(expand_one(Bytes::from_static(b"plain")), Expanded::Plain);
        assert_eq!(expand_one(damaged.clone()), Expanded::Malformed(Malformed::ChecksumMismatch));
        assert_eq!(expand_one(damaged), Expanded::Malformed(Malformed::ChecksumMismatch));
        expand_one(carrier());
        expand_one(carrier());
        let expected = ExpansionCounts { carriers: 2, user_records: 8, outside: 4, left_out: 4, malformed: 2 };
        assert_eq!(counts, expected);
    }
}
