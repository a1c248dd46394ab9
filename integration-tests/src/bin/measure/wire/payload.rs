//! The data of the records, made once for each shard.

use kcl_core::deaggregate::{aggregate, hash_key};

use super::kinds::Payload;
use super::written::Written;

/// The data of a user record.
pub(crate) const USER_BYTES: usize = 1024;

/// User records in one that is packed.
pub(crate) const PACKED: usize = 40;

/// Records that are made. After them the data comes again, with other sequence numbers: no reader looks at it.
const USER_RECORDS: usize = 1000;

/// The records of a shard that takes the hash keys from `begin` to `end`, as answers write them down.
pub(crate) fn records(payload: Payload, begin: u128, end: u128, arrival: u64) -> Vec<Written> {
    let keys: Vec<String> = keys(begin, end).take(USER_RECORDS).collect();
    let mut luck = fastrand::Rng::with_seed(0);
    let data: Vec<Vec<u8>> = keys.iter().map(|_| (0..USER_BYTES).map(|_| luck.u8(..)).collect()).collect();
    match payload {
        Payload::Plain => keys.iter().zip(&data).map(|(key, data)| Written::new(key, data, arrival, 1)).collect(),
        Payload::Aggregated => {
            let packed = keys.chunks(PACKED).zip(data.chunks(PACKED));
            packed.filter_map(|(keys, data)| pack(keys, data, arrival)).collect()
        }
    }
}

fn pack(keys: &[String], data: &[Vec<u8>], arrival: u64) -> Option<Written> {
    let user_records = keys.iter().zip(data).map(|(key, data)| (key.as_str(), None, data.as_slice()));
    Some(Written::new(keys.first()?, &aggregate(user_records), arrival, keys.len()))
}

/// Partition keys that belong to the shard: a user record with another key is looked at twice.
fn keys(begin: u128, end: u128) -> impl Iterator<Item = String> {
    let inside = move |key: &String| hash_key(key, None).is_some_and(|hash| (begin..=end).contains(&hash));
    (0_u64..).map(|number| format!("customer-{number:08}")).filter(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keys_belong_to_the_shard() {
        let half = u128::MAX / 2;
        let all: Vec<_> = keys(0, half).take(5).collect();
        assert!(all.iter().all(|key| hash_key(key, None).is_some_and(|hash| hash <= half)), "{all:?}");
    }

    #[test]
    fn as_many_user_records_are_packed_as_are_not() {
        for payload in [Payload::Plain, Payload::Aggregated] {
            let records = records(payload, 0, u128::MAX, 0);
            assert_eq!(records.iter().map(Written::user_records).sum::<usize>(), USER_RECORDS, "{payload:?}");
        }
    }
}
