//! What must be so for any item of the table: for the fuzzer, and for the test that replays what it found.

#[cfg(test)]
#[path = "../../fuzz/corpus.rs"]
mod corpus;

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use kcl_core::ids::{StreamId, WorkerId};
use kcl_core::lease::{Instance, Lease, Load, Stamp};
use kcl_core::member::{LeaderLock, Member, MemberReport, Over};
use kcl_core::position::Position;
use kcl_core::store::{LeaseAction, LeaseWrite};
use kcl_core::time::Timestamp;
use serde_json::Value;

use crate::keys::Keys;
use crate::schema::{Attribute, BUSY, INSTANCE, REPORTED, THROUGHPUT, WAKES};
use crate::values::{Item, decimal, decimal_value, n, text};
use crate::{item, lock, members, write};

const ME: Instance = Instance::new(0xfeed);

/// Checks everything that must be so for an item, which `data` is in the form in which DynamoDB's JSON has it.
///
/// Each reader gives what the item says, or an error in words. What was read, written and read again is the same.
#[cfg_attr(test, expect(unreachable_pub, reason = "public for the fuzzer only"))]
pub fn fuzz_lease_items(data: &[u8]) {
    let Some(item) = item_of(data) else { return };
    for keys in [Keys::Single(StreamId::named("orders")), Keys::Multi] {
        match item::lease(&keys, &item) {
            Ok(lease) => lease.iter().for_each(|lease| holds_for_lease(&keys, lease)),
            Err(why) => assert!(!why.to_string().is_empty()),
        }
        match members::member(&keys, &item) {
            Ok(member) => member.iter().for_each(|member| holds_for_member(&keys, &item, member)),
            Err(why) => assert!(!why.to_string().is_empty()),
        }
    }
    match lock::lock(&item) {
        Ok(lock) => lock.iter().for_each(holds_for_lock),
        Err(why) => assert!(!why.to_string().is_empty()),
    }
}

fn holds_for_lease(keys: &Keys, lease: &Lease) {
    let written = item::item(keys, lease).expect("its own shard");
    let read = item::lease(keys, &written).expect("what is written is read");
    assert_eq!(read, Some(Lease { load: stored(lease.load), ..lease.clone() }));
    for action in actions(lease) {
        let (by, stamp, now) = (WorkerId::new("me"), Stamp::held(ME, 1, 1), Timestamp::from_millis(1));
        write::change(keys, &LeaseWrite { seen: lease.clone(), by, stamp, now, action });
    }
    write::removal(lease);
}

/// A load as it is written: rounded, and left out where it is no sensible amount.
fn stored(load: Load) -> Load {
    let amount = |attribute: Attribute, amount: Option<f64>| {
        let item = amount.and_then(decimal_value).map(|value| (attribute.name().to_owned(), value));
        decimal(&item.into_iter().collect(), attribute).expect("what is written is read")
    };
    Load { kbps: amount(THROUGHPUT, load.kbps), busy: amount(BUSY, load.busy) }
}

/// One of each kind, from what the lease says itself.
fn actions(lease: &Lease) -> [LeaseAction; 7] {
    let (load, position) = (lease.load, lease.checkpoint.clone());
    [
        LeaseAction::Claim,
        LeaseAction::Take,
        LeaseAction::Renew { load },
        LeaseAction::Checkpoint { position: position.clone(), load, children: lease.children.clone() },
        LeaseAction::Pass { to: lease.owner.clone(), checkpoint: Some(position.clone()) },
        LeaseAction::Offer { to: WorkerId::new("next") },
        LeaseAction::Reset { position: Position::Latest, start: lease.start },
    ]
}

