//! What is said and done when DynamoDB does not do what it was asked.

use std::time::Duration;

use kcl_core::error::StoreErrorKind;
use kcl_core::ids::{ShardKey, StreamId};
use kcl_core::lease::Lease;
use kcl_core::position::Position;
use kcl_core::store::{LeaseAction, LeaseStore, MemberStore};
use kcl_dynamo_leases::DynamoLeases;
use kcl_local::Fault;
use kcl_local::dynamodb::Throttle;
use tokio::time::Instant;

use super::{STREAM, TABLE, applied, prepared, sent, shard, single, worker, world, write};

#[tokio::test(start_paused = true)]
async fn an_error_means_what_its_code_says() {
    use StoreErrorKind::{Denied, Throttled, Unavailable, Unusable};
    for (code, kind) in [
        ("ProvisionedThroughputExceededException", Throttled),
        ("ThrottlingException", Throttled),
        ("RequestLimitExceeded", Throttled),
        ("AccessDeniedException", Denied),
        ("UnrecognizedClientException", Denied),
        ("ExpiredTokenException", Denied),
        ("ResourceNotFoundException", Unusable),
        ("ValidationException", Unusable),
        ("InternalServerError", Unavailable),
        ("ServiceUnavailable", Unavailable),
        ("ReplicatedWriteConflictException", Unavailable),
        ("TransactionConflictException", Unavailable),
        ("SomethingNew", Unavailable),
    ] {
        let local = world();
        let store = prepared(single(&local)).await;
        let asked = |operation| sent(&local, operation);
        let before = asked("GetItem");
        let lease = Lease::new(shard("shardId-0"), Position::Latest, None);
        local.set_faults(move |_| Fault::refused(400, code, "message of the service"));
        let error = store.write(&write(&lease, "me", LeaseAction::Take)).await.expect_err(code);
        assert_eq!(error.kind(), kind, "{code}");
        let text = error.to_string();
        assert!(text.contains("UpdateItem") && text.contains(TABLE) && text.contains("shardId-0"), "{text}");
        assert_eq!(sent(&local, "UpdateItem"), 1, "the SDK does not try again by itself");
        for read in
            [store.get(&lease.shard).await.map(drop), store.list().await.map(drop), store.leader().await.map(drop)]
        {
            assert_eq!(read.expect_err(code).kind(), kind, "{code}");
        }
        assert_eq!((asked("GetItem"), asked("Scan")), (before + 2, 1));
        let error = store.member(&worker("me"), false).await.expect_err(code);
        assert_eq!(error.kind(), kind, "{code}");
        assert!(error.to_string().starts_with("GetItem on table orders-app for worker me"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_write_says_which_limit_was_hit() {
    let local = world();
    let store = prepared(single(&local)).await;
    local.dynamodb(|dynamodb, now| dynamodb.throttle(TABLE, Throttle { read: None, write: Some(0.01) }, now));
    let lease = |id| Lease::new(shard(id), Position::Latest, None);
    applied(store.create(&lease("shardId-0")).await.expect("the first is admitted"));
    let error = store.create(&lease("shardId-1")).await.expect_err("the second is not");
    assert_eq!(error.kind(), StoreErrorKind::Throttled);
    let text = error.to_string();
    let reason = "TableWriteMaxOnDemandThroughputExceeded on arn:aws:dynamodb:us-east-1:123456789012:table/orders-app";
    assert!(text.contains(reason), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_hangs_ends_in_its_time() {
    let local = world();
    for seconds in [5, 1] {
        let builder = DynamoLeases::single_stream(local.dynamodb_client("leases"), TABLE, STREAM);
        let builder = if seconds == 5 { builder } else { builder.operation_timeout(Duration::from_secs(seconds)) };
        let store = builder.build().expect("valid");
        local.set_faults(|_| Fault::hang_after());
        let began = Instant::now();
        let error = store.get(&shard("shardId-0")).await.expect_err("nobody answers");
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert_eq!(began.elapsed().as_secs(), seconds);
    }
}

#[tokio::test(start_paused = true)]
async fn a_shard_of_another_stream_has_no_lease_here() {
    let local = world();
    let store = prepared(single(&local)).await;
    let lease = Lease::new(ShardKey::new(StreamId::named("payments"), "shardId-0"), Position::ShardEnd, None);
    let sent_before = local.requests();
    for error in [
        store.get(&lease.shard).await.map(drop),
        store.create(&lease).await.map(drop),
        store.write(&write(&lease, "me", LeaseAction::Take)).await.map(drop),
        store.delete(&lease).await.map(drop),
    ] {
        let error = error.expect_err("another stream");
        assert_eq!(error.kind(), StoreErrorKind::Unusable);
        let expected = "shard payments/shardId-0 cannot have a lease in table orders-app: the table is for the stream \
                        orders only";
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(local.requests(), sent_before);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_was_deleted_is_an_error() {
    let local = world();
    let store = prepared(single(&local)).await;
    super::seconds(90).await;
    super::ask(&local, "DeleteTable", serde_json::json!({"TableName": TABLE}));
    let error = store.list().await.expect_err("it is gone");
    assert_eq!(error.kind(), StoreErrorKind::Unusable);
    assert!(error.to_string().contains("there is no such table"), "{error}");
}
