//! Tags of streams: `AddTagsToStream`, `RemoveTagsFromStream`, `ListTagsForStream`; and of streams and consumers alike:
//! `TagResource`, `UntagResource`, `ListTagsForResource`.

use std::collections::BTreeMap;

use super::consumers::find_consumer;
use super::error::Error;
use super::settings::Settings;
use super::{Kinesis, Timestamp, find};

impl Kinesis {
    /// `AddTagsToStream`: adds tags and overwrites the values of those that are there.
    pub fn add_tags(&mut self, stream: &str, tags: BTreeMap<String, String>, now: Timestamp) -> Result<(), Error> {
        self.advance(now);
        add(&mut find(&mut self.streams, &self.settings, stream)?.tags, tags, &self.settings)
    }

    /// `RemoveTagsFromStream`: keys that the stream does not have are ignored.
    pub fn remove_tags(&mut self, stream: &str, keys: &[String], now: Timestamp) -> Result<(), Error> {
        self.advance(now);
        self.stream_mut(stream)?.tags.retain(|key, _| !keys.contains(key));
        Ok(())
    }

    /// The stream's tags.
    pub fn tags(&mut self, stream: &str, now: Timestamp) -> Result<&BTreeMap<String, String>, Error> {
        self.advance(now);
        Ok(&self.stream(stream)?.tags)
    }

    /// `TagResource` on a consumer: as [`Kinesis::add_tags`].
    pub fn add_consumer_tags(
        &mut self,
        stream: &str,
        consumer: &str,
        tags: BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.advance(now);
        let settings = &self.settings;
        let found = find(&mut self.streams, settings, stream)?;
        add(&mut find_consumer(found, settings, stream, consumer)?.tags, tags, settings)
    }

    /// `UntagResource` on a consumer: as [`Kinesis::remove_tags`].
    pub fn remove_consumer_tags(
        &mut self,
        stream: &str,
        consumer: &str,
        keys: &[String],
        now: Timestamp,
    ) -> Result<(), Error> {
        self.advance(now);
        let settings = &self.settings;
        let found = find(&mut self.streams, settings, stream)?;
        find_consumer(found, settings, stream, consumer)?.tags.retain(|key, _| !keys.contains(key));
        Ok(())
    }

    /// The consumer's tags.
    pub fn consumer_tags(
        &mut self,
        stream: &str,
        consumer: &str,
        now: Timestamp,
    ) -> Result<&BTreeMap<String, String>, Error> {
        self.advance(now);
        let settings = &self.settings;
        let found = find(&mut self.streams, settings, stream)?;
        Ok(&find_consumer(found, settings, stream, consumer)?.tags)
    }
}

fn add(held: &mut BTreeMap<String, String>, tags: BTreeMap<String, String>, settings: &Settings) -> Result<(), Error> {
    let new = tags.keys().filter(|key| !held.contains_key(*key)).count();
    check_tag_count(held.len() + new, settings)?;
    held.extend(tags);
    Ok(())
}

pub(super) fn check_tag_count(count: usize, settings: &Settings) -> Result<(), Error> {
    let most = settings.tags_per_stream;
    if count <= most {
        return Ok(());
    }
    Err(Error::invalid(format!("A stream or a consumer has at most {most} tags; this request would make it {count}.")))
}