fn holds_for_member(keys: &Keys, item: &Item, member: &Member) {
    if let Some(instance) = member.instance {
        // Writes are conditioned on it.
        assert_eq!(text(item, INSTANCE), Ok(Some(instance.to_string().as_str())));
    } else {
        let removal = members::removal(member);
        let seen = item.get(REPORTED.name()).and_then(|seen| seen.as_n().ok()).and_then(|seen| seen.parse().ok());
        assert!(removal.values.values().any(|value| Some(value) == seen.map(n).as_ref()), "{removal:?}");
    }
    let consumed = members::consumption(keys, &member.wakes).expect("its own shards");
    for hints in consumed.values.values() {
        assert!(texts(hints).is_subset(&item.get(WAKES.name()).map(texts).unwrap_or_default()), "{hints:?}");
    }
    holds_for_report(keys, member);
}

/// A report of what was read is read as it was meant.
fn holds_for_report(keys: &Keys, member: &Member) {
    let means = |member: &Member| member.utilization.into_iter().collect();
    let report = |over, utilization| {
        let (worker, now, cap) = (member.worker.clone(), member.reported, member.cap);
        let mut row = members::report(&MemberReport { worker, instance: ME, over, now, cap, utilization }).written();
        row.insert(crate::schema::LEASE_KEY.name().to_owned(), crate::values::s(member.worker.as_str()));
        members::member(keys, &row).expect("what is written is read").expect("a row")
    };
    let read = report(Over::Seen(member.instance), means(member));
    let (instance, utilization) = (Some(ME), read.utilization);
    let expected =
        Member { instance, utilization, leaving: false, assignable: true, wakes: Vec::new(), ..member.clone() };
    assert_eq!(read, expected);
    // The mean is rounded once.
    assert_eq!(report(Over::Seen(None), means(&read)), read);
}

fn holds_for_lock(seen: &LeaderLock) {
    assert_eq!(lock::lock(&lock::item(seen)), Ok(Some(seen.clone())));
    lock::acquisition(Some(seen));
    lock::beat("0", seen);
    lock::release(seen);
}

fn texts(set: &AttributeValue) -> BTreeSet<&String> {
    set.as_ss().into_iter().flatten().collect()
}

/// An item, if the text is one: every type, and any text for a number.
fn item_of(json: &[u8]) -> Option<Item> {
    let Value::Object(attributes) = serde_json::from_slice(json).ok()? else { return None };
    attributes.into_iter().map(|(name, value)| Some((name, value_of(value)?))).collect()
}

fn value_of(value: Value) -> Option<AttributeValue> {
    let Value::Object(typed) = value else { return None };
    let (kind, value) = typed.into_iter().next()?;
    Some(match (kind.as_str(), value) {
        ("S", Value::String(text)) => AttributeValue::S(text),
        ("N", Value::String(text)) => AttributeValue::N(text),
        ("B", Value::String(text)) => AttributeValue::B(Blob::new(text)),
        ("BOOL", Value::Bool(flag)) => AttributeValue::Bool(flag),
        ("NULL", Value::Bool(flag)) => AttributeValue::Null(flag),
        ("SS", Value::Array(texts)) => AttributeValue::Ss(set_of(texts)?),
        ("NS", Value::Array(texts)) => AttributeValue::Ns(set_of(texts)?),
        ("BS", Value::Array(texts)) => AttributeValue::Bs(set_of(texts)?.into_iter().map(Blob::new).collect()),
        ("L", Value::Array(values)) => AttributeValue::L(values.into_iter().map(value_of).collect::<Option<_>>()?),
        ("M", Value::Object(values)) => {
            let values = values.into_iter().map(|(name, value)| Some((name, value_of(value)?)));
            AttributeValue::M(values.collect::<Option<HashMap<_, _>>>()?)
        }
        _ => return None,
    })
}

/// DynamoDB has no set with two equal elements, and none without any.
fn set_of(texts: Vec<Value>) -> Option<Vec<String>> {
    let texts: Option<BTreeSet<_>> = texts.into_iter().map(|text| text.as_str().map(str::to_owned)).collect();
    texts.filter(|texts| !texts.is_empty()).map(|texts| texts.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_fuzzer_found_is_read_and_written_back() {
        corpus::replay("lease_items", fuzz_lease_items);
    }
}
