//! Gives shards to other workers.

use std::time::Duration;

use tokio::time::Instant;

use crate::event::Event;
use crate::ids::{ShardKey, WorkerId};
use crate::member::Wake;
use crate::shard_task::Command;
use crate::tenure::{Heir, Passed, Tenure};
use crate::worker::run::Running;

/// How long a processor has to finish what is in its hands when its shard is given to another worker. Java leaders wait
/// for 30 s and more.
const HAND_OVER: Duration = Duration::from_secs(10);

impl Running {
    /// Gives one shard to another worker, as soon as its processor is done with what it has.
    pub(super) fn give(&self, shard: &ShardKey, to: WorkerId) {
        if let Some(tenure) = self.held.tenure(shard) {
            tenure.set_heir(Heir::Worker(to));
            self.held.command(shard, Command::Stop(Instant::now() + HAND_OVER));
        }
    }

    /// Gives the shards that others were promised, as answers to our own writes told.
    pub(super) fn give_what_is_asked_for(&self) {
        for tenure in self.held.tenures().iter().filter(|tenure| tenure.asked_for().is_some()) {
            self.held.command(tenure.shard(), Command::Stop(Instant::now() + HAND_OVER));
        }
    }

    /// Tells of a shard that was given away, and wakes the one that has it now.
    pub(super) fn note_passed(&mut self, tenure: &Tenure) {
        let Some(Passed { to: Some(to), version }) = tenure.passed() else { return };
        let shard = tenure.shard().clone();
        self.report(&Event::LeasePassed { shard: shard.clone(), to: to.clone() });
        // A worker of another library hears no hints.
        if self.view.roster.row(to).is_none_or(|row| row.instance.is_some()) {
            self.waking.add(to.clone(), Wake::Lease(shard, *version));
        }
    }
}
