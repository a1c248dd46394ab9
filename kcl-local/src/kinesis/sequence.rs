//! Sequence numbers: 56 decimal digits that hold the incarnation of the stream, the shard, the place and the time.
//!
//! The fields lie where the service's own numbers of version 2 have them, as far as is publicly known, so that a tool
//! that takes real numbers apart works on these too. From the top, 186 bits: version 2, the second in which the shard
//! was made (36 bits), the low 4 bits of the shard's number, the place in the shard (64), a byte that is 1 in a
//! continuation and else 0, the second of arrival (36), the shard's number (32), version 2 again (4).

use std::fmt;
use std::str::FromStr;

use super::names::ShardId;
use crate::wire::Timestamp;

const TEN_TO_19: u64 = 10_000_000_000_000_000_000;
const VERSION: u8 = 2;
/// Seconds in the largest time that 36 bits hold, about the year 4147.
const SECONDS_MASK: u64 = (1 << 36) - 1;

/// The place of a record in its shard, or the place between two records where a subscription continues.
///
/// Numbers grow within a shard, and those of a child shard are greater than those of its parents, because the first
/// field is the time the shard was made, never the same for two that were not made together. `Display` and `FromStr`
/// use the decimal form of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SequenceNumber {
    pub(super) epoch: u64,
    pub(super) place: u64,
    pub(super) seconds: u64,
    pub(super) shard: ShardId,
    /// Not the number of a record: it lies between that of this place and the next.
    between: bool,
}

impl SequenceNumber {
    pub(super) fn new(epoch: u64, shard: ShardId, place: u64, time: Timestamp) -> Self {
        Self { epoch, place, seconds: time.seconds() & SECONDS_MASK, shard, between: false }
    }

    /// Where a subscription continues that has given everything before `next_place`: after every record given, before
    /// every other, the number of none, and greater as time goes on even where no record comes.
    pub(super) fn continuation(epoch: u64, shard: ShardId, next_place: u64, time: Timestamp) -> Self {
        Self { between: true, ..Self::new(epoch, shard, next_place.saturating_sub(1), time) }
    }

    /// The first place that is at this number or after it.
    pub(super) fn at(self) -> u64 {
        self.place.saturating_add(u64::from(self.between))
    }

    /// The first place that is after this number.
    pub(super) fn after(self) -> u64 {
        self.place.saturating_add(1)
    }

    /// The number as its upper 60 and lower 128 bits.
    fn words(self) -> (u64, u128) {
        let shard = u64::from(self.shard.0);
        let high = u64::from(VERSION) << 56 | self.epoch << 20 | (shard & 0xf) << 16 | self.place >> 48;
        let low = u128::from(self.place & ((1 << 48) - 1)) << 80
            | u128::from(self.between) << 72
            | u128::from(self.seconds) << 36
            | u128::from(shard) << 4
            | u128::from(VERSION);
        (high, low)
    }

    /// The fields of a number, or `None` if it is none that this model gives out.
    fn from_words(high: u64, low: u128) -> Option<Self> {
        let field = |shift: u32, bits: u32| u64::try_from(low >> shift & ((1 << bits) - 1)).unwrap_or_default();
        let number = Self {
            epoch: high >> 20 & SECONDS_MASK,
            place: (high & 0xffff) << 48 | field(80, 48),
            seconds: field(36, 36),
            shard: ShardId(u32::try_from(field(4, 32)).ok()?),
            between: field(72, 8) == 1,
        };
        (number.words() == (high, low)).then_some(number)
    }
}

impl PartialOrd for SequenceNumber {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SequenceNumber {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.words().cmp(&other.words())
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Long division by 10^19, the largest power of ten in a limb, gives 19 digits at a time from the right.
        let (high, low) = self.words();
        let mut limbs = [high, upper_half(low), lower_half(low)];
        let mut groups = [0; 3];
        for group in &mut groups {
            let mut rest = 0;
            for limb in &mut limbs {
                let value = u128::from(rest) << 64 | u128::from(*limb);
                *limb = lower_half(value / u128::from(TEN_TO_19));
                rest = lower_half(value % u128::from(TEN_TO_19));
            }
            *group = rest;
        }
        write!(f, "{}{:019}{:019}", groups[2], groups[1], groups[0])
    }
}

fn upper_half(value: u128) -> u64 {
    lower_half(value >> 64)
}

fn lower_half(value: u128) -> u64 {
    u64::try_from(value & u128::from(u64::MAX)).unwrap_or_default()
}

/// A text that is not a sequence number of this model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a sequence number of this model")]
pub struct NotASequenceNumber;

