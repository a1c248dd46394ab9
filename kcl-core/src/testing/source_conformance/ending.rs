//! What the end of a shard promises.

use std::time::Duration;

use super::{Subject, assert_numbers, next_records, read_to_end, read_to_tip};
use crate::ids::ShardId;
use crate::retrieval::{StartAt, WhichShards};
use crate::shard::ChildShard;

impl Subject {
    /// The children of a shard, as the listing has them.
    async fn children(&self, parent: &ShardId) -> Vec<ChildShard> {
        let listing = self.retrieval.list_shards(WhichShards::All).await.expect("listed");
        let children = listing.shards.into_iter().filter(|shard| shard.parents.contains(parent));
        let children =
            children.map(|shard| ChildShard { id: shard.id, parents: shard.parents, hash_range: shard.hash_range });
        sorted(children.collect())
    }
}

/// In the order of their ids, parents too: neither has one that is promised.
fn sorted(mut children: Vec<ChildShard>) -> Vec<ChildShard> {
    for child in &mut children {
        child.parents.sort();
    }
    children.sort_by(|left, right| left.id.cmp(&right.id));
    children
}

/// A shard that was split ends once its last record is read, for one who was reading it and for one who begins later; and
/// the children are read from their beginning.
pub async fn a_closed_shard_ends_after_its_last_record(subject: &Subject) {
    let shard = subject.only_shard().await;
    subject.put(&shard, 0..5).await;
    let mut reading = subject.open(&shard, &StartAt::TrimHorizon).await;
    let mut records = next_records(&mut reading).await.records;
    subject.put(&shard, 5..8).await;
    subject.world.split(&shard).await;
    let children = subject.children(&shard).await;
    assert_eq!(children.len(), 2);

    let (rest, named) = read_to_end(&mut reading).await;
    records.extend(rest);
    assert_numbers(&records, 0..8);
    assert_eq!(sorted(named), children);
    drop(reading);
    let mut beginning = subject.open(&shard, &StartAt::TrimHorizon).await;
    let (records, named) = read_to_end(&mut beginning).await;
    assert_numbers(&records, 0..8);
    assert_eq!(sorted(named), children);

    for child in children {
        subject.put(&child.id, 0..3).await;
        let mut source = subject.open(&child.id, &StartAt::TrimHorizon).await;
        assert_numbers(&read_to_tip(&mut source).await, 0..3);
    }
}

/// Two shards that were merged name the same child, and it names both.
pub async fn merged_shards_end_with_the_same_child(subject: &Subject) {
    let shards = subject.shards().await;
    for shard in &shards {
        subject.put(shard, 0..3).await;
    }
    subject.world.merge(&shards[0], &shards[1]).await;
    let children = subject.children(&shards[0]).await;
    assert_eq!(children.iter().map(|child| &child.parents).collect::<Vec<_>>(), [&shards]);
    for shard in &shards {
        let mut source = subject.open(shard, &StartAt::TrimHorizon).await;
        let (records, named) = read_to_end(&mut source).await;
        assert_numbers(&records, 0..3);
        assert_eq!(sorted(named), children);
    }
}

/// A shard may end that never had a record, and one that is read from its tip.
pub async fn a_shard_closed_without_records_ends(subject: &Subject) {
    let shard = subject.only_shard().await;
    let mut latest = subject.open(&shard, &StartAt::Latest).await;
    assert_numbers(&next_records(&mut latest).await.records, 0..0);
    subject.world.split(&shard).await;
    let (records, children) = read_to_end(&mut latest).await;
    assert_numbers(&records, 0..0);
    assert_eq!(children.len(), 2);
    drop(latest);
    let mut beginning = subject.open(&shard, &StartAt::TrimHorizon).await;
    let (records, children) = read_to_end(&mut beginning).await;
    assert_numbers(&records, 0..0);
    assert_eq!(children.len(), 2);
}

/// Whoever stopped at the last record of a shard gets its end, and with it the children.
pub async fn a_shard_is_read_from_its_last_record_to_its_end(subject: &Subject) {
    let shard = subject.only_shard().await;
    let last = subject.put(&shard, 0..3).await.pop().expect("three");
    subject.world.split(&shard).await;
    for (from, first) in [(StartAt::At(last.clone()), 2), (StartAt::After(last), 3)] {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut source = subject.open(&shard, &from).await;
        let (records, children) = read_to_end(&mut source).await;
        assert_numbers(&records, first..3);
        assert_eq!(sorted(children), subject.children(&shard).await);
    }
}
