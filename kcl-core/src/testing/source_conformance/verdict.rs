//! Promises that are tried at the same time, and what became of each.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// What became of one promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Its name, with that of its file: `reading::a_backlog_is_read_to_the_tip`.
    pub promise: &'static str,
    /// How long it was tried.
    pub took: Duration,
    /// How it was broken; `None` if it was kept.
    pub broken: Option<String>,
}

/// Promises under trial, each in a task of its own.
#[derive(Debug)]
pub(super) struct Court {
    within: Duration,
    trials: JoinSet<(usize, Verdict)>,
}

impl Court {
    pub(super) fn new(within: Duration) -> Self {
        Self { within, trials: JoinSet::new() }
    }

    pub(super) fn hear(&mut self, promise: &'static str, trial: impl Future<Output = ()> + Send + 'static) {
        let (number, within) = (self.trials.len(), self.within);
        self.trials.spawn(async move {
            let began = Instant::now();
            // A world that a panic left behind is not looked at again.
            let broken = match tokio::time::timeout(within, AssertUnwindSafe(trial).catch_unwind()).await {
                Ok(Ok(())) => None,
                Ok(Err(panic)) => Some(said(&*panic)),
                Err(_elapsed) => Some(format!("not kept within {within:?}")),
            };
            (number, Verdict { promise, took: began.elapsed(), broken })
        });
    }

    /// The verdicts, in the order in which the promises were heard.
    pub(super) async fn verdicts(self) -> Vec<Verdict> {
        let mut verdicts = self.trials.join_all().await;
        verdicts.sort_by_key(|(number, _)| *number);
        verdicts.into_iter().map(|(_, verdict)| verdict).collect()
    }
}

/// What a panic says.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_promise_has_its_own_verdict() {
        let mut court = Court::new(Duration::from_secs(10));
        court.hear("slow", async { tokio::time::sleep(Duration::from_secs(9)).await });
        court.hear("broken", async { panic!("{} of {}", 3, 4) });
        court.hear("stuck", std::future::pending());
        let seconds = Duration::from_secs;
        let verdict =
            |promise, took, broken: Option<&str>| Verdict { promise, took, broken: broken.map(str::to_owned) };
        let expected = [
            verdict("slow", seconds(9), None),
            verdict("broken", seconds(0), Some("3 of 4")),
            verdict("stuck", seconds(10), Some("not kept within 10s")),
        ];
        assert_eq!(court.verdicts().await, expected);
    }
}
