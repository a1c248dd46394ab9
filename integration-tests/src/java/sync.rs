//! Which leases there must be: the leader makes those that are missing.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_kinesis::types::{Shard, ShardFilter, ShardFilterType};

use super::lease::JavaLease;
use super::process::Process;
use super::table::Trouble;
use crate::site::STREAM;

/// After how many sights of the same hole the leader believes it.
const SIGHTS: u32 = 3;

impl Process {
    /// Looks for holes for ever, while this worker leads.
    pub(super) async fn audit_on(&self) {
        tokio::time::sleep(self.pace.first_audit).await;
        let mut hole = (None, 0);
        loop {
            if self.is_leader().await
                && let Ok(items) = self.table.scan_in_segments().await
            {
                let leases: Vec<_> = items.iter().filter_map(JavaLease::of).collect();
                let seen = first_hole(&leases);
                hole = if seen.is_some() && seen == hole.0 {
                    (seen, hole.1 + 1)
                } else {
                    (seen, u32::from(seen.is_some()))
                };
                if leases.is_empty() || hole.1 >= SIGHTS {
                    self.say("finds a hole between the leases");
                    if let Err(trouble) = self.sync_shards().await {
                        self.say(&format!("cannot sync shards: {}", trouble.0));
                    }
                    hole = (None, 0);
                }
            }
            tokio::time::sleep(self.pace.audit).await;
        }
    }

    /// Makes the leases that are missing, in the order of their shards.
    pub(super) async fn sync_shards(&self) -> Result<(), Trouble> {
        let empty = self.is_table_empty().await?;
        let shards = self.list_shards(empty).await?;
        let leases: BTreeSet<_> =
            self.table.scan().await?.iter().filter_map(JavaLease::of).map(|lease| lease.key).collect();
        for lease in missing(&shards, &leases) {
            self.table.create(&lease).await?;
        }
        Ok(())
    }

    /// Whether there is no lease yet.
    pub(super) async fn is_table_empty(&self) -> Result<bool, Trouble> {
        Ok(!self.table.scan().await?.iter().any(|item| JavaLease::of(item).is_some()))
    }

    async fn list_shards(&self, from_the_beginning: bool) -> Result<Vec<Shard>, Trouble> {
        let mut request = self.kinesis.list_shards().stream_name(STREAM);
        if from_the_beginning {
            request = request.shard_filter(filter()?);
        }
        let mut all = Vec::new();
        loop {
            let page = request.send().await.map_err(Trouble::from)?;
            all.extend(page.shards.unwrap_or_default());
            let Some(next) = page.next_token else { return Ok(all) };
            request = self.kinesis.list_shards().next_token(next);
        }
    }
}

fn filter() -> Result<ShardFilter, Trouble> {
    ShardFilter::builder().r#type(ShardFilterType::AtTrimHorizon).build().map_err(Trouble::from)
}

fn parents(shard: &Shard) -> Vec<String> {
    [shard.parent_shard_id(), shard.adjacent_parent_shard_id()].into_iter().flatten().map(str::to_owned).collect()
}

/// The leases to make. Where nothing of a shard's family has one, it is made for the shard; where an ancestor has one,
/// those between make each other as they end, and only what is missing right below a lease is made.
fn missing(shards: &[Shard], leases: &BTreeSet<String>) -> Vec<JavaLease> {
    let by_id: BTreeMap<_, _> = shards.iter().map(|shard| (shard.shard_id(), shard)).collect();
    let mut wanted = BTreeSet::new();
    if leases.is_empty() {
        wanted.extend(by_id.keys().copied());
    } else {
        let open =
            |shard: &&Shard| shard.sequence_number_range().is_none_or(|range| range.ending_sequence_number().is_none());
        for shard in shards.iter().filter(open).filter(|shard| !leases.contains(shard.shard_id())) {
            let mut path = shard;
            loop {
                let above = parents(path);
                if above.iter().any(|parent| leases.contains(parent)) {
                    // The shard itself is made by its parent's end.
                    wanted.extend((path.shard_id() != shard.shard_id()).then(|| path.shard_id()));
                    break;
                }
                let Some(parent) = above.iter().find_map(|parent| by_id.get(parent.as_str())) else {
                    wanted.insert(shard.shard_id());
                    break;
                };
                path = parent;
            }
        }
    }
    let lease = |id| {
        let shard: &Shard = by_id.get(id)?;
        let range = shard.hash_key_range()?;
        let range = (range.starting_hash_key().to_owned(), range.ending_hash_key().to_owned());
        let parents = parents(shard).into_iter().filter(|parent| by_id.contains_key(parent.as_str())).collect();
        Some(JavaLease::new(id, parents, range))
    };
    wanted.into_iter().filter_map(lease).collect()
}

/// Where the hash keys of the leases that go on leave a gap first, if they do.
fn first_hole(leases: &[JavaLease]) -> Option<u128> {
    let range = |lease: &JavaLease| {
        let (first, last) = lease.range.as_ref()?;
        Some((first.parse::<u128>().ok()?, last.parse::<u128>().ok()?))
    };
    let mut ranges: Vec<_> = leases.iter().filter(|lease| !lease.checkpoint.is_end()).filter_map(range).collect();
    ranges.sort_unstable();
    let mut next = 0_u128;
    for (first, last) in ranges {
        if first > next {
            return Some(next);
        }
        match last.max(next).checked_add(1) {
            Some(after) => next = after,
            None => return None,
        }
    }
    Some(next)
}
