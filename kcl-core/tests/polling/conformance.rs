use std::time::Duration;

use kcl_core::testing::source_conformance;
use kcl_core::time::{Timestamp, WallClock};
use kcl_local::Settings;

use crate::local::Bench;

#[tokio::test(start_paused = true)]
async fn it_keeps_the_promises_of_a_retrieval() {
    source_conformance::all(Bench::new).await;
}

/// Answers of a few records, or of none where there are some; pages of two shards; a slow network; the stream by its ARN;
/// and a local clock that is an hour ahead.
#[tokio::test(start_paused = true)]
async fn it_keeps_them_in_a_difficult_world() {
    source_conformance::all(|shards| async move {
        let mut settings = Settings { seed: 7, ..Settings::default() };
        settings.latency = Duration::from_millis(1)..=Duration::from_millis(700);
        settings.kinesis.empty_reads_percent = 30;
        settings.kinesis.list_shards_page = 2;
        let ahead = Bench::with(shards, settings, |builder| {
            builder.limit(70).clock(WallClock::new(|| Timestamp::from_millis(1_767_229_200_000)))
        });
        ahead.await.by_arn()
    })
    .await;
}
