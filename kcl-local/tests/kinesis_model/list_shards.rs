//! Listing shards.

use kcl_local::Timestamp;
use kcl_local::kinesis::ShardFilter::{
    AfterShardId, AtLatest, AtTimestamp, AtTrimHorizon, FromTimestamp, FromTrimHorizon,
};
use kcl_local::kinesis::{ErrorCode, ListShards, Settings, ShardId, StreamSpec};
use serde_json::json;

use super::world::{HOUR, S, START, World, refusal};

/// Shards 0 and 1 from the start; 0 split into 2 and 3 at the first time returned, 3 and 1 merged into 4 at the second.
fn resharded() -> (World, Timestamp, Timestamp) {
    let mut world = World::with_stream(2);
    world.pass(HOUR);
    let split = Timestamp(world.now.0 + 1000);
    world.split(0);
    world.pass(HOUR);
    let merged = Timestamp(world.now.0 + 1000);
    world.merge(3, 1);
    (world, split, merged)
}

#[test]
fn each_filter_lists_what_it_says() {
    let (mut world, split, merged) = resharded();
    let before = |time: Timestamp| Timestamp(time.0 - 1);
    let after = |time: Timestamp| Timestamp(time.0 + 1);
    let cases = [
        (FromTrimHorizon, vec![0, 1, 2, 3, 4]),
        (AtTrimHorizon, vec![0, 1]),
        (AtLatest, vec![2, 4]),
        (AfterShardId(ShardId(1)), vec![2, 3, 4]),
        (AfterShardId(ShardId(4)), vec![]),
        (AtTimestamp(before(START)), vec![]),
        (AtTimestamp(START), vec![0, 1]),
        (AtTimestamp(before(split)), vec![0, 1]),
        (AtTimestamp(split), vec![0, 1, 2, 3]),
        (AtTimestamp(after(split)), vec![1, 2, 3]),
        (AtTimestamp(after(merged)), vec![2, 4]),
        (FromTimestamp(Timestamp(0)), vec![0, 1, 2, 3, 4]),
        (FromTimestamp(split), vec![0, 1, 2, 3, 4]),
        (FromTimestamp(after(split)), vec![1, 2, 3, 4]),
        (FromTimestamp(after(merged)), vec![2, 4]),
    ];
    for (filter, expected) in cases {
        assert_eq!(world.listed(filter), expected, "{filter:?}");
    }
}

#[test]
fn filters_follow_the_trim_horizon() {
    let (mut world, split, merged) = resharded();
    // The horizon lies between the two reshards: shard 0 has expired.
    world.now = Timestamp(split.0 + 24 * HOUR + 5);
    let cases = [
        (FromTrimHorizon, vec![1, 2, 3, 4]),
        (AtTrimHorizon, vec![1, 2, 3]),
        (AtLatest, vec![2, 4]),
        (FromTimestamp(Timestamp(0)), vec![1, 2, 3, 4]),
    ];
    for (filter, expected) in cases {
        assert_eq!(world.listed(filter), expected, "{filter:?}");
    }
    world.now = Timestamp(merged.0 + 24 * HOUR);
    assert_eq!(world.listed(AtTrimHorizon), [2, 4]);
    assert_eq!(world.listed(FromTrimHorizon), [2, 4]);
}

#[test]
fn pages_cover_every_shard_once_and_keep_the_filter() {
    let (mut world, ..) = resharded();
    for (filter, all) in [(FromTrimHorizon, vec![0, 1, 2, 3, 4]), (AtLatest, vec![2, 4])] {
        for size in 1..=6 {
            let request = ListShards { filter, max_results: Some(size), ..ListShards::default() };
            let mut page = world.kinesis.list_shards(S, &request, world.now).expect("a page");
            let mut seen: Vec<u32> = page.shards.iter().map(|shard| shard.shard_id.0).collect();
            while let Some(token) = page.next_token {
                assert_eq!(page.shards.len(), size);
                page = world.kinesis.list_more_shards(&token, Some(size), world.now).expect("a page");
                seen.extend(page.shards.iter().map(|shard| shard.shard_id.0));
            }
            assert_eq!(seen, all, "{filter:?} in pages of {size}");
        }
    }
}

#[test]
fn a_page_has_at_most_a_thousand_shards_whatever_is_asked() {
    let mut world = World::with_stream(1001);
    for max_results in [None, Some(1000), Some(5000)] {
        let request = ListShards { max_results, ..ListShards::default() };
        let page = world.kinesis.list_shards(S, &request, world.now).expect("a page");
        assert_eq!(page.shards.len(), 1000);
        let rest =
            world.kinesis.list_more_shards(&page.next_token.expect("one more"), None, world.now).expect("a page");
        assert_eq!((rest.shards.len(), rest.next_token), (1, None));
    }
    let none = ListShards { max_results: Some(0), ..ListShards::default() };
    assert_eq!(refusal(world.kinesis.list_shards(S, &none, world.now)), ErrorCode::Validation);
}

