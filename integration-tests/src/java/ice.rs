//! A process that is stopped and continued later: while it is, nothing of it moves; then all goes on at once, and it finds
//! out only by its clocks.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

/// Until when a process is frozen.
#[derive(Debug, Default)]
pub(super) struct Ice(Mutex<Option<Instant>>);

impl Ice {
    pub(super) fn freeze(&self, lasting: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + lasting);
    }

    /// How long it lasts; and whether it is over just now.
    fn left(&self) -> (Option<Instant>, bool) {
        let mut until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match *until {
            Some(end) if Instant::now() < end => (Some(end), false),
            _ => (None, until.take().is_some()),
        }
    }

    /// Runs something that may be frozen, and says when it goes on.
    pub(super) async fn hold<T>(&self, inner: impl Future<Output = T>, mut goes_on: impl FnMut()) -> T {
        let mut inner = pin!(inner);
        let mut melts = pin!(tokio::time::sleep(Duration::ZERO));
        poll_fn(|context| {
            let (frozen, melted) = self.left();
            if let Some(until) = frozen {
                melts.as_mut().reset(until);
                if melts.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
            }
            if melted {
                goes_on();
            }
            inner.as_mut().poll(context)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_frozen_stands_still_and_goes_on_when_it_melts() {
        let (ice, began) = (Ice::default(), Instant::now());
        ice.freeze(Duration::from_secs(9));
        let inner = async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            began.elapsed()
        };
        let mut melted = 0;
        assert_eq!(ice.hold(inner, || melted += 1).await, Duration::from_secs(11), "it had not begun");
        assert_eq!(melted, 1);
    }
}
