//! Drives one shard through its life: does what the phase asks for, and tells the phase what came of it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::budget::ByteShare;
use crate::decide::phase::{Ending, Outcome, Phase, PhaseEvent};
use crate::decide::progress::Progress;
use crate::error::{Chain, SourceError, SourceErrorKind};
use crate::event::{Event, ProcessorCall};
use crate::lease::{EndReason, Lease};
use crate::position::Position;
use crate::processor::Acknowledgement;
use crate::record::Batch;
use crate::retrieval::StartAt;
use crate::retry::Backoff;
use crate::shard::ChildShard;
use crate::shard_task::attend::{Called, Inbox, Reading, attend, panic_message};
use crate::shard_task::reader::{Delivery, Reader, Waiting, channel};
use crate::shard_task::seat::Seat;
use crate::shard_task::{Command, StreamContext, children};
use crate::tenure::{Tenure, WriteFailure};

/// How often a waiting shard looks whether its parents are finished. Only shards that somebody assigned too early wait.
const PARENT_POLL: Duration = Duration::from_millis(500);

/// Lives one shard's life under one ownership. Dropping the future stops everything of it at once: a checkpointer that
/// outlives it commits nothing, and keeps no lease.
pub(crate) async fn run(
    shared: Arc<StreamContext>,
    tenure: Arc<Tenure>,
    commands: mpsc::UnboundedReceiver<Command>,
) -> Outcome {
    let _last = Last(Arc::clone(&tenure));
    let driver = Driver {
        shared,
        tenure: Arc::clone(&tenure),
        inbox: Inbox::new(commands),
        phase: Phase::AwaitingParents,
        seat: None,
        reading: None,
        in_hand: None,
        children: Vec::new(),
        backoff: Backoff::processor(),
    };
    let lived = AssertUnwindSafe(driver.live()).catch_unwind().await;
    if !tenure.is_over() {
        // Something of our own, or of the source's, is broken: others go on with the shard, and this worker with the rest.
        tenure.task_ended(lived.as_ref().err().map(|panic| panic_message(panic.as_ref())).unwrap_or_default());
        tenure.ended().await;
    }
    tenure.laid_down().await;
    lived.unwrap_or(Outcome::LeaseLost)
}

/// Ends an ownership with its driver, however that ends: returned, dropped, or panicked.
struct Last(Arc<Tenure>);

impl Drop for Last {
    fn drop(&mut self) {
        // The first reason stands.
        self.0.end(EndReason::Released);
    }
}

pub(super) struct Driver {
    pub(super) shared: Arc<StreamContext>,
    pub(super) tenure: Arc<Tenure>,
    pub(super) inbox: Inbox,
    phase: Phase,
    pub(super) seat: Option<Seat>,
    pub(super) reading: Option<Reading>,
    /// A batch that was delivered and is not processed. It keeps its place in the queue: what waits behind it is not more
    /// than without it.
    pub(super) in_hand: Option<(Batch, ByteShare)>,
    pub(super) children: Vec<ChildShard>,
    pub(super) backoff: Backoff,
}

impl Driver {
    async fn live(mut self) -> Outcome {
        loop {
            let event = match self.phase {
                Phase::AwaitingParents => self.await_parents().await,
                Phase::Initializing => self.initialize().await,
                Phase::Processing => match self.process().await {
                    Some(event) => event,
                    None => continue,
                },
                Phase::Ending(Ending::ShardEnd) => self.end_shard().await,
                Phase::Ending(Ending::Shutdown) => self.shut_down().await,
                Phase::Ending(Ending::LeaseLost) => self.lose().await,
                Phase::Over(Outcome::Stopped) => {
                    self.give_away().await;
                    return Outcome::Stopped;
                }
                Phase::Over(outcome) => return outcome,
            };
            self.go_on(event);
        }
    }

    fn go_on(&mut self, event: PhaseEvent) {
        let phase = self.phase.on(event);
        if phase != self.phase {
            self.phase = phase;
            self.emit(&Event::PhaseChanged { shard: self.tenure.shard().clone(), phase });
        }
        if matches!(event, PhaseEvent::Panicked | PhaseEvent::Restart) {
            self.unseat();
        }
    }

    pub(super) fn emit(&self, event: &Event) {
        self.shared.tenures.reporter.emit(event);
    }

    /// Lets go of the processor and of everything that was read for it.
    fn unseat(&mut self) {
        self.seat = None;
        self.reading = None;
        self.in_hand = None;
        self.children.clear();
    }

