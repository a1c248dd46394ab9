//! Answers as another JSON library might write them: any order, space and escapes, with members that nobody knows.
//!
//! What is `wild` has, now and then, escapes of nothing, base64 and numbers that are none, and values of the wrong kind.

use proptest::prelude::*;
use proptest::sample::{Index, select};

type Texts = BoxedStrategy<String>;

fn space() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => Just(""), 1 => Just(" "), 1 => Just("\n\t"), 1 => Just("\r \n")]
}

fn string(wild: bool) -> Texts {
    let escapes = vec![r"\n", r"\/", r"\\", r#"\""#, r"\b", r"\u00e9", r"\u0000", r"\ud83d\ude00", r"\uD83D\uDE00"];
    let nothing = vec![r"\ud800", r"\udc00x", r"\ud83dA", r"\x", r"\u12", "\u{1}", "\n"];
    let piece = prop_oneof![
        40 => "[ -!#-\\[\\]-~é漢😀]{0,9}",
        6 => select(escapes).prop_map(str::to_owned),
        u32::from(wild) => select(nothing).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| format!("\"{}\"", pieces.concat())).boxed()
}

fn base64(wild: bool) -> Texts {
    let encoded = prop::collection::vec(any::<u8>(), 0..200).prop_map(aws_smithy_types::base64::encode);
    let text = prop_oneof![
        40 => encoded.clone(),
        4 => encoded.prop_map(|text| text.replace('/', r"\/")),
        u32::from(wild) => "[A-Za-z0-9+/=_ -]{0,12}",
    ];
    text.prop_map(|text| format!("\"{text}\"")).boxed()
}

fn integer() -> Texts {
    any::<i64>().prop_map(|number| number.to_string()).boxed()
}

fn number(wild: bool) -> Texts {
    prop_oneof![
        10 => "-?(0|[1-9][0-9]{0,11})",
        10 => "-?(0|[1-9][0-9]{0,11})\\.[0-9]{1,12}",
        10 => "-?(0|[1-9])(\\.[0-9]{1,4})?[eE][+-]?[0-9]",
        u32::from(wild) => "-?[0-9]{1,40}(\\.[0-9]{0,30})?([eE][+-]?[0-9]{0,5})?",
    ]
    .boxed()
}

/// Any value, up to a few levels deep.
fn any_value(wild: bool) -> Texts {
    let leaf = prop_oneof![string(wild), number(wild), select(vec!["null", "true", "false"]).prop_map(str::to_owned)];
    let nested = leaf.prop_recursive(4, 24, 4, move |inner| {
        let members = prop::collection::vec((string(wild), inner.clone()), 0..4);
        prop_oneof![list(inner), members.prop_flat_map(object)]
    });
    nested.boxed()
}

fn list(element: impl Strategy<Value = String> + 'static) -> Texts {
    (prop::collection::vec(element, 0..5), space(), space())
        .prop_map(|(elements, before, after)| {
            let texts: Vec<_> = elements.iter().map(|text| format!("{before}{text}{after}")).collect();
            format!("[{before}{}]", texts.join(","))
        })
        .boxed()
}

/// An object of these members, in any order.
fn object(members: Vec<(String, String)>) -> Texts {
    (prop::collection::vec(any::<Index>(), members.len()), space(), space())
        .prop_map(move |(order, before, after)| {
            let mut members = members.clone();
            for (at, other) in order.iter().enumerate() {
                let other = other.index(members.len());
                members.swap(at, other);
            }
            let text = |(name, value): &(String, String)| format!("{before}{name}{after}:{before}{value}{after}");
            let texts: Vec<_> = members.iter().map(text).collect();
            format!("{{{before}{}}}", texts.join(","))
        })
        .boxed()
}

/// A member of a structure: now and then missing or null, and its name in escapes.
fn member(name: &'static str, value: Texts, wild: bool) -> impl Strategy<Value = Option<(String, String)>> {
    let escaped = format!("\"\\u{:04x}{}\"", name.as_bytes()[0], &name[1..]);
    let name = prop_oneof![9 => Just(format!("\"{name}\"")), 1 => Just(escaped)];
    let value = prop_oneof![40 => value, 2 => Just("null".to_owned()), u32::from(wild) => any_value(wild)];
    prop::option::weighted(0.9, (name, value))
}

/// A structure with these members, each of them now and then twice, and others.
fn structure(known: &[(&'static str, Texts)], wild: bool) -> Texts {
    let half = known.len();
    let twice: Vec<_> = known.iter().chain(known).cloned().map(|(name, value)| member(name, value, wild)).collect();
    let unknown = prop::collection::vec((string(wild), any_value(wild)), 0..2);
    (twice, unknown, prop::bool::weighted(0.2))
        .prop_flat_map(move |(mut members, unknown, again)| {
            members.truncate(if again { 2 * half } else { half });
            object(members.into_iter().flatten().chain(unknown).collect())
        })
        .boxed()
}

/// An answer to `GetRecords`.
pub(super) fn answer(wild: bool) -> Texts {
    let string = string(wild);
    let record = [
        ("SequenceNumber", string.clone()),
        ("ApproximateArrivalTimestamp", number(wild)),
        ("Data", base64(wild)),
        ("PartitionKey", string.clone()),
        ("EncryptionType", string.clone()),
    ];
    let range = [("StartingHashKey", string.clone()), ("EndingHashKey", string.clone())];
    let child = [
        ("ShardId", string.clone()),
        ("ParentShards", list(string.clone())),
        ("HashKeyRange", structure(&range, wild)),
    ];
    let answer = [
        ("Records", list(structure(&record, wild))),
        ("NextShardIterator", string),
        ("MillisBehindLatest", integer()),
        ("ChildShards", list(structure(&child, wild))),
    ];
    (space(), structure(&answer, wild), space())
        .prop_map(|(before, text, after)| format!("{before}{text}{after}"))
        .boxed()
}
