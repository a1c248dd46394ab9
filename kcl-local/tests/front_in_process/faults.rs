use kcl_local::{Fault, Settings};
use tokio::time::Instant;

use super::*;

async fn world() -> Local {
    let local = Local::new(Settings::default());
    create_table(&local).await;
    local
}

/// The fate of the first request that is sent from now on; all others arrive.
fn first(local: &Local, fate: Fault) {
    let mut fate = Some(fate);
    local.set_faults(move |_| fate.take().unwrap_or_default());
}

fn sent(local: &Local) -> u64 {
    local.requests().values().sum()
}

#[tokio::test(start_paused = true)]
async fn a_call_takes_as_long_as_the_latency_says() {
    let local =
        Local::new(Settings { latency: Duration::from_millis(5)..=Duration::from_millis(5), ..Settings::default() });
    create_table(&local).await;
    let before = Instant::now();
    renew(&local.dynamodb_client("w"), "a", "w", 0).await.expect("renewed");
    assert_eq!(before.elapsed(), Duration::from_millis(5));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_was_applied_but_not_answered_fails_its_own_retry_with_its_own_item() {
    let local = world().await;
    first(&local, Fault::lost_after());
    let refused = renew(&local.dynamodb_client("w"), "a", "w", 0).await.expect_err("the retry finds the counter moved");
    let UpdateItemError::ConditionalCheckFailedException(refused) = refused.into_service_error() else {
        panic!("a failed condition expected")
    };
    let item = refused.item.expect("asked for");
    assert_eq!(item["leaseOwner"], AttributeValue::S("w".to_owned()));
    assert_eq!(item["leaseCounter"], AttributeValue::N("1".to_owned()));
    assert_eq!(sent(&local), 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_lost_on_the_way_is_tried_again_by_the_sdk() {
    let local = world().await;
    first(&local, Fault::lost_before());
    renew(&local.dynamodb_client("w"), "a", "w", 0).await.expect("the retry is the first that arrives");
    assert_eq!((sent(&local), counter(&local, "a")), (2, Some(1)));
}

#[tokio::test(start_paused = true)]
async fn each_service_fails_by_its_own_name() {
    let local = world().await;
    local.set_faults(|_| Fault::internal_error());
    for (service, operation, name) in
        [(Service::Kinesis, "ListStreams", "InternalFailure"), (Service::DynamoDb, "ListTables", "InternalServerError")]
    {
        let answered = local.call("w", service, operation, json!({})).await.expect("an answer");
        assert_eq!((answered.reply.status, answered.reply.body["__type"].as_str()), (500, Some(name)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_answered_and_nothing_is_applied() {
    let local = world().await;
    local.set_faults(|_| Fault::internal_error());
    renew(&local.dynamodb_client("w"), "a", "w", 0).await.expect_err("all attempts fail");
    assert!(sent(&local) > 1, "the SDK retries a 500");
    local.set_faults(|_| Fault::refused(400, "ResourceNotFoundException", "gone"));
    let refused = renew(&local.dynamodb_client("w"), "a", "w", 0).await.expect_err("refused").into_service_error();
    assert!(refused.is_resource_not_found_exception());
    assert_eq!(counter(&local, "a"), None);
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_ends_with_the_callers_own_timeout() {
    for (fate, applied) in [(Fault::hang_before(), None), (Fault::hang_after(), Some(1))] {
        let local = world().await;
        local.set_faults(move |_| fate.clone());
        let before = Instant::now();
        let timed_out = renew(&impatient(&local, "w"), "a", "w", 0).await.expect_err("no answer");
        assert!(matches!(timed_out, SdkError::TimeoutError(_)), "{timed_out:?}");
        assert_eq!(before.elapsed(), Duration::from_secs(2));
        assert_eq!(counter(&local, "a"), applied);
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_without_a_timeout_stays_silent() {
    let local = world().await;
    local.set_faults(|_| Fault::hang_before());
    let client = local.dynamodb_client("w");
    let waited = tokio::time::timeout(Duration::from_hours(1), renew(&client, "a", "w", 0)).await;
    waited.expect_err("nothing in the SDK ends it");
}

#[tokio::test(start_paused = true)]
async fn a_late_request_is_applied_after_its_sender_gave_up() {
    let local = world().await;
    first(&local, Fault::none().late(Duration::from_secs(5)));
    renew(&impatient(&local, "w"), "a", "w", 0).await.expect_err("timed out");
    tokio::time::sleep(Duration::from_millis(2_900)).await;
    assert_eq!(counter(&local, "a"), None, "still on its way");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(counter(&local, "a"), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_late_request_is_served_in_its_place_among_the_others() {
    let local = world().await;
    first(&local, Fault::none().late(Duration::from_secs(5)));
    renew(&impatient(&local, "slow"), "a", "slow", 0).await.expect_err("timed out");
    renew(&impatient(&local, "quick"), "a", "quick", 0).await.expect("arrives first");
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(counter(&local, "a"), Some(1), "the late request found the counter moved");
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_belongs_to_a_request_that_was_served_in_time() {
    let local = world().await;
    first(&local, Fault::none().answered_late(Duration::from_secs(1)));
    let before = Instant::now();
    let client = local.dynamodb_client("w");
    let renewal = renew(&client, "a", "w", 0);
    tokio::pin!(renewal);
    tokio::time::timeout(Duration::from_millis(500), &mut renewal).await.expect_err("no answer yet");
    assert_eq!(counter(&local, "a"), Some(1), "but it was served");
    renewal.await.expect("answered");
    assert!(before.elapsed() >= Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_duplicated_request_is_served_twice_and_answered_once() {
    let local = world().await;
    first(&local, Fault::none().duplicated(Duration::from_secs(3)));
    let client = local.dynamodb_client("w");
    let add = client.update_item().table_name(TABLE).key("leaseKey", AttributeValue::S("a".to_owned()));
    let add = add.update_expression("ADD leaseCounter :one");
    add.expression_attribute_values(":one", AttributeValue::N("1".to_owned())).send().await.expect("answered");
    assert_eq!(counter(&local, "a"), Some(1));
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(counter(&local, "a"), Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_was_sent_all_the_same() {
    let local = world().await;
    let client = local.dynamodb_client("w");
    tokio::time::timeout(Duration::ZERO, renew(&client, "a", "w", 0)).await.expect_err("dropped at once");
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(counter(&local, "a"), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_fault_can_single_out_one_client_and_one_table() {
    let local = world().await;
    local.set_faults(|request| {
        let hit = request.client == "unlucky" && request.target == Some(TABLE) && request.operation == "UpdateItem";
        if hit { Fault::lost_before() } else { Fault::none() }
    });
    renew(&impatient(&local, "unlucky"), "a", "unlucky", 0).await.expect_err("lost");
    renew(&impatient(&local, "lucky"), "a", "lucky", 0).await.expect("renewed");
    local.clear_faults();
    renew(&impatient(&local, "unlucky"), "a", "unlucky", 1).await.expect("renewed");
}

#[tokio::test(start_paused = true)]
async fn one_client_that_uses_up_its_retries_leaves_the_others_theirs() {
    let local = world().await;
    local.set_faults(|request| if request.client == "unlucky" { Fault::internal_error() } else { Fault::none() });
    let unlucky = local.dynamodb_client("unlucky");
    for _ in 0..100 {
        renew(&unlucky, "a", "unlucky", 0).await.expect_err("refused");
    }
    let before = sent(&local);
    renew(&unlucky, "a", "unlucky", 0).await.expect_err("refused");
    assert_eq!(sent(&local) - before, 1, "its budget of retries is used up");
    first(&local, Fault::internal_error());
    renew(&local.dynamodb_client("lucky"), "a", "lucky", 0).await.expect("the other client has its own");
}