impl FromStr for SequenceNumber {
    type Err = NotASequenceNumber;

    fn from_str(text: &str) -> Result<Self, NotASequenceNumber> {
        let mut limbs = [0_u64; 3];
        for byte in text.bytes() {
            let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10).ok_or(NotASequenceNumber)?;
            let mut carry = u64::from(digit);
            for limb in limbs.iter_mut().rev() {
                let value = u128::from(*limb) * 10 + u128::from(carry);
                *limb = lower_half(value);
                carry = upper_half(value);
            }
            if carry != 0 {
                return Err(NotASequenceNumber);
            }
        }
        let number = Self::from_words(limbs[0], u128::from(limbs[1]) << 64 | u128::from(limbs[2]));
        // A leading zero would make two texts of one number.
        number.filter(|_| !text.starts_with('0')).ok_or(NotASequenceNumber)
    }
}

/// Hands out the epochs that sequence numbers begin with, and others that ARNs of consumers end in: the current second, or one more than the last epoch if that
/// is later. So no two shards of the account share an epoch unless they were made together, a child is later than its
/// parents, and a re-created stream is later than its former self, however fast one follows the other.
#[derive(Debug, Default)]
pub(super) struct Epochs {
    last: u64,
}

impl Epochs {
    pub(super) fn next(&mut self, now: Timestamp) -> u64 {
        self.last = now.seconds().max(self.last + 1) & SECONDS_MASK;
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(epoch: u64, shard: u32, place: u64) -> SequenceNumber {
        SequenceNumber::new(epoch, ShardId(shard), place, Timestamp(1_700_000_000_123))
    }

    #[test]
    fn every_number_is_read_back_from_its_text() {
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..2_000 {
            let shift = rng.u32(0..64);
            let made = number(rng.u64(0..1 << 36), rng.u32(..), rng.u64(..) >> shift);
            assert_eq!(made.to_string().parse(), Ok(made));
        }
    }

    #[test]
    fn numbers_look_like_those_of_the_service() {
        // A shard made in July 2016, as the documentation's examples have them.
        let text = number(1_468_000_000, 0, 1).to_string();
        assert_eq!(text.len(), 56);
        assert!(text.starts_with("4956"), "{text}");
        assert_eq!(text, "49563657210931530743815495819599067633494845001257975810", "a golden value");
    }

    #[test]
    fn numeric_order_is_epoch_then_place() {
        let ascending = [number(5, 3, u64::MAX >> 1), number(6, 0, 0), number(6, 0, 1), number(6, 0, 1 << 50)];
        assert!(ascending.is_sorted());
        let texts = ascending.map(|n| n.to_string());
        assert!(texts.is_sorted(), "of equal length, so text order is numeric order");
    }

    #[test]
    fn a_continuation_lies_between_two_records_and_grows_with_time() {
        let (before, next) = (number(9, 3, 40), number(9, 3, 41));
        let at = |ms| SequenceNumber::continuation(9, ShardId(3), 41, Timestamp(ms));
        let (early, late) = (at(1_700_000_000_000), at(1_700_000_001_000));
        assert!([before, early, late, next].is_sorted_by(|one, other| one < other));
        assert_eq!(early.to_string().parse(), Ok(early));
        assert_eq!([before.at(), before.after()], [40, 41]);
        assert_eq!([early.at(), early.after()], [41, 41], "it may be read as at and as after");
        assert_eq!(SequenceNumber::continuation(9, ShardId(3), 0, Timestamp(0)).at(), 1, "records begin at place 1");
    }

    #[test]
    fn other_texts_are_refused() {
        let real = number(9, 1, 1).to_string();
        let mut altered = real.clone();
        altered.replace_range(55..56, "9");
        let leading_zero = format!("0{real}");
        let too_long = format!("{real}0");
        // The same value if the character after 9 counted as ten.
        let colon = number(9, 1, 1).to_string().replacen("10", "0:", 1);
        assert!(colon.contains(':'));
        for text in ["", "0", "17", "TRIM_HORIZON", "-1", &altered, &leading_zero, &too_long, &colon, &"9".repeat(129)]
        {
            assert_eq!(text.parse::<SequenceNumber>(), Err(NotASequenceNumber), "{text}");
        }
    }

    #[test]
    fn epochs_never_repeat_even_within_a_second_or_when_the_clock_stands_still() {
        let mut epochs = Epochs::default();
        let given: Vec<_> = [1000, 1000, 1999, 5000, 3000].map(|ms| epochs.next(Timestamp(ms))).into();
        assert_eq!(given, [1, 2, 3, 5, 6]);
    }
}
