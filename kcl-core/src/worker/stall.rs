//! Gives up what is not gone on with, so that another worker picks it up.

use std::sync::Arc;

use tokio::time::Instant;

use crate::decide::fleet;
use crate::error::Chain;
use crate::event::Event;
use crate::tenure::{Tenure, WriteFailure};
use crate::worker::look::LEAVE_ROOM;
use crate::worker::run::{Ended, Running};

impl Running {
    /// Passes the lease of a stalled shard to the worker that should have it, and leaves the shard to others for a failover
    /// time. Waits for nothing that the shard's task does: it may be the one that hangs.
    pub(super) fn give_up(&mut self, tenure: Arc<Tenure>) {
        if tenure.is_over() {
            return;
        }
        let shard = tenure.shard().clone();
        self.avoided.insert(shard.clone(), Instant::now() + self.worker.timing.failover);
        let absent = self.view.distrusted.at(Instant::now());
        let to = fleet::heirs(&self.sight(), &[shard.clone()].into(), &absent).remove(&shard);
        let reporter = Arc::clone(&self.worker.shared.tenures.reporter);
        self.spawn(Box::pin(async move {
            // What cannot be passed on runs out.
            if let Err(WriteFailure::Store(error)) = tenure.give_up(to).await {
                reporter.emit(&Event::LeaseWriteFailed { shard, error: Chain(&error).to_string() });
            }
            Ended::GaveUp(tenure)
        }));
    }

    /// The lease of a stalled shard is given up. Its next owner begins now, whatever becomes of the task here.
    pub(super) fn gave_up(&mut self, tenure: Arc<Tenure>) {
        self.note_passed(&tenure);
        self.view.look_within(LEAVE_ROOM);
        // What a processor has to let go of its shard.
        let timing = self.worker.timing;
        let until = Instant::now() + timing.failover + timing.attempt;
        self.spawn(Box::pin(async move {
            tokio::time::sleep_until(until).await;
            Ended::Overdue(tenure)
        }));
    }

    /// A task whose shard was given up may hang for ever. It can do no harm, and must not keep this worker from the shard.
    pub(super) fn overdue(&mut self, tenure: &Arc<Tenure>) {
        if self.held.tenure(tenure.shard()).is_some_and(|held| Arc::ptr_eq(&held, tenure)) {
            self.shard_ended(tenure.shard());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ids::{ShardKey, StreamId};
    use crate::lease::{EndReason, Lease};
    use crate::memory::InMemoryLeases;
    use crate::position::Position;
    use crate::processor::RecordProcessor;
    use crate::store::LeaseStore as _;
    use crate::testing::scripted::Scripted;
    use crate::worker::Worker;
    use crate::worker::take::{Taken, take};

    fn never(_: crate::ShardContext) -> Box<dyn RecordProcessor> {
        unreachable!("no task runs")
    }

    #[tokio::test(start_paused = true)]
    async fn a_shard_is_given_up_although_its_task_never_runs_again_and_can_be_taken_after_a_while() {
        let table = InMemoryLeases::new();
        let stream = Scripted::new(StreamId::named("s"), 1);
        let shard = ShardKey::new(StreamId::named("s"), Scripted::shard(0));
        let _ = table.create(&Lease::new(shard.clone(), Position::TrimHorizon, None)).await.expect("in memory");
        let worker = Worker::builder("app", table.clone(), stream, never).build().expect("good settings");
        let mut running = Running::new(worker);
        let seen = table.get(&shard).await.expect("in memory").expect("a lease");
        let Taken::Ours(cell) = take(Arc::clone(&running.worker.shared), seen).await else {
            panic!("nobody else writes")
        };
        let tenure = Arc::new(Tenure::new(Arc::clone(&running.worker.shared.tenures), *cell, 0.0));
        let _inbox = running.held.add(Arc::clone(&tenure));

        let began = Instant::now();
        running.give_up(Arc::clone(&tenure));
        while !running.held.is_empty() {
            let ended = running.tasks.join_next().await.expect("something is waited for");
            if let Ok(Ended::GaveUp(_)) = &ended {
                assert_eq!(began.elapsed(), Duration::ZERO);
                assert_eq!(table.get(&shard).await.expect("in memory").expect("a lease").owner, None, "free at once");
            }
            running.ended(ended).expect("nothing is broken");
        }
        assert_eq!(began.elapsed(), Duration::from_secs(11), "the failover time, and a tenth to spare");
        assert_eq!(tenure.end_reason(), Some(EndReason::Stalled));
        assert!(running.avoided.contains_key(&shard));
    }
}
