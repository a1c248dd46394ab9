//! A lease as an item of the table, and back.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use kcl_core::ids::{ShardId, WorkerId};
use kcl_core::lease::{Heartbeat, Lease, Load, PendingCheckpoint, Stamp, Version};
use kcl_core::position::{Position, SequenceNumber};
use kcl_core::shard::HashKeyRange;
use kcl_core::time::Timestamp;

use crate::keys::{ForeignShard, Keys};
use crate::schema::{
    Attribute, BORN, BUSY, CHECKPOINT, CHECKPOINT_OWNER, CHECKPOINT_SUB, CHILDREN, ENTITY_TYPE, HASH_END, HASH_START,
    LEASE, LEASE_COUNTER, LEASE_KEY, LEASE_OWNER, OWNER_SWITCHES, PARENTS, PENDING, PENDING_STATE, PENDING_SUB, STAMP,
    START, STREAM_CREATED, THROUGHPUT,
};
use crate::values::{
    Item, Malformed, decimal, decimal_value, n, number, required_number, required_text, s, text, texts, time_value,
    wrong_type,
};

/// Reads a lease, or `None` if the item is something else that lives in the table.
///
/// What the Java KCL refuses to read is refused here too, and what would be acted on wrongly: a lease without a
/// position, parents of another type than a set.
pub(crate) fn lease(keys: &Keys, item: &Item) -> Result<Option<Lease>, Malformed> {
    if text(item, ENTITY_TYPE)?.is_some_and(|kind| kind != LEASE) {
        return Ok(None);
    }
    let mut lease = Lease::new(keys.shard_of(item)?, checkpoint(item)?, time(item, START)?);
    lease.owner = text(item, LEASE_OWNER)?.map(WorkerId::from);
    lease.checkpoint_owner = text(item, CHECKPOINT_OWNER)?.map(WorkerId::from);
    lease.version = Version::new(required_number(item, LEASE_COUNTER)?);
    lease.heartbeat = heartbeat(&lease);
    lease.stamp = text(item, STAMP)?.map(Stamp::from_text);
    lease.born = time(item, BORN)?;
    lease.pending = pending(item)?;
    lease.stream_created = time(item, STREAM_CREATED)?;
    lease.parents = shards(item, PARENTS)?;
    lease.children = shards(item, CHILDREN)?;
    lease.hash_range = hash_range(item)?;
    lease.load = Load { kbps: decimal(item, THROUGHPUT)?, busy: decimal(item, BUSY)? };
    lease.owner_switches = required_number(item, OWNER_SWITCHES)?;
    Ok(Some(lease))
}

/// The whole item of a lease, as a create writes it. What is absent is left out, as the Java KCL does.
pub(crate) fn item(keys: &Keys, lease: &Lease) -> Result<Item, ForeignShard> {
    let mut item = Item::new();
    let mut put = |attribute: Attribute, value: AttributeValue| item.insert(attribute.name().to_owned(), value);
    put(LEASE_KEY, s(keys.lease_key(&lease.shard)?));
    put(ENTITY_TYPE, s(LEASE));
    for (attribute, text) in keys.attributes(&lease.shard) {
        put(attribute, s(text));
    }
    put(LEASE_COUNTER, n(lease.version.number()));
    put(OWNER_SWITCHES, n(lease.owner_switches));
    let (checkpoint, sub) = position_values(&lease.checkpoint);
    put(CHECKPOINT, checkpoint);
    put(CHECKPOINT_SUB, sub);
    if let Some(pending) = &lease.pending {
        let (position, sub) = position_values(&pending.position);
        put(PENDING, position);
        put(PENDING_SUB, sub);
        if let Some(state) = &pending.state {
            put(PENDING_STATE, AttributeValue::B(Blob::new(state.to_vec())));
        }
    }
    if let Some(range) = &lease.hash_range {
        put(HASH_START, s(range.start().to_string()));
        put(HASH_END, s(range.end().to_string()));
    }
    let optional = [
        (LEASE_OWNER, lease.owner.as_ref().map(|owner| s(owner.as_str()))),
        (CHECKPOINT_OWNER, lease.checkpoint_owner.as_ref().map(|owner| s(owner.as_str()))),
        (PARENTS, shards_value(&lease.parents)),
        (CHILDREN, shards_value(&lease.children)),
        (THROUGHPUT, lease.load.kbps.and_then(decimal_value)),
        (BUSY, lease.load.busy.and_then(decimal_value)),
        (STAMP, lease.stamp.as_ref().map(|stamp| s(stamp.as_str()))),
        (START, lease.start.map(time_value)),
        (BORN, lease.born.map(time_value)),
        (STREAM_CREATED, lease.stream_created.map(time_value)),
    ];
    for (attribute, value) in optional {
        if let Some(value) = value {
            put(attribute, value);
        }
    }
    Ok(item)
}

