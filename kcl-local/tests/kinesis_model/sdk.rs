//! The AWS SDK reads every answer of the model as it reads the service's.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_kinesis::primitives::{Blob, DateTime};
use aws_sdk_kinesis::types::{
    PutRecordsRequestEntry, RecordDistributionStrategy, ScalingType, ShardFilter, ShardFilterType, ShardIteratorType,
    StreamMode, StreamModeDetails, StreamStatus,
};
use kcl_local::kinesis::KmsFault;
use kcl_local::{Local, Settings};

const S: &str = "orders";

/// What the SDK has to say about an operation, with its cause, when it should have worked.
trait Expected<T> {
    fn works(self) -> T;
}

impl<T, E: std::error::Error + 'static> Expected<T> for Result<T, E> {
    fn works(self) -> T {
        self.unwrap_or_else(|error| panic!("{}", DisplayErrorContext(error)))
    }
}

async fn a_while() {
    tokio::time::sleep(Duration::from_secs(30)).await;
}

async fn with_stream(shards: i32) -> (Local, Client) {
    let local = Local::new(Settings::default());
    let client = local.kinesis_client("tester");
    client.create_stream().stream_name(S).shard_count(shards).send().await.works();
    a_while().await;
    (local, client)
}

#[tokio::test(start_paused = true)]
async fn records_come_back_as_they_were_put() {
    let (_local, client) = with_stream(1).await;
    let put = client.put_record().stream_name(S).partition_key("k").data(Blob::new("hello")).send().await.works();
    let entry = PutRecordsRequestEntry::builder().partition_key("l").data(Blob::new([0, 255])).build().works();
    let batch = client.put_records().stream_name(S).records(entry).send().await.works();
    assert_eq!((batch.failed_record_count(), batch.records().len()), (Some(0), 1));

    let get = client.get_shard_iterator().stream_name(S).shard_id(put.shard_id());
    let iterator = get.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await.works().shard_iterator;
    let page = client.get_records().set_shard_iterator(iterator).send().await.works();
    let [first, second] = page.records() else { panic!("{page:?}") };
    assert_eq!((first.sequence_number(), first.partition_key()), (put.sequence_number(), Some("k")));
    assert_eq!((first.data().as_ref(), second.data().as_ref()), (&b"hello"[..], &[0, 255][..]));
    assert_eq!(page.millis_behind_latest(), Some(0));
    assert!(page.next_shard_iterator().is_some() && page.child_shards.is_none());

    let arrival = first.approximate_arrival_timestamp().expect("a time");
    let get = client.get_shard_iterator().stream_name(S).shard_id(put.shard_id()).timestamp(*arrival);
    let iterator = get.shard_iterator_type(ShardIteratorType::AtTimestamp).send().await.works().shard_iterator;
    let page = client.get_records().set_shard_iterator(iterator).send().await.works();
    assert_eq!(page.records()[0].sequence_number(), put.sequence_number(), "a time goes there and back exactly");
}

