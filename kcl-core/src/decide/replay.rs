//! Where each lease of a stream goes when an application is made to start again at another position.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::reconcile::Graph;
use crate::ids::{ShardId, ShardKey, StreamId};
use crate::lease::Lease;
use crate::position::{Position, SequenceNumber};
use crate::shard::Shard;
use crate::time::Timestamp;

/// What happens to one lease.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The shard has no lease: add this one.
    Create(Lease),
    /// Move this lease's position.
    Move {
        /// The lease as it was seen.
        seen: Lease,
        /// The new position.
        to: Position,
        /// The time that goes with it.
        start: Option<Timestamp>,
    },
}

/// Where reading begins again.
#[derive(Debug, Clone)]
pub enum Begin<'a> {
    /// At one position of the whole stream: these shards were open there, and it is stored as this.
    Stream {
        /// The shards that were open.
        open: &'a [Shard],
        /// What their leases store.
        position: Position,
        /// The time that goes with it.
        start: Option<Timestamp>,
    },
    /// After these records.
    Records(&'a BTreeMap<ShardKey, SequenceNumber>),
}

/// All changes, parents before children, for a stream that was created then, if that is known: as long as not all are made, children still wait.
///
/// The shards at which reading begins get the position. All that follows them is read again from its beginning, finished
/// shards too, as long as the stream still has them. Of the rest, a shard that is being read and has ended before the
/// position is read from there, which is its end; a finished one stays finished.
#[must_use]
pub fn plan(
    stream: &StreamId,
    shards: &[Shard],
    leases: &[Lease],
    created: Option<Timestamp>,
    begin: &Begin<'_>,
) -> Vec<Change> {
    let graph = Graph::new(stream, shards, leases, None);
    let leases: BTreeMap<&ShardId, &Lease> =
        leases.iter().filter(|lease| lease.shard.stream == *stream).map(|lease| (&lease.shard.shard, lease)).collect();
    let first: BTreeMap<&ShardId, (Position, Option<Timestamp>)> = match begin {
        Begin::Stream { open, position, start } => {
            let all: Vec<_> = shards.iter().filter(|shard| !shard.closed).map(|shard| shard.id.clone()).collect();
            let begin = |was_open| if was_open { (position.clone(), *start) } else { (Position::TrimHorizon, None) };
            let firsts = graph.first_of_lines(&all, open).into_iter();
            firsts.map(|(shard, was_open)| (&shard.id, begin(was_open))).collect()
        }
        Begin::Records(records) => records
            .iter()
            .filter(|(key, _)| key.stream == *stream)
            .map(|(key, sequence)| (&key.shard, (Position::at(sequence.clone()), None)))
            .collect(),
    };
    let mut ordered: Vec<&Shard> = shards.iter().collect();
    ordered.sort_by_key(|shard| (&shard.starting_sequence, &shard.id));
    let following = following(&ordered, &first.keys().copied().collect());
    let mut changes = Vec::new();
    for shard in ordered {
        let lease = leases.get(&shard.id).copied();
        let (to, start) = match (first.get(&shard.id), lease, begin) {
            (Some(begin), ..) => begin.clone(),
            (None, ..) if following.contains(&shard.id) => (Position::TrimHorizon, None),
            (None, Some(lease), Begin::Stream { position, start, .. }) if !lease.is_finished() => {
                (position.clone(), *start)
            }
            _ => continue,
        };
        if let Some(seen) = lease {
            changes.push(Change::Move { seen: seen.clone(), to, start });
            continue;
        }
        let mut lease = Lease::new(ShardKey::new(stream.clone(), shard.id.clone()), to, start);
        lease.parents.clone_from(&shard.parents);
        lease.parents.sort();
        lease.hash_range = shard.hash_range;
        lease.stream_created = created;
        changes.push(Change::Create(lease));
    }
    changes
}

