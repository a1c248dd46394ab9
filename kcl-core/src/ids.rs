//! The names of things: applications, workers, streams, shards.

use std::fmt;
use std::sync::Arc;

/// Declares a cheap-to-clone name over `Arc<str>`. Every one of them is a different type, so that a worker's id
/// cannot be passed where a shard's is wanted.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps a name as it stands. Nothing is checked here; what a name may not be is checked where it is used.
            pub fn new(name: impl Into<Arc<str>>) -> Self {
                Self(name.into())
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self::new(name)
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self::new(name)
            }
        }
    };
}

name! {
    /// The application: all workers that share one lease table. By convention also the name of that table.
    AppName
}
name! {
    /// One worker. It must be unique in its application at any moment; see [`WorkerId::unique`].
    WorkerId
}
name! {
    /// A shard as its stream names it, for example `shardId-000000000002`. Unique only inside its stream.
    ShardId
}

impl WorkerId {
    /// A name that no other process has: the host's name, if the environment or the kernel tells it, and a random UUID.
    #[must_use]
    pub fn unique() -> Self {
        let told = std::env::var("HOSTNAME").or_else(|_| std::fs::read_to_string("/proc/sys/kernel/hostname"));
        let host = told.ok().map(|host| host.trim().to_owned()).filter(|host| !host.is_empty());
        let id = uuid::Uuid::new_v4();
        Self::new(host.map_or_else(|| format!("worker:{id}"), |host| format!("{host}:{id}")))
    }
}

/// Which stream a shard belongs to.
///
/// In an application of one stream this is the stream's name. In an application of several it is the KCL's stream
/// identifier, `account:name:epoch`, where the epoch is the stream's creation time in seconds: it tells a stream from
/// an earlier one of the same name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    text: Arc<str>,
    /// Where the name stands in `text`.
    name: (usize, usize),
}

/// A text that is not a stream identifier of the form `account:name:epoch`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a stream identifier of the form account:name:epoch, digits before and after the name")]
pub struct InvalidStreamId {
    text: String,
}

impl StreamId {
    /// The only stream of an application, known by its name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { text: name.into(), name: (0, name.len()) }
    }

    /// One of an application's streams, in the KCL's form `account:name:epoch`.
    ///
    /// # Errors
    /// If the text has another form, or an epoch of zero.
    pub fn parse_qualified(text: &str) -> Result<Self, InvalidStreamId> {
        let invalid = || InvalidStreamId { text: text.to_owned() };
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let mut parts = text.split(':');
        let (Some(account), Some(name), Some(epoch), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(invalid());
        };
        if !digits(account) || name.is_empty() || !digits(epoch) || epoch.bytes().all(|byte| byte == b'0') {
            return Err(invalid());
        }
        let start = account.len() + 1;
        Ok(Self { text: text.into(), name: (start, start + name.len()) })
    }

    /// The stream's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.text[self.name.0..self.name.1]
    }

    /// The identifier as the lease table holds it: the name, or `account:name:epoch`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this is the form `account:name:epoch` of an application with several streams.
    #[must_use]
    pub fn is_qualified(&self) -> bool {
        self.name.0 > 0
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.text, f)
    }
}

/// A shard by its full name: the stream, and the shard's id inside it. Shards are named this way everywhere, also in
/// an application that reads one stream only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardKey {
    /// The stream.
    pub stream: StreamId,
    /// The shard's id inside the stream.
    pub shard: ShardId,
}

impl ShardKey {
    /// Names a shard.
    pub fn new(stream: StreamId, shard: impl Into<ShardId>) -> Self {
        Self { stream, shard: shard.into() }
    }

    /// Another shard of the same stream.
    #[must_use]
    pub fn sibling(&self, shard: &ShardId) -> Self {
        Self { stream: self.stream.clone(), shard: shard.clone() }
    }
}

impl fmt::Display for ShardKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.stream, self.shard)
    }
}

impl fmt::Debug for ShardKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qualified_stream_id_gives_back_its_name() {
        let id = StreamId::parse_qualified("123456789012:orders:1699999999").expect("valid");
        assert_eq!((id.name(), id.as_str(), id.is_qualified()), ("orders", "123456789012:orders:1699999999", true));
        let id = StreamId::named("orders");
        assert_eq!((id.name(), id.as_str(), id.is_qualified()), ("orders", "orders", false));
    }

    #[test]
    fn other_forms_are_not_qualified_stream_ids() {
        for text in ["", "orders", ":orders:1", "1:orders", "1::2", "1:orders:0", "x:orders:1", "1:orders:x", "1:a:2:3"]
        {
            assert!(StreamId::parse_qualified(text).is_err(), "{text}");
        }
    }
}
