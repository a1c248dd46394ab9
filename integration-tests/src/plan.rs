//! What will happen to a world, drawn from its seed before it begins: data, so that it can be printed and made smaller.

mod aims;
mod draw;
mod java;
pub mod less;
mod long;

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use kcl_local::Settings;

use crate::faults::Window;
use crate::handling::Handling;
use crate::java::Pace;
use crate::modelled::Reading;
use crate::site::Clocks;

/// The whole of a seed.
#[derive(Debug)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// The failover time of the fleet.
    pub failover: Duration,
    /// When each worker starts, since the world began.
    pub starts: Vec<Duration>,
    /// What is wrong with each worker's clocks.
    pub clocks: Vec<Clocks>,
    /// The most leases that one worker may be given.
    pub max_leases: Option<usize>,
    /// How the worker in each slot reads.
    pub readings: Vec<Reading>,
    /// Whoever comes back may read in the other way.
    pub switches: bool,
    /// The shards that the stream begins with.
    pub shards: u32,
    /// How the services behave.
    pub services: Settings,
    /// How many records one `GetRecords` asks for.
    pub read_limit: u32,
    /// How often a worker of ours asks a shard that has none.
    pub idle_interval: Duration,
    /// How processors behave.
    pub handling: Handling,
    /// How much a record is padded at most, in bytes.
    pub padding: usize,
    /// The bytes of records that one worker may hold.
    pub byte_budget: usize,
    /// The pause between two puts, in milliseconds.
    pub put_every: RangeInclusive<u64>,
    /// What goes wrong on the network. All of it begins before `calm`; what is late then may come after it.
    pub windows: Vec<Window>,
    /// What is done to the fleet and the stream, and when.
    pub deeds: Vec<(Duration, Deed)>,
    /// From when on nothing goes wrong any more.
    pub calm: Duration,
    /// The Java workers. Their slots come after those of ours.
    pub java: Vec<JavaMember>,
    /// The slots whose workers never start.
    pub absent: BTreeSet<usize>,
    /// How many user records the stream must have stored before the world may end.
    pub records: u64,
    /// How many faults must have been met before the calm.
    pub faults: u64,
}

/// A Java worker.
#[derive(Debug, Clone, PartialEq)]
pub struct JavaMember {
    /// When it starts, since the world began.
    pub start: Duration,
    /// How fast it does what it does.
    pub pace: Pace,
    /// How far its wall clock is ahead, in milliseconds.
    pub skew_ms: i64,
    /// Once it was told to stop it does not come back.
    pub leaves: bool,
}

/// Something done to the fleet or the stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// Split an open shard.
    Split,
    /// Merge two neighbours, if there are any.
    Merge,
    /// Drop a worker's future.
    Kill {
        /// Whose.
        slot: usize,
        /// At which point.
        point: Point,
        /// What follows.
        back: Back,
    },
    /// Tell a worker to stop.
    Stop {
        /// Which.
        slot: usize,
        /// How long its processors have.
        within: Duration,
        /// What follows.
        back: Back,
    },
    /// Let a worker give back one of its shards.
    Release {
        /// Which worker.
        slot: usize,
    },
    /// End a worker's ownership of one of its shards.
    Fence {
        /// Which worker.
        slot: usize,
    },
    /// Start another process under the id of a worker that lives.
    Twin {
        /// Of which worker.
        slot: usize,
    },
    /// Freeze a worker, as a pause of its process does: none of its tasks and processors moves, and answers wait. Then all
    /// of it goes on at once.
    Freeze {
        /// Which worker.
        slot: usize,
        /// For how long.
        lasting: Duration,
    },
}

/// At which point a worker is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// Now, after everything else that can run has run so many turns.
    Turns(u64),
    /// After so many more polls of its future.
    Polls(u64),
    /// When it has sent so many more requests.
    Requests(u64),
}

/// When a worker that is gone comes back, and as whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Back {
    /// After this time.
    pub after: Duration,
    /// Under the same worker id.
    pub same_id: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_has_a_split_a_kill_and_faults_and_ends_in_peace() {
        for seed in 0..500 {
            let plan = Plan::draw(seed);
            let has = |wanted: fn(&Deed) -> bool| plan.deeds.iter().any(|(_, deed)| wanted(deed));
            assert!(has(|deed| *deed == Deed::Split) && has(|deed| matches!(deed, Deed::Kill { .. })), "{seed}");
            assert!(plan.windows.len() >= 2 && plan.windows.iter().all(|window| window.to < plan.calm), "{seed}");
            assert!(plan.deeds.iter().all(|(at, _)| *at < plan.calm), "{seed}");
        }
    }
}
