//! How much workers ask of the services.

use std::collections::BTreeMap;

use super::Findings;
use crate::faults::Class;
use crate::history::{Happening, History, Run, What, millis};

/// What one worker may ask in a second about its stream, its table and all leases at once: it looks, looks again since something
/// changed or was refused, and repeats what was not answered; and for each shard that it finishes, since shards and leases are
/// compared then.
const ABOUT_ALL: (u64, u64) = (25, 2);
/// What it may ask about single shards and workers, and for each shard that there has been by the end of the world. A shard is
/// read 5 times at most.
const ABOUT_ONE: (u64, u64) = (10, 6);
/// What it may write beyond one commit for each call that a processor returned from, and beyond what is written again since it
/// failed.
const WRITES: (u64, u64) = (20, 2);
/// How often a write of a lease that fails is sent again in a tenth of the failover time.
const AGAIN: f64 = 5.0;
/// What leases are written with, and rows of workers.
const WRITE: &str = "UpdateItem";

/// No worker asks or writes more in a second than its shards can need, whatever goes wrong.
pub(super) fn nobody_asks_in_circles(history: &History) -> Findings {
    let mut seconds: BTreeMap<(Run, u64), Second> = BTreeMap::new();
    // A fault is noted right after the request that meets it.
    let mut writes = false;
    for Happening { at, what } in &history.happenings {
        let run = match what {
            What::Sent { run, operation } => {
                writes = operation == WRITE;
                *run
            }
            What::Fault { run, class } if writes && Class::ALL.contains(class) => *run,
            What::Returned { run, .. } | What::ShardEnded { run, .. } => Some(*run),
            _ => None,
        };
        if let Some(run) = run.filter(|run| !run.is_java()) {
            seconds.entry((run, at / 1_000)).or_default().take_in(what);
        }
    }
    let shards = u64::try_from(history.shards.len()).unwrap_or(u64::MAX);
    let again = millis(history.failover.div_f64(10.0 * AGAIN)).max(1);
    let limits = Limits { shards, again: shards * 1_000u64.div_ceil(again) };
    let too_much = |((run, second), asked): ((Run, u64), Second)| {
        asked.is_too_much(&limits).then(|| (second * 1_000, format!("{run} asks too much in a second: {asked:?}")))
    };
    seconds.into_iter().filter_map(too_much).collect()
}

struct Limits {
    shards: u64,
    /// How many failed writes may be sent again in a second.
    again: u64,
}

/// What one worker does in one second.
#[derive(Debug, Default)]
struct Second {
    about_all: u64,
    about_one: u64,
    writes: u64,
    failed: u64,
    returned: u64,
    ended: u64,
}

impl Second {
    fn take_in(&mut self, what: &What) {
        let count = match what {
            What::Sent { operation, .. } => match operation.as_str() {
                WRITE => &mut self.writes,
                "GetItem" | "PutItem" | "DeleteItem" | "GetShardIterator" | "GetRecords" | "SubscribeToShard" => {
                    &mut self.about_one
                }
                _ => &mut self.about_all,
            },
            What::Fault { .. } => &mut self.failed,
            What::ShardEnded { .. } => &mut self.ended,
            _ => &mut self.returned,
        };
        *count += 1;
    }

    fn is_too_much(&self, limits: &Limits) -> bool {
        let most = |(alone, each): (u64, u64)| alone + each * limits.shards;
        let again = self.failed.min(limits.again);
        let (all, each_end) = ABOUT_ALL;
        self.about_all > all + each_end * self.ended
            || self.about_one > most(ABOUT_ONE)
            || self.writes > most(WRITES) + self.returned + again
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::history::{HowReturned, Seat, ShardFacts};

    #[test]
    fn a_worker_that_asks_more_than_its_shards_need_is_seen() {
        let run = Run(1);
        let sent = |operation: &str| What::Sent { run: Some(run), operation: operation.to_owned() };
        let returned = What::Returned { run, seat: Seat(1), how: HowReturned::Ok };
        let found = |whats: Vec<What>| {
            let happenings = whats.into_iter().map(|what| Happening { at: 5_999, what }).collect();
            let facts = ShardFacts { parents: Vec::new(), closed: false };
            let shards = BTreeMap::from([("s".to_owned(), facts)]);
            nobody_asks_in_circles(&History::plain(happenings, shards, Duration::from_secs(5))).len()
        };
        for (operation, most) in [("Scan", 25), ("ListShards", 25), ("GetItem", 16), ("GetRecords", 16), (WRITE, 22)] {
            assert_eq!(found(vec![sent(operation); most]), 0, "{operation}");
            assert_eq!(found(vec![sent(operation); most + 1]), 1, "{operation}");
        }
        let fault = What::Fault { run: Some(run), class: Class::LostBefore };
        let failed = vec![vec![sent(WRITE), fault]; 20].concat();
        let again = |writes: usize| [failed.clone(), vec![sent(WRITE); writes - 20]].concat();
        assert_eq!((found(again(32)), found(again(33))), (0, 1), "ten times in a second where F is 5 s");
        let end = What::ShardEnded { run, shard: "s".to_owned() };
        let looks = |scans| [vec![end.clone(); 3], vec![sent("Scan"); scans]].concat();
        assert_eq!((found(looks(31)), found(looks(32))), (0, 1), "shards and leases are compared after each end");
        let commits = [vec![sent(WRITE); 52], vec![returned; 30]].concat();
        assert_eq!(found(commits.clone()), 0, "one commit for each call");
        assert_eq!(found([commits, vec![sent(WRITE)]].concat()), 1);
        assert_eq!(found(vec![What::Sent { run: None, operation: "Scan".to_owned() }; 100]), 0, "not a worker");
    }
}
