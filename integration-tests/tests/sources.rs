//! The promises of record sources, kept by polling and by enhanced fan-out, on the model in process.

use std::time::Duration;

use integration_tests::modelled::{Modelled, Patience, Reading};
use kcl_core::testing::source_conformance;
use kcl_core::time::{Timestamp, WallClock};
use kcl_local::kinesis::TakenOver;
use kcl_local::{Local, Settings};

async fn modelled(settings: Settings, reading: Reading, shards: usize) -> Modelled {
    let local = Local::new(settings);
    let client = local.kinesis_client("reader");
    Modelled::new(local, client, reading, shards, Patience::VIRTUAL).await
}

/// An hour later than the world begins.
fn ahead() -> WallClock {
    WallClock::new(|| Timestamp::from_millis(1_767_229_200_000))
}

/// Answers and events of a few records, or of none where there are some; pages of two shards; a slow network; subscriptions
/// of a few seconds; the stream by its ARN; and a local clock that is an hour ahead.
async fn difficult(reading: Reading, shards: usize, taken_over: TakenOver) -> Modelled {
    let mut settings = Settings { seed: 7, ..Settings::default() };
    settings.latency = Duration::from_millis(1)..=Duration::from_millis(700);
    settings.kinesis.empty_reads_percent = 30;
    settings.kinesis.list_shards_page = 2;
    settings.kinesis.push_max_records = 3;
    settings.kinesis.subscription_life = Duration::from_secs(9);
    settings.kinesis.taken_over = taken_over;
    let modelled = modelled(settings, reading, shards).await;
    modelled.adjusted(|polling| polling.limit(70).clock(ahead()), |fan_out| fan_out.clock(ahead())).by_arn()
}

#[tokio::test(start_paused = true)]
async fn polling_keeps_the_promises_of_a_retrieval() {
    source_conformance::all(|shards| modelled(Settings::default(), Reading::Polling, shards)).await;
}

#[tokio::test(start_paused = true)]
async fn polling_keeps_them_in_a_difficult_world() {
    source_conformance::all(|shards| difficult(Reading::Polling, shards, TakenOver::Fails)).await;
}

#[tokio::test(start_paused = true)]
async fn fan_out_keeps_the_promises_of_a_retrieval() {
    source_conformance::all(|shards| modelled(Settings::default(), Reading::FanOut, shards)).await;
}

#[tokio::test(start_paused = true)]
async fn fan_out_keeps_them_in_a_difficult_world() {
    source_conformance::all(|shards| difficult(Reading::FanOut, shards, TakenOver::Fails)).await;
    source_conformance::all(|shards| difficult(Reading::FanOut, shards, TakenOver::Ends)).await;
}
