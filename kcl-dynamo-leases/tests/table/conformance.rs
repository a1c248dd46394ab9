//! The promises of every lease store, kept by this one: plain, and on a bad network.

use std::time::Duration;

use kcl_core::ids::StreamId;
use kcl_core::testing::conformance::{self, Subject};
use kcl_local::dynamodb::StaleReads;
use kcl_local::{Fault, Local, Settings};

use super::{STREAM, multi, multi_stream, prepared, single, world};

#[tokio::test(start_paused = true)]
async fn leases_of_one_stream_keep_every_promise() {
    conformance::all(&StreamId::named(STREAM), || async { single(&world()) }).await;
}

#[tokio::test(start_paused = true)]
async fn leases_of_several_streams_keep_every_promise() {
    conformance::all(&multi_stream(), || async { multi(&world()) }).await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_read_as_last_written_although_eventually_consistent_reads_are_stale() {
    let mut settings = Settings::default();
    let max_age = Duration::from_mins(10);
    settings.dynamodb.stale_reads = Some(StaleReads { max_age, probability: 1.0 });
    let subject = Subject::prepared(single(&Local::new(settings)), StreamId::named(STREAM)).await;
    conformance::reading::a_lease_is_read_as_last_written(&subject).await;
}

/// Every second request meets it.
async fn survives(fault: Fault) {
    let make = || async {
        let local = world();
        let store = prepared(single(&local)).await;
        let fault = fault.clone();
        local.set_faults(move |request| if request.number % 2 == 0 { fault.clone() } else { Fault::none() });
        store
    };
    conformance::all_despite_faults(&StreamId::named(STREAM), make).await;
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn throttled_requests_are_repeated() {
    let message = "The level of configured provisioned throughput for the table was exceeded";
    survives(Fault::refused(400, "ProvisionedThroughputExceededException", message)).await;
    survives(Fault::refused(400, "ThrottlingException", "Rate exceeded")).await;
}

#[tokio::test(start_paused = true)]
async fn failing_requests_are_repeated() {
    survives(Fault::internal_error()).await;
    survives(Fault::lost_before()).await;
    survives(Fault::hang_before()).await;
}

#[tokio::test(start_paused = true)]
async fn requests_that_were_applied_and_not_answered_are_recognised() {
    survives(Fault::lost_after()).await;
    survives(Fault::hang_after()).await;
    survives(Fault::none().answered_late(20 * SECOND)).await;
}

#[tokio::test(start_paused = true)]
async fn requests_that_were_applied_and_reported_as_failed_are_recognised() {
    // As seen with a proxy or a load balancer: the service did its part and the caller was told otherwise.
    survives(Fault::lost_after().answered_late(SECOND)).await;
}

#[tokio::test(start_paused = true)]
async fn requests_that_arrive_after_their_caller_gave_up_do_no_harm() {
    survives(Fault::none().late(7 * SECOND)).await;
    survives(Fault::lost_after().late(30 * SECOND)).await;
}

#[tokio::test(start_paused = true)]
async fn requests_that_arrive_twice_are_applied_once() {
    survives(Fault::none().duplicated(Duration::ZERO)).await;
    survives(Fault::none().duplicated(3 * SECOND)).await;
    survives(Fault::lost_after().duplicated(SECOND)).await;
}

#[tokio::test(start_paused = true)]
async fn faults_in_any_order_are_survived() {
    for seed in 0..20 {
        let make = || async move {
            let local = Local::new(Settings { seed, ..Settings::default() });
            let store = prepared(single(&local)).await;
            let mut random = luck(seed);
            local.set_faults(move |_| match random() % 14 {
                0 => Fault::refused(400, "ThrottlingException", "Rate exceeded"),
                1 => Fault::internal_error(),
                2 => Fault::lost_before(),
                3 => Fault::lost_after(),
                4 => Fault::hang_before(),
                5 => Fault::hang_after(),
                6 => Fault::none().late(7 * SECOND),
                7 => Fault::none().duplicated(SECOND),
                _ => Fault::none(),
            });
            store
        };
        conformance::all_despite_faults(&StreamId::named(STREAM), make).await;
    }
}

/// A small generator (an LCG's high bits): the tests of this crate need no more luck than this.
fn luck(seed: u64) -> impl FnMut() -> u64 + Send {
    let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    }
}
