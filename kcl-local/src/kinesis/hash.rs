//! The hash keys that decide which shard holds a record: 128-bit numbers, written in decimal.

use md5::{Digest, Md5};

/// The hash keys that belong to a shard, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashKeyRange {
    /// The lowest hash key.
    pub start: u128,
    /// The highest hash key.
    pub end: u128,
}

impl HashKeyRange {
    /// Every hash key there is.
    pub const FULL: Self = Self { start: 0, end: u128::MAX };

    /// The whole range in `count` equal parts, lowest first. What does not divide evenly goes to the last part.
    /// `count` is at least 1.
    pub fn equal_parts(count: u32) -> Vec<Self> {
        let count = u128::from(count.max(1));
        if count == 1 {
            return vec![Self::FULL];
        }
        // 2^128 / count, which needs care because 2^128 itself does not fit.
        let width = u128::MAX / count + u128::from(u128::MAX % count == count - 1);
        let part = |i| Self { start: i * width, end: if i == count - 1 { u128::MAX } else { (i + 1) * width - 1 } };
        (0..count).map(part).collect()
    }

    /// Whether a hash key belongs to the range.
    pub fn contains(&self, key: u128) -> bool {
        self.start <= key && key <= self.end
    }

    /// The key that halves the range: the lower half is all below it.
    pub fn middle(&self) -> u128 {
        (self.start + (self.end - self.start) / 2).saturating_add(1)
    }
}

/// The hash key of a partition key: its MD5 as a number (API reference, PutRecord).
pub fn hash_key(partition_key: &str) -> u128 {
    u128::from_be_bytes(Md5::digest(partition_key).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_parts_cover_every_key_once_and_in_order() {
        for count in 1..=257 {
            let parts = HashKeyRange::equal_parts(count);
            assert_eq!(parts.len(), count as usize);
            assert_eq!((parts[0].start, parts[parts.len() - 1].end), (0, u128::MAX));
            assert!(parts.windows(2).all(|pair| pair[0].end + 1 == pair[1].start), "{count}");
        }
    }

    #[test]
    fn two_parts_meet_in_the_middle_of_the_key_space() {
        assert_eq!(HashKeyRange::equal_parts(2)[1].start, 1 << 127);
        assert_eq!(HashKeyRange::FULL.middle(), 1 << 127);
    }

    #[test]
    fn a_partition_key_hashes_to_its_md5() {
        assert_eq!(hash_key("hello world"), 0x5eb6_3bbb_e01e_eed0_93cb_22bb_8f5a_cdc3);
    }
}
