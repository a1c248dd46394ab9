//! Who is in the fleet, as one observer sees it: whose row moves, who balances, and in which order workers look after
//! what nobody reads.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::decide::observe::Observations;
use crate::decide::standing::{Standing, standing};
use crate::decide::timing::Timing;
use crate::ids::WorkerId;
use crate::lease::Lease;
use crate::member::{LeaderLock, Member};
use crate::time::Timestamp;

/// For how long a row that does not move still counts: two reports are 30 s apart, and one may be lost.
const FRESH: Duration = Duration::from_secs(75);

/// The pause that each worker leaves to every one before it in rank, and the most in all: so one acts, the next is a
/// moment behind it, and there is no herd.
const PATIENCE: Duration = Duration::from_millis(250);
const MOST_PATIENCE: Duration = Duration::from_secs(1);

/// What one observer saw of the workers and the lock, over time.
#[derive(Debug, Default)]
pub struct Roster {
    rows: BTreeMap<WorkerId, Row>,
    lock: Option<(LeaderLock, Instant)>,
    looked: Option<Instant>,
}

#[derive(Debug)]
struct Row {
    member: Member,
    /// When this report was first seen; `None` if it was too old then, by the wall clock.
    moved: Option<Instant>,
    /// Since when it is taken for dead, because a lease of its was silent.
    dead: Option<Instant>,
}

impl Roster {
    /// Takes in one look at the table, answered at `now`; `wall` is the observer's wall clock then.
    pub fn look(&mut self, members: &[Member], lock: Option<&LeaderLock>, now: Instant, wall: Timestamp) {
        let mut before = std::mem::take(&mut self.rows);
        for member in members {
            let (moved, dead) = match before.remove(&member.worker) {
                Some(row) if row.member.reported == member.reported && row.member.instance == member.instance => {
                    (row.moved, row.dead)
                }
                Some(_) => (Some(now), None),
                // A row that was not there before is new, whatever its worker's wall clock says.
                None if self.looked.is_some() => (Some(now), None),
                None => ((wall.since(member.reported) <= FRESH).then_some(now), None),
            };
            self.rows.insert(member.worker.clone(), Row { member: member.clone(), moved, dead });
        }
        self.see_lock(lock, now);
        self.looked = Some(now);
    }

    /// Takes in the lock by itself.
    pub fn see_lock(&mut self, lock: Option<&LeaderLock>, now: Instant) {
        self.lock = match (self.lock.take(), lock) {
            (Some((before, since)), Some(lock)) if before == *lock => Some((before, since)),
            (_, lock) => lock.map(|lock| (lock.clone(), now)),
        };
    }

    /// Takes a worker for dead until it reports, or renews a lease.
    pub fn presume_dead(&mut self, worker: &WorkerId) {
        if let (Some(row), Some(now)) = (self.rows.get_mut(worker), self.looked) {
            row.dead = Some(now);
        }
    }

    /// The row of a worker, whether it lives or not.
    #[must_use]
    pub fn row(&self, worker: &WorkerId) -> Option<&Member> {
        self.rows.get(worker).map(|row| &row.member)
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = &Member> {
        self.rows.values().map(|row| &row.member)
    }

    /// The lock as it was seen last, and since when it has been like that.
    #[must_use]
    pub fn lock(&self) -> Option<(&LeaderLock, Instant)> {
        self.lock.as_ref().map(|(lock, since)| (lock, *since))
    }

    /// Who is alive: its row moves, not all of its leases are silent, and none was found silent since it was last heard of.
    #[must_use]
    pub fn living(&self, leases: &[Lease], seen: &Observations, timing: &Timing) -> Living<'_> {
        // The least silence of each holder, and whether that is too much.
        let mut heard: BTreeMap<&WorkerId, (Duration, bool)> = BTreeMap::new();
        for lease in leases.iter().filter(|lease| !lease.is_finished()) {
            let (Standing::Held(holder) | Standing::Moving { from: holder, .. }) = standing(lease, self, seen) else {
                continue;
            };
            let silence = (seen.silence(lease), seen.is_silent(lease, timing));
            heard.entry(holder).and_modify(|least| *least = silence.min(*least)).or_insert(silence);
        }
        let now = self.looked;
        let is_alive = |row: &&Row| {
            let age = |since: Option<Instant>| Some(now?.saturating_duration_since(since?));
            let heard = heard.get(&row.member.worker);
            let revived = age(row.dead).is_none_or(|dead| heard.is_some_and(|(silence, _)| *silence < dead));
            age(row.moved).is_some_and(|age| age <= FRESH) && revived && heard.is_none_or(|(_, silent)| !silent)
        };
        let mut members: Vec<&Member> = self.rows.values().filter(is_alive).map(|row| &row.member).collect();
        let leader = self.lock.as_ref().map(|(lock, _)| &lock.owner);
        members.sort_by_key(|member| (Some(&member.worker) != leader, place(&member.worker), &member.worker));
        Living { members }
    }
}