/// Every write of a lease changes the counter, but for the beginning of a hand-off, which is no sign of life.
pub(crate) fn heartbeat(lease: &Lease) -> Heartbeat {
    Heartbeat::new(format!("{} {}", lease.version, lease.holder().map_or("", WorkerId::as_str)))
}

/// A position's text and its sub-sequence number.
pub(crate) fn position_values(position: &Position) -> (AttributeValue, AttributeValue) {
    match position {
        Position::At { sequence, sub } => (s(sequence.as_str()), n(*sub)),
        word => (s(word.to_string()), n(0)),
    }
}

/// A set, or `None` if it would be empty: DynamoDB has no empty sets.
pub(crate) fn shards_value(shards: &[ShardId]) -> Option<AttributeValue> {
    let mut names: Vec<String> = shards.iter().map(ShardId::to_string).collect();
    names.sort_unstable();
    names.dedup();
    (!names.is_empty()).then_some(AttributeValue::Ss(names))
}

fn time(item: &Item, attribute: Attribute) -> Result<Option<Timestamp>, Malformed> {
    Ok(number(item, attribute)?.map(Timestamp::from_millis))
}

fn checkpoint(item: &Item) -> Result<Position, Malformed> {
    required_text(item, CHECKPOINT)?;
    position(item, CHECKPOINT, CHECKPOINT_SUB)?.ok_or_else(|| Malformed::new(CHECKPOINT, "is empty"))
}

fn pending(item: &Item) -> Result<Option<PendingCheckpoint>, Malformed> {
    let Some(position) = position(item, PENDING, PENDING_SUB)? else {
        return Ok(None);
    };
    let state = match item.get(PENDING_STATE.name()) {
        None => None,
        Some(AttributeValue::B(state)) => Some(Bytes::copy_from_slice(state.as_ref())),
        Some(other) => return Err(wrong_type(PENDING_STATE, "B", other)),
    };
    Ok(Some(PendingCheckpoint { position, state }))
}

/// `None` if the text is absent or empty.
fn position(item: &Item, attribute: Attribute, sub: Attribute) -> Result<Option<Position>, Malformed> {
    let word = match text(item, attribute)? {
        None | Some("") => return Ok(None),
        Some("TRIM_HORIZON") => Position::TrimHorizon,
        Some("LATEST") => Position::Latest,
        Some("AT_TIMESTAMP") => Position::AtTimestamp,
        Some("SHARD_END") => Position::ShardEnd,
        Some(digits) => {
            let sequence =
                SequenceNumber::parse(digits).map_err(|error| Malformed::new(attribute, error.to_string()))?;
            Position::At { sequence, sub: number(item, sub)?.unwrap_or(0) }
        }
    };
    Ok(Some(word))
}

fn shards(item: &Item, attribute: Attribute) -> Result<Vec<ShardId>, Malformed> {
    let mut shards: Vec<_> = texts(item, attribute)?.iter().map(|name| ShardId::from(name.as_str())).collect();
    shards.sort_unstable();
    Ok(shards)
}

/// A lease without either end has no range: it was made by an old KCL.
fn hash_range(item: &Item) -> Result<Option<HashKeyRange>, Malformed> {
    let end_of = |attribute: Attribute| {
        let digits = text(item, attribute)?;
        let key = digits.map(str::parse::<u128>).transpose();
        key.map_err(|_| Malformed::new(attribute, "is not a hash key, a whole number below 2^128"))
    };
    let (Some(start), Some(end)) = (end_of(HASH_START)?, end_of(HASH_END)?) else {
        return Ok(None);
    };
    HashKeyRange::new(start, end).map(Some).ok_or_else(|| Malformed::new(HASH_START, "is not below endingHashKey"))
}
