//! Where in a shard: sequence numbers, stored positions, and where an application asks to start.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::time::Timestamp;

/// A record's sequence number: a decimal number of up to 129 digits (Kinesis API reference, `Record`).
///
/// It orders records inside a shard, and a child's records after its parents'. It compares as a number: `"9"` is less
/// than `"10"`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SequenceNumber(Arc<str>);

/// A text that is not a sequence number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a sequence number: 1 to 129 decimal digits without leading zeros")]
pub struct InvalidSequenceNumber {
    text: String,
}

impl SequenceNumber {
    /// Reads a sequence number.
    ///
    /// # Errors
    /// If the text is not 1 to 129 decimal digits, or starts with a zero that it does not need.
    pub fn parse(text: &str) -> Result<Self, InvalidSequenceNumber> {
        let digits = (1..=129).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || (text.len() > 1 && text.starts_with('0')) {
            return Err(InvalidSequenceNumber { text: text.chars().take(140).collect() });
        }
        Ok(Self(text.into()))
    }

    /// The decimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Ord for SequenceNumber {
    fn cmp(&self, other: &Self) -> Ordering {
        // Without leading zeros, the longer of two decimal numbers is the greater.
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for SequenceNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A position in a shard, as a lease stores it: everything up to and including it is done.
///
/// The order is the KCL's: the three starting points come before every sequence number, the end after all of them;
/// records of one carrier are ordered by their sub-sequence number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Position {
    /// Nothing is done; start at a time that the lease holds beside this ([`crate::lease::Lease::start`]).
    AtTimestamp,
    /// Nothing is done; start at the oldest record that the stream still has.
    TrimHorizon,
    /// Nothing is done; start with what arrived after the application first saw the shard.
    Latest,
    /// Done through this record.
    At {
        /// The record's sequence number; for a user record of an aggregated one, its carrier's.
        sequence: SequenceNumber,
        /// The user record's place in its carrier, from 0; 0 for a plain record.
        sub: u64,
    },
    /// All records of the shard are done, and there will be no more.
    ShardEnd,
}

impl Position {
    /// The position after a plain record.
    #[must_use]
    pub fn at(sequence: SequenceNumber) -> Self {
        Self::At { sequence, sub: 0 }
    }

    /// Whether nothing of the shard is done yet.
    #[must_use]
    pub fn is_start(&self) -> bool {
        matches!(self, Self::AtTimestamp | Self::TrimHorizon | Self::Latest)
    }

    /// Whether the shard is finished.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(self, Self::ShardEnd)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtTimestamp => f.write_str("AT_TIMESTAMP"),
            Self::TrimHorizon => f.write_str("TRIM_HORIZON"),
            Self::Latest => f.write_str("LATEST"),
            Self::At { sequence, sub } => write!(f, "{sequence}/{sub}"),
            Self::ShardEnd => f.write_str("SHARD_END"),
        }
    }
}

/// Where an application that has no position yet starts to read a stream.
///
/// It is resolved once for each shard, when the shard's lease is made, and kept with the lease: a restart before the
/// first checkpoint starts at the same point and skips nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InitialPosition {
    /// The oldest records that the stream still has. The default.
    #[default]
    TrimHorizon,
    /// What arrives from now on. "Now" is the moment at which the lease is made, by the service's clock: a record that
    /// arrived within the same second may be delivered too.
    Latest,
    /// The first record that arrived at this time or later.
    AtTimestamp(Timestamp),
}

impl InitialPosition {
    /// What a lease stores for a shard that starts here, and the time that it keeps beside that.
    ///
    /// `service_now` is the time by the service's clock at which the shard was seen.
    #[must_use]
    pub fn resolve(self, service_now: Timestamp) -> (Position, Option<Timestamp>) {
        match self {
            Self::TrimHorizon => (Position::TrimHorizon, None),
            Self::Latest => (Position::Latest, Some(service_now)),
            Self::AtTimestamp(time) => (Position::AtTimestamp, Some(time)),
        }
    }
}

impl fmt::Display for InitialPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TrimHorizon => f.write_str("TRIM_HORIZON"),
            Self::Latest => f.write_str("LATEST"),
            Self::AtTimestamp(time) => write!(f, "AT_TIMESTAMP {time}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(sequence: &str, sub: u64) -> Position {
        Position::At { sequence: SequenceNumber::parse(sequence).expect("digits"), sub }
    }

    #[test]
    fn positions_have_the_order_of_the_kcl() {
        let ordered = [
            Position::AtTimestamp,
            Position::TrimHorizon,
            Position::Latest,
            at("0", 0),
            at("9", 0),
            at("9", 7),
            at("10", 0),
            at("49590338271490256608559692538361571095921575989136588898", 0),
            Position::ShardEnd,
        ];
        for (i, left) in ordered.iter().enumerate() {
            for (j, right) in ordered.iter().enumerate() {
                assert_eq!(left.cmp(right), i.cmp(&j), "{left} {right}");
            }
        }
    }

    #[test]
    fn what_is_not_a_number_is_no_sequence_number() {
        for text in ["", "-1", "007", "00", "1.0", "LATEST", " 1", "٣", &"1".repeat(130)] {
            assert!(SequenceNumber::parse(text).is_err(), "{text}");
        }
        assert!(SequenceNumber::parse("0").is_ok());
        assert!(SequenceNumber::parse(&"1".repeat(129)).is_ok());
    }
}
