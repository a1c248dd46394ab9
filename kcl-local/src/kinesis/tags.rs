//! Tags of streams: `AddTagsToStream`, `RemoveTagsFromStream`, `ListTagsForStream`.

use std::collections::BTreeMap;

use super::error::Error;
use super::settings::Settings;
use super::{Kinesis, Timestamp, find};

impl Kinesis {
    /// `AddTagsToStream`: adds tags and overwrites the values of those that are there.
    pub fn add_tags(&mut self, stream: &str, tags: BTreeMap<String, String>, now: Timestamp) -> Result<(), Error> {
        self.advance(now);
        let found = find(&mut self.streams, &self.settings, stream)?;
        let new = tags.keys().filter(|key| !found.tags.contains_key(*key)).count();
        check_tag_count(found.tags.len() + new, &self.settings)?;
        found.tags.extend(tags);
        Ok(())
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
}

pub(super) fn check_tag_count(count: usize, settings: &Settings) -> Result<(), Error> {
    let most = settings.tags_per_stream;
    if count <= most {
        return Ok(());
    }
    Err(Error::invalid(format!("A stream has at most {most} tags; this request would make it {count}.")))
}
