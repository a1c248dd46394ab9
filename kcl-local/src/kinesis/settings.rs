//! Every limit and delay of the model, with the value that the service documents.

use std::time::Duration;

use super::subscribe::TakenOver;

/// Declares the struct, its default and the list of its changes from one table: three hand-written lists of the same
/// names would drift apart, and a changed limit that is not reported is a lie in a test's output.
macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty = $default:expr;)+) => {
        /// The limits and delays of the model. [`Default`] is what the service documents; a value that it does not
        /// document says so. Whoever changes one prints [`Settings::changed`].
        #[derive(Debug, Clone, PartialEq)]
        pub struct Settings {
            $($(#[doc = $doc])+ pub $name: $type,)+
        }

        impl Default for Settings {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl Settings {
            /// One line of text for each setting that differs from its default, in the order of the fields.
            pub fn changed(&self) -> Vec<String> {
                let default = Self::default();
                let mut lines = Vec::new();
                $(if self.$name != default.$name {
                    lines.push(format!("{} = {:?} (default {:?})", stringify!($name), self.$name, default.$name));
                })+
                lines
            }
        }
    };
}

const MIB: u64 = 1024 * 1024;

settings! {
    /// The account id in every ARN and message. Not a limit: any 12 digits do.
    account: String = "123456789012".to_owned();
    /// The Region in every ARN.
    region: String = "us-east-1".to_owned();

    /// Time in CREATING. Not documented, chosen: long enough that a caller who does not wait is found out.
    create_delay: Duration = Duration::from_secs(1);
    /// Time in DELETING. Not documented, chosen.
    delete_delay: Duration = Duration::from_secs(1);
    /// Time in UPDATING for one split, one merge, one round of `UpdateShardCount` or a change of mode.
    /// Not documented, chosen.
    update_delay: Duration = Duration::from_secs(1);

    /// Time of a consumer in CREATING. Not documented, chosen as for streams.
    consumer_create_delay: Duration = Duration::from_secs(1);
    /// Time of a consumer in DELETING. Not documented, chosen as for streams.
    consumer_delete_delay: Duration = Duration::from_secs(1);

    /// Streams that may be in CREATING at once (API reference, CreateStream).
    creating_streams: usize = 5;
    /// Open shards of all provisioned streams (developer guide, Quotas and limits: the three largest Regions).
    shards_per_account: usize = 20_000;
    /// Streams with the on-demand mode (developer guide, Quotas and limits).
    on_demand_streams: usize = 50;
    /// Shards of a new on-demand stream (developer guide, Quotas and limits: 4 MB/s of writes, 1 MB/s a shard).
    on_demand_shards: u32 = 4;
    /// Shards that `UpdateShardCount` may ask for (API reference, UpdateShardCount).
    shards_per_stream: u32 = 10_000;
    /// Calls of `UpdateShardCount` in a rolling 24 hours, per stream (API reference, UpdateShardCount).
    scalings_per_day: usize = 10;
    /// Changes of mode in a rolling 24 hours, per stream (developer guide, Choose the right mode for your streams).
    mode_changes_per_day: usize = 2;
    /// Consumers of a stream that is provisioned or On-demand Standard (API reference, RegisterStreamConsumer).
    consumers_per_stream: usize = 20;
    /// Consumers of a stream that is On-demand Advantage (API reference, RegisterStreamConsumer).
    consumers_per_advantage_stream: usize = 50;
    /// Whether the account has committed itself to On-demand Advantage, which its on-demand streams then are
    /// (developer guide, Choose the right mode for your streams).
    on_demand_advantage: bool = false;
    /// Consumers that may be in CREATING at once (API reference, RegisterStreamConsumer, which counts its calls by
    /// account and does not say what it counts these by: by account here).
    creating_consumers: usize = 5;
    /// Tags of a stream or a consumer (API reference, AddTagsToStream and RegisterStreamConsumer).
    tags_per_stream: usize = 50;

    /// Shortest retention, and that of a new stream, in hours (API reference, DecreaseStreamRetentionPeriod).
    retention_min_hours: u32 = 24;
    /// Longest retention, in hours (API reference, IncreaseStreamRetentionPeriod).
    retention_max_hours: u32 = 8760;
    /// Largest record of a new stream, and the smallest value it can be set to, in KiB
    /// (API reference, UpdateMaxRecordSize).
    record_size_min_kib: u32 = 1024;
    /// The largest record size that a stream can be set to, in KiB (API reference, UpdateMaxRecordSize).
    record_size_max_kib: u32 = 10_240;

    /// Records in one `PutRecords` (API reference, PutRecords).
    put_records_max_records: usize = 500;
    /// Bytes in one `PutRecords`, data and partition keys (API reference, PutRecords; it was 5 MiB before streams
    /// had large records).
    put_records_max_bytes: u64 = 10 * MIB;
    /// Bytes a second that a shard accepts, data and partition key (API reference, PutRecord).
    write_bytes_per_second: u64 = MIB;
    /// Records a second that a shard accepts (API reference, PutRecord).
    write_records_per_second: u64 = 1000;

    /// Life of a shard iterator (API reference, GetShardIterator).
    iterator_life: Duration = Duration::from_mins(5);
    /// `GetShardIterator` calls a second, per shard (API reference, GetShardIterator).
    iterator_calls_per_second: usize = 5;
    /// `GetRecords` calls a second, per shard, of all readers together (API reference, GetRecords).
    read_calls_per_second: usize = 5;
    /// Bytes a second that a shard gives to all its readers together (API reference, GetRecords).
    read_bytes_per_second: u64 = 2 * MIB;
    /// Bytes that one `GetRecords` returns at most (API reference, GetRecords).
    read_max_bytes: u64 = 10 * MIB;
    /// Records that one `GetRecords` returns at most (API reference, GetRecords).
    read_max_records: usize = 10_000;
    /// Of 100 `GetRecords` that have records to return, how many come back empty. The API reference says that it
    /// "might take multiple calls to get to a portion of the shard that contains records", and not how often.
    empty_reads_percent: u8 = 0;

    /// How long a subscription lives (API reference, SubscribeToShard: "for up to 5 minutes").
    subscription_life: Duration = Duration::from_mins(5);
    /// How long a consumer must wait after a successful call before it can take its subscription over
    /// (API reference, SubscribeToShard).
    subscribe_again_after: Duration = Duration::from_secs(5);
    /// `SubscribeToShard` calls a second, per consumer and shard (API reference, SubscribeToShard).
    subscribe_calls_per_second: usize = 1;
    /// How a subscription ends that another call took over (API reference, SubscribeToShard: it "expires or fails").
    taken_over: TakenOver = TakenOver::Fails;
    /// Bytes a second that a shard pushes to one consumer (API reference, RegisterStreamConsumer).
    push_bytes_per_second: u64 = 2 * MIB;
    /// Bytes of the records in one event, unless a single record is larger. Not documented, chosen.
    push_max_bytes: u64 = MIB;
    /// Records in one event. Not documented, chosen as for `GetRecords`.
    push_max_records: usize = 10_000;
    /// How long a record waits for others before it is pushed (developer guide, Develop enhanced fan-out consumers: a
    /// delay of about 70 milliseconds).
    push_delay: Duration = Duration::from_millis(70);
    /// After how much silence an event without records is pushed. Not documented; observers say about 5 seconds.
    heartbeat: Duration = Duration::from_secs(5);

    /// Shards on a page of `ListShards` (API reference, ListShards).
    list_shards_page: usize = 1000;
    /// Consumers on a page of `ListStreamConsumers` (API reference, ListStreamConsumers).
    list_consumers_page: usize = 100;
    /// Life of the `NextToken` of `ListShards` and `ListStreamConsumers` (API reference of both).
    next_token_life: Duration = Duration::from_mins(5);
    /// Shards on a page of `DescribeStream` (API reference, DescribeStream).
    describe_stream_page: usize = 100;
    /// Streams on a page of `ListStreams` (API reference, ListStreams).
    list_streams_page: usize = 100;

    /// `ListShards` calls a second, per stream (API reference, ListShards).
    list_shards_calls_per_second: usize = 1000;
    /// `DescribeStream` calls a second, per account (API reference, DescribeStream).
    describe_stream_calls_per_second: usize = 10;
    /// `DescribeStreamSummary` calls a second, per account (API reference, DescribeStreamSummary).
    describe_stream_summary_calls_per_second: usize = 20;
    /// `RegisterStreamConsumer` calls a second, per account (API reference, RegisterStreamConsumer).
    register_consumer_calls_per_second: usize = 5;
    /// `DeregisterStreamConsumer` calls a second, per stream (API reference, DeregisterStreamConsumer).
    deregister_consumer_calls_per_second: usize = 5;
    /// `DescribeStreamConsumer` calls a second, per stream (API reference, DescribeStreamConsumer).
    describe_consumer_calls_per_second: usize = 20;
    /// `ListStreamConsumers` calls a second, per stream (API reference, ListStreamConsumers).
    list_consumers_calls_per_second: usize = 5;
    /// `UpdateShardCount` calls a second, per account (API reference, UpdateShardCount).
    update_shard_count_calls_per_second: usize = 10;
    /// Calls a second, per account, of every other operation on whole streams
    /// (developer guide, Quotas and limits: 5 for each of them).
    control_calls_per_second: usize = 5;
}

impl Settings {
    /// The ARN of a stream of this account and Region.
    pub fn stream_arn(&self, stream: &str) -> String {
        format!("arn:aws:kinesis:{}:{}:stream/{stream}", self.region, self.account)
    }

    pub(super) fn consumer_arn(&self, stream: &str, consumer: &str, epoch: u64) -> String {
        format!("{}/consumer/{consumer}:{epoch}", self.stream_arn(stream))
    }
}
