//! The shards that follow: their leases are made before their parent's end is committed, so that no crash in between can
//! lose them; they are read after it.

use tokio::time::Instant;

use crate::decide::cell::Cell;
use crate::error::{Cause, StoreError};
use crate::event::Event;
use crate::ids::ShardId;
use crate::lease::{CreateReason, Lease};
use crate::position::Position;
use crate::retrieval::WhichShards;
use crate::shard::{ChildShard, Shard};
use crate::shard_task::{News, StreamContext};
use crate::store::{WriteOutcome, within};
use crate::tenure::Tenure;

/// Makes the leases of a finished shard's children that can be made now. Answers the children.
/// This worker begins to hold those whose parents are all finished with this one; the others are left free.
pub(super) async fn make_children(
    shared: &StreamContext,
    tenure: &Tenure,
    named: &[ChildShard],
) -> Result<Vec<ShardId>, Cause> {
    let parent = tenure.start();
    let children = if named.is_empty() { listed_children(shared, parent).await? } else { named.to_vec() };
    for child in &children {
        let others = co_parents(shared, parent, child).await?;
        if tenure.is_over() {
            // Whoever has the parent now may have made the child, read it, and removed its lease.
            return Err(Box::new(tenure.lost()));
        }
        match others {
            Standing::Finished => make(shared, parent, child, true).await?,
            Standing::Unfinished => make(shared, parent, child, false).await?,
            // The other line of a merge has no lease: the whole graph says what is read first.
            Standing::WithoutLease => {}
        }
    }
    let mut ids: Vec<_> = children.into_iter().map(|child| child.id).collect();
    ids.sort();
    Ok(ids)
}

/// The children as the stream lists them. None for a shard that the stream has forgotten with all that followed it.
async fn listed_children(shared: &StreamContext, parent: &Lease) -> Result<Vec<ChildShard>, Cause> {
    let listing = shared.retrieval.list_shards(WhichShards::All).await?;
    Ok(listing
        .shards
        .into_iter()
        .filter(|shard| shard.parents.contains(&parent.shard.shard))
        .map(|shard| ChildShard { id: shard.id, parents: shard.parents, hash_range: shard.hash_range })
        .collect())
}

/// What the table says of a shard.
#[derive(PartialEq, Eq)]
enum Standing {
    Finished,
    Unfinished,
    WithoutLease,
}

/// How another shard of the stream of `lease` stands.
async fn standing(shared: &StreamContext, lease: &Lease, other: &ShardId) -> Result<Standing, StoreError> {
    let other = shared.tenures.store.get(&lease.shard.sibling(other)).await?;
    Ok(match other {
        Some(other) if other.is_finished() => Standing::Finished,
        Some(_) => Standing::Unfinished,
        None => Standing::WithoutLease,
    })
}

async fn co_parents(shared: &StreamContext, parent: &Lease, child: &ChildShard) -> Result<Standing, StoreError> {
    let mut all = Standing::Finished;
    for other in child.parents.iter().filter(|other| **other != parent.shard.shard) {
        match standing(shared, parent, other).await? {
            Standing::Finished => {}
            Standing::Unfinished => all = Standing::Unfinished,
            Standing::WithoutLease => return Ok(Standing::WithoutLease),
        }
    }
    Ok(all)
}

async fn make(shared: &StreamContext, parent: &Lease, child: &ChildShard, keep: bool) -> Result<(), StoreError> {
    let mut lease = Lease::new(parent.shard.sibling(&child.id), Position::TrimHorizon, None);
    lease.parents = child.parents.clone();
    lease.parents.sort();
    lease.hash_range = child.hash_range;
    lease.stream_created = parent.stream_created;
    let tenure = keep.then(|| shared.next_tenure());
    if let Some(tenure) = tenure {
        lease.owner = Some(shared.worker.clone());
        lease.stamp = Some(Cell::first_stamp(shared.instance, tenure));
        lease.born = Some(shared.tenures.wall.now());
    }
    let sent = Instant::now();
    let limit = shared.tenures.timing.attempt;
    let answer = within(limit, shared.tenures.store.create(&lease)).await?;
    let made = match answer {
        WriteOutcome::Applied(made) => made,
        // Made by an earlier attempt of ours whose answer was lost.
        WriteOutcome::Refused(Some(row)) if tenure.is_some() && row.stamp == lease.stamp => row,
        WriteOutcome::Refused(_) => return Ok(()),
    };
    shared.tenures.reporter.emit(&Event::LeaseCreated {
        shard: made.shard.clone(),
        checkpoint: made.checkpoint.clone(),
        reason: CreateReason::ParentFinished,
    });
    if let Some(tenure) = tenure
        && made.version == crate::lease::Version::NEW
    {
        let cell = Cell::new(shared.worker.clone(), shared.instance, tenure, made, sent);
        drop(shared.news.send(News::Began(Box::new(cell))));
    }
    Ok(())
}

/// Whether all of a shard's parents are finished, or gone from the table.
pub(super) async fn parents_finished(shared: &StreamContext, lease: &Lease) -> Result<bool, Cause> {
    let mut missing = Vec::new();
    for parent in &lease.parents {
        match standing(shared, lease, parent).await? {
            Standing::Finished => {}
            Standing::Unfinished => return Ok(false),
            Standing::WithoutLease => missing.push(parent),
        }
    }
    if missing.is_empty() || lease.checkpoint != Position::TrimHorizon {
        return Ok(true);
    }
    // A Java leader that finds a hole between the leases makes leases in it also of shards whose parents have none yet: those
    // are made when their own parents are finished.
    let listing = shared.retrieval.list_shards(WhichShards::All).await?;
    let mut line = Vec::new();
    for parent in missing {
        add_line(&listing.shards, parent, &mut line);
    }
    // The oldest first: the lease of a shard is made before its parent's end is committed, so that one of them is seen.
    for ancestor in line {
        if standing(shared, lease, ancestor).await? == Standing::Unfinished {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Adds a shard that the stream still lists, behind all of its ancestors that it lists.
fn add_line<'a>(shards: &'a [Shard], id: &ShardId, line: &mut Vec<&'a ShardId>) {
    let Some(shard) = shards.iter().find(|shard| shard.id == *id) else { return };
    if !line.contains(&&shard.id) {
        for parent in &shard.parents {
            add_line(shards, parent, line);
        }
        line.push(&shard.id);
    }
}