    /// Waits for what interrupts a shard: its loss, or a command. Cancel safe.
    pub(super) async fn interrupted(&mut self) -> PhaseEvent {
        loop {
            self.inbox.hear_now();
            if self.tenure.is_over() {
                return PhaseEvent::LeaseLost;
            }
            if self.inbox.stop_by.is_some() {
                return PhaseEvent::StopRequested;
            }
            // A shard that has not begun takes its new position when it does.
            if self.inbox.restart.is_some() && self.phase != Phase::AwaitingParents {
                return PhaseEvent::Restart;
            }
            tokio::select! {
                biased;
                () = self.tenure.ended() => {}
                () = self.inbox.hear() => {}
            }
        }
    }

    /// Waits, unless interrupted.
    pub(super) async fn pause(&mut self, pause: Duration) -> Option<PhaseEvent> {
        let until = Instant::now() + pause;
        tokio::select! {
            biased;
            event = self.interrupted() => Some(event),
            () = tokio::time::sleep_until(until) => None,
        }
    }

    async fn await_parents(&mut self) -> PhaseEvent {
        let mut finished = self.shared.finished.subscribe();
        let shared = Arc::clone(&self.shared);
        loop {
            finished.mark_unchanged();
            let lease = self.tenure.start().clone();
            let looked = tokio::select! {
                biased;
                event = self.interrupted() => return event,
                looked = children::parents_finished(&shared, &lease) => looked,
            };
            match looked {
                Ok(true) => return PhaseEvent::Ready,
                Ok(false) => {}
                Err(error) => self.lease_write_failed(error.as_ref()),
            }
            tokio::select! {
                biased;
                event = self.interrupted() => return event,
                _ = finished.changed() => {}
                () = tokio::time::sleep(PARENT_POLL) => {}
            }
        }
    }

