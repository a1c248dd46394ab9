//! Calls of the user's code: panics are caught, the shard is read on meanwhile, and the call is cut off when the lease is
//! lost or the time to stop has run out.

use std::any::Any;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::error::Failure;
use crate::event::ProcessorCall;
use crate::position::Position;
use crate::shard_task::Command;
use crate::shard_task::reader::Waiting;
use crate::tenure::Tenure;

/// What the driver was told and has not acted on.
#[derive(Debug)]
pub(super) struct Inbox {
    commands: mpsc::UnboundedReceiver<Command>,
    pub(super) stop_by: Option<Instant>,
    pub(super) restart: Option<Position>,
}

impl Inbox {
    pub(super) fn new(commands: mpsc::UnboundedReceiver<Command>) -> Self {
        Self { commands, stop_by: None, restart: None }
    }

    /// Waits for the next command and notes it. Cancel safe.
    pub(super) async fn hear(&mut self) {
        match self.commands.recv().await {
            Some(command) => self.note(command),
            // The worker is gone; so is whoever polls this, in a moment.
            None => std::future::pending().await,
        }
    }

    /// Notes the commands that are there.
    pub(super) fn hear_now(&mut self) {
        while let Ok(command) = self.commands.try_recv() {
            self.note(command);
        }
    }

    fn note(&mut self, command: Command) {
        match command {
            Command::Stop(by) => self.stop_by = Some(self.stop_by.map_or(by, |earlier| earlier.min(by))),
            Command::Restart(position) => self.restart = Some(position),
        }
    }
}

/// A shard being read.
pub(super) struct Reading {
    tenure: Arc<Tenure>,
    deliveries: mpsc::Receiver<Waiting>,
    reader: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// The reader has ended, and must not be polled again.
    ended: bool,
}

impl Reading {
    pub(super) fn new(
        tenure: Arc<Tenure>,
        deliveries: mpsc::Receiver<Waiting>,
        reader: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        Self { tenure, deliveries, reader: Box::pin(reader), ended: false }
    }

    /// Reads on, for ever: to be raced with what is waited for.
    pub(super) async fn read_on(&mut self) {
        if !self.ended {
            let _attended = self.tenure.attend_reader();
            self.reader.as_mut().await;
            self.ended = true;
        }
        std::future::pending::<()>().await;
    }

    /// Waits for what was read next, reading on. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Waiting> {
        let _attended = self.tenure.attend_reader();
        loop {
            if self.ended {
                return self.deliveries.recv().await;
            }
            tokio::select! {
                biased;
                waiting = self.deliveries.recv() => return waiting,
                () = self.reader.as_mut() => self.ended = true,
            }
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.tenure.reader_answered();
    }
}

async fn read_on(reading: Option<&mut Reading>) {
    match reading {
        Some(reading) => reading.read_on().await,
        None => std::future::pending().await,
    }
}

/// How a call ended.
#[derive(Debug)]
pub(super) enum Called {
    Returned,
    Failed(Failure),
    Panicked(String),
    /// Dropped: the lease was lost, or the time to stop ran out.
    CutOff,
}

/// Makes a call of the user's code while everything around it goes on.
pub(super) async fn attend(
    which: ProcessorCall,
    call: impl Future<Output = Result<(), Failure>> + Send,
    tenure: &Tenure,
    inbox: &mut Inbox,
    reading: Option<&mut Reading>,
) -> Called {
    tenure.call_begins(which);
    let called = race(call, tenure, inbox, reading).await;
    tenure.call_ends();
    called
}

async fn race(
    call: impl Future<Output = Result<(), Failure>> + Send,
    tenure: &Tenure,
    inbox: &mut Inbox,
    mut reading: Option<&mut Reading>,
) -> Called {
    let mut call = std::pin::pin!(AssertUnwindSafe(call).catch_unwind());
    loop {
        let stop_by = inbox.stop_by;
        tokio::select! {
            biased;
            () = tenure.ended() => return Called::CutOff,
            () = until(stop_by) => return Called::CutOff,
            returned = poll_fn(|context| tenure.poll_call(|| call.as_mut().poll(context))) => return match returned {
                Ok(Ok(())) => Called::Returned,
                Ok(Err(failure)) => Called::Failed(failure),
                Err(panic) => Called::Panicked(panic_message(panic.as_ref())),
            },
            () = inbox.hear() => {}
            () = read_on(reading.as_deref_mut()) => {}
        }
    }
}

/// Waits until a moment, or for ever.
pub(super) async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// What a panic said.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|message| (*message).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "(no message)".to_owned())
}
