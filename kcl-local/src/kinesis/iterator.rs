//! Shard iterators: where to read next, good for five minutes, kept by the reader and not by the service.

use super::error::{Error, ErrorCode};
use super::names::ShardId;
use super::settings::Settings;
use super::token;
use crate::wire::Timestamp;

/// What a shard iterator says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShardIterator {
    pub(super) stream: String,
    pub(super) shard: ShardId,
    /// The epoch of the shard: one of the same name in a later incarnation of the stream has another.
    pub(super) epoch: u64,
    /// The next record is the first at this place or after it.
    pub(super) place: u64,
    pub(super) issued: Timestamp,
}

const KIND: &str = "iterator";

impl ShardIterator {
    pub(super) fn seal(&self) -> String {
        token::seal(&[&KIND, &self.stream, &self.shard, &self.epoch, &self.place, &self.issued])
    }

    pub(super) fn open(token: &str) -> Result<Self, Error> {
        Self::parse(token).ok_or_else(|| Error::invalid("Invalid ShardIterator."))
    }

    fn parse(token: &str) -> Option<Self> {
        let [kind, stream, shard, epoch, place, issued] = token::open(token)?;
        (kind == KIND).then_some(())?;
        Some(Self {
            stream,
            shard: shard.parse().ok()?,
            epoch: epoch.parse().ok()?,
            place: place.parse().ok()?,
            issued: Timestamp(issued.parse().ok()?),
        })
    }

    /// API reference, GetShardIterator: an iterator expires 5 minutes after it is returned.
    pub(super) fn check_age(&self, settings: &Settings, now: Timestamp) -> Result<(), Error> {
        let tolerated = settings.iterator_life;
        if now <= self.issued.after(tolerated) {
            return Ok(());
        }
        let text = format!(
            "Iterator expired. The iterator was created at time {} while right now it is {now} which is further in the \
             future than the tolerated delay of {} milliseconds.",
            self.issued,
            tolerated.as_millis()
        );
        Err(Error::new(ErrorCode::ExpiredIterator, text))
    }
}
