//! What a lease costs.

use kcl_core::ids::{ShardId, ShardKey, StreamId};
use kcl_core::lease::{Lease, Load};
use kcl_core::position::Position;
use kcl_core::shard::HashKeyRange;
use kcl_core::store::{LeaseAction, LeaseStore};

use super::{NOW, TABLE, applied, at, multi, prepared, worker, world, write};

/// Every write of a lease with all that a lease can have, and names as long as they get in practice, is one write unit.
#[tokio::test(start_paused = true)]
async fn every_write_of_a_large_lease_is_one_write_unit() {
    let local = world();
    let store = prepared(multi(&local)).await;
    super::seconds(90).await;
    let stream = format!("123456789012:{}:1699999999", "s".repeat(128));
    let stream = StreamId::parse_qualified(&stream).expect("qualified");
    let (a, b) =
        (format!("{}:{}", "h".repeat(63), "u".repeat(36)), worker(&format!("{}:{}", "i".repeat(63), "v".repeat(36))));
    let new = Lease {
        checkpoint_owner: Some(b),
        parents: vec![ShardId::new("shardId-000000000001"), ShardId::new("shardId-000000000002")],
        hash_range: HashKeyRange::new(u128::MAX / 2, u128::MAX),
        load: Load { kbps: Some(123_456.789_012), busy: Some(0.987_654) },
        start: Some(NOW),
        stream_created: Some(NOW),
        ..Lease::new(ShardKey::new(stream, "shardId-000000000005"), Position::AtTimestamp, None)
    };
    let mut lease = applied(store.create(&new).await.expect("answered"));
    let position = at("49590338271490256608559692538361571095921575989136588898", 1_000_000);
    let children = vec![ShardId::new("shardId-000000000011"), ShardId::new("shardId-000000000012")];
    for action in [
        LeaseAction::Take,
        LeaseAction::Claim,
        LeaseAction::Renew { load: Load { kbps: Some(123_456.789_012), busy: Some(0.987_654) } },
        LeaseAction::Checkpoint {
            position,
            load: Load { kbps: Some(123_456.789_012), busy: Some(0.987_654) },
            children,
        },
        LeaseAction::Renew { load: Load::default() },
    ] {
        lease = applied(store.write(&write(&lease, &a, action)).await.expect("answered"));
    }
    let used = local.dynamodb(|dynamodb, _| {
        dynamodb.ledger().total(|line| line.table == TABLE && line.index.is_none() && line.operation != "Query")
    });
    assert_eq!((used.write_units, used.requests), (6.0, 6));
}
