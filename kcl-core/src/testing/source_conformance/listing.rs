//! What the list of shards promises.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Subject, in_time};
use crate::ids::ShardId;
use crate::position::InitialPosition;
use crate::retrieval::WhichShards;
use crate::shard::Shard;

impl Subject {
    async fn listed(&self, which: WhichShards) -> BTreeMap<ShardId, Shard> {
        let listing = in_time(self.retrieval.list_shards(which)).await.expect("listed");
        let count = listing.shards.len();
        let shards: BTreeMap<_, _> = listing.shards.into_iter().map(|shard| (shard.id.clone(), shard)).collect();
        assert_eq!(shards.len(), count, "each shard is listed once");
        shards
    }
}

/// Every shard is listed, closed ones too, with its parents, its hash keys and its beginning.
pub async fn all_shards_are_listed_with_their_lineage(subject: &Subject) {
    let before = subject.listed(WhichShards::All).await;
    let roots: Vec<_> = before.keys().cloned().collect();
    assert_eq!(roots.len(), 3);
    assert!(before.values().all(|shard| !shard.closed && shard.parents.is_empty()), "{before:?}");

    subject.world.split(&roots[0]).await;
    subject.world.merge(&roots[1], &roots[2]).await;
    let after = subject.listed(WhichShards::All).await;
    assert_eq!(after.len(), 6);
    assert!(roots.iter().all(|root| after[root].closed));
    let children = |parent: &ShardId| after.values().filter(|shard| shard.parents.contains(parent)).collect::<Vec<_>>();
    let [left, right] = children(&roots[0])[..] else { panic!("a split makes two: {after:?}") };
    let (merged, same) = (children(&roots[1]), children(&roots[2]));
    assert_eq!((merged.len(), &merged), (1, &same));
    for child in [left, right, merged[0]] {
        assert!(!child.closed, "{child:?}");
        for parent in &child.parents {
            assert!(child.starting_sequence > after[parent].starting_sequence, "{child:?}");
        }
    }
    let width = |shard: &Shard| shard.hash_range.map(|range| range.end() - range.start()).expect("a range");
    assert_eq!(width(left) + width(right) + 1, width(&after[&roots[0]]));
    assert_eq!(width(merged[0]), width(&after[&roots[1]]) + width(&after[&roots[2]]) + 1);
}

/// The shards of a moment are those that were open then: the parents before a split, the children afterwards.
pub async fn the_shards_open_at_a_time_are_listed(subject: &Subject) {
    let before: Vec<_> = subject.listed(WhichShards::All).await.into_keys().collect();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let then = subject.world.now();
    tokio::time::sleep(Duration::from_secs(2)).await;
    subject.world.split(&before[0]).await;
    let all = subject.listed(WhichShards::All).await;
    let open: Vec<_> = all.values().filter(|shard| !shard.closed).map(|shard| shard.id.clone()).collect();
    assert_eq!(open.len(), 3);
    for (position, expected) in [
        (InitialPosition::TrimHorizon, &before),
        (InitialPosition::AtTimestamp(then), &before),
        (InitialPosition::Latest, &open),
    ] {
        let listed: Vec<_> = subject.listed(WhichShards::OpenAt(position)).await.into_keys().collect();
        assert_eq!(&listed, expected, "{position}");
    }
}

/// The time of a listing is the service's: never later than it is there, and not much earlier.
pub async fn the_service_time_is_not_later_than_the_truth(subject: &Subject) {
    for pause in [0, 1, 333, 999, 1_500] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let before = subject.world.now();
        let listing = in_time(subject.retrieval.list_shards(WhichShards::All)).await.expect("listed");
        let (told, after) = (listing.service_time, subject.world.now());
        assert!(told <= after, "{told} is later than {after}");
        assert!(before.since(told) < Duration::from_secs(1), "{told} is much earlier than {before}");
    }
}

/// When a stream was created, if it is told.
pub async fn a_stream_was_created_in_the_past(subject: &Subject) {
    let created = in_time(subject.retrieval.created()).await.expect("answered");
    assert!(created.is_none_or(|created| created <= subject.world.now()), "{created:?}");
    assert_eq!(in_time(subject.retrieval.created()).await.expect("answered"), created, "it does not change");
}
