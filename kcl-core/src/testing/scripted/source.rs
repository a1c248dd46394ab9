//! One shard of a scripted stream, being read.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use super::shards::Found;
use super::{Place, Request, Scripted};
use crate::budget::ByteBudget;
use crate::error::SourceError;
use crate::ids::ShardId;
use crate::retrieval::{Fetch, Fetched, RawRecord, RecordSource};

/// How long a reader waits at the tip for something to happen.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) struct ScriptedSource {
    stream: Scripted,
    changed: watch::Receiver<()>,
    shard: ShardId,
    place: Place,
    budget: ByteBudget,
}

impl ScriptedSource {
    pub(super) fn new(stream: Scripted, shard: ShardId, place: Place, budget: ByteBudget) -> Self {
        let changed = stream.changed.subscribe();
        Self { stream, changed, shard, place, budget }
    }

    fn find(&mut self) -> Result<Found, SourceError> {
        self.changed.mark_unchanged();
        let state = self.stream.state();
        state.shards.find(&self.shard, self.place, state.records_per_answer)
    }
}

#[async_trait]
impl RecordSource for ScriptedSource {
    async fn next(&mut self) -> Result<Fetched, SourceError> {
        self.stream.asked(Request::Next(&self.shard)).await?;
        let mut found = self.find()?;
        if let Found::Nothing = found {
            // Either way it is looked once more.
            let _ = tokio::time::timeout(PATIENCE, self.changed.changed()).await;
            found = self.find()?;
        }
        let (records, unread_since, place) = match found {
            Found::End(children) => return Ok(Fetched::End { children }),
            Found::Nothing => (Vec::new(), None, self.place),
            Found::Records { records, unread_since, place } => (records, unread_since, place),
        };
        let share = self.budget.reserve(records.iter().map(RawRecord::bytes).sum()).await;
        self.place = place;
        let behind = unread_since.map_or(Duration::ZERO, |arrival| self.stream.now().since(arrival));
        Ok(Fetched::Records(Fetch { records, behind: Some(behind), share }))
    }
}
