//! De-aggregation of hostile input: committed files, damaged forms of them, and random ones.

#[path = "../../../fuzz/corpus.rs"]
mod found;
mod fuzz_one;

use std::path::Path;

use bytes::Bytes;
use kcl_core::deaggregate::{Carrier, UserRecord, aggregate, deaggregate};
use proptest::prelude::*;

use self::fuzz_one::{fuzz_one, lies_in};

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

#[test]
fn what_the_fuzzer_found_is_handled() {
    found::replay("deaggregate", fuzz_one);
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
