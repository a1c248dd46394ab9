//! What the example programs share.

mod reading;

use std::error::Error;

use aws_sdk_kinesis::primitives::{DateTime, DateTimeFormat};
use kcl_core::time::Timestamp;

pub use self::reading::Reading;

/// An error with all its causes on one line. No error of the library prints its source itself.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// Reads a moment as RFC 3339 writes it, for example `2026-01-01T12:00:00Z`.
///
/// # Errors
/// If the text has another form, or a moment before 1970.
pub fn timestamp(text: &str) -> Result<Timestamp, String> {
    let parsed = DateTime::from_str(text, DateTimeFormat::DateTimeWithOffset).ok();
    let millis = parsed.and_then(|time| u64::try_from(time.to_millis().ok()?).ok());
    millis.map(Timestamp::from_millis).ok_or_else(|| format!("`{text}` is not a time like 2026-01-01T12:00:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_may_have_an_offset_and_milliseconds_but_no_other_form() {
        assert_eq!(timestamp("1970-01-01T00:00:01.500Z"), Ok(Timestamp::from_millis(1500)));
        assert_eq!(timestamp("1970-01-01T01:00:02+01:00"), Ok(Timestamp::from_millis(2000)));
        for text in ["", "now", "1970-01-01", "1969-12-31T23:59:59Z"] {
            assert!(timestamp(text).is_err(), "{text}");
        }
    }
}
