//! Gives each lease a consumer, and tells consumers whose lease is gone.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;

use super::consumer::consume;
use super::holdings::{Holding, Signal};
use super::pace::DISPATCH;
use super::process::Process;

/// Runs consumers until the worker is told to stop and all of them have.
pub(super) async fn dispatch(process: &Arc<Process>) {
    let (starts, mut started) = mpsc::unbounded_channel();
    let mut consumers = FuturesUnordered::new();
    // Consumers go on while this waits for the lock.
    let mut ticker = std::pin::pin!(tick(process, starts));
    let mut stopping = false;
    loop {
        tokio::select! {
            biased;
            Some(holding) = started.recv() => consumers.push(consume(Arc::clone(process), holding)),
            Some(()) = consumers.next() => {}
            () = &mut ticker, if !stopping => stopping = true,
            else => return,
        }
    }
}

/// Once a second until the worker is told to stop.
async fn tick(process: &Arc<Process>, starts: mpsc::UnboundedSender<Arc<Holding>>) {
    let failover = process.pace.failover;
    let mut known: BTreeMap<(String, u64), Arc<Holding>> = BTreeMap::new();
    let mut ticks = tokio::time::interval(DISPATCH);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = process.told_to_stop() => break,
            _ = ticks.tick() => {}
        }
        // For nothing but that this is where a worker tries to lead; a slow answer holds up all shards.
        tokio::select! {
            biased;
            () = process.told_to_stop() => break,
            _ = process.is_leader() => {}
        }
        known.retain(|_, holding| {
            let current = process.holdings.is_current(holding, failover);
            if !current {
                holding.tell(Signal::Lost);
            }
            current
        });
        for holding in process.holdings.current(failover) {
            let name = (holding.key.clone(), holding.token);
            if let std::collections::btree_map::Entry::Vacant(new) = known.entry(name) {
                new.insert(Arc::clone(&holding));
                // The other end is held by the loop that waits for this one.
                let _ = starts.send(holding);
            }
        }
    }
    for holding in known.values() {
        holding.tell(Signal::Stop);
    }
}