/// All shards that were made of these, directly or not. A shard's parents have lower sequence numbers, and come first.
fn following<'a>(ordered: &[&'a Shard], first: &BTreeSet<&'a ShardId>) -> BTreeSet<&'a ShardId> {
    let mut reached = first.clone();
    for shard in ordered {
        if shard.parents.iter().any(|parent| reached.contains(parent)) {
            reached.insert(&shard.id);
        }
    }
    reached.difference(first).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u32) -> ShardId {
        format!("shardId-{n}").into()
    }

    fn key(n: u32) -> ShardKey {
        ShardKey::new(StreamId::named("s"), id(n))
    }

    /// 0 was split into 1 and 2, these were merged into 3; 4 stands alone.
    fn shards() -> Vec<Shard> {
        let shard = |n: u32, parents: &[u32], closed| Shard {
            id: id(n),
            parents: parents.iter().map(|parent| id(*parent)).collect(),
            hash_range: None,
            starting_sequence: SequenceNumber::parse(&(100 + n).to_string()).ok(),
            closed,
        };
        vec![
            shard(0, &[], true),
            shard(1, &[0], true),
            shard(2, &[0], true),
            shard(3, &[1, 2], false),
            shard(4, &[], false),
        ]
    }

    fn at(n: u32) -> Position {
        Position::at(SequenceNumber::parse(&n.to_string()).expect("digits"))
    }

    fn leases() -> Vec<Lease> {
        let lease = |n, checkpoint| Lease::new(key(n), checkpoint, None);
        // 0 is done and its lease was removed.
        vec![lease(1, Position::ShardEnd), lease(2, Position::ShardEnd), lease(3, at(7)), lease(4, at(9))]
    }

    fn positions(begin: &Begin<'_>) -> Vec<(ShardKey, Position, bool)> {
        plan(&StreamId::named("s"), &shards(), &leases(), None, begin)
            .into_iter()
            .map(|change| match change {
                Change::Create(lease) => (lease.shard, lease.checkpoint, true),
                Change::Move { seen, to, .. } => (seen.shard, to, false),
            })
            .collect()
    }

    #[test]
    fn from_the_oldest_record_everything_that_is_left_is_read_again() {
        let all = shards();
        let open = [all[0].clone(), all[4].clone()];
        let begin = Begin::Stream { open: &open, position: Position::TrimHorizon, start: None };
        let horizon = Position::TrimHorizon;
        let expected = [(0, true), (1, false), (2, false), (3, false), (4, false)]
            .map(|(n, created)| (key(n), horizon.clone(), created));
        assert_eq!(positions(&begin), expected);
    }

    #[test]
    fn from_a_time_what_ended_before_it_stays_finished() {
        let all = shards();
        let open = [all[1].clone(), all[2].clone(), all[4].clone()];
        let start = Some(Timestamp::from_millis(5));
        let begin = Begin::Stream { open: &open, position: Position::AtTimestamp, start };
        let time = Position::AtTimestamp;
        assert_eq!(
            positions(&begin),
            [
                (key(1), time.clone(), false),
                (key(2), time.clone(), false),
                (key(3), Position::TrimHorizon, false),
                (key(4), time, false)
            ]
        );
    }

    #[test]
    fn from_a_time_that_the_stream_has_forgotten_everything_that_is_left_is_read_again() {
        let begin = Begin::Stream { open: &[], position: Position::AtTimestamp, start: Some(Timestamp::default()) };
        let shards: Vec<_> = positions(&begin).into_iter().map(|(shard, to, _)| (shard, to)).collect();
        assert_eq!(shards, [0, 1, 2, 3, 4].map(|n| (key(n), Position::TrimHorizon)));
    }

    #[test]
    fn from_now_on_a_shard_that_was_being_read_and_has_ended_is_read_at_its_end() {
        let mut shards = shards();
        shards[4].closed = true;
        let open = [shards[3].clone()];
        let begin = Begin::Stream { open: &open, position: Position::Latest, start: None };
        let moved: Vec<_> = plan(&StreamId::named("s"), &shards, &leases(), None, &begin).into_iter().collect();
        assert_eq!(moved.len(), 2, "3 and 4; 0, 1 and 2 are finished: {moved:?}");
    }

    #[test]
    fn from_a_record_its_shard_goes_on_and_what_follows_is_read_again() {
        let records = BTreeMap::from([(key(1), SequenceNumber::parse("55").expect("digits"))]);
        assert_eq!(
            positions(&Begin::Records(&records)),
            [(key(1), at(55), false), (key(3), Position::TrimHorizon, false)]
        );
    }
}
