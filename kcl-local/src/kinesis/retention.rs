//! How long records stay: `IncreaseStreamRetentionPeriod` and `DecreaseStreamRetentionPeriod`.

use super::error::Error;
use super::lifecycle::require_active;
use super::{Kinesis, Timestamp, find};

impl Kinesis {
    /// `IncreaseStreamRetentionPeriod`, in hours. What has left retention before does not come back.
    pub fn increase_retention(&mut self, stream: &str, hours: u32, now: Timestamp) -> Result<(), Error> {
        self.change_retention(stream, hours, now, |current| {
            (hours <= current).then(|| {
                format!(
                    "Requested retention period ({hours} hours) for stream {stream} must be longer than the existing \
                     retention period ({current} hours). Use DecreaseRetentionPeriod API."
                )
            })
        })
    }

    /// `DecreaseStreamRetentionPeriod`, in hours. What is older is gone at once.
    pub fn decrease_retention(&mut self, stream: &str, hours: u32, now: Timestamp) -> Result<(), Error> {
        self.change_retention(stream, hours, now, |current| {
            (hours >= current).then(|| {
                format!(
                    "Requested retention period ({hours} hours) for stream {stream} must be shorter than the existing \
                     retention period ({current} hours). Use IncreaseRetentionPeriod API."
                )
            })
        })
    }

    fn change_retention(
        &mut self,
        stream: &str,
        hours: u32,
        now: Timestamp,
        wrong_way: impl Fn(u32) -> Option<String>,
    ) -> Result<(), Error> {
        let now = self.advance(now);
        let settings = &self.settings;
        let found = find(&mut self.streams, settings, stream)?;
        let (min, max) = (settings.retention_min_hours, settings.retention_max_hours);
        if hours < min {
            let text = "Minimum allowed retention period is";
            return Err(Error::invalid(format!(
                "{text} {min} hours. Requested retention period ({hours} hours) is too short."
            )));
        }
        if hours > max {
            let text = "Maximum allowed retention period is";
            return Err(Error::invalid(format!(
                "{text} {max} hours. Requested retention period ({hours} hours) is too long."
            )));
        }
        if let Some(text) = wrong_way(found.retention_hours) {
            return Err(Error::invalid(text));
        }
        require_active(found, settings, stream)?;
        found.trimmed_before = found.trim_point(now);
        found.retention_hours = hours;
        Ok(())
    }
}
