//! The shards that a worker holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use crate::ids::ShardKey;
use crate::shard_task::Command;
use crate::tenure::Tenure;

/// What a worker holds now. Changed by the worker alone; read by renewals and by handles.
#[derive(Debug, Default)]
pub(crate) struct Held {
    shards: Mutex<BTreeMap<ShardKey, HeldShard>>,
}

#[derive(Debug)]
struct HeldShard {
    tenure: Arc<Tenure>,
    commands: mpsc::UnboundedSender<Command>,
}

impl Held {
    fn shards(&self) -> MutexGuard<'_, BTreeMap<ShardKey, HeldShard>> {
        self.shards.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a shard; what commands it gets comes out of the receiver.
    pub(crate) fn add(&self, tenure: Arc<Tenure>) -> mpsc::UnboundedReceiver<Command> {
        let (commands, inbox) = mpsc::unbounded_channel();
        self.shards().insert(tenure.shard().clone(), HeldShard { tenure, commands });
        inbox
    }

    /// Forgets a shard that is not held any more; if it is held again meanwhile, it is not forgotten.
    pub(crate) fn remove_over(&self, shard: &ShardKey) -> Option<Arc<Tenure>> {
        let mut shards = self.shards();
        shards
            .get(shard)
            .is_some_and(|held| held.tenure.is_over())
            .then(|| shards.remove(shard))?
            .map(|held| held.tenure)
    }

    /// Forgets the shards that are not held any more.
    pub(crate) fn remove_all_over(&self) {
        self.shards().retain(|_, held| !held.tenure.is_over());
    }

    pub(crate) fn tenure(&self, shard: &ShardKey) -> Option<Arc<Tenure>> {
        self.shards().get(shard).map(|held| Arc::clone(&held.tenure))
    }

    pub(crate) fn tenures(&self) -> Vec<Arc<Tenure>> {
        self.shards().values().map(|held| Arc::clone(&held.tenure)).collect()
    }

    pub(crate) fn keys(&self) -> BTreeSet<ShardKey> {
        self.shards().keys().cloned().collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.shards().is_empty()
    }

    pub(crate) fn command(&self, shard: &ShardKey, command: Command) -> bool {
        self.shards().get(shard).is_some_and(|held| held.commands.send(command).is_ok())
    }

    pub(crate) fn command_all(&self, command: &Command) {
        for held in self.shards().values() {
            // A shard whose task has ended needs no command.
            drop(held.commands.send(command.clone()));
        }
    }
}
