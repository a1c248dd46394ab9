//! Workers' rows as the Java KCL writes and reads them, and what this crate adds.

use std::time::Duration;

use kcl_core::error::StoreErrorKind;
use kcl_core::ids::ShardKey;
use kcl_core::lease::{Instance, Lease, Version};
use kcl_core::member::{Member, MemberReport, Over, Wake};
use kcl_core::position::Position;
use kcl_core::store::{LeaseStore, MemberStore};
use kcl_core::time::Timestamp;
use kcl_local::dynamodb::StaleReads;
use kcl_local::{Local, Settings};
use serde_json::{Value, json};

use super::java_items::java_item;
use super::{NOW, TABLE, applied, item, multi, multi_stream, prepared, put, shard, single, worker, world};

const ME: &str = "host:1";
const INSTANCE: Instance = Instance::new(0xfeed);
const JAVA_ID: &str = "ip-10-0-12-34:6f1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
const JAVA_REPORTED: u64 = 1_767_225_600;

/// A row as a Java worker writes it.
fn java_row() -> Value {
    java_item("other_entities")[0].clone()
}

fn java_member() -> Member {
    Member {
        worker: worker(JAVA_ID),
        instance: None,
        reported: Timestamp::from_millis(JAVA_REPORTED * 1000),
        leaving: false,
        assignable: true,
        cap: None,
        utilization: Some(12.25),
        wakes: Vec::new(),
    }
}

fn first(utilization: Vec<f64>) -> MemberReport {
    let (over, cap) = (Over::Seen(None), Some(7));
    MemberReport { worker: worker(ME), instance: INSTANCE, over, now: NOW, cap, utilization }
}

async fn reported(store: &impl MemberStore, report: &MemberReport) -> bool {
    store.report(report).await.expect("answered")
}

async fn member(store: &impl MemberStore, id: &str) -> Option<Member> {
    store.member(&worker(id), true).await.expect("answered")
}

#[tokio::test(start_paused = true)]
async fn a_report_has_all_that_the_java_kcl_reads() {
    let local = world();
    let store = prepared(single(&local)).await;
    assert!(reported(&store, &first(vec![12.5, 1.0 / 3.0])).await);
    let mut row = json!({
        "leaseKey": {"S": ME}, "entityType": {"S": "WORKER_METRIC_STATS"},
        "lut": {"N": "1800000000"}, "sup": {"N": "1"}, "slu": {"N": "1800000000"},
        "sts": {"M": {"C": {"L": [{"N": "12.5"}, {"N": "0.333333"}]}}}, "opr": {"M": {"C": {"L": [{"N": "100"}]}}},
        "rs_inst": {"S": "000000000000feed"}, "rs_lut": {"N": "1800000000"}, "rs_cap": {"N": "7"}, "rs_proto": {"N": "1"},
    });
    assert_eq!(item(&local, ME), row);

    let now = Timestamp::from_millis(NOW.millis() + 30_000);
    assert!(reported(&store, &MemberReport { over: Over::Own, cap: None, now, ..first(vec![]) }).await);
    for name in ["lut", "slu", "rs_lut"] {
        row[name] = json!({"N": "1800000030"});
    }
    row["sts"] = json!({"M": {}});
    row["opr"] = json!({"M": {}});
    row.as_object_mut().expect("object").remove("rs_cap");
    assert_eq!(item(&local, ME), row);
}

#[tokio::test(start_paused = true)]
async fn a_report_keeps_what_it_does_not_know() {
    let local = world();
    let store = prepared(single(&local)).await;
    let mut row = java_row();
    row["leaseKey"] = json!({"S": ME});
    row["properties"] = json!({"M": {"zone": {"S": "a"}}});
    row["someday"] = json!({"NS": ["1"]});
    put(&local, &row);
    assert!(reported(&store, &first(vec![])).await);
    assert!(store.wake(&worker(ME), &[Wake::Look]).await.expect("answered"));
    assert!(store.resign(&worker(ME), INSTANCE, NOW).await.expect("answered"));
    let after = item(&local, ME);
    assert_eq!((&after["properties"], &after["someday"]), (&row["properties"], &row["someday"]));
}