/// The workers that are alive, in the order of their ranks.
#[derive(Debug)]
pub struct Living<'a> {
    members: Vec<&'a Member>,
}

impl<'a> Living<'a> {
    /// All of them, leaving ones too.
    pub fn all(&self) -> impl Iterator<Item = &'a Member> {
        self.members.iter().copied()
    }

    /// Whether a worker is alive.
    #[must_use]
    pub fn has(&self, worker: &WorkerId) -> bool {
        self.members.iter().any(|member| member.worker == *worker)
    }

    /// Those that may be given leases.
    pub fn candidates(&self) -> impl Iterator<Item = &'a Member> {
        self.all().filter(|member| !member.leaving && member.assignable)
    }

    /// Those of this library that look after the fleet, in order.
    fn rankers(&self) -> impl Iterator<Item = &'a Member> {
        self.all().filter(|member| !member.leaving && member.instance.is_some())
    }

    /// The first in rank: who looks most often.
    #[must_use]
    pub fn first(&self) -> Option<&'a WorkerId> {
        self.rankers().next().map(|member| &member.worker)
    }

    /// How many are before this worker.
    #[must_use]
    pub fn rank(&self, me: &WorkerId) -> usize {
        let before = self.rankers().take_while(|member| member.worker != *me).count();
        before.min(self.rankers().count())
    }

    /// How long this worker leaves it to those before it to act on something of `owner`'s, who cannot.
    #[must_use]
    pub fn patience(&self, me: &WorkerId, owner: Option<&WorkerId>) -> Duration {
        let before = self.rankers().take_while(|member| member.worker != *me);
        let before = before.filter(|member| Some(&member.worker) != owner).count();
        PATIENCE.saturating_mul(u32::try_from(before).unwrap_or(u32::MAX)).min(MOST_PATIENCE)
    }

    /// How long this worker waits between two looks at a table that costs so many read units to read. The first two look
    /// often; each after them half as often as the one before, so that the rest of a fleet together costs as much as one.
    #[must_use]
    pub fn look_every(&self, me: &WorkerId, timing: &Timing, read_units: f64) -> Duration {
        let base = timing.look.max(Duration::from_secs_f64((read_units / UNITS_PER_SECOND).clamp(0.0, 3600.0)));
        let rank = u32::try_from(self.rank(me)).unwrap_or(u32::MAX);
        if rank < 2 {
            return base;
        }
        let workers = u32::try_from(self.members.len()).unwrap_or(u32::MAX);
        let most = (timing.failover * 3).max(base.saturating_mul(workers.saturating_mul(2)));
        base.saturating_mul(2_u32.saturating_pow(rank)).min(most)
    }
}

/// What looking may cost in a second: beyond, looks become rarer.
const UNITS_PER_SECOND: f64 = 250.0;

/// A number by which workers stand in a fixed, arbitrary order. FNV-1a, and a last mixing since it spreads short
/// differences badly.
fn place(worker: &WorkerId) -> u64 {
    let bytes = worker.as_str().bytes();
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^ (hash >> 29)
}
