//! `ListStreams`: the account's streams, in pages.

use super::describe::StreamDescription;
use super::{Kinesis, Timestamp};

/// What `ListStreams` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamsPage {
    /// The streams, by name.
    pub streams: Vec<StreamDescription>,
    /// Whether there are more, after the last of these.
    pub has_more_streams: bool,
}

impl Kinesis {
    /// `ListStreams`: those whose names come after `exclusive_start`, at most `limit` of them and at most a page.
    pub fn list_streams(&mut self, exclusive_start: Option<&str>, limit: Option<usize>, now: Timestamp) -> StreamsPage {
        self.advance(now);
        let size = limit.unwrap_or(usize::MAX).min(self.settings.list_streams_page);
        let after = |name: &&String| exclusive_start.is_none_or(|start| name.as_str() > start);
        let mut names = self.streams.keys().filter(after);
        let streams = names.by_ref().take(size).filter_map(|name| self.description(name).ok()).collect();
        StreamsPage { streams, has_more_streams: names.next().is_some() }
    }
}
