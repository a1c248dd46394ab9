//! Keeps what is held alive, if it is gone on with. It waits for the store only, never for user code.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::error::StoreError;
use crate::shard_task::News;
use crate::store::{LeaseAction, LeaseStore};
use crate::tenure::{Renewal, Tenure, TenureContext};
use crate::worker::held::Held;

/// A write that was under way when a renewal was due renews as well; it is looked at again after this.
const BUSY: Duration = Duration::from_millis(100);

/// Renews all leases when they are due, for ever; also those for which a commit is asked. A lease whose shard is not gone
/// on with is not renewed again; the worker is told to give it up.
///
/// This is looked at here and not where the shard's tasks run: what keeps their thread would keep them from it.
pub(super) async fn run(context: Arc<TenureContext>, held: Arc<Held>, news: mpsc::UnboundedSender<News>) {
    let attempt = context.timing.attempt;
    loop {
        let tenures = held.tenures();
        for tenure in tenures.iter().filter(|tenure| tenure.is_alive()) {
            if tenure.examine() {
                drop(news.send(News::Stalled(Arc::clone(tenure))));
            }
        }
        let now = Instant::now();
        let due: Vec<_> = tenures.iter().filter(|tenure| tenure.due() <= now && tenure.is_alive()).collect();
        if !due.is_empty() {
            renew(context.store.as_ref(), &due, attempt).await;
        }
        let alive = tenures.iter().filter(|tenure| tenure.is_alive());
        let next = alive.map(|tenure| tenure.due().min(tenure.examine_at())).min();
        tokio::select! {
            biased;
            () = context.renew_now.notified() => {}
            () = wait(next) => {}
        }
    }
}

async fn wait(next: Option<Instant>) {
    match next {
        Some(next) => tokio::time::sleep_until(next.max(Instant::now() + BUSY)).await,
        None => std::future::pending().await,
    }
}

/// Renews these leases at once: those with something to commit one by one, the rest with one call.
async fn renew(store: &dyn LeaseStore, due: &[&Arc<Tenure>], attempt: Duration) {
    let begun = due.iter().filter_map(|tenure| tenure.begin_renewal());
    let (plain, commits): (Vec<Renewal<'_>>, Vec<Renewal<'_>>) =
        begun.partition(|renewal| matches!(renewal.write.action, LeaseAction::Renew { .. }));
    tokio::join!(join_all(commits.into_iter().map(Renewal::send)), renew_together(store, plain, attempt));
}

async fn renew_together(store: &dyn LeaseStore, renewals: Vec<Renewal<'_>>, attempt: Duration) {
    if renewals.is_empty() {
        return;
    }
    let writes: Vec<_> = renewals.iter().map(|renewal| renewal.write.clone()).collect();
    let mut answers = store.renew(&writes, attempt).await.into_iter();
    for renewal in renewals {
        renewal.resolve(answers.next().unwrap_or_else(|| Err(StoreError::no_answer(attempt))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ProcessorCall;
    use crate::memory::InMemoryLeases;
    use crate::tenure::tests::held;

    /// A processor that blocks its thread: its call has begun, and nothing of its shard runs any more.
    #[tokio::test(start_paused = true)]
    async fn a_shard_whose_task_cannot_run_is_renewed_until_its_call_has_lasted_too_long_and_not_after() {
        let table = InMemoryLeases::new();
        let tenure = held(Arc::new(table.clone()), &table).await;
        let holding = Arc::new(Held::default());
        let _inbox = holding.add(Arc::clone(&tenure));
        let (news, mut heard) = mpsc::unbounded_channel();
        let began = Instant::now();
        tenure.call_begins(ProcessorCall::ProcessRecords);
        let stalled = async {
            loop {
                if let Some(News::Stalled(stalled)) = heard.recv().await {
                    break stalled;
                }
            }
        };
        let mut renewals = std::pin::pin!(run(Arc::clone(tenure.context()), holding, news));
        let stalled = tokio::select! {
            () = &mut renewals => unreachable!("for ever"),
            stalled = stalled => stalled,
        };
        assert!(Arc::ptr_eq(&stalled, &tenure));
        assert_eq!(began.elapsed(), Duration::from_mins(10));
        assert!(!tenure.is_over(), "renewed till then");
        assert!(tokio::time::timeout(Duration::from_mins(1), renewals).await.is_err());
        assert!(tenure.is_over(), "and not after");
        assert!(heard.try_recv().is_err(), "told once");
    }
}
