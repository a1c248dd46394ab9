//! One bound on the memory of everything that a worker has read and its processors have not let go of.

use std::fmt;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes are counted in blocks of this size.
const BLOCK: usize = 1024;

/// The bytes that one worker may hold in records, all shards together.
///
/// A reader reserves before it reads and is made to wait while too much is out. What it read then carries its share
/// until the last record of it is dropped, wherever the record has gone. Waiting is fair, in order of arrival.
///
/// A reservation larger than the whole budget is cut down to it: it waits until nothing else is out, and passes. So an
/// oversized record is never stuck.
#[derive(Clone)]
pub struct ByteBudget {
    blocks: Arc<Semaphore>,
    total: u32,
    /// Is told when a reservation begins to wait, and when it does not any more.
    told: Option<Arc<Told>>,
}

type Told = dyn Fn(bool) + Send + Sync;

/// A part of a [`ByteBudget`]; it goes back when this is dropped.
#[derive(Debug)]
pub struct ByteShare {
    permit: OwnedSemaphorePermit,
}

fn blocks(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(BLOCK)).unwrap_or(u32::MAX)
}

impl ByteBudget {
    /// A budget of this many bytes, rounded up to whole KiB; at least one.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let total = blocks(bytes).clamp(1, u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX));
        Self { blocks: Arc::new(Semaphore::new(total as usize)), total, told: None }
    }

    /// The same budget, seen by one whose waiting for it is told: `true` when a reservation has to wait, `false` when it
    /// does not any more.
    pub(crate) fn telling(&self, told: impl Fn(bool) + Send + Sync + 'static) -> Self {
        Self { told: Some(Arc::new(told)), ..self.clone() }
    }

    /// Waits until this many bytes are free, and takes them.
    ///
    /// Cancel safe: dropping the future takes nothing, and gives up the place in the queue.
    pub async fn reserve(&self, bytes: usize) -> ByteShare {
        let wanted = blocks(bytes).clamp(1, self.total);
        let mut acquired = std::pin::pin!(Arc::clone(&self.blocks).acquire_many_owned(wanted));
        let acquired = match futures_util::poll!(acquired.as_mut()) {
            Poll::Ready(acquired) => acquired,
            Poll::Pending => {
                let _waits = Waits::begin(self.told.as_deref());
                acquired.await
            }
        };
        match acquired {
            Ok(permit) => ByteShare { permit },
            Err(_closed) => unreachable!("the semaphore of a budget is never closed"),
        }
    }

    /// Bytes that are out.
    #[must_use]
    pub fn used(&self) -> usize {
        (self.total as usize).saturating_sub(self.blocks.available_permits()) * BLOCK
    }

    /// The whole budget in bytes.
    #[must_use]
    pub fn total(&self) -> usize {
        self.total as usize * BLOCK
    }
}

impl ByteShare {
    /// Adds another share of the same budget: both go back together.
    ///
    /// # Panics
    /// If the other share is of another budget.
    pub fn merge(&mut self, other: Self) {
        self.permit.merge(other.permit);
    }

    /// The bytes of the share, in whole blocks.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.permit.num_permits() * BLOCK
    }

    /// Fits the share to what was read. What is too much goes back at once; of what is missing, what is free is taken, and
    /// the rest forgiven: a reader that waited here, holding its part, could wait for others that wait for it.
    /// Answers the bytes forgiven.
    pub fn fit(&mut self, bytes: usize) -> usize {
        let needed = blocks(bytes) as usize;
        let held = self.permit.num_permits();
        if needed < held {
            drop(self.permit.split(held - needed));
            return 0;
        }
        let missing = needed - held;
        let semaphore = Arc::clone(self.permit.semaphore());
        let free = u32::try_from(missing.min(semaphore.available_permits())).unwrap_or(u32::MAX);
        match semaphore.try_acquire_many_owned(free) {
            Ok(more) => {
                self.permit.merge(more);
                (missing - free as usize) * BLOCK
            }
            // Somebody else took them at the same moment.
            Err(_none_free) => missing * BLOCK,
        }
    }
}

/// A reservation waits as long as this is kept.
struct Waits<'a>(Option<&'a Told>);

impl<'a> Waits<'a> {
    fn begin(told: Option<&'a Told>) -> Self {
        if let Some(told) = told {
            told(true);
        }
        Self(told)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if let Some(told) = self.0 {
            told(false);
        }
    }
}

impl fmt::Debug for ByteBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ByteBudget({} of {} bytes out)", self.used(), self.total())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;

    async fn waits<T>(future: impl Future<Output = T>) -> bool {
        tokio::time::timeout(Duration::from_secs(1), future).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_waits_until_a_share_comes_back() {
        let budget = ByteBudget::new(10 * BLOCK);
        let first = budget.reserve(8 * BLOCK).await;
        assert_eq!(budget.used(), 8 * BLOCK);
        assert!(waits(budget.reserve(3 * BLOCK)).await);
        drop(first);
        let _second = budget.reserve(3 * BLOCK).await;
        assert_eq!(budget.used(), 3 * BLOCK, "the cancelled reservation took nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn an_oversized_reservation_passes_an_empty_budget_only() {
        let budget = ByteBudget::new(10 * BLOCK);
        let small = budget.reserve(1).await;
        assert!(waits(budget.reserve(100 * BLOCK)).await);
        drop(small);
        let big = budget.reserve(100 * BLOCK).await;
        assert!(waits(budget.reserve(1)).await);
        drop(big);
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_is_told_and_nothing_else() {
        let heard: Arc<Mutex<Vec<bool>>> = Arc::default();
        let hears = Arc::clone(&heard);
        let budget = ByteBudget::new(10 * BLOCK);
        let telling = budget.telling(move |waits| hears.lock().expect("whole").push(waits));
        let all = telling.reserve(10 * BLOCK).await;
        assert!(heard.lock().expect("whole").is_empty());
        let mut waiting = std::pin::pin!(telling.reserve(BLOCK));
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        assert_eq!(*heard.lock().expect("whole"), [true]);
        drop(all);
        let _one = waiting.await;
        assert_eq!(*heard.lock().expect("whole"), [true, false]);
        assert!(waits(telling.reserve(10 * BLOCK)).await);
        assert_eq!(*heard.lock().expect("whole"), [true, false, true, false], "given up, it waits no more");
    }

    #[tokio::test(start_paused = true)]
    async fn shares_that_were_merged_go_back_together() {
        let budget = ByteBudget::new(10 * BLOCK);
        let (mut one, other) = (budget.reserve(2 * BLOCK).await, budget.reserve(3 * BLOCK).await);
        one.merge(other);
        assert_eq!((one.bytes(), budget.used()), (5 * BLOCK, 5 * BLOCK));
        drop(one);
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_share_is_fitted_to_what_was_read() {
        let budget = ByteBudget::new(10 * BLOCK);
        let mut share = budget.reserve(8 * BLOCK).await;
        assert_eq!(share.fit(2 * BLOCK), 0);
        assert_eq!(budget.used(), 2 * BLOCK);
        assert_eq!(share.fit(5 * BLOCK), 0);
        assert_eq!(budget.used(), 5 * BLOCK);
        assert_eq!(share.fit(12 * BLOCK), 2 * BLOCK, "what is not free is forgiven");
        assert_eq!(budget.used(), 10 * BLOCK);
        drop(share);
        assert_eq!(budget.used(), 0);
    }
}
