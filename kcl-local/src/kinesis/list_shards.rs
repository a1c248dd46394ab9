//! `ListShards`: the shards in retention, filtered and in pages.

use super::error::{Error, ErrorCode};
use super::names::ShardId;
use super::settings::Settings;
use super::shard::{Shard, ShardDescription};
use super::stream::{Stream, StreamStatus};
use super::{Kinesis, Timestamp, find, no_such_stream, token};

/// Which shards to list (API reference, ShardFilter). None of them lists expired shards.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ShardFilter {
    /// Those with a greater id.
    AfterShardId(ShardId),
    /// Those that were open at the trim horizon.
    AtTrimHorizon,
    /// All.
    #[default]
    FromTrimHorizon,
    /// Those that are open now.
    AtLatest,
    /// Those opened at this time or before, and closed at this time or later, or open.
    AtTimestamp(Timestamp),
    /// Those closed at this time or later, or open. A time before the trim horizon means the horizon.
    FromTimestamp(Timestamp),
}

impl ShardFilter {
    fn admits(self, shard: &Shard, horizon: Timestamp) -> bool {
        let closed_since = |time| shard.closed.is_none_or(|closed| closed >= time);
        match self {
            Self::AfterShardId(id) => shard.id > id,
            Self::AtTrimHorizon => shard.opened <= horizon && closed_since(horizon),
            Self::FromTrimHorizon => true,
            Self::AtLatest => shard.closed.is_none(),
            Self::AtTimestamp(time) => shard.opened <= time && closed_since(time),
            Self::FromTimestamp(time) => closed_since(time.max(horizon)),
        }
    }
}

/// A first request to list shards. The default lists all, a page of the largest size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ListShards {
    /// Which shards.
    pub filter: ShardFilter,
    /// Only shards with a greater id.
    pub exclusive_start_shard_id: Option<ShardId>,
    /// Shards a page, at least 1; more than the setting `list_shards_page` counts as that.
    pub max_results: Option<usize>,
    /// Only if the stream was made in this second: tells streams apart that had the same name one after the other.
    pub stream_creation_timestamp: Option<Timestamp>,
}

/// What `ListShards` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardsPage {
    /// The shards, by id. The service promises no order.
    pub shards: Vec<ShardDescription>,
    /// Asks for the next page; `None` on the last.
    pub next_token: Option<String>,
}

impl Kinesis {
    /// `ListShards` without a token.
    pub fn list_shards(&mut self, stream: &str, request: &ListShards, now: Timestamp) -> Result<ShardsPage, Error> {
        let now = self.advance(now);
        let settings = &self.settings;
        let found = listable(find(&mut self.streams, settings, stream)?, settings, stream)?;
        let made_then = |time: Timestamp| time.seconds() == found.created.seconds();
        if !request.stream_creation_timestamp.is_none_or(made_then) {
            return Err(no_such_stream(settings, stream));
        }
        let (filter, after) = (request.filter, request.exclusive_start_shard_id);
        let listing = Listing { stream: stream.to_owned(), epoch: found.epoch, filter, after, issued: now };
        page(found, settings, listing, request.max_results, now)
    }

    /// `ListShards` with a token: the next page of a listing, by the filter it began with.
    pub fn list_more_shards(
        &mut self,
        next_token: &str,
        max_results: Option<usize>,
        now: Timestamp,
    ) -> Result<ShardsPage, Error> {
        let now = self.advance(now);
        let settings = &self.settings;
        let listing = Listing::open(next_token)?;
        let life = settings.next_token_life;
        if now > listing.issued.after(life) {
            let text = format!(
                "NextToken expired: it was returned at {} and it is {now}, more than {life:?} later.",
                listing.issued
            );
            return Err(Error::new(ErrorCode::ExpiredNextToken, text));
        }
        let found = listable(find(&mut self.streams, settings, &listing.stream)?, settings, &listing.stream)?;
        if found.epoch != listing.epoch {
            return Err(no_such_stream(settings, &listing.stream));
        }
        page(found, settings, listing, max_results, now)
    }

    /// Every shard that has not expired, by id: no limit holds and nothing is counted.
    pub fn shards(&mut self, stream: &str, now: Timestamp) -> Result<Vec<ShardDescription>, Error> {
        let now = self.advance(now);
        Ok(self.stream_mut(stream)?.live_shards(now).map(Shard::describe).collect())
    }
}

