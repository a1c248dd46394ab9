//! Whether a user record belongs to the shard on which its carrier was found.

use std::ops::RangeInclusive;

use md5::{Digest, Md5};

use super::UserRecord;

/// Where a user record belongs by its own key, seen from the shard that its carrier was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Placement {
    /// Inside the hash key range of the shard.
    Inside,
    /// Outside it. Either the shard was split or merged after the producer chose the carrier's contents, and then the
    /// producer has probably sent this user record again to its own shard; or the service distributes the records of
    /// this stream and keys do not decide the shard, and then this may be the only copy.
    Outside,
    /// Cannot be told: the range of the shard is not known, or the user record's keys have no hash key.
    Unknown,
}

/// The longest keys that the service takes (Kinesis API reference, PutRecord): 256 characters, of at most four bytes
/// each in UTF-8, and the 39 digits of 2^128 - 1. The limits also bound the work that one user record can cause, since
/// any number of user records may share one very long key.
const MAX_PARTITION_KEY_BYTES: usize = 256 * 4;
const MAX_EXPLICIT_HASH_KEY_DIGITS: usize = 39;

/// The hash key that decides the shard of a record: the explicit hash key if there is one, else the MD5 of the partition
/// key as a big-endian number (Kinesis API reference, PutRecord).
///
/// `None` if the explicit hash key is not a decimal number below 2^128, or a key is longer than the service takes.
pub fn hash_key(partition_key: &str, explicit_hash_key: Option<&str>) -> Option<u128> {
    match explicit_hash_key {
        Some(digits) if digits.len() > MAX_EXPLICIT_HASH_KEY_DIGITS => None,
        Some(digits) => digits.parse().ok(),
        None if partition_key.len() > MAX_PARTITION_KEY_BYTES => None,
        None => Some(u128::from_be_bytes(Md5::digest(partition_key).into())),
    }
}

/// Where a hash key lies, seen from a shard. `None` on either side stands for not known.
pub fn placement(hash_key: Option<u128>, shard: Option<&RangeInclusive<u128>>) -> Placement {
    match (hash_key, shard) {
        (Some(hash_key), Some(range)) if range.contains(&hash_key) => Placement::Inside,
        (Some(_), Some(_)) => Placement::Outside,
        (None, _) | (_, None) => Placement::Unknown,
    }
}

impl UserRecord {
    /// The [`hash_key`] of this user record's own keys.
    pub fn hash_key(&self) -> Option<u128> {
        hash_key(&self.partition_key, self.explicit_hash_key.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_explicit_hash_key_the_md5_of_the_partition_key_counts() {
        // RFC 1321, A.5 Test suite.
        assert_eq!(hash_key("", None), Some(0xd41d_8cd9_8f00_b204_e980_0998_ecf8_427e));
        assert_eq!(hash_key("abc", None), Some(0x9001_5098_3cd2_4fb0_d696_3f7d_28e1_7f72));
        assert_eq!(hash_key("message digest", None), Some(0xf96b_697d_7cb7_938d_525a_2f31_aaf1_61d0));
    }

    #[test]
    fn an_explicit_hash_key_is_a_decimal_number_below_2_pow_128() {
        let cases = [
            ("0", Some(0)),
            ("170", Some(170)),
            ("340282366920938463463374607431768211455", Some(u128::MAX)),
            ("340282366920938463463374607431768211456", None),
            ("0000000000000000000000000000000000000001", None),
            ("", None),
            ("-1", None),
            ("1e3", None),
            ("0x10", None),
            (" 1", None),
            ("\u{0661}", None),
        ];
        for (text, expected) in cases {
            assert_eq!(hash_key("any", Some(text)), expected, "{text:?}");
        }
    }

    #[test]
    fn a_partition_key_longer_than_the_service_takes_has_no_hash_key() {
        let longest = "\u{1F511}".repeat(256);
        assert!(hash_key(&longest, None).is_some());
        assert_eq!(hash_key(&(longest.clone() + "x"), None), None);
        assert_eq!(hash_key(&(longest + "x"), Some("5")), Some(5));
    }

    #[test]
    fn both_ends_of_the_range_belong_to_the_shard() {
        use Placement::{Inside, Outside, Unknown};
        let range = 10..=20;
        let cases = [
            (Some(9), Some(&range), Outside),
            (Some(10), Some(&range), Inside),
            (Some(20), Some(&range), Inside),
            (Some(21), Some(&range), Outside),
            (Some(0), Some(&(0..=u128::MAX)), Inside),
            (Some(u128::MAX), Some(&(0..=u128::MAX)), Inside),
            (None, Some(&range), Unknown),
            (Some(15), None, Unknown),
            (None, None, Unknown),
        ];
        for (hash_key, shard, expected) in cases {
            assert_eq!(placement(hash_key, shard), expected, "{hash_key:?} in {shard:?}");
        }
    }
}
