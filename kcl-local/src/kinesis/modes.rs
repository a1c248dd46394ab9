//! What kind of stream it is: capacity mode, record distribution, record size.

use super::error::Error;
use super::lifecycle::require_active;
use super::reshard::Change;
use super::stream::Phase;
use super::{Kinesis, Timestamp, find};

/// The capacity mode (API reference, StreamModeDetails).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamMode {
    /// The owner decides the number of shards.
    Provisioned,
    /// The service does.
    OnDemand,
}

impl StreamMode {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provisioned => "PROVISIONED",
            Self::OnDemand => "ON_DEMAND",
        }
    }
}

/// Who decides which shard takes a record (API reference, UpdateStreamRecordDistributionStrategy).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordDistributionStrategy {
    /// The partition key or the explicit hash key, which is required.
    UserPartitionKey,
    /// The service. Only on-demand streams have it.
    Auto,
}

impl RecordDistributionStrategy {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserPartitionKey => "USER_PARTITION_KEY",
            Self::Auto => "AUTO",
        }
    }
}

impl Kinesis {
    /// `UpdateStreamMode`: UPDATING for a while, then the new mode; the shards stay.
    ///
    /// A stream that distributes its records itself cannot leave the on-demand mode before it stops doing that: not
    /// documented, chosen, because the strategy does not exist in the other mode.
    pub fn update_stream_mode(&mut self, stream: &str, mode: StreamMode, now: Timestamp) -> Result<(), Error> {
        let now = self.advance(now);
        let settings = &self.settings;
        let found = find(&mut self.streams, settings, stream)?;
        require_active(found, settings, stream)?;
        check_distribution(mode, found.distribution)?;
        if !found.mode_changes.admit_in_a_day(now, settings.mode_changes_per_day) {
            let most = settings.mode_changes_per_day;
            return Err(Error::limit(format!("The mode of stream {stream} has changed {most} times within 24 hours.")));
        }
        found.phase = Phase::Updating { until: now.after(settings.update_delay), change: Change::Mode(mode) };
        Ok(())
    }

    /// `UpdateStreamRecordDistributionStrategy`: takes effect at once, and only for records to come.
    pub fn update_record_distribution(
        &mut self,
        stream: &str,
        strategy: RecordDistributionStrategy,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.advance(now);
        let settings = &self.settings;
        let found = find(&mut self.streams, settings, stream)?;
        require_active(found, settings, stream)?;
        check_distribution(found.mode, strategy)?;
        found.distribution = strategy;
        Ok(())
    }

    /// `UpdateMaxRecordSize`, in KiB. Takes effect at once: how long the service takes is not documented.
    pub fn update_max_record_size(&mut self, stream: &str, kib: u32, now: Timestamp) -> Result<(), Error> {
        self.advance(now);
        let settings = &self.settings;
        let found = find(&mut self.streams, settings, stream)?;
        require_active(found, settings, stream)?;
        check_record_size(kib, settings.record_size_min_kib, settings.record_size_max_kib)?;
        found.record_size_kib = kib;
        Ok(())
    }
}

pub(super) fn check_distribution(mode: StreamMode, strategy: RecordDistributionStrategy) -> Result<(), Error> {
    if mode == StreamMode::Provisioned && strategy == RecordDistributionStrategy::Auto {
        return Err(Error::invalid("RecordDistributionStrategy AUTO is only supported for streams in on-demand mode."));
    }
    Ok(())
}

pub(super) fn check_record_size(kib: u32, min: u32, max: u32) -> Result<(), Error> {
    if (min..=max).contains(&kib) {
        return Ok(());
    }
    Err(Error::constraint("maxRecordSizeInKiB", &format!("Member must have a value between {min} and {max}")))
}
