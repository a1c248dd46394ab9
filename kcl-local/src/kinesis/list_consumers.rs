//! `ListStreamConsumers`: the consumers of a stream, in pages.

use super::consumers::{ConsumerDescription, admit};
use super::error::{Error, ErrorCode};
use super::list_shards::{listable, page_size};
use super::settings::Settings;
use super::stream::Stream;
use super::{Kinesis, Timestamp, find, no_such_stream, token};

/// What `ListStreamConsumers` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumersPage {
    /// The consumers, by name. The service promises no order.
    pub consumers: Vec<ConsumerDescription>,
    /// Asks for the next page; `None` on the last.
    pub next_token: Option<String>,
}

impl Kinesis {
    /// `ListStreamConsumers` without a token. `max_results` is at least 1; more than the setting
    /// `list_consumers_page` counts as that. `stream_created` tells streams apart that had the same name.
    pub fn list_consumers(
        &mut self,
        stream: &str,
        max_results: Option<usize>,
        stream_created: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<ConsumersPage, Error> {
        let now = self.advance(now);
        let settings = &self.settings;
        let found = listable(find(&mut self.streams, settings, stream)?, settings, stream)?;
        if stream_created.is_some_and(|time| time.seconds() != found.created.seconds()) {
            return Err(no_such_stream(settings, stream));
        }
        let listing = Listing { stream: stream.to_owned(), epoch: found.epoch, after: String::new(), issued: now };
        page(found, settings, listing, max_results, now)
    }

    /// `ListStreamConsumers` with a token: the next page.
    pub fn list_more_consumers(
        &mut self,
        next_token: &str,
        max_results: Option<usize>,
        now: Timestamp,
    ) -> Result<ConsumersPage, Error> {
        let now = self.advance(now);
        let settings = &self.settings;
        let listing = Listing::open(next_token).ok_or_else(|| Error::invalid("Invalid NextToken."))?;
        let life = settings.next_token_life;
        if now > listing.issued.after(life) {
            let issued = listing.issued;
            let text =
                format!("NextToken expired: it was returned at {issued} and it is {now}, more than {life:?} later.");
            return Err(Error::new(ErrorCode::ExpiredNextToken, text));
        }
        let found = listable(find(&mut self.streams, settings, &listing.stream)?, settings, &listing.stream)?;
        if found.epoch != listing.epoch {
            return Err(no_such_stream(settings, &listing.stream));
        }
        page(found, settings, listing, max_results, now)
    }
}

fn page(
    stream: &mut Stream,
    settings: &Settings,
    listing: Listing,
    max_results: Option<usize>,
    now: Timestamp,
) -> Result<ConsumersPage, Error> {
    let size = page_size(max_results, settings.list_consumers_page)?;
    let most = settings.list_consumers_calls_per_second;
    admit(&mut stream.list_consumers_calls, most, settings, &listing.stream, now)?;
    let mut rest = stream.consumers.iter().filter(|(name, _)| **name > listing.after);
    let describe =
        |(name, consumer): (&String, &super::consumers::Consumer)| consumer.describe(settings, &listing.stream, name);
    let consumers: Vec<ConsumerDescription> = rest.by_ref().take(size).map(describe).collect();
    let after = consumers.last().map(|last| last.name.clone()).filter(|_| rest.next().is_some());
    let next_token = after.map(|after| Listing { after, issued: now, ..listing }.seal());
    Ok(ConsumersPage { consumers, next_token })
}

/// A listing that goes on: what a `NextToken` says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Listing {
    stream: String,
    epoch: u64,
    /// The name of the last consumer that was listed.
    after: String,
    issued: Timestamp,
}

const KIND: &str = "list-consumers";

impl Listing {
    fn seal(&self) -> String {
        token::seal(&[&KIND, &self.stream, &self.epoch, &self.after, &self.issued])
    }

    fn open(next_token: &str) -> Option<Self> {
        let [kind, stream, epoch, after, issued] = token::open(next_token)?;
        (kind == KIND).then_some(())?;
        Some(Self { stream, epoch: epoch.parse().ok()?, after, issued: Timestamp(issued.parse().ok()?) })
    }
}
