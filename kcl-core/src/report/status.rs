//! What a worker knows of itself and of its application, at a glance.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::decide::phase::Phase;
use crate::event::{Event, Look, ProcessorCall};
use crate::ids::{AppName, ShardKey, WorkerId};
use crate::lease::{Epoch, Lease};
use crate::position::Position;

/// A worker's view of its application at one moment.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// The application.
    pub app: AppName,
    /// This worker.
    pub worker: WorkerId,
    /// How long ago the lease table was last read, if it ever was. The first workers in rank read it several times within a
    /// failover time, the last ones of a large fleet every few minutes: more than twice as long as usual means that this
    /// worker sees nothing of the others.
    pub last_look: Option<Duration>,
    /// The last failure of reading the lease table or the list of shards, if it lasts.
    pub last_look_error: Option<String>,
    /// All shards that have a lease, finished ones too, in order.
    pub shards: Vec<ShardStatus>,
}

/// One shard, as one worker sees it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ShardStatus {
    /// The shard.
    pub shard: ShardKey,
    /// Who holds it, as of the last look at the table.
    pub owner: Option<WorkerId>,
    /// How far it is done, as committed.
    pub committed: Position,
    /// What this worker does with it; `None` if this worker does not hold it.
    pub held: Option<HeldStatus>,
}

/// One shard that this worker holds.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct HeldStatus {
    /// The ownership's number.
    pub epoch: Epoch,
    /// Where it is in its life.
    pub phase: Phase,
    /// How far what was read last is behind the tip of the shard, in milliseconds; `None` before the first answer, and
    /// from a service that does not tell.
    pub millis_behind: Option<u64>,
    /// How long ago something went on: records were read, or found to be none; or processed.
    pub last_progress: Option<Duration>,
    /// What went wrong last, if nothing went on since.
    pub last_error: Option<String>,
    /// The call of the processor that is being made, and for how long, if that is longer than a minute.
    pub slow_call: Option<(ProcessorCall, Duration)>,
}

/// Keeps the status up to date.
#[derive(Debug)]
pub(crate) struct StatusBoard {
    worker: WorkerId,
    shards: BTreeMap<ShardKey, Row>,
    looked: Option<Instant>,
    look_error: Option<String>,
}

#[derive(Debug, Clone)]
struct Row {
    owner: Option<WorkerId>,
    committed: Position,
    held: Option<Held>,
}

#[derive(Debug, Clone)]
struct Held {
    epoch: Epoch,
    phase: Phase,
    millis_behind: Option<u64>,
    progress: Option<Instant>,
    error: Option<String>,
    slow_call: Option<(ProcessorCall, Instant)>,
}

impl StatusBoard {
    pub(crate) fn new(worker: WorkerId) -> Self {
        Self { worker, shards: BTreeMap::new(), looked: None, look_error: None }
    }

    pub(crate) fn looked(&mut self, leases: &[Lease], now: Instant) {
        self.looked = Some(now);
        self.look_error = None;
        let mut before = std::mem::take(&mut self.shards);
        for lease in leases {
            let held = before.remove(&lease.shard).and_then(|row| row.held);
            let owner = if held.is_some() { Some(self.worker.clone()) } else { lease.holder().cloned() };
            let row = Row { owner, committed: lease.checkpoint.clone(), held };
            self.shards.insert(lease.shard.clone(), row);
        }
        // A look may be older than a lease that was made since.
        self.shards.extend(before.into_iter().filter(|(_, row)| row.held.is_some()));
    }

