//! What must be so for any record, for the fuzzer and for the tests on stable: it is a module of both.

use bytes::Bytes;
use kcl_core::deaggregate::{
    Carrier, Expanded, ExpansionCounts, OutsideRange, Placement, UserRecord, deaggregate, expand,
};
use md5::{Digest, Md5};

const MAGIC: &[u8] = &[0xF3, 0x89, 0x9A, 0xC2];

/// Checks everything that must be so for any input: for `data` as it is, and as the message of a carrier whose checksum is
/// right, since random bytes would hardly ever pass that.
pub(crate) fn fuzz_one(data: &[u8]) {
    let carrier = Bytes::copy_from_slice(data);
    let verdict = deaggregate(&carrier);
    holds(&carrier, &verdict);
    assert_eq!(matches!(verdict, Carrier::Plain), !data.starts_with(MAGIC));

    let carrier = sealed(data);
    let verdict = deaggregate(&carrier);
    holds(&carrier, &verdict);
    assert_ne!(verdict, Carrier::Plain);
}

fn sealed(message: &[u8]) -> Bytes {
    [MAGIC, message, &Md5::digest(message)].concat().into()
}

fn holds(carrier: &Bytes, verdict: &Carrier) {
    if let Carrier::Aggregated(user_records) = verdict {
        // An empty record with its two required fields takes six bytes.
        assert!(user_records.len() * 6 <= carrier.len());
        for (number, user_record) in (0..).zip(user_records) {
            assert_eq!(user_record.sub_sequence_number, number);
            lies_in(carrier, &user_record.data);
        }
        says_what_prost_says(carrier, user_records);
    }
    expansion_follows(carrier, verdict, OutsideRange::Deliver);
    expansion_follows(carrier, verdict, OutsideRange::LeaveOut);
}

/// The data was not copied.
pub(crate) fn lies_in(carrier: &Bytes, data: &Bytes) {
    let (carrier, data) = (carrier.as_ptr_range(), data.as_ptr_range());
    assert!(data.is_empty() || (carrier.start <= data.start && data.end <= carrier.end));
}

fn expansion_follows(carrier: &Bytes, verdict: &Carrier, outside_range: OutsideRange) {
    let lower_half = 0..=u128::MAX / 2;
    let mut counts = ExpansionCounts::default();
    let expanded = expand(carrier, Some(&lower_half), outside_range, &mut counts);
    let left_out = match (verdict, &expanded) {
        (Carrier::Plain, Expanded::Plain) => 0,
        (Carrier::Malformed(expected), Expanded::Malformed(why)) if expected == why => 0,
        (Carrier::Aggregated(all), Expanded::UserRecords(delivered)) => {
            let expected = all.iter().filter(|user_record| {
                outside_range == OutsideRange::Deliver
                    || user_record.hash_key().is_none_or(|hash_key| lower_half.contains(&hash_key))
            });
            assert!(delivered.iter().map(|placed| &placed.user_record).eq(expected));
            let outside = delivered.iter().filter(|placed| placed.placement == Placement::Outside).count() as u64;
            assert_eq!(counts.user_records, all.len() as u64);
            assert_eq!(counts.outside, outside + counts.left_out);
            all.len() as u64 - delivered.len() as u64
        }
        _ => panic!("{expanded:?} for {verdict:?}"),
    };
    assert_eq!(counts.left_out, left_out);
    assert_eq!(counts.malformed, u64::from(matches!(verdict, Carrier::Malformed(_))));
    assert_eq!(counts.carriers, u64::from(matches!(verdict, Carrier::Aggregated(_))));
}

#[derive(prost::Message)]
struct AggregatedRecord {
    #[prost(string, repeated, tag = "1")]
    partition_key_table: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    explicit_hash_key_table: Vec<String>,
    #[prost(message, repeated, tag = "3")]
    records: Vec<Record>,
}

#[derive(prost::Message)]
struct Record {
    #[prost(uint64, optional, tag = "1")]
    partition_key_index: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    explicit_hash_key_index: Option<u64>,
    #[prost(bytes = "bytes", optional, tag = "3")]
    data: Option<Bytes>,
}

/// Our reader and prost's agree, unless prost refuses a known field of another wire type, which ours ignores.
fn says_what_prost_says(carrier: &[u8], user_records: &[UserRecord]) {
    let message = &carrier[4..carrier.len() - 16];
    let Ok(prost) = <AggregatedRecord as prost::Message>::decode(message) else { return };
    let theirs = prost.records.iter().map(|record| {
        let partition_key = &prost.partition_key_table[index(record.partition_key_index).expect("a required field")];
        let explicit_hash_key = index(record.explicit_hash_key_index).map(|i| &prost.explicit_hash_key_table[i][..]);
        (&partition_key[..], explicit_hash_key, record.data.clone().expect("a required field"))
    });
    let ours = user_records.iter().map(|user_record| {
        (&*user_record.partition_key, user_record.explicit_hash_key.as_deref(), user_record.data.clone())
    });
    assert!(ours.eq(theirs));
}

fn index(index: Option<u64>) -> Option<usize> {
    index.map(|index| usize::try_from(index).expect("an index of a table in memory"))
}