    pub(super) fn lease_write_failed(&self, error: &(dyn std::error::Error + 'static)) {
        let shard = self.tenure.shard().clone();
        self.emit(&Event::LeaseWriteFailed { shard, error: Chain(error).to_string() });
    }

    async fn initialize(&mut self) -> PhaseEvent {
        if let Some(position) = self.inbox.restart.take() {
            self.unseat();
            if let Some(event) = self.rewind(position).await {
                return event;
            }
        }
        if self.seat.is_none() {
            self.tenure.call_begins(ProcessorCall::Create);
            let made = Seat::new(&self.shared, &self.tenure);
            self.tenure.call_ends();
            match made {
                Ok(seat) => self.seat = Some(seat),
                Err(message) => return self.panicked(ProcessorCall::Create, message).await,
            }
        }
        let Some(mut seat) = self.seat.take() else { return PhaseEvent::Failed };
        let call = async {
            seat.processor.initialize(&seat.context).await?;
            seat.acknowledgement = seat.processor.acknowledgement();
            Ok(())
        };
        let called = attend(ProcessorCall::Initialize, call, &self.tenure, &mut self.inbox, None).await;
        let start = seat.context.start.clone();
        self.seat = Some(seat);
        match self.outcome(ProcessorCall::Initialize, called).await {
            Ok(()) => {
                self.emit(&Event::ShardInitialized { shard: self.tenure.shard().clone(), checkpoint: start.clone() });
                let (deliver, deliveries) = channel();
                let reader = Reader::new(Arc::clone(&self.shared), Arc::clone(&self.tenure), start, deliver);
                self.reading = Some(Reading::new(Arc::clone(&self.tenure), deliveries, reader.run()));
                PhaseEvent::Initialized
            }
            Err(event) => event,
        }
    }

    /// Commits a position that was asked for, forwards or back.
    async fn rewind(&mut self, position: Position) -> Option<PhaseEvent> {
        let (shared, tenure) = (Arc::clone(&self.shared), Arc::clone(&self.tenure));
        if let Err(error) = try_out(&shared, tenure.start(), &position).await {
            // A position that cannot be read would stop the shard for every owner, once it is committed.
            let (shard, error) = (self.tenure.shard().clone(), Chain(&error).to_string());
            self.emit(&Event::ReadFailed { shard, throttled: false, attempt: 1, retry_in: Duration::ZERO, error });
            return None;
        }
        match self.tenure.rewind(&position).await {
            Ok(()) => None,
            Err(WriteFailure::Over) => Some(PhaseEvent::LeaseLost),
            Err(WriteFailure::Store(error)) => {
                self.lease_write_failed(&error);
                let (_, pause) = self.backoff.next();
                let event = self.pause(pause).await;
                self.inbox.restart.get_or_insert(position);
                Some(event.unwrap_or(PhaseEvent::Failed))
            }
        }
    }

    /// What a call of the processor leads to; `Ok` if it returned well. Waits before a call is repeated.
    pub(super) async fn outcome(&mut self, call: ProcessorCall, called: Called) -> Result<(), PhaseEvent> {
        let shard = self.tenure.shard().clone();
        match called {
            Called::Returned => {
                self.backoff.reset();
                Ok(())
            }
            Called::Failed(failure) => {
                let (attempt, retry_in) = self.backoff.next();
                let error = Chain(failure.as_ref()).to_string();
                self.emit(&Event::ProcessorFailed { shard, call, attempt, retry_in, error });
                Err(self.pause(retry_in).await.unwrap_or(PhaseEvent::Failed))
            }
            Called::Panicked(message) => Err(self.panicked(call, message).await),
            Called::CutOff => {
                self.tenure.note_cut_off();
                self.emit(&Event::ProcessorDropped { shard, call });
                // Whatever state the call left the processor in, it is not called again.
                self.seat = None;
                Err(if self.tenure.is_over() { PhaseEvent::LeaseLost } else { PhaseEvent::StopRequested })
            }
        }
    }

    async fn panicked(&mut self, call: ProcessorCall, message: String) -> PhaseEvent {
        self.unseat();
        let (attempt, retry_in) = self.backoff.next();
        let shard = self.tenure.shard().clone();
        self.emit(&Event::ProcessorPanicked { shard, call, attempt, retry_in, message });
        self.pause(retry_in).await.unwrap_or(PhaseEvent::Panicked)
    }

    /// Handles one delivery. `None` to go on with the next.
    async fn process(&mut self) -> Option<PhaseEvent> {
        if self.in_hand.is_none() {
            match self.next_delivery().await {
                Ok((Delivery::Records { batch, through }, place)) => self.deliver(batch, through, place),
                Ok((Delivery::End { children }, _place)) => {
                    self.children = children;
                    self.mark(Progress::deliver_end);
                    return Some(PhaseEvent::EndReached);
                }
                Err(event) => return Some(event),
            }
        }
        let batch = self.in_hand.as_ref().map(|(batch, _place)| batch.clone())?;
        let mut seat = self.seat.take()?;
        let began = Instant::now();
        let call = async { seat.processor.process_records(batch.clone(), &seat.checkpointer).await };
        let reading = self.reading.as_mut();
        let called = attend(ProcessorCall::ProcessRecords, call, &self.tenure, &mut self.inbox, reading).await;
        let on_return = seat.acknowledgement == Acknowledgement::OnReturn;
        self.seat = Some(seat);
        if let Err(event) = self.outcome(ProcessorCall::ProcessRecords, called).await {
            return Some(event);
        }
        self.in_hand = None;
        if on_return {
            self.mark(Progress::all_done);
        }
        self.processed(&batch, began.elapsed());
        None
    }

    async fn next_delivery(&mut self) -> Result<Waiting, PhaseEvent> {
        let Some(mut reading) = self.reading.take() else { return Err(PhaseEvent::Restart) };
        let next = tokio::select! {
            biased;
            event = self.interrupted() => Err(event),
            waiting = reading.next() => waiting.ok_or(PhaseEvent::Restart),
        };
        self.reading = Some(reading);
        next
    }

    fn deliver(&mut self, batch: Batch, through: Position, place: ByteShare) {
        let last = batch.last_position();
        self.mark(|progress| progress.deliver(last, through));
        self.in_hand = (!batch.records().is_empty()).then_some((batch, place));
    }

    fn mark(&self, mark: impl FnOnce(&mut Progress)) {
        if let Some(seat) = &self.seat {
            // A tenure that is over is found out at the next turn.
            drop(self.tenure.mark(seat.generation, mark));
        }
    }

    fn processed(&self, batch: &Batch, took: Duration) {
        let bytes = batch.bytes();
        self.tenure.processed(bytes, took);
        let now = self.shared.tenures.wall.now();
        let age = batch.records().last().and_then(|record| record.arrival).map(|arrival| now.since(arrival));
        let (shard, records) = (self.tenure.shard().clone(), batch.records().len());
        self.emit(&Event::Processed { shard, records, bytes, took, age });
    }
}

/// Whether a position can be read at all.
async fn try_out(shared: &StreamContext, lease: &Lease, position: &Position) -> Result<(), SourceError> {
    use SourceErrorKind::{Foreign, Future, Invalid, NotFound};
    let Some(start) = StartAt::of(position, lease) else { return Ok(()) };
    match shared.retrieval.open(&lease.shard.shard, &start, &shared.budget).await {
        Err(error) if matches!(error.kind(), Foreign | Future | Invalid | NotFound) => Err(error),
        // What passes is waited for when the shard is read.
        _ => Ok(()),
    }
}
