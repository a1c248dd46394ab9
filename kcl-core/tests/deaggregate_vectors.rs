//! Carriers written by other producers, and what another reader makes of our corpus: see `kpl_vectors/README.md`.

use std::collections::BTreeSet;
use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use kcl_core::deaggregate::{Carrier, UserRecord, aggregate, deaggregate};
use serde_json::{Value, json};

/// The lines of a vector file, each a JSON object.
fn lines(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kpl_vectors").join(file);
    let text = std::fs::read_to_string(path).expect("the vector file is readable");
    let lines: Vec<_> = text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    assert!(lines.len() >= 10, "{file} has hardly any vectors");
    lines
}

fn bytes(base64: &Value) -> Bytes {
    BASE64_STANDARD.decode(base64.as_str().expect("base64 text")).expect("valid base64").into()
}

fn rows(user_records: &[UserRecord]) -> Value {
    user_records.iter().map(row).collect()
}

fn row(user_record: &UserRecord) -> Value {
    json!({
        "partition_key": &*user_record.partition_key,
        "explicit_hash_key": user_record.explicit_hash_key.as_deref(),
        "data": BASE64_STANDARD.encode(&user_record.data),
        "hash_key": user_record.hash_key().map(|hash_key| hash_key.to_string()),
    })
}

fn without_explicit_hash_keys(rows: &Value) -> Value {
    let mut rows = rows.clone();
    for row in rows.as_array_mut().expect("a list of rows") {
        let row = row.as_object_mut().expect("a row");
        row.remove("explicit_hash_key");
        row.remove("hash_key");
    }
    rows
}

fn user_records_are_as_sent(file: &str, expected_faults: &[(&str, &str)]) {
    let mut faults = Vec::new();
    for line in lines(file) {
        let name = line["name"].as_str().expect("a name");
        let carrier = bytes(&line["carrier"]);
        let Carrier::Aggregated(user_records) = deaggregate(&carrier) else { panic!("{name}: not a carrier") };
        let numbers: Vec<_> = user_records.iter().map(|user_record| user_record.sub_sequence_number).collect();
        assert_eq!(numbers, (0..user_records.len() as u64).collect::<Vec<_>>(), "{name}");

        let read = rows(&user_records);
        match line["fault"].as_str() {
            None => assert_eq!(read, line["sent"], "{name}"),
            Some("reader") => {
                assert_eq!(read, line["sent"], "{name}");
                assert_ne!(read, line["read_back"], "{name}: the package no longer differs");
                assert_eq!(without_explicit_hash_keys(&read), without_explicit_hash_keys(&line["read_back"]), "{name}");
            }
            Some("writer") => assert_eq!(read, line["read_back"], "{name}"),
            Some(other) => panic!("{name}: unknown fault {other}"),
        }
        if let Some(fault) = line["fault"].as_str() {
            faults.push((name.to_owned(), fault.to_owned()));
        }
    }
    let expected_faults: Vec<_> =
        expected_faults.iter().map(|(name, fault)| ((*name).into(), (*fault).into())).collect();
    assert_eq!(faults, expected_faults);
}

const MIXED: &str = "some user records with an explicit hash key and some without";

#[test]
fn carriers_of_the_python_package_give_what_was_sent() {
    user_records_are_as_sent("python.jsonl", &[(MIXED, "reader")]);
}

#[test]
fn carriers_of_the_node_package_give_what_was_sent() {
    let numbers = "numbers as partition keys, not in order";
    user_records_are_as_sent("node.jsonl", &[(MIXED, "reader"), (numbers, "writer")]);
}

#[test]
fn our_carriers_are_byte_for_byte_those_of_the_python_package() {
    for line in lines("python.jsonl") {
        let sent = line["sent"].as_array().expect("a list of rows");
        let data: Vec<_> = sent.iter().map(|row| bytes(&row["data"])).collect();
        let user_records = sent.iter().zip(&data).map(|(row, data)| {
            let partition_key = row["partition_key"].as_str().expect("a partition key");
            (partition_key, row["explicit_hash_key"].as_str(), &data[..])
        });
        assert_eq!(aggregate(user_records), bytes(&line["carrier"]), "{}", line["name"]);
    }
}

/// The verdicts on which the Python package's reader and ours differ, and why that is meant.
const DIFFERENCES: &[(&str, &str)] = &[
    ("aggregated/all-fields.bin", "the package gives an explicit hash key to user records that have none"),
    ("aggregated/tag-that-is-not-a-message.bin", "we do not look into tags"),
    ("bad-message/varint-over-64-bits.bin", "the package drops the bits; then there is no user record to lose"),
    ("key-not-utf8/a-key-that-no-record-uses.bin", "we check all keys"),
    ("key-not-utf8/explicit-hash-key.bin", "the package returns bytes; a key must be text here"),
    ("key-not-utf8/half-a-surrogate-pair.bin", "the package returns bytes; a key must be text here"),
    ("key-not-utf8/partition-key.bin", "the package returns bytes; a key must be text here"),
    ("missing-field/empty-record.bin", "the package takes what is missing for 0 and for no data"),
    ("missing-field/good-records-before-the-one.bin", "the package takes what is missing for 0 and for no data"),
    ("missing-field/no-data.bin", "the package takes what is missing for 0 and for no data"),
    ("missing-field/no-partition-key-index.bin", "the package takes what is missing for 0 and for no data"),
    ("missing-field/partition-key-index-of-another-wire-type.bin", "the package takes what is missing for 0"),
    ("unknown-key/no-explicit-hash-key-table.bin", "the package ignores the index where there is no table"),
];

#[test]
fn the_python_reader_agrees_on_the_corpus_but_for_known_differences() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/deaggregate");
    let mut differences = BTreeSet::new();
    for line in lines("python_reads_corpus.jsonl") {
        let file = line["file"].as_str().expect("a file name");
        let data = Bytes::from(std::fs::read(corpus.join(file)).expect("the corpus file is readable"));
        let mut ours = match deaggregate(&data) {
            Carrier::Plain | Carrier::Malformed(_) => Value::Null,
            Carrier::Aggregated(user_records) => rows(&user_records),
        };
        for row in ours.as_array_mut().into_iter().flatten() {
            row.as_object_mut().expect("a row").remove("hash_key");
        }
        // Where the package met an error on the way and lost the rest, we must have delivered the carrier as it is.
        let lost_some = line["complete"] == json!(false);
        let theirs = if lost_some { &Value::Null } else { &line["user_records"] };
        if ours != *theirs {
            differences.insert(file.to_owned());
        }
    }
    let expected: BTreeSet<_> = DIFFERENCES.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(differences, expected);
}
