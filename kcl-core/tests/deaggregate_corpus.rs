//! De-aggregation of hostile input: committed files, damaged forms of them, and random ones.
//!
//! [`fuzz_one`] is the entry point: give it to a fuzzer as it is. Here it runs on stable, over the corpus and proptest.

use std::path::Path;

use bytes::Bytes;
use kcl_core::deaggregate::{
    Carrier, Expanded, ExpansionCounts, OutsideRange, Placement, UserRecord, aggregate, deaggregate, expand,
};
use md5::{Digest, Md5};
use proptest::prelude::*;

const MAGIC: &[u8] = &[0xF3, 0x89, 0x9A, 0xC2];

/// Checks everything that must be so for any input: for `data` as it is, and as the message of a carrier whose checksum is
/// right, since random bytes would hardly ever pass that.
fn fuzz_one(data: &[u8]) {
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
fn lies_in(carrier: &Bytes, data: &Bytes) {
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

/// Every file of the corpus: its verdict's name, its own name and its bytes.
fn corpus() -> Vec<(String, String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/deaggregate");
    let mut files = Vec::new();
    for folder in list(&root).iter().filter(|path| path.is_dir()) {
        for file in list(folder) {
            let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
            files.push((name(folder), name(&file), std::fs::read(&file).expect("the corpus file is readable")));
        }
    }
    assert!(files.len() >= 60, "files of the corpus are missing");
    files
}

fn list(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the corpus is readable");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("the corpus is readable").path()).collect();
    paths.sort();
    paths
}

/// `ChecksumMismatch` is in the folder `checksum-mismatch`.
fn folder_of(verdict: &Carrier) -> String {
    let name = match verdict {
        Carrier::Plain => "Plain".to_owned(),
        Carrier::Aggregated(_) => "Aggregated".to_owned(),
        Carrier::Malformed(why) => format!("{why:?}"),
    };
    let words = name.char_indices().map(|(at, c)| match c {
        'A'..='Z' if at > 0 => format!("-{}", c.to_ascii_lowercase()),
        _ => c.to_ascii_lowercase().to_string(),
    });
    words.collect()
}

#[test]
fn every_file_of_the_corpus_gets_the_verdict_of_its_folder() {
    for (folder, name, data) in corpus() {
        fuzz_one(&data);
        assert_eq!(folder_of(&deaggregate(&data.into())), folder, "{name}");
    }
}

/// The files that are small enough to try every place in them.
fn small_files() -> impl Iterator<Item = Vec<u8>> {
    corpus().into_iter().map(|(_, _, data)| data).filter(|data| data.len() <= 128)
}

#[test]
fn every_shortened_form_of_the_corpus_is_handled() {
    for data in small_files() {
        for len in 0..data.len() {
            fuzz_one(&data[..len]);
            fuzz_one(&data[len..]);
            fuzz_one(message_of(&data[..len]));
        }
    }
}

#[test]
fn every_flipped_bit_of_the_corpus_is_handled() {
    for mut data in small_files() {
        for bit in 0..data.len() * 8 {
            data[bit / 8] ^= 1 << (bit % 8);
            fuzz_one(&data);
            fuzz_one(message_of(&data));
            data[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// What lies between magic and checksum, for input that is to get a right checksum again.
fn message_of(data: &[u8]) -> &[u8] {
    let end = data.len().saturating_sub(16).max(4);
    data.get(4..end).unwrap_or_default()
}

type Sent = (String, Option<String>, Vec<u8>);

fn sent() -> impl Strategy<Value = Vec<Sent>> {
    let partition_key = prop_oneof![Just("shared".to_owned()), "\\PC{0,20}"];
    let explicit_hash_key = prop_oneof![any::<u128>().prop_map(|n| n.to_string()), "\\PC{0,5}"];
    let data = prop::collection::vec(any::<u8>(), 0..300);
    prop::collection::vec((partition_key, prop::option::of(explicit_hash_key), data), 1..40)
}

fn carrier_of(sent: &[Sent]) -> Bytes {
    aggregate(sent.iter().map(|(key, explicit, data)| (&key[..], explicit.as_deref(), &data[..])))
}

/// Bytes that are often, but not always, fields that the format knows.
fn near_message() -> impl Strategy<Value = Vec<u8>> {
    let field = prop_oneof![
        4 => Just(vec![0x0A, 1, b'k']),
        2 => Just(vec![0x12, 1, b'7']),
        4 => (0..3_u8, 0..3_u8).prop_map(|(key, hash_key)| vec![0x1A, 7, 0x08, key, 0x10, hash_key, 0x1A, 1, b'd']),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(field, 0..20).prop_map(|fields| fields.concat())
}

proptest! {
    #[test]
    fn what_is_aggregated_comes_back(sent in sent()) {
        let carrier = carrier_of(&sent);
        fuzz_one(&carrier);
        let Carrier::Aggregated(user_records) = deaggregate(&carrier) else { panic!("not a carrier") };
        let back: Vec<Sent> = user_records
            .iter()
            .map(|user_record| {
                let explicit_hash_key = user_record.explicit_hash_key.as_deref().map(str::to_owned);
                (user_record.partition_key.to_string(), explicit_hash_key, user_record.data.to_vec())
            })
            .collect();
        prop_assert_eq!(back, sent);
    }

    #[test]
    fn arbitrary_bytes_are_handled(data in prop::collection::vec(any::<u8>(), 0..200)) {
        fuzz_one(&data);
    }

    #[test]
    fn arbitrary_fields_are_handled(message in near_message()) {
        fuzz_one(&message);
    }

    #[test]
    fn a_damaged_carrier_is_never_taken_apart(sent in sent(), at in any::<prop::sample::Index>(), flip in 1..=u8::MAX) {
        let mut carrier = carrier_of(&sent).to_vec();
        let at = at.index(carrier.len());
        carrier[at] ^= flip;
        fuzz_one(&carrier);
        match deaggregate(&carrier.into()) {
            Carrier::Plain => prop_assert!(at < 4),
            Carrier::Malformed(_) => prop_assert!(at >= 4),
            Carrier::Aggregated(_) => prop_assert!(false, "taken apart in spite of the damage"),
        }
    }

    #[test]
    fn a_shortened_carrier_is_never_taken_apart(sent in sent(), len in any::<prop::sample::Index>()) {
        let carrier = carrier_of(&sent);
        let shortened = carrier.slice(..len.index(carrier.len()));
        fuzz_one(&shortened);
        prop_assert!(!matches!(deaggregate(&shortened), Carrier::Aggregated(_)));
    }
}

#[test]
fn user_records_of_one_key_share_it_and_their_data_is_a_slice_of_the_carrier() {
    let carrier = aggregate((0..1000).map(|_| ("one key", Some("42"), &b"data"[..])));
    let Carrier::Aggregated(user_records) = deaggregate(&carrier) else { panic!("not a carrier") };
    assert_eq!(user_records.len(), 1000);
    for user_record in &user_records {
        lies_in(&carrier, &user_record.data);
        assert_eq!(user_record.partition_key.as_ptr(), user_records[0].partition_key.as_ptr());
        let explicit_hash_key = |user_record: &UserRecord| user_record.explicit_hash_key.as_deref().map(str::as_ptr);
        assert_eq!(explicit_hash_key(user_record), explicit_hash_key(&user_records[0]));
    }
}

/// What [`kcl_core::deaggregate`] promises about memory, per byte of the carrier.
#[test]
fn user_records_are_small_and_take_no_spare_room() {
    assert!(size_of::<UserRecord>() <= 72);
    let carrier = aggregate((0..1025).map(|_| ("", None, &b""[..])));
    let Carrier::Aggregated(user_records) = deaggregate(&carrier) else { panic!("not a carrier") };
    assert_eq!(user_records.capacity(), user_records.len());
}
