//! A worker that is stopped as a whole and continued later, as a process is by signals or by its host.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

/// Stops and continues everything that runs inside it: while it stands still nothing of that moves, neither tasks nor
/// processors, and timers that run out are seen only afterwards. Then all goes on at once, and finds out only by its clocks.
///
/// What was sent before arrives; answers wait. [`WorkerBuilder::standstill`](crate::worker::WorkerBuilder::standstill)
/// puts the tasks of a worker into it, and [`hold`](Self::hold) the future of its `run`. Clones are the same one.
#[derive(Clone)]
pub struct Standstill(Arc<Shared>);

struct Shared {
    until: Mutex<Option<Instant>>,
    goes_on: Box<dyn Fn() + Send + Sync>,
}

impl Standstill {
    /// Nothing stands still yet; `goes_on` is called each time that it goes on.
    pub fn new(goes_on: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared { until: Mutex::new(None), goes_on: Box::new(goes_on) }))
    }

    /// From now on, for so long at least, everything stands still.
    pub fn freeze(&self, lasting: Duration) {
        let mut until = self.0.until.lock().unwrap_or_else(PoisonError::into_inner);
        *until = (*until).max(Some(Instant::now() + lasting));
    }

    /// How long it lasts; and whether it is over just now.
    fn left(&self) -> (Option<Instant>, bool) {
        let mut until = self.0.until.lock().unwrap_or_else(PoisonError::into_inner);
        match *until {
            Some(end) if Instant::now() < end => (Some(end), false),
            _ => (None, until.take().is_some()),
        }
    }

    /// Runs something that may stand still. Cancel safe as far as that is.
    pub async fn hold<T>(&self, inner: impl Future<Output = T>) -> T {
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
                (self.0.goes_on)();
            }
            inner.as_mut().poll(context)
        })
        .await
    }
}

impl fmt::Debug for Standstill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Standstill(until {:?})", self.0.until)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_frozen_stands_still_and_goes_on_when_it_melts() {
        let (melted, began) = (Arc::new(AtomicU32::new(0)), Instant::now());
        let counts = Arc::clone(&melted);
        let standstill = Standstill::new(move || {
            counts.fetch_add(1, Ordering::Relaxed);
        });
        standstill.freeze(Duration::from_secs(9));
        let inner = async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            began.elapsed()
        };
        let (one, other) = tokio::join!(standstill.hold(inner), standstill.hold(async { began.elapsed() }));
        assert_eq!((one, other), (Duration::from_secs(11), Duration::from_secs(9)), "neither had begun");
        assert_eq!(melted.load(Ordering::Relaxed), 1);
    }
}
