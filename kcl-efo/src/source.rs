//! One shard, read by subscriptions, whether or not anybody asks for its records.

use async_trait::async_trait;
use kcl_core::error::SourceError;
use kcl_core::retrieval::{Fetch, Fetched, RawRecord, RecordSource};

use crate::feed::Feed;

/// The part of the worker's byte budget that is taken in for a shard while nobody asks for it.
const PART_OF_BUDGET: usize = 32;

/// Reads a shard.
pub(crate) struct FanOutSource {
    feed: Feed,
    /// What was taken in while nobody asked, and its bytes.
    shelf: Option<Fetch>,
    shelved: usize,
    /// What went wrong meanwhile.
    trouble: Option<SourceError>,
}

impl FanOutSource {
    pub(crate) fn new(feed: Feed) -> Self {
        Self { feed, shelf: None, shelved: 0, trouble: None }
    }

    /// Takes records in while nobody asks for them, until the shelf is full.
    async fn take_in(&mut self) {
        let most = self.feed.budget().total() / PART_OF_BUDGET;
        while self.trouble.is_none() && !self.feed.is_over() {
            // Whoever has something to give need not begin again before he is asked.
            if self.shelved >= most || (self.shelf.is_some() && !self.feed.flows()) {
                return;
            }
            match self.feed.fetch().await {
                Ok(Fetched::Records(fetch)) => self.shelve(fetch),
                Ok(Fetched::End { .. }) => {}
                Err(error) => self.trouble = Some(error),
            }
        }
    }

    fn shelve(&mut self, fetch: Fetch) {
        self.shelved += fetch.records.iter().map(RawRecord::held_bytes).sum::<usize>();
        let Some(shelf) = &mut self.shelf else {
            self.shelf = Some(fetch);
            return;
        };
        shelf.records.extend(fetch.records);
        shelf.behind = fetch.behind;
        shelf.share.merge(fetch.share);
        shelf.share.fit(self.shelved);
    }
}

#[async_trait]
impl RecordSource for FanOutSource {
    async fn next(&mut self) -> Result<Fetched, SourceError> {
        if let Some(shelf) = self.shelf.take() {
            self.shelved = 0;
            self.feed.is_read();
            return Ok(Fetched::Records(shelf));
        }
        match self.trouble.take() {
            Some(trouble) => Err(trouble),
            None => self.feed.fetch().await,
        }
    }

    async fn stand_by(&mut self) {
        self.take_in().await;
        self.feed.leave_unread().await;
    }
}
