//! What the tasks of a shard note of themselves, for those who keep the lease: a lease is for work that goes on.

use std::sync::Arc;
use std::task::Poll;

use tokio::time::Instant;

use super::{Tenure, lock};
use crate::budget::ByteBudget;
use crate::decide::vitals::{Cause, Verdict, Vitals};
use crate::event::{Event, ProcessorCall, StallCause};

/// What is known of a shard's tasks.
#[derive(Debug)]
pub(super) struct Tasks {
    vitals: Vitals,
    /// The call that is being made.
    call: ProcessorCall,
    /// What was said when the shard's task ended.
    last_words: String,
    /// It was found to be stalled.
    stalled: bool,
}

impl Tasks {
    pub(super) fn new(now: Instant) -> Self {
        Self { vitals: Vitals::new(now), call: ProcessorCall::Create, last_words: String::new(), stalled: false }
    }
}

impl Tenure {
    fn note<R>(&self, note: impl FnOnce(&mut Vitals, Instant) -> R) -> R {
        note(&mut lock(&self.tasks).vitals, Instant::now())
    }

    /// The reader asks its source.
    pub(crate) fn reader_asks(&self) {
        self.note(Vitals::asks);
    }

    /// The reader has an answer, or is no more.
    pub(crate) fn reader_answered(&self) {
        self.note(Vitals::answered);
    }

    /// Somebody waits for the reader.
    pub(crate) fn attend_reader(&self) -> Attended<'_> {
        self.note(|vitals, now| vitals.attended(now, true));
        Attended(self)
    }

    /// The byte budget, seen by the reader: what it waits for there is not its source's to give.
    pub(crate) fn room(self: &Arc<Self>, budget: &ByteBudget) -> ByteBudget {
        let tenure = Arc::clone(self);
        budget.telling(move |waits| tenure.note(|vitals, now| vitals.held_up(now, waits)))
    }

    /// A call of the processor begins.
    pub(crate) fn call_begins(&self, call: ProcessorCall) {
        let mut tasks = lock(&self.tasks);
        tasks.call = call;
        tasks.vitals.call_begins(Instant::now());
    }

    /// Polls that call. It has the thread meanwhile: the reader is not to blame for that time.
    pub(crate) fn poll_call<T>(&self, poll: impl FnOnce() -> Poll<T>) -> Poll<T> {
        self.note(|vitals, now| vitals.held_up(now, true));
        let polled = poll();
        self.note(|vitals, now| vitals.held_up(now, false));
        polled
    }

    /// That call is over.
    pub(crate) fn call_ends(&self) {
        let mut tasks = lock(&self.tasks);
        let (call, told) = (tasks.call, tasks.vitals.call_ends(Instant::now()));
        drop(tasks);
        if let Some(lasting) = told {
            let shard = self.shard.clone();
            self.context.reporter.emit(&Event::ProcessorSlow { shard, call, lasting, returned: true });
        }
    }

    /// The shard's task ended while the lease is held, and said this.
    pub(crate) fn task_ended(&self, last_words: String) {
        let mut tasks = lock(&self.tasks);
        tasks.vitals.task_ended();
        tasks.last_words = last_words;
        drop(tasks);
        self.context.renew_now.notify_one();
    }

    /// Whether the lease is to be renewed.
    pub(crate) fn is_alive(&self) -> bool {
        !lock(&self.tasks).stalled && !self.is_over()
    }

    /// Looks whether the shard is gone on with, and tells of it if not. Answers whether it is found to be stalled now, and
    /// was not before.
    pub(crate) fn examine(&self) -> bool {
        let now = Instant::now();
        let mut tasks = lock(&self.tasks);
        let verdict = if tasks.stalled { Verdict::Well } else { tasks.vitals.verdict(now, &self.context.limits) };
        let (shard, call) = (self.shard.clone(), tasks.call);
        let event = match verdict {
            Verdict::Well => return false,
            Verdict::Slow(lasting) => {
                tasks.vitals.told(lasting);
                Event::ProcessorSlow { shard, call, lasting, returned: false }
            }
            Verdict::Stalled(cause) => {
                tasks.stalled = true;
                let cause = match cause {
                    Cause::Reader(asked) => StallCause::Reader { asked },
                    Cause::Handler(lasting) => StallCause::Processor { call, lasting },
                    Cause::Ended => StallCause::Ended { last_words: std::mem::take(&mut tasks.last_words) },
                };
                Event::ShardStalled { shard, cause }
            }
        };
        drop(tasks);
        self.context.reporter.emit(&event);
        matches!(verdict, Verdict::Stalled(_))
    }

    /// When to examine again.
    pub(crate) fn examine_at(&self) -> Instant {
        self.note(|vitals, now| vitals.due(now, &self.context.limits))
    }
}

/// The reader is waited for as long as this is kept.
#[must_use]
pub(crate) struct Attended<'a>(&'a Tenure);

impl Drop for Attended<'_> {
    fn drop(&mut self) {
        self.0.note(|vitals, now| vitals.attended(now, false));
    }
}
