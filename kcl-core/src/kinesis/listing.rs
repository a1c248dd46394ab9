//! All pages of `ListShards`, which the SDK has no paginator for.

use std::collections::BTreeMap;

use aws_sdk_kinesis::types::{ShardFilter, ShardFilterType};

use super::convert;
use super::stream::KinesisStream;
use crate::error::{SourceError, SourceErrorKind};
use crate::position::InitialPosition;
use crate::retrieval::WhichShards;
use crate::shard::ShardListing;

/// How often a listing is begun again whose token has expired. Who cannot read all pages within 5 minutes this often
/// cannot read them.
const RESTARTS: u32 = 2;
/// Pages in a row that bring no shard that was not listed before. A few may be empty; a token that leads nowhere must not
/// be followed for ever.
const FRUITLESS_PAGES: u32 = 10;

pub(super) async fn list(stream: &KinesisStream, which: WhichShards) -> Result<ShardListing, SourceError> {
    let filter = filter(which).map_err(|error| {
        stream.attempt("ListShards", None).malformed("nothing: it could not be made", Some(error.into()))
    })?;
    let mut restarts = 0;
    loop {
        match pages(stream, filter.clone()).await {
            Err(error) if error.kind() == SourceErrorKind::Expired && restarts < RESTARTS => restarts += 1,
            listed => return listed,
        }
    }
}

async fn pages(stream: &KinesisStream, filter: Option<ShardFilter>) -> Result<ShardListing, SourceError> {
    let first = stream.first_page(filter).await?;
    let (mut page, mut shards, mut fruitless) = (first.answer, BTreeMap::new(), 0);
    loop {
        let before = shards.len();
        shards.extend(page.shards.into_iter().map(convert::shard).map(|shard| (shard.id.clone(), shard)));
        fruitless = if shards.len() > before { 0 } else { fruitless + 1 };
        let Some(token) = page.next else {
            // The time of the first page: a shard that was made since may be missing.
            return Ok(ShardListing { shards: shards.into_values().collect(), service_time: first.service_time });
        };
        if fruitless >= FRUITLESS_PAGES {
            return Err(stream
                .attempt("ListShards", None)
                .malformed("pages without shards, one after the other", None));
        }
        page = stream.page_after(token).await?;
    }
}

/// `None` for all shards.
fn filter(which: WhichShards) -> Result<Option<ShardFilter>, aws_sdk_kinesis::error::BuildError> {
    let WhichShards::OpenAt(position) = which else {
        return Ok(None);
    };
    let filter = ShardFilter::builder();
    let filter = match position {
        InitialPosition::TrimHorizon => filter.r#type(ShardFilterType::AtTrimHorizon),
        InitialPosition::Latest => filter.r#type(ShardFilterType::AtLatest),
        InitialPosition::AtTimestamp(time) => {
            filter.r#type(ShardFilterType::AtTimestamp).timestamp(convert::date_time(time))
        }
    };
    filter.build().map(Some)
}
