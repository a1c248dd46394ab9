//! Checks of settings, before anything is sent.

use std::fmt;
use std::ops::RangeInclusive;

use crate::error::ConfigError;

/// Checks that a setting is in its range.
///
/// # Errors
/// If it is not; it says what would be.
pub fn in_range<T: PartialOrd + fmt::Debug>(
    setting: &'static str,
    range: &RangeInclusive<T>,
    value: &T,
) -> Result<(), ConfigError> {
    if range.contains(value) {
        return Ok(());
    }
    let problem = format!("is {value:?}; it must be from {:?} to {:?}", range.start(), range.end());
    Err(ConfigError::new(setting, problem))
}
