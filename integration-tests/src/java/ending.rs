//! The end of a shard: first the leases of its children, then their names, then its own end.

use aws_sdk_kinesis::types::ChildShard;
use kcl_core::position::Position;

use super::consumer::Consumer;
use super::holdings::Signal;
use super::lease::JavaLease;
use super::process::Committed;
use super::table::Trouble;
use crate::history::What;

use std::time::Duration;

/// The pause before what could not be done is done again.
const AGAIN: Duration = Duration::from_secs(1);

impl Consumer {
    /// Ends the shard, and says what made the consumer end.
    pub(super) async fn end(&mut self, children: &[ChildShard]) -> Signal {
        while !self.make_children(children).await.unwrap_or(false) {
            // Once in thirty times the KCL gives up, so that somebody else may try.
            if self.process.luck().u8(..30) == 0 {
                self.process.holdings.give_up(&self.holding);
                return Signal::Lost;
            }
            if let Some(told) = self.pause(AGAIN).await {
                return told;
            }
        }
        let (run, shard) = (self.process.run, self.holding.key.clone());
        self.process.note(What::ShardEnded { run, shard });
        if self.commit(&Position::ShardEnd).await == Committed::Yes {
            self.process.remember_finished(&self.holding);
            return Signal::Stop;
        }
        Signal::Lost
    }

    /// Makes the leases of the children that have none. Of the two parents of one child both or neither must have one.
    async fn make_children(&self, children: &[ChildShard]) -> Result<bool, Trouble> {
        let table = &self.process.table;
        if let [child] = children {
            let mut there = Vec::new();
            for parent in child.parent_shards() {
                there.push(table.get(parent).await?.is_some());
            }
            if there.contains(&true) && there.contains(&false) {
                return Ok(false);
            }
        }
        let mut ids = Vec::new();
        for child in children {
            if table.get(child.shard_id()).await?.is_none() {
                let Some(range) = child.hash_key_range() else { return Ok(false) };
                let range = (range.starting_hash_key().to_owned(), range.ending_hash_key().to_owned());
                table.create(&JavaLease::new(child.shard_id(), child.parent_shards().to_vec(), range)).await?;
            }
            ids.push(child.shard_id().to_owned());
        }
        if !ids.is_empty() {
            table.note_children(&self.holding.key, &ids).await?;
        }
        // Looks at its own lease once more before it lets the application end the shard.
        Ok(table.get(&self.holding.key).await?.is_some())
    }
}
