//! Which shard to split, and which two to merge.

use serde_json::{Value, json};

use crate::site::STREAM;

/// A request that splits one of the open shards of a listing, or merges it with the neighbour after it if `merge` is
/// asked for and there is one.
#[must_use]
pub fn choose(shards: &[Value], merge: bool, luck: &mut fastrand::Rng) -> Option<(&'static str, Value)> {
    let open: Vec<_> = shards.iter().filter_map(OpenShard::of).collect();
    let shard = luck.choice(&open)?;
    let after = open.iter().find(|other| merge && shard.last.checked_add(1) == Some(other.first));
    if let Some(after) = after {
        let body = json!({"StreamName": STREAM, "ShardToMerge": shard.id, "AdjacentShardToMerge": after.id});
        return Some(("MergeShards", body));
    }
    let middle = shard.first + (shard.last - shard.first) / 2;
    let body = json!({"StreamName": STREAM, "ShardToSplit": shard.id, "NewStartingHashKey": middle.to_string()});
    Some(("SplitShard", body))
}

/// A shard that takes records, by its hash keys.
struct OpenShard {
    id: String,
    first: u128,
    last: u128,
}

impl OpenShard {
    fn of(shard: &Value) -> Option<Self> {
        let key = |name: &str| shard["HashKeyRange"][name].as_str()?.parse().ok();
        let open = shard["SequenceNumberRange"]["EndingSequenceNumber"].is_null();
        let id = shard["ShardId"].as_str()?.to_owned();
        Some(Self { id, first: key("StartingHashKey")?, last: key("EndingHashKey")? }).filter(|_| open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(id: &str, first: u64, last: u64, closed: bool) -> Value {
        let mut shard = json!({"ShardId": id, "SequenceNumberRange": {},
            "HashKeyRange": {"StartingHashKey": first.to_string(), "EndingHashKey": last.to_string()}});
        if closed {
            shard["SequenceNumberRange"]["EndingSequenceNumber"] = json!("9");
        }
        shard
    }

    #[test]
    fn only_open_shards_are_chosen_and_only_neighbours_are_merged() {
        let mut luck = fastrand::Rng::with_seed(1);
        let shards = [shard("old", 0, 99, true), shard("a", 0, 49, false), shard("b", 50, 99, false)];
        for _ in 0..20 {
            let (operation, body) = choose(&shards, true, &mut luck).expect("some are open");
            if operation == "MergeShards" {
                assert_eq!((&body["ShardToMerge"], &body["AdjacentShardToMerge"]), (&json!("a"), &json!("b")));
            } else {
                assert_eq!((&body["ShardToSplit"], &body["NewStartingHashKey"]), (&json!("b"), &json!("74")));
            }
        }
        assert_eq!(choose(&shards[..1], true, &mut luck), None);
    }
}