#[tokio::test(start_paused = true)]
async fn a_row_of_a_java_worker_is_read_as_its_leader_reads_it() {
    let limits = |limit: &str| json!({"M": {"C": {"L": [{"N": limit}]}}});
    let means = |means: &[&str]| {
        let list: Vec<_> = means.iter().map(|mean| json!({"N": mean})).collect();
        json!({"M": {"C": {"L": list}}})
    };
    let nothing = json!({"M": {}});
    let other = json!({"M": {"M": {"L": [{"N": "50"}]}}});
    for (sts, opr, assignable, utilization) in [
        (Some(means(&["40", "-1", "80.5"])), Some(limits("80")), true, Some(60.25)),
        (Some(means(&["12.25", "-1"])), Some(limits("100")), false, Some(12.25)),
        (Some(means(&["-1"])), Some(limits("100")), false, None),
        (Some(means(&[])), Some(limits("100")), true, None),
        (Some(means(&["5"])), Some(limits("0")), false, Some(5.0)),
        (Some(means(&["5"])), Some(json!({"M": {"C": {"L": []}}})), false, Some(5.0)),
        (Some(means(&["5"])), Some(other.clone()), false, Some(5.0)),
        (Some(other.clone()), Some(other), true, None),
        (Some(nothing.clone()), Some(nothing.clone()), true, None),
        (None, Some(nothing.clone()), false, None),
        (Some(nothing), None, false, None),
        (None, None, false, None),
    ] {
        let local = world();
        let store = prepared(single(&local)).await;
        let mut row = java_row();
        for (name, value) in [("sts", sts), ("opr", opr)] {
            row.as_object_mut().expect("object").remove(name);
            if let Some(value) = value {
                row[name] = value;
            }
        }
        put(&local, &row);
        let expected = Member { assignable, utilization, ..java_member() };
        assert_eq!(member(&store, JAVA_ID).await.as_ref(), Some(&expected), "{row}");
        assert_eq!(store.list().await.expect("answered").members, [expected]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_java_worker_wrote_under_our_id_is_its_own() {
    let local = world();
    let store = prepared(single(&local)).await;
    assert!(reported(&store, &first(vec![])).await);
    assert!(store.wake(&worker(ME), &[Wake::Look]).await.expect("answered"));
    // The Java worker updates what it knows, and knows nothing of the rest.
    let mut row = item(&local, ME);
    for (name, value) in java_row().as_object().expect("object") {
        if name != "leaseKey" {
            row[name] = value.clone();
        }
    }
    row["opr"] = json!({"M": {"C": {"L": [{"N": "80"}]}}});
    put(&local, &row);
    let java = Member { worker: worker(ME), assignable: false, ..java_member() };
    assert_eq!(member(&store, ME).await.as_ref(), Some(&java));

    assert!(!store.wake(&worker(ME), &[Wake::Look]).await.expect("answered"), "a Java worker is not woken");
    assert!(!store.resign(&worker(ME), INSTANCE, NOW).await.expect("answered"));
    assert!(!reported(&store, &MemberReport { over: Over::Own, ..first(vec![]) }).await);
    let ours = Member { instance: Some(INSTANCE), ..java.clone() };
    store.remove_member(&ours).await.expect("answered");
    assert_eq!(item(&local, ME), row, "nothing of that changed it");

    let earlier = Member { reported: Timestamp::from_millis(JAVA_REPORTED * 1000 - 30_000), ..java.clone() };
    store.remove_member(&earlier).await.expect("answered");
    assert_eq!(item(&local, ME), row, "it reported since");
    assert!(!reported(&store, &MemberReport { over: Over::Seen(Some(INSTANCE)), ..first(vec![]) }).await);
    assert!(reported(&store, &first(vec![])).await, "nobody's of this library");
    assert_eq!(member(&store, ME).await.map(|row| (row.instance, row.wakes)), Some((Some(INSTANCE), vec![])));
    put(&local, &row);
    store.remove_member(&java).await.expect("answered");
    assert_eq!(item(&local, ME), json!(null));
}

#[tokio::test(start_paused = true)]
async fn hints_are_lease_keys_and_counters() {
    let local = world();
    let store = prepared(multi(&local)).await;
    assert!(reported(&store, &first(vec![])).await);
    let hint = Wake::Lease(ShardKey::new(multi_stream(), "shardId-000000000005"), Version::new(44));
    let (key, other) = ("123456789012:orders:1699999999:shardId-000000000005#44", Wake::Look);
    assert!(store.wake(&worker(ME), &[hint.clone(), other.clone(), hint.clone()]).await.expect("answered"));
    assert_eq!(item(&local, ME)["rs_wake"], json!({"SS": ["*", key]}));
    assert_eq!(member(&store, ME).await.map(|row| row.wakes), Some(vec![hint.clone(), other.clone()]));
    store.consume(&worker(ME), &[hint.clone(), other]).await.expect("answered");
    assert_eq!(item(&local, ME).get("rs_wake"), None);

    let mut row = item(&local, ME);
    row["rs_wake"] = json!({"SS": ["nonsense", "shardId-0#1", "1:a:2:shardId-0#x", key]});
    put(&local, &row);
    assert_eq!(member(&store, ME).await.map(|row| row.wakes), Some(vec![hint]), "the rest wakes nobody");

    let foreign = [Wake::Lease(shard("shardId-0"), Version::NEW)];
    let error = store.wake(&worker(ME), &foreign).await.expect_err("another application's");
    assert_eq!(error.kind(), StoreErrorKind::Unusable);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_cannot_be_understood_does_not_hide_the_others() {
    let local = world();
    let store = prepared(single(&local)).await;
    for (number, (name, value)) in [
        ("lut", json!({"S": "soon"})),
        ("sts", json!({"S": "much"})),
        ("sts", json!({"M": {"C": {"N": "1"}}})),
        ("opr", json!({"M": {"C": {"L": [{"S": "1"}]}}})),
        ("rs_inst", json!({"S": "not hexadecimal"})),
        ("rs_leaving", json!({"S": "true"})),
        ("rs_wake", json!({"S": "*"})),
        ("rs_cap", json!({"N": "-1"})),
    ]
    .into_iter()
    .enumerate()
    {
        let mut row = java_row();
        row["leaseKey"] = json!({"S": format!("worker-{number}")});
        row["rs_lut"] = row["lut"].clone();
        row[name] = value;
        put(&local, &row);
        let error = store.member(&worker(&format!("worker-{number}")), false).await.expect_err(name);
        assert!(error.to_string().contains(&format!("a worker's row: attribute {name} ")), "{error}");
    }
    // Nobody reported this one: a Java leader would stumble over it too, and it is nobody.
    put(&local, &json!({"leaseKey": {"S": "without"}, "entityType": {"S": "WORKER_METRIC_STATS"}}));
    assert_eq!(member(&store, "without").await, None);
    put(&local, &java_row());
    let lease = applied(store.create(&Lease::new(shard("shardId-0"), Position::Latest, None)).await.expect("answered"));
    let listing = store.list().await.expect("answered");
    let java = Member { assignable: false, ..java_member() };
    assert_eq!((listing.members, listing.leases), (vec![java], vec![lease]));
    let broken: Vec<_> = listing.unreadable.iter().map(|(key, _)| key.as_str()).collect();
    assert!(!broken.is_empty() && broken.iter().all(|key| key.starts_with("worker-")), "{broken:?}");
}

#[tokio::test(start_paused = true)]
async fn a_worker_is_not_named_like_something_else() {
    let local = world();
    let store = prepared(single(&local)).await;
    applied(store.create(&Lease::new(shard(ME), Position::Latest, None)).await.expect("answered"));
    let before = item(&local, ME);
    assert_eq!(member(&store, ME).await, None);
    let error = store.report(&first(vec![])).await.expect_err("the key is a lease's");
    assert_eq!(error.kind(), StoreErrorKind::Unusable);
    assert_eq!(
        error.to_string(),
        format!(
            "worker {ME} cannot have a row in table {TABLE}: something else has that key; choose another worker id"
        )
    );
    assert!(!store.wake(&worker(ME), &[Wake::Look]).await.expect("answered"));
    store.consume(&worker(ME), &[Wake::Look]).await.expect("answered");
    assert_eq!(item(&local, ME), before);
}

#[tokio::test(start_paused = true)]
async fn a_row_is_read_for_half_the_price_when_it_may_be_stale() {
    let mut settings = Settings::default();
    settings.dynamodb.stale_reads = Some(StaleReads { max_age: Duration::from_mins(10), probability: 1.0 });
    let local = Local::new(settings);
    let store = prepared(single(&local)).await;
    assert!(reported(&store, &first(vec![])).await);
    let units = || {
        local.dynamodb(|dynamodb, _| {
            dynamodb.ledger().total(|line| line.table == TABLE && line.operation == "GetItem").read_units
        })
    };
    for (consistent, price) in [(true, 1.0), (false, 0.5)] {
        let before = units();
        let read = store.member(&worker(ME), consistent).await.expect("answered");
        assert!((units() - before - price).abs() < 0.01, "{consistent}");
        assert!(!consistent || read.is_some(), "a consistent read is never out of date");
    }
}

#[tokio::test(start_paused = true)]
async fn a_listing_tells_what_it_cost() {
    let local = world();
    let store = prepared(single(&local)).await;
    for number in 0..1_100 {
        // About a kilobyte each, so that there are two pages.
        let owner = Some(worker(&"w".repeat(1_000)));
        let lease = Lease { owner, ..Lease::new(shard(&format!("shardId-{number:012}")), Position::Latest, None) };
        applied(store.create(&lease).await.expect("answered"));
    }
    let listing = store.list().await.expect("answered");
    let used = local.dynamodb(|dynamodb, _| dynamodb.ledger().total(|line| line.operation == "Scan"));
    assert_eq!(used.requests, 2);
    assert!(used.read_units > 128.0 && (listing.read_units - used.read_units).abs() < 0.01, "{used:?}");
}
