//! The last calls to a processor, and what is written with them.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::decide::phase::PhaseEvent;
use crate::error::{Cause, Chain};
use crate::event::{Event, ProcessorCall};
use crate::lease::EndReason;
use crate::shard_task::attend::{Called, attend, panic_message, until};
use crate::shard_task::children;
use crate::shard_task::driver::Driver;
use crate::tenure::WriteFailure;

impl Driver {
    pub(super) async fn end_shard(&mut self) -> PhaseEvent {
        if let Some(mut seat) = self.seat.take_if(|seat| !seat.agreed_to_end) {
            let call = seat.processor.shard_ended(&seat.checkpointer);
            let called = attend(ProcessorCall::ShardEnded, call, &self.tenure, &mut self.inbox, None).await;
            seat.agreed_to_end = matches!(called, Called::Returned);
            self.seat = Some(seat);
            if let Err(event) = self.outcome(ProcessorCall::ShardEnded, called).await {
                return event;
            }
        }
        let tenure = Arc::clone(&self.tenure);
        tokio::select! {
            biased;
            () = tenure.ended() => return PhaseEvent::LeaseLost,
            () = tenure.completed() => {}
            event = self.interrupted() => return event,
        }
        match self.finish().await {
            Ok(()) => PhaseEvent::Ended,
            Err(error) => {
                self.lease_write_failed(error.as_ref());
                let (_, pause) = self.backoff.next();
                self.pause(pause).await.unwrap_or(PhaseEvent::Failed)
            }
        }
    }

    async fn finish(&mut self) -> Result<(), Cause> {
        let children = children::make_children(&self.shared, &self.tenure, &self.children).await?;
        match self.tenure.commit_end(&children).await {
            Ok(()) => {}
            Err(WriteFailure::Over) => return Err(Box::new(self.tenure.lost())),
            Err(WriteFailure::Store(error)) => return Err(Box::new(error)),
        }
        self.emit(&Event::ShardFinished { shard: self.tenure.shard().clone(), children });
        self.shared.finished.send_modify(|finished| *finished += 1);
        // Children that could not be made before the end was committed are made now.
        self.shared.compare.notify_one();
        // The end is committed; a lease that could not be given back is left to be removed.
        if self.tenure.pass(None).await.is_err() {
            self.tenure.end(EndReason::Finished);
        }
        Ok(())
    }

    pub(super) async fn shut_down(&mut self) -> PhaseEvent {
        self.reading = None;
        self.in_hand = None;
        if let Some(mut seat) = self.seat.take() {
            let call = seat.processor.shutdown_requested(&seat.checkpointer);
            let called = attend(ProcessorCall::ShutdownRequested, call, &self.tenure, &mut self.inbox, None).await;
            self.seat = Some(seat);
            let shard = self.tenure.shard().clone();
            let call = ProcessorCall::ShutdownRequested;
            let (attempt, retry_in) = (1, Duration::ZERO);
            match called {
                Called::Returned => {}
                Called::Failed(failure) => {
                    let error = Chain(failure.as_ref()).to_string();
                    self.emit(&Event::ProcessorFailed { shard, call, attempt, retry_in, error });
                }
                Called::Panicked(message) => {
                    self.emit(&Event::ProcessorPanicked { shard, call, attempt, retry_in, message });
                }
                Called::CutOff => {
                    self.tenure.note_cut_off();
                    self.emit(&Event::ProcessorDropped { shard, call });
                }
            }
        }
        if self.tenure.is_over() { PhaseEvent::LeaseLost } else { PhaseEvent::Ended }
    }

    /// Commits what is done and gives the lease away, as long as there is time for it. What cannot be given away expires.
    pub(super) async fn give_away(&mut self) {
        // Time to stop is meant for the processor; telling others who goes on is worth a little more.
        let grace = self.inbox.stop_by.map(|by| by.max(Instant::now()) + self.shared.tenures.timing.attempt);
        let tenure = Arc::clone(&self.tenure);
        let pass = async { tenure.pass(tenure.heir().await).await };
        tokio::select! {
            biased;
            passed = pass => if let Err(WriteFailure::Store(error)) = passed {
                self.lease_write_failed(&error);
            },
            // Its lease names this worker until the failover time is over.
            () = until(grace) => tenure.end(EndReason::Expired),
        }
    }

    pub(super) async fn lose(&mut self) -> PhaseEvent {
        self.reading = None;
        self.in_hand = None;
        let Some(mut seat) = self.seat.take() else { return PhaseEvent::Ended };
        let lost = AssertUnwindSafe(seat.processor.lease_lost());
        let limit = self.shared.tenures.timing.failover;
        let told = tokio::time::timeout(limit, futures_util::FutureExt::catch_unwind(lost)).await;
        let (shard, call) = (self.tenure.shard().clone(), ProcessorCall::LeaseLost);
        match told {
            Ok(Ok(())) => {}
            Ok(Err(panic)) => {
                let message = panic_message(panic.as_ref());
                let (attempt, retry_in) = (1, Duration::ZERO);
                self.emit(&Event::ProcessorPanicked { shard, call, attempt, retry_in, message });
            }
            Err(_) => self.emit(&Event::ProcessorDropped { shard, call }),
        }
        PhaseEvent::Ended
    }
}
