//! Answers that are made up, whole and broken.

use proptest::prelude::*;
use proptest::sample::Index;

use super::compare;
use super::json::answer;

/// What is done to a text.
#[derive(Debug, Clone)]
enum Harm {
    Cut(Index),
    Put(Index, u8),
    Insert(Index, &'static str),
    Take(Index),
    Again(Index, Index),
}

impl Harm {
    fn to(&self, text: &mut Vec<u8>) {
        match self {
            Self::Cut(at) => text.truncate(at.index(text.len() + 1)),
            Self::Put(at, byte) if !text.is_empty() => {
                let at = at.index(text.len());
                text[at] = *byte;
            }
            Self::Insert(at, what) => {
                let at = at.index(text.len() + 1);
                text.splice(at..at, what.bytes()).for_each(drop);
            }
            Self::Take(at) if !text.is_empty() => drop(text.remove(at.index(text.len()))),
            Self::Again(begin, end) => {
                let (begin, end) = (begin.index(text.len() + 1), end.index(text.len() + 1));
                let part = text[begin.min(end)..begin.max(end)].to_vec();
                text.splice(begin..begin, part).for_each(drop);
            }
            Self::Put(..) | Self::Take(_) => {}
        }
    }
}

fn harm() -> impl Strategy<Value = Harm> {
    let what = prop::sample::select(vec![
        "{", "}", "[", "]", "\"", "\\", ",", ":", "null", "1", "-", ".", "e", " ", "\\u", "\\ud800", "\u{1}", "é",
    ]);
    prop_oneof![
        any::<Index>().prop_map(Harm::Cut),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Harm::Put(at, byte)),
        (any::<Index>(), what).prop_map(|(at, what)| Harm::Insert(at, what)),
        any::<Index>().prop_map(Harm::Take),
        (any::<Index>(), any::<Index>()).prop_map(|(begin, end)| Harm::Again(begin, end)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn all_json_of_these_shapes_is_read_leanly(text in answer(false)) {
        prop_assert!(compare(text.as_bytes()), "{}", text);
    }

    #[test]
    fn other_json_is_read_as_by_the_sdk(text in answer(true)) {
        compare(text.as_bytes());
    }

    #[test]
    fn broken_json_is_read_as_by_the_sdk(text in answer(false), harms in prop::collection::vec(harm(), 1..4)) {
        let mut text = text.into_bytes();
        for harm in harms {
            harm.to(&mut text);
        }
        compare(&text);
    }

    #[test]
    fn bytes_are_read_as_by_the_sdk(text in prop::collection::vec(any::<u8>(), 0..64)) {
        compare(&text);
    }
}
