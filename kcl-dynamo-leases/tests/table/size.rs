//! What a lease costs.

use std::time::Duration;

use kcl_core::ids::{ShardId, ShardKey, StreamId, WorkerId};
use kcl_core::lease::{Instance, Lease, Load, Version};
use kcl_core::member::{LeaderLock, LockWrite, MemberReport, Over, Wake};
use kcl_core::position::Position;
use kcl_core::shard::HashKeyRange;
use kcl_core::store::{LeaseAction, LeaseStore, MemberStore};
use kcl_dynamo_leases::costs::Fleet;
use kcl_local::Local;
use serde_json::Value;

use super::{NOW, TABLE, applied, at, item, multi, prepared, shard, single, worker, world, write};

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
    let (units, requests) = written(&local);
    assert_eq!((units, requests), (7.0, 7), "and one for the marker of the migration");
}

/// A report, a hint, its consumption and the leader's beats are one write unit each.
#[tokio::test(start_paused = true)]
async fn every_write_of_the_fleet_is_one_write_unit() {
    let local = world();
    let store = prepared(single(&local)).await;
    let (_, before) = written(&local);
    let me = worker(&format!("{}:{}", "h".repeat(63), "u".repeat(36)));
    assert!(store.report(&report(&me)).await.expect("answered"));
    let hints: Vec<_> = (0..5).map(|number| hint(&format!("shardId-{number:012}"))).collect();
    assert!(store.wake(&me, &hints).await.expect("answered"));
    store.consume(&me, &hints).await.expect("answered");
    let lasts = Duration::from_secs(15);
    let mut lock = LeaderLock { owner: me, version: "v".repeat(36), lasts, released: false };
    assert!(store.lock(&LockWrite::Acquire { seen: None, new: lock.clone() }).await.expect("answered"));
    let from = std::mem::replace(&mut lock.version, "w".repeat(36));
    assert!(store.lock(&LockWrite::Beat { from, new: lock.clone() }).await.expect("answered"));
    let (units, requests) = written(&local);
    assert!((units - f64::from(u32::try_from(requests).expect("few"))).abs() < 0.01, "{units} units");
    assert_eq!(requests - before, 5);
}

/// What the calculation of costs takes for granted about sizes is so, to a tenth.
#[tokio::test(start_paused = true)]
async fn items_are_as_large_as_the_calculation_of_costs_has_them() {
    let local = world();
    let store = prepared(single(&local)).await;
    let me = "ip-10-0-12-34.ec2:6f1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
    let new = Lease {
        parents: vec![ShardId::new("shardId-000000000001")],
        hash_range: HashKeyRange::new(u128::MAX / 4, u128::MAX / 2),
        stream_created: Some(NOW),
        ..Lease::new(shard("shardId-000000000005"), Position::TrimHorizon, None)
    };
    let lease = applied(store.create(&new).await.expect("answered"));
    let lease = applied(store.write(&write(&lease, me, LeaseAction::Take)).await.expect("answered"));
    let position = at("49590338271490256608559692538361571095921575989136588898", 0);
    let load = Load { kbps: Some(871.203_125), busy: Some(0.123) };
    let commit = LeaseAction::Checkpoint { position, load, children: Vec::new() };
    applied(store.write(&write(&lease, me, commit)).await.expect("answered"));
    assert!(store.report(&report(&worker(me))).await.expect("answered"));
    let sizes = Fleet::default();
    for (key, expected) in [("shardId-000000000005", sizes.lease_bytes), (me, sizes.row_bytes)] {
        let item = item(&local, key);
        let attributes = item.as_object().expect("an item").iter();
        let size: usize = attributes.map(|(name, value)| name.len() + bytes(value)).sum();
        let difference = f64::from(u32::try_from(size).expect("small")) / f64::from(expected);
        assert!((0.9..=1.1).contains(&difference), "{key} has {size} bytes, not {expected}: {item}");
    }
}

fn report(by: &WorkerId) -> MemberReport {
    let utilization = (0..10).map(|number| 12.345_678 * f64::from(number)).collect();
    let (instance, over) = (Instance::new(u64::MAX), Over::Seen(None));
    MemberReport { worker: by.clone(), instance, over, now: NOW, cap: Some(100), utilization }
}

fn hint(shard_id: &str) -> Wake {
    Wake::Lease(shard(shard_id), Version::new(1_000_000))
}

fn written(local: &Local) -> (f64, u64) {
    let used = local.dynamodb(|dynamodb, _| {
        let write = |name: &str| ["PutItem", "UpdateItem", "DeleteItem"].contains(&name);
        dynamodb.ledger().total(|line| line.table == TABLE && line.index.is_none() && write(&line.operation))
    });
    (used.write_units, used.requests)
}

/// DynamoDB developer guide, "Item sizes and formats": a number has a byte for each two digits and one more, a list or map
/// three and one for each element.
fn bytes(value: &Value) -> usize {
    let (kind, value) = value.as_object().and_then(|value| value.iter().next()).expect("a typed value");
    match kind.as_str() {
        "S" => value.as_str().map_or(0, str::len),
        "N" => value.as_str().map_or(0, |digits| digits.len().div_ceil(2) + 1),
        "BOOL" | "NULL" => 1,
        "SS" => value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::len).sum(),
        "L" => 3 + value.as_array().into_iter().flatten().map(|element| 1 + bytes(element)).sum::<usize>(),
        "M" => {
            let entries = value.as_object().into_iter().flatten();
            3 + entries.map(|(name, value)| 1 + name.len() + bytes(value)).sum::<usize>()
        }
        other => panic!("no {other} here"),
    }
}
