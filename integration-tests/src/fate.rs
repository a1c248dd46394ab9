//! How a worker dies: its future is dropped, after so many polls or when it is struck.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::Poll;

use kcl_core::testing::standstill::Standstill;
use kcl_core::worker::Worker;
use tokio::sync::Notify;

use crate::history::HowOver;

/// When one worker dies.
#[derive(Debug)]
pub struct Fate {
    /// How often its future is still polled.
    polls_left: AtomicU64,
    struck: Notify,
    /// How often everything else that can run does so before a struck worker is dropped.
    turns: AtomicU64,
}

impl Default for Fate {
    fn default() -> Self {
        let (polls_left, turns) = (u64::MAX.into(), 0.into());
        Self { polls_left, struck: Notify::new(), turns }
    }
}

impl Fate {
    /// It dies right after its future was polled so many more times; at least 1.
    pub fn die_after_polls(&self, polls: u64) {
        self.polls_left.store(polls, Relaxed);
    }

    /// It dies now, after everything else that can run has run so many turns.
    pub fn strike(&self, turns: u64) {
        self.turns.store(turns, Relaxed);
        self.struck.notify_one();
    }

    /// It lives on; a strike that has fallen stands.
    pub fn spare(&self) {
        self.polls_left.store(u64::MAX, Relaxed);
    }

    fn was_last_poll(&self) -> bool {
        self.polls_left.fetch_sub(1, Relaxed) == 1
    }

    async fn fulfilled(&self) {
        self.struck.notified().await;
        for _ in 0..self.turns.load(Relaxed) {
            tokio::task::yield_now().await;
        }
    }

    /// Runs a worker until its end or its death, whether or not it stands still then. When this returns, the worker's future is gone.
    pub async fn live(&self, worker: Worker, standstill: &Standstill) -> HowOver {
        let run = async { standstill.hold(worker.run()).await.map(drop).map_err(|error| with_causes(&error)) };
        self.run(run).await
    }

    /// Runs something that lives and may give up, as [`live`](Self::live) does.
    pub(crate) async fn run(&self, run: impl Future<Output = Result<(), String>>) -> HowOver {
        let mut run = Box::pin(run);
        let counted = poll_fn(|context| match run.as_mut().poll(context) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending if self.was_last_poll() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        let ended = tokio::select! {
            biased;
            () = self.fulfilled() => None,
            ended = counted => ended,
        };
        match ended {
            None => HowOver::Killed,
            Some(Ok(())) => HowOver::Stopped,
            Some(Err(why)) => HowOver::Failed(why),
        }
    }
}

/// What an error says, and its causes after it.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