    pub(crate) fn event(&mut self, event: &Event, now: Instant) {
        match event {
            Event::LeaseTaken { shard, epoch, checkpoint, .. } => {
                let phase = Phase::AwaitingParents;
                let held =
                    Held { epoch: *epoch, phase, millis_behind: None, progress: None, error: None, slow_call: None };
                let row = Row { owner: Some(self.worker.clone()), committed: checkpoint.clone(), held: Some(held) };
                self.shards.insert(shard.clone(), row);
            }
            Event::LeaseEnded { shard, .. } => {
                if let Some(row) = self.shards.get_mut(shard) {
                    row.held = None;
                    row.owner = None;
                }
            }
            Event::LeaseDeleted { shard } => {
                self.shards.remove(shard);
            }
            Event::PhaseChanged { shard, phase } => self.with(shard, |held| held.phase = *phase),
            Event::Fetched { shard, behind, .. } => self.with(shard, |held| {
                held.millis_behind = behind.map(|behind| u64::try_from(behind.as_millis()).unwrap_or(u64::MAX));
                held.progress = Some(now);
                held.error = None;
            }),
            Event::Processed { shard, .. } => self.with(shard, |held| {
                held.progress = Some(now);
                held.error = None;
            }),
            Event::ProcessorFailed { shard, error, .. }
            | Event::ReadFailed { shard, error, .. }
            | Event::LeaseWriteFailed { shard, error } => self.with(shard, |held| held.error = Some(error.clone())),
            Event::ProcessorPanicked { shard, message, .. } => {
                self.with(shard, |held| held.error = Some(format!("the processor panicked: {message}")));
            }
            Event::ProcessorSlow { shard, call, lasting, returned } => self.with(shard, |held| {
                held.slow_call = now.checked_sub(*lasting).filter(|_| !returned).map(|since| (*call, since));
            }),
            Event::Checkpointed { shard, position } => {
                if let Some(row) = self.shards.get_mut(shard) {
                    row.committed = position.clone();
                }
            }
            Event::LookFailed { what: Look::Leases | Look::Shards | Look::Members, error, .. } => {
                self.look_error = Some(error.clone());
            }
            _ => {}
        }
    }

    fn with(&mut self, shard: &ShardKey, change: impl FnOnce(&mut Held)) {
        if let Some(held) = self.shards.get_mut(shard).and_then(|row| row.held.as_mut()) {
            change(held);
        }
    }

    pub(crate) fn snapshot(&self, app: &AppName, now: Instant) -> Status {
        let held = |held: &Held| HeldStatus {
            epoch: held.epoch,
            phase: held.phase,
            millis_behind: held.millis_behind,
            last_progress: held.progress.map(|at| now.saturating_duration_since(at)),
            last_error: held.error.clone(),
            slow_call: held.slow_call.map(|(call, since)| (call, now.saturating_duration_since(since))),
        };
        Status {
            app: app.clone(),
            worker: self.worker.clone(),
            last_look: self.looked.map(|at| now.saturating_duration_since(at)),
            last_look_error: self.look_error.clone(),
            shards: self
                .shards
                .iter()
                .map(|(shard, row)| ShardStatus {
                    shard: shard.clone(),
                    owner: row.owner.clone(),
                    committed: row.committed.clone(),
                    held: row.held.as_ref().map(held),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::StreamId;
    use crate::lease::EndReason;
    use crate::position::Position;

    #[tokio::test(start_paused = true)]
    async fn the_status_tells_who_holds_what_how_far_it_is_and_what_is_wrong() {
        let key = |n: u32| ShardKey::new(StreamId::named("s"), format!("shardId-{n}"));
        let mine = Lease::new(key(0), Position::TrimHorizon, None);
        let mut theirs = Lease::new(key(1), Position::TrimHorizon, None);
        theirs.owner = Some("other".into());
        let mut board = StatusBoard::new("me".into());
        let start = Instant::now();
        board.looked(&[mine.clone(), theirs], start);
        let taken =
            Event::LeaseTaken { shard: key(0), epoch: mine.epoch(), from: None, checkpoint: Position::TrimHorizon };
        board.event(&taken, start);
        board.event(&Event::PhaseChanged { shard: key(0), phase: Phase::Processing }, start);
        let behind = Some(Duration::from_secs(3));
        board.event(&Event::Fetched { shard: key(0), records: 1, behind }, start);
        let failed = Event::LeaseWriteFailed { shard: key(0), error: "no".to_owned() };
        board.event(&failed, start);

        let status = board.snapshot(&"app".into(), start + Duration::from_secs(2));
        let owners: Vec<_> = status.shards.iter().map(|s| s.owner.as_ref().map(WorkerId::as_str)).collect();
        assert_eq!(owners, [Some("me"), Some("other")]);
        let held = status.shards[0].held.as_ref().expect("held");
        assert_eq!((held.phase, held.millis_behind), (Phase::Processing, Some(3000)));
        assert_eq!((held.last_progress, held.last_error.as_deref()), (Some(Duration::from_secs(2)), Some("no")));
        assert_eq!(status.shards[1].held, None);

        board.event(&Event::LeaseEnded { shard: key(0), reason: EndReason::Taken }, start);
        let status = board.snapshot(&"app".into(), start);
        assert_eq!((status.shards[0].held.clone(), status.shards[0].owner.clone()), (None, None));
    }
}
