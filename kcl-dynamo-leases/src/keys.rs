//! How a shard is named in the table: by its id in an application of one stream, by stream and id in one of several.

use kcl_core::ids::{ShardId, ShardKey, StreamId};

use crate::schema::{Attribute, LEASE_KEY, SHARD_ID, STREAM_NAME};
use crate::values::{Item, Malformed, required_text, text};

/// The form of an application's lease keys. It cannot be changed while the table has leases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Keys {
    /// The shard's id. The stream is the application's only one.
    Single(StreamId),
    /// The stream's identifier, a colon, and the shard's id.
    Multi,
}

/// A shard that has no place in this table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForeignShard(pub(crate) String);

impl Keys {
    /// The key of the shard's lease.
    pub(crate) fn lease_key(&self, shard: &ShardKey) -> Result<String, ForeignShard> {
        match self {
            Self::Single(stream) if shard.stream == *stream => Ok(shard.shard.to_string()),
            Self::Single(stream) => Err(ForeignShard(format!("the table is for the stream {stream} only"))),
            Self::Multi if shard.stream.is_qualified() => Ok(multi_key(shard)),
            Self::Multi => Err(ForeignShard(
                "the table is for several streams, whose names have the form account:name:epoch".to_owned(),
            )),
        }
    }

    /// The attributes that a lease has beside its key to name its shard.
    pub(crate) fn attributes(&self, shard: &ShardKey) -> Vec<(Attribute, String)> {
        match self {
            Self::Single(_) => Vec::new(),
            Self::Multi => vec![(STREAM_NAME, shard.stream.to_string()), (SHARD_ID, shard.shard.to_string())],
        }
    }

    /// The shard of a lease.
    ///
    /// # Errors
    /// If the lease was made by an application of the other form, or its attributes contradict its key.
    pub(crate) fn shard_of(&self, item: &Item) -> Result<ShardKey, Malformed> {
        let lease_key = required_text(item, LEASE_KEY)?;
        match self {
            Self::Single(stream) => match text(item, STREAM_NAME)? {
                None => Ok(ShardKey::new(stream.clone(), lease_key)),
                Some(_) => Err(Malformed::new(STREAM_NAME, "is for an application of several streams")),
            },
            Self::Multi => {
                let stream = StreamId::parse_qualified(required_text(item, STREAM_NAME)?)
                    .map_err(|error| Malformed::new(STREAM_NAME, error.to_string()))?;
                let shard = ShardKey::new(stream, required_text(item, SHARD_ID)?);
                if multi_key(&shard) == lease_key {
                    Ok(shard)
                } else {
                    Err(Malformed::new(LEASE_KEY, format!("is not that of streamName and shardId, {shard}")))
                }
            }
        }
    }

    /// The shard that a lease key names, if it is one of this form.
    pub(crate) fn shard_of_key(&self, lease_key: &str) -> Option<ShardKey> {
        match self {
            Self::Single(stream) => Some(ShardKey::new(stream.clone(), lease_key)),
            Self::Multi => {
                let (stream, shard) = lease_key.rsplit_once(':')?;
                Some(ShardKey::new(StreamId::parse_qualified(stream).ok()?, ShardId::from(shard)))
            }
        }
    }
}

fn multi_key(shard: &ShardKey) -> String {
    format!("{}:{}", shard.stream, shard.shard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_takes_the_shards_of_its_streams_only() {
        let single = Keys::Single(StreamId::named("orders"));
        let orders = ShardKey::new(StreamId::named("orders"), "shardId-000000000001");
        let qualified = StreamId::parse_qualified("123456789012:orders:1700000000").expect("qualified");
        let qualified = ShardKey::new(qualified, "shardId-000000000001");
        assert_eq!(single.lease_key(&orders), Ok("shardId-000000000001".to_owned()));
        assert_eq!(
            Keys::Multi.lease_key(&qualified),
            Ok("123456789012:orders:1700000000:shardId-000000000001".to_owned())
        );
        assert!(single.lease_key(&qualified).is_err());
        assert!(Keys::Multi.lease_key(&orders).is_err());
    }

    #[test]
    fn a_lease_key_gives_back_its_shard() {
        let stream = StreamId::parse_qualified("1:a:2").expect("qualified");
        for (keys, shard) in [
            (Keys::Single(StreamId::named("orders")), ShardKey::new(StreamId::named("orders"), "shardId-0")),
            (Keys::Multi, ShardKey::new(stream, "shardId-0")),
        ] {
            let key = keys.lease_key(&shard).expect("its own");
            assert_eq!(keys.shard_of_key(&key), Some(shard));
        }
        assert_eq!(Keys::Multi.shard_of_key("shardId-0"), None);
        assert_eq!(Keys::Multi.shard_of_key("orders:shardId-0"), None);
    }
}
