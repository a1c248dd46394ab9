//! An event of a subscription, in our words.

use std::time::Duration;

use aws_sdk_kinesis::types::SubscribeToShardEvent;
use kcl_core::kinesis::convert;
use kcl_core::position::{InvalidSequenceNumber, SequenceNumber};
use kcl_core::retrieval::RawRecord;
use kcl_core::shard::ChildShard;

/// What one event brings.
#[derive(Debug, Default)]
pub(crate) struct Event {
    /// In order; none in an event that only shows that the subscription lives.
    pub(crate) records: Vec<RawRecord>,
    /// Where to go on. The last event of a shard says nothing of it, which the SDK makes an empty text of.
    pub(crate) continuation: Option<SequenceNumber>,
    /// How far behind the tip of the shard.
    pub(crate) behind: Duration,
    /// With the last event of a shard only.
    pub(crate) children: Option<Vec<ChildShard>>,
}

/// An event that is not what the API promises.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("a record without a sequence number")]
    Record(#[from] InvalidSequenceNumber),
    #[error("an event that neither says where to go on nor that the shard has ended")]
    NoWayOn,
}

impl Event {
    /// The payloads are moved, not copied.
    ///
    /// The children come "only when the end of the current shard is reached" (API reference, `SubscribeToShardEvent`), and
    /// then nothing says where to go on. An empty list beside a place to go on is none.
    pub(crate) fn of(event: SubscribeToShardEvent) -> Result<Self, Malformed> {
        let continuation = SequenceNumber::parse(&event.continuation_sequence_number).ok();
        let children = event.child_shards.filter(|children| !children.is_empty() || continuation.is_none());
        if continuation.is_none() && children.is_none() {
            return Err(Malformed::NoWayOn);
        }
        Ok(Self {
            records: event.records.into_iter().map(convert::record).collect::<Result<_, _>>()?,
            continuation,
            behind: convert::behind(event.millis_behind_latest),
            children: children.map(|children| children.into_iter().map(convert::child).collect()),
        })
    }

    /// What it takes of a budget.
    pub(crate) fn held_bytes(&self) -> usize {
        self.records.iter().map(RawRecord::held_bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_kinesis::primitives::Blob;
    use aws_sdk_kinesis::types::{ChildShard, HashKeyRange, Record};

    use super::*;

    fn event(continuation: &str, children: Option<usize>, number: &str) -> Result<Event, Malformed> {
        let range = HashKeyRange::builder().starting_hash_key("0").ending_hash_key("9").build().expect("complete");
        let child = ChildShard::builder().shard_id("c").parent_shards("p").hash_key_range(range).build();
        let child = child.expect("complete");
        let record = Record::builder().sequence_number(number).data(Blob::new("x")).partition_key("k").build();
        let event = SubscribeToShardEvent::builder().records(record.expect("complete"));
        let event = event.continuation_sequence_number(continuation).millis_behind_latest(-1);
        Event::of(event.set_child_shards(children.map(|count| vec![child; count])).build().expect("complete"))
    }

    #[test]
    fn the_last_event_names_children_or_no_place_to_go_on() {
        for (continuation, children, ends) in
            [("7", None, false), ("7", Some(0), false), ("7", Some(2), true), ("", Some(0), true), ("", Some(2), true)]
        {
            let event = event(continuation, children, "5").expect("well formed");
            assert_eq!(event.children.as_ref().map(Vec::len), children.filter(|_| ends), "{continuation} {children:?}");
            assert_eq!(event.continuation, SequenceNumber::parse(continuation).ok());
            assert_eq!((event.records.len(), event.behind), (1, Duration::ZERO));
        }
    }

    #[test]
    fn what_leads_nowhere_is_malformed() {
        assert!(matches!(event("", None, "5"), Err(Malformed::NoWayOn)));
        assert!(matches!(event("7", None, ""), Err(Malformed::Record(_))));
    }
}
