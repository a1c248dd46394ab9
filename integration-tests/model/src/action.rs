//! The steps of a history.

use crate::lease::Act;

/// One step. Processes and shards are meant by their place in the state before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Time passes.
    Tick,
    /// Time passes, and the clock of this process does not show it.
    SlowTick(usize),
    Crash(usize),
    /// A process starts, with the worker id that it or another had before.
    Start(usize),
    Pause(usize),
    Resume(usize),
    /// A worker is told to stop.
    Stop(usize),
    /// A worker that was told to stop ends.
    Leave(usize),
    /// A process sees that another uses its id, and ends.
    Yield(usize),
    /// A process sends a write about a shard. The last number: how old the version is that it rests on.
    Send(usize, usize, Act, u8),
    /// A process sends a write that never arrives, and does not wait for it.
    SendLost(usize, usize, Act),
    /// The write reaches the table.
    Deliver(usize, usize),
    /// Its writer hears the answer.
    Hear(usize, usize),
    /// Its writer does not wait any more, and goes on without.
    GiveUp(usize, usize),
    /// Its writer sends it again.
    Repeat(usize, usize),
    /// A write arrives whose writer does not wait.
    Arrive(usize),
    /// Somebody offers a lease that nobody holds, or the leader moves one.
    Plan(usize, Act),
    /// What was planned reaches the table.
    PlanArrives,
    /// It never does.
    PlanVanishes,
    /// All parents are finished: a tenure begins to read.
    Begin(usize, usize),
    /// The processor is done with what comes next.
    Finish(usize, usize),
}