/// API reference, ListShards and ListStreamConsumers, ResourceInUseException. Resharding does not stand in the way of
/// listing.
pub(super) fn listable<'a>(stream: &'a mut Stream, settings: &Settings, name: &str) -> Result<&'a mut Stream, Error> {
    let account = &settings.account;
    match stream.status() {
        StreamStatus::Active | StreamStatus::Updating => Ok(stream),
        status => Err(Error::in_use(format!(
            "Stream {name} under account {account} is in state {}; nothing of it can be listed.",
            status.as_str()
        ))),
    }
}

/// How many a page of a listing has at most.
pub(super) fn page_size(max_results: Option<usize>, most: usize) -> Result<usize, Error> {
    if max_results == Some(0) {
        return Err(Error::constraint("maxResults", "Member must have value greater than or equal to 1"));
    }
    Ok(max_results.unwrap_or(usize::MAX).min(most))
}

fn page(
    stream: &mut Stream,
    settings: &Settings,
    listing: Listing,
    max_results: Option<usize>,
    now: Timestamp,
) -> Result<ShardsPage, Error> {
    let size = page_size(max_results, settings.list_shards_page)?;
    if !stream.list_shards_calls.admit_in_a_second(now, settings.list_shards_calls_per_second) {
        let account = &settings.account;
        return Err(Error::limit(format!("Rate exceeded for stream {} under account {account}.", listing.stream)));
    }
    let horizon = stream.horizon(now);
    let admitted = |shard: &&Shard| Some(shard.id) > listing.after && listing.filter.admits(shard, horizon);
    let mut rest = stream.live_shards(now).filter(admitted);
    let shards: Vec<ShardDescription> = rest.by_ref().take(size).map(Shard::describe).collect();
    let more = rest.next().is_some();
    drop(rest);
    let after = shards.last().map(|shard| shard.shard_id);
    let next_token = more.then(|| Listing { after, issued: now, ..listing }.seal());
    Ok(ShardsPage { shards, next_token })
}

/// A listing that goes on: what a `NextToken` says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Listing {
    stream: String,
    epoch: u64,
    filter: ShardFilter,
    after: Option<ShardId>,
    issued: Timestamp,
}

const KIND: &str = "list-shards";

impl Listing {
    fn seal(&self) -> String {
        let (name, operand) = match self.filter {
            ShardFilter::AfterShardId(id) => ("AFTER_SHARD_ID", id.to_string()),
            ShardFilter::AtTrimHorizon => ("AT_TRIM_HORIZON", String::new()),
            ShardFilter::FromTrimHorizon => ("FROM_TRIM_HORIZON", String::new()),
            ShardFilter::AtLatest => ("AT_LATEST", String::new()),
            ShardFilter::AtTimestamp(time) => ("AT_TIMESTAMP", time.to_string()),
            ShardFilter::FromTimestamp(time) => ("FROM_TIMESTAMP", time.to_string()),
        };
        let after = self.after.map_or(String::new(), |id| id.to_string());
        token::seal(&[&KIND, &self.stream, &self.epoch, &name, &operand, &after, &self.issued])
    }

    fn open(next_token: &str) -> Result<Self, Error> {
        Self::parse(next_token).ok_or_else(|| Error::invalid("Invalid NextToken."))
    }

    fn parse(next_token: &str) -> Option<Self> {
        let [kind, stream, epoch, name, operand, after, issued] = token::open(next_token)?;
        (kind == KIND).then_some(())?;
        let time = || operand.parse().ok().map(Timestamp);
        let filter = parse_filter(&name, operand.parse().ok(), time())?;
        let after = if after.is_empty() { None } else { Some(after.parse().ok()?) };
        Some(Self { stream, epoch: epoch.parse().ok()?, filter, after, issued: Timestamp(issued.parse().ok()?) })
    }
}

/// A filter from its name on the wire and the operand that it needs; `None` if there is no such filter, or the
/// operand is missing, or one is given that is not its own.
pub(super) fn parse_filter(name: &str, shard: Option<ShardId>, time: Option<Timestamp>) -> Option<ShardFilter> {
    match (name, shard, time) {
        ("AFTER_SHARD_ID", Some(id), None) => Some(ShardFilter::AfterShardId(id)),
        ("AT_TRIM_HORIZON", None, None) => Some(ShardFilter::AtTrimHorizon),
        ("FROM_TRIM_HORIZON", None, None) => Some(ShardFilter::FromTrimHorizon),
        ("AT_LATEST", None, None) => Some(ShardFilter::AtLatest),
        ("AT_TIMESTAMP", None, Some(time)) => Some(ShardFilter::AtTimestamp(time)),
        ("FROM_TIMESTAMP", None, Some(time)) => Some(ShardFilter::FromTimestamp(time)),
        _ => None,
    }
}