#[test]
fn a_listing_can_start_after_a_shard() {
    let (mut world, ..) = resharded();
    let after = Some(ShardId(2));
    let request = ListShards { exclusive_start_shard_id: after, ..ListShards::default() };
    let page = world.kinesis.list_shards(S, &request, world.now).expect("a page");
    assert_eq!(page.shards.iter().map(|shard| shard.shard_id.0).collect::<Vec<_>>(), [3, 4]);
    let request = ListShards { filter: AtLatest, exclusive_start_shard_id: after, ..ListShards::default() };
    let page = world.kinesis.list_shards(S, &request, world.now).expect("a page");
    assert_eq!(page.shards.iter().map(|shard| shard.shard_id.0).collect::<Vec<_>>(), [4]);
}

#[test]
fn a_token_lives_300_seconds() {
    let mut world = World::with_stream(3);
    let request = ListShards { max_results: Some(1), ..ListShards::default() };
    let token = world.kinesis.list_shards(S, &request, world.now).expect("a page").next_token.expect("more");
    world.pass(300_000);
    let second = world.kinesis.list_more_shards(&token, Some(1), world.now).expect("in time").next_token.expect("more");
    world.pass(1);
    assert_eq!(refusal(world.kinesis.list_more_shards(&token, None, world.now)), ErrorCode::ExpiredNextToken);
    world.kinesis.list_more_shards(&second, None, world.now).expect("the new token has its own life");
    assert_eq!(refusal(world.kinesis.list_more_shards("junk", None, world.now)), ErrorCode::InvalidArgument);
}

#[test]
fn a_token_of_a_former_stream_of_the_same_name_is_refused() {
    let mut world = World::with_stream(3);
    let request = ListShards { max_results: Some(1), ..ListShards::default() };
    let token = world.kinesis.list_shards(S, &request, world.now).expect("a page").next_token.expect("more");
    world.kinesis.delete_stream(S, world.now).expect("accepted");
    world.settle();
    world.create(S, StreamSpec::provisioned(3));
    assert_eq!(refusal(world.kinesis.list_more_shards(&token, None, world.now)), ErrorCode::ResourceNotFound);
}

#[test]
fn the_creation_time_to_the_second_tells_streams_of_one_name_apart() {
    let mut world = World::with_stream(1);
    for (time, found) in [(START.0, true), (START.0 / 1000 * 1000, true), (START.0 + 1000, false), (0, false)] {
        let request = ListShards { stream_creation_timestamp: Some(Timestamp(time)), ..ListShards::default() };
        let result = world.kinesis.list_shards(S, &request, world.now);
        assert_eq!(result.is_ok(), found, "{time}");
    }
}

#[test]
fn a_token_excludes_what_it_says_itself() {
    let mut world = World::with_stream(3);
    let page = world.call("ListShards", &json!({"StreamName": S, "MaxResults": 1})).expect("a page");
    let token = &page["NextToken"];
    let arn = world.kinesis.settings().stream_arn(S);
    let cases = [
        (json!({"NextToken": token}), true),
        (json!({"NextToken": token, "MaxResults": 2, "StreamARN": arn}), true),
        (json!({"NextToken": token, "StreamName": S}), false),
        (json!({"NextToken": token, "ExclusiveStartShardId": "shardId-000000000000"}), false),
        (json!({"NextToken": token, "StreamCreationTimestamp": 1_700_000_000}), false),
    ];
    for (request, allowed) in cases {
        let result = world.call("ListShards", &request);
        assert_eq!(result.is_ok(), allowed, "{request}");
        assert!(allowed || result.is_err_and(|(code, _)| code == "InvalidArgumentException"));
    }
}

#[test]
fn a_filter_needs_its_own_operand_and_no_other() {
    let mut world = World::with_stream(2);
    let shard = "shardId-000000000000";
    let cases = [
        (json!({"Type": "AFTER_SHARD_ID", "ShardId": shard}), Some(1)),
        (json!({"Type": "AT_LATEST"}), Some(2)),
        (json!({"Type": "FROM_TIMESTAMP", "Timestamp": 1_700_000_000.5}), Some(2)),
        (json!({"Type": "AT_TIMESTAMP", "Timestamp": 1_700_000_000.123}), Some(2)),
        (json!({"Type": "AT_TIMESTAMP", "Timestamp": 1_700_000_000.122}), Some(0)),
        (json!({"Type": "AFTER_SHARD_ID"}), None),
        (json!({"Type": "AT_TIMESTAMP"}), None),
        (json!({"Type": "FROM_TIMESTAMP", "ShardId": shard}), None),
        (json!({"Type": "AT_LATEST", "Timestamp": 1}), None),
        (json!({"Type": "AT_NOON"}), None),
    ];
    for (filter, expected) in cases {
        let result = world.call("ListShards", &json!({"StreamName": S, "ShardFilter": filter}));
        let count = result.ok().map(|body| body["Shards"].as_array().expect("a list").len());
        assert_eq!(count, expected, "{filter}");
    }
}

#[test]
fn a_stream_can_be_listed_a_thousand_times_a_second() {
    let settings = Settings { list_shards_calls_per_second: 3, ..Settings::default() };
    assert_eq!(Settings::default().list_shards_calls_per_second, 1000);
    let mut world = World::with_settings(1, settings);
    for _ in 0..3 {
        world.listed(AtLatest);
    }
    let fourth = world.kinesis.list_shards(S, &ListShards::default(), world.now);
    assert_eq!(refusal(fourth), ErrorCode::LimitExceeded);
    world.pass(1000);
    world.listed(AtLatest);
}