#[tokio::test(start_paused = true)]
async fn descriptions_and_lists_are_read() {
    let (_local, client) = with_stream(3).await;
    let summary = client.describe_stream_summary().stream_name(S).send().await.works();
    let summary = summary.stream_description_summary().expect("a summary");
    assert_eq!((summary.stream_status(), summary.open_shard_count()), (&StreamStatus::Active, 3));
    assert_eq!((summary.consumer_count(), summary.max_record_size_in_kib()), (Some(0), Some(1024)));
    assert_eq!(summary.record_distribution_strategy(), None);
    let described = client.describe_stream().stream_arn(summary.stream_arn()).limit(2).send().await.works();
    let described = described.stream_description().expect("a description");
    assert_eq!((described.shards().len(), described.has_more_shards()), (2, true));
    assert_eq!(described.stream_creation_timestamp(), summary.stream_creation_timestamp());
    let streams = client.list_streams().send().await.works();
    assert_eq!((streams.stream_names(), streams.has_more_streams()), (&[S.to_owned()][..], false));
    assert_eq!(streams.stream_summaries()[0].stream_arn(), summary.stream_arn());

    let first = client.list_shards().stream_name(S).max_results(2).send().await.works();
    let rest = client.list_shards().set_next_token(first.next_token).send().await.works();
    assert_eq!((rest.shards().len(), rest.next_token()), (1, None));
    let at =
        ShardFilter::builder().r#type(ShardFilterType::AtTimestamp).timestamp(DateTime::from_secs(1)).build().works();
    let listed = client.list_shards().stream_name(S).shard_filter(at).send().await.works();
    assert_eq!(listed.shards().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn resharding_is_read() {
    let (_local, client) = with_stream(1).await;
    let split = client.split_shard().stream_name(S).shard_to_split("shardId-000000000000");
    split.new_starting_hash_key("5").send().await.works();
    a_while().await;
    let get = client.get_shard_iterator().stream_name(S).shard_id("shardId-000000000000");
    let iterator = get.shard_iterator_type(ShardIteratorType::Latest).send().await.works().shard_iterator;
    let end = client.get_records().set_shard_iterator(iterator).send().await.works();
    assert_eq!((end.next_shard_iterator(), end.child_shards().len()), (None, 2));
    assert_eq!(end.child_shards()[1].parent_shards(), ["shardId-000000000000"]);
    assert_eq!(end.child_shards()[1].hash_key_range().expect("a range").starting_hash_key(), "5");

    let merge = client.merge_shards().stream_name(S).shard_to_merge("shardId-000000000001");
    merge.adjacent_shard_to_merge("shardId-000000000002").send().await.works();
    a_while().await;
    let shards = client.list_shards().stream_name(S).send().await.works();
    let child = &shards.shards()[3];
    assert_eq!(child.parent_shard_id(), Some("shardId-000000000001"));
    assert_eq!(child.adjacent_parent_shard_id(), Some("shardId-000000000002"));
    assert_eq!(child.sequence_number_range().expect("a range").ending_sequence_number(), None);

    let scale = client.update_shard_count().stream_name(S).target_shard_count(2);
    let scaling = scale.scaling_type(ScalingType::UniformScaling).send().await.works();
    assert_eq!((scaling.current_shard_count(), scaling.target_shard_count()), (Some(1), Some(2)));
}

#[tokio::test(start_paused = true)]
async fn changes_of_a_stream_are_read() {
    let (_local, client) = with_stream(1).await;
    client.increase_stream_retention_period().stream_name(S).retention_period_hours(48).send().await.works();
    client.decrease_stream_retention_period().stream_name(S).retention_period_hours(24).send().await.works();
    client.add_tags_to_stream().stream_name(S).tags("team", "a").send().await.works();
    let tags = client.list_tags_for_stream().stream_name(S).send().await.works();
    assert_eq!((tags.tags()[0].key(), tags.tags()[0].value()), ("team", Some("a")));
    client.remove_tags_from_stream().stream_name(S).tag_keys("team").send().await.works();

    let summary = client.describe_stream_summary().stream_name(S).send().await.works();
    let arn = summary.stream_description_summary().expect("a summary").stream_arn().to_owned();
    client.update_max_record_size().stream_arn(&arn).max_record_size_in_kib(2048).send().await.works();
    let mode = StreamModeDetails::builder().stream_mode(StreamMode::OnDemand).build().works();
    client.update_stream_mode().stream_arn(&arn).stream_mode_details(mode).send().await.works();
    a_while().await;
    let strategy = RecordDistributionStrategy::Auto;
    let update = client.update_stream_record_distribution_strategy().stream_arn(&arn);
    update.record_distribution_strategy(strategy.clone()).send().await.works();
    client.put_record().stream_name(S).data(Blob::new("no key")).send().await.works();
    let summary = client.describe_stream_summary().stream_name(S).send().await.works();
    let summary = summary.stream_description_summary().expect("a summary");
    assert_eq!(
        (summary.record_distribution_strategy(), summary.max_record_size_in_kib()),
        (Some(&strategy), Some(2048))
    );
    client.delete_stream().stream_name(S).send().await.works();
}

#[tokio::test(start_paused = true)]
async fn refusals_are_the_errors_that_the_sdk_models() {
    let (local, client) = with_stream(1).await;
    let error = client.list_shards().stream_name("none").send().await.expect_err("no such stream").into_service_error();
    assert!(error.is_resource_not_found_exception());
    assert_eq!(error.message(), Some("Stream none under account 123456789012 not found."));
    let error = client.get_records().shard_iterator("junk").send().await.expect_err("no iterator").into_service_error();
    assert!(error.is_invalid_argument_exception());

    let get = client.get_shard_iterator().stream_name(S).shard_id("shardId-000000000000");
    let get = get.shard_iterator_type(ShardIteratorType::TrimHorizon);
    let iterator = get.clone().send().await.works().shard_iterator;
    tokio::time::sleep(Duration::from_mins(6)).await;
    let expired = client.get_records().set_shard_iterator(iterator).send().await.expect_err("too old");
    assert!(expired.into_service_error().is_expired_iterator_exception());

    local.kinesis(|kinesis, now| kinesis.set_kms_fault(S, Some(KmsFault::OptInRequired), now)).works();
    let iterator = get.send().await.works().shard_iterator;
    let fault = client.get_records().set_shard_iterator(iterator).send().await.expect_err("no key");
    assert!(fault.into_service_error().is_kms_opt_in_required());
}
