//! How streams begin and end: `CreateStream` and `DeleteStream`.

use std::collections::BTreeMap;

use super::error::Error;
use super::modes::{RecordDistributionStrategy, StreamMode, check_distribution, check_record_size};
use super::names::check_stream_name;
use super::settings::Settings;
use super::stream::{Phase, Stream, StreamStatus};
use super::tags::check_tag_count;
use super::{Kinesis, Timestamp, find};

/// What a stream is to be, as `CreateStream` takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSpec {
    /// The capacity mode.
    pub mode: StreamMode,
    /// The number of shards: required in provisioned mode, refused in on-demand mode.
    pub shards: Option<u32>,
    /// Who decides which shard takes a record.
    pub distribution: RecordDistributionStrategy,
    /// The largest record, in KiB; `None` for the default.
    pub max_record_size_kib: Option<u32>,
    /// The stream's tags.
    pub tags: BTreeMap<String, String>,
}

impl StreamSpec {
    /// A stream in provisioned mode.
    pub fn provisioned(shards: u32) -> Self {
        Self {
            mode: StreamMode::Provisioned,
            shards: Some(shards),
            distribution: RecordDistributionStrategy::UserPartitionKey,
            max_record_size_kib: None,
            tags: BTreeMap::new(),
        }
    }

    /// A stream in on-demand mode.
    pub fn on_demand(distribution: RecordDistributionStrategy) -> Self {
        Self { mode: StreamMode::OnDemand, shards: None, distribution, ..Self::provisioned(0) }
    }

    /// How many shards the stream begins with.
    fn first_shards(&self, settings: &Settings) -> Result<u32, Error> {
        match (self.mode, self.shards) {
            (StreamMode::OnDemand, None) => Ok(settings.on_demand_shards),
            (StreamMode::OnDemand, Some(_)) => {
                Err(Error::invalid("ShardCount is not expected when StreamMode=ON_DEMAND"))
            }
            (StreamMode::Provisioned, None) => Err(Error::constraint("shardCount", "Member must not be null")),
            (StreamMode::Provisioned, Some(0)) => {
                Err(Error::constraint("shardCount", "Member must have value greater than or equal to 1"))
            }
            (StreamMode::Provisioned, Some(count)) => Ok(count),
        }
    }
}

impl Kinesis {
    /// `CreateStream`: the stream is CREATING for a while, and has shards once it is ACTIVE.
    pub fn create_stream(&mut self, name: &str, spec: StreamSpec, now: Timestamp) -> Result<(), Error> {
        let now = self.advance(now);
        let settings = &self.settings;
        check_stream_name(name)?;
        let shards = spec.first_shards(settings)?;
        check_distribution(spec.mode, spec.distribution)?;
        let (min, max) = (settings.record_size_min_kib, settings.record_size_max_kib);
        let record_size = spec.max_record_size_kib.unwrap_or(min);
        check_record_size(record_size, min, max)?;
        check_tag_count(spec.tags.len(), settings)?;
        if self.streams.contains_key(name) {
            return Err(Error::in_use(format!("Stream {name} under account {} already exists.", settings.account)));
        }
        self.check_account_limits(spec.mode, shards)?;

        let phase = Phase::Creating { until: now.after(settings.create_delay), shards };
        let epoch = self.epochs.next(now);
        let mut stream = Stream::new(now, epoch, phase, settings.retention_min_hours, record_size);
        stream.mode = spec.mode;
        stream.distribution = spec.distribution;
        stream.tags = spec.tags;
        self.streams.insert(name.to_owned(), stream);
        Ok(())
    }

    fn check_account_limits(&self, mode: StreamMode, shards: u32) -> Result<(), Error> {
        let settings = &self.settings;
        let creating = self.streams.values().filter(|s| s.status() == StreamStatus::Creating).count();
        if creating >= settings.creating_streams {
            let account = &settings.account;
            return Err(Error::limit(format!(
                "Account {account} has {creating} streams in the CREATING state already."
            )));
        }
        let on_demand = self.streams.values().filter(|s| s.mode == StreamMode::OnDemand).count();
        match mode {
            StreamMode::Provisioned => self.check_shard_limit(usize::try_from(shards).unwrap_or(usize::MAX)),
            StreamMode::OnDemand if on_demand >= settings.on_demand_streams => {
                let account = &settings.account;
                Err(Error::limit(format!("Account {account} has {on_demand} on-demand streams already.")))
            }
            StreamMode::OnDemand => Ok(()),
        }
    }

    /// The account's limit of open shards in provisioned streams, with `more` to come.
    pub(super) fn check_shard_limit(&self, more: usize) -> Result<(), Error> {
        let provisioned = self.streams.values().filter(|s| s.mode == StreamMode::Provisioned);
        let current: usize = provisioned.map(Stream::shards_held).sum();
        let Settings { account, region, shards_per_account: limit, .. } = &self.settings;
        if current.saturating_add(more) <= *limit {
            return Ok(());
        }
        Err(Error::limit(format!(
            "This request would exceed the shard limit for the account {account} in {region}. Current shard count for \
             the account: {current}. Limit: {limit}. Number of additional shards that would have resulted from this \
             request: {more}."
        )))
    }

    /// `DeleteStream`: the stream is DELETING for a while, then gone with everything in it. Refused while the stream
    /// has consumers.
    pub fn delete_stream(&mut self, name: &str, now: Timestamp) -> Result<(), Error> {
        self.advance(now);
        let count = self.stream(name)?.consumers.len();
        if count > 0 {
            let account = &self.settings.account;
            return Err(Error::in_use(format!(
                "Stream {name} under account {account} has {count} registered consumers; set EnforceConsumerDeletion to \
                 delete it with them."
            )));
        }
        self.delete_stream_and_consumers(name, now)
    }

    /// `DeleteStream` with `EnforceConsumerDeletion`: as [`Kinesis::delete_stream`], and its consumers go with it.
    pub fn delete_stream_and_consumers(&mut self, name: &str, now: Timestamp) -> Result<(), Error> {
        let now = self.advance(now);
        let settings = &self.settings;
        let stream = find(&mut self.streams, settings, name)?;
        require_active(stream, settings, name)?;
        stream.phase = Phase::Deleting { until: now.after(settings.delete_delay) };
        Ok(())
    }
}

/// Most operations on whole streams want them ACTIVE (API reference, ResourceInUseException of each).
pub(super) fn require_active(stream: &Stream, settings: &Settings, name: &str) -> Result<(), Error> {
    match stream.status() {
        StreamStatus::Active => Ok(()),
        status => {
            let (account, status) = (&settings.account, status.as_str());
            Err(Error::in_use(format!("Stream {name} under account {account} not ACTIVE, instead in state {status}")))
        }
    }
}
