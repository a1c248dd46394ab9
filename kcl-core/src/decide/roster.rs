//! Who is in the fleet, as one observer sees it: whose row moves, who balances, and in which order workers look after
//! what nobody reads.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::decide::observe::Observations;
use crate::decide::standing::{Standing, standing};
use crate::decide::timing::Timing;
use crate::ids::WorkerId;
use crate::lease::Lease;
use crate::member::{LeaderLock, Member};
use crate::time::Timestamp;

/// For how long the row of a worker of another library still counts when it does not move: a Java worker reports every 30 s,
/// and one report may be lost.
const FOREIGN_FRESH: Duration = Duration::from_secs(75);

fn fresh(member: &Member, timing: &Timing) -> Duration {
    if member.instance.is_some() { timing.fresh } else { FOREIGN_FRESH }
}

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
    /// When this report was first seen, or when it was made, by the wall clock, if another library's was there at the first
    /// look; `None` if it was too old then.
    moved: Option<Instant>,
    /// Since when it is taken for dead, because a lease of its was silent.
    dead: Option<Instant>,
}

impl Roster {
    /// Takes in one look at the table, answered at `now`; `wall` is the observer's wall clock then.
    pub fn look(
        &mut self,
        members: &[Member],
        lock: Option<&LeaderLock>,
        now: Instant,
        wall: Timestamp,
        timing: &Timing,
    ) {
        let mut before = std::mem::take(&mut self.rows);
        for member in members {
            let (moved, dead) = match before.remove(&member.worker) {
                Some(row) if row.member.reported == member.reported && row.member.instance == member.instance => {
                    (row.moved, row.dead)
                }
                Some(_) => (Some(now), None),
                // A row that was not there before is new, whatever its worker's wall clock says.
                None if self.looked.is_some() => (Some(now), None),
                None => {
                    let age = wall.since(member.reported);
                    // A row of another library counts for long: not anew for each observer that starts.
                    let counted = if member.instance.is_none() { age } else { Duration::ZERO };
                    let moved = (age <= fresh(member, timing)).then(|| now.checked_sub(counted).unwrap_or(now));
                    (moved, None)
                }
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

    /// Takes a worker for dead until it reports, or renews a lease. Answers whether that is news.
    pub fn presume_dead(&mut self, worker: &WorkerId) -> bool {
        let Some(row) = self.rows.get_mut(worker) else { return false };
        let news = row.dead.is_none();
        row.dead = self.looked;
        news
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
        // When something was last heard of each holder, and whether all of its leases have been silent for too long.
        let mut heard: BTreeMap<&WorkerId, (Option<Instant>, bool)> = BTreeMap::new();
        for lease in leases.iter().filter(|lease| !lease.is_finished()) {
            let (Standing::Held(holder) | Standing::Moving { from: holder, .. }) = standing(lease, self, seen) else {
                continue;
            };
            let ours = self.row(holder).is_some_and(|row| row.instance.is_some());
            let is_silent = seen.silence(lease) >= seen.patience(lease, timing, ours);
            let (last, silent) = heard.entry(holder).or_insert((None, true));
            (*last, *silent) = (seen.heard(lease).max(*last), *silent && is_silent);
        }
        let now = self.looked;
        let is_alive = |row: &&Row| {
            let age = row.moved.and_then(|moved| Some(now?.saturating_duration_since(moved)));
            let (last, silent) = heard.get(&row.member.worker).copied().unwrap_or_default();
            let revived = row.dead.is_none_or(|dead| last.is_some_and(|last| last > dead));
            age.is_some_and(|age| age <= fresh(&row.member, timing)) && revived && !silent
        };
        let mut members: Vec<&Member> = self.rows.values().filter(is_alive).map(|row| &row.member).collect();
        let leader = self.lock.as_ref().map(|(lock, _)| &lock.owner);
        members.sort_by_key(|member| (Some(&member.worker) != leader, place(&member.worker), &member.worker));
        let beating = heard.into_iter().filter(|(_, (_, silent))| !silent).map(|(worker, _)| worker.clone()).collect();
        Living { members, beating }
    }
}

/// The workers that are alive, in the order of their ranks.
#[derive(Debug)]
pub struct Living<'a> {
    members: Vec<&'a Member>,
    /// Those that renew a lease.
    beating: BTreeSet<WorkerId>,
}

impl<'a> Living<'a> {
    /// All of them, leaving ones too.
    pub fn all(&self) -> impl Iterator<Item = &'a Member> {
        self.members.iter().copied()
    }

    /// Whether a worker shows by its leases that it is alive: a row alone stays fresh for a while after its worker's death.
    #[must_use]
    pub fn is_proven(&self, worker: &WorkerId) -> bool {
        self.beating.contains(worker)
    }

    /// Whether a worker is alive.
    #[must_use]
    pub fn has(&self, worker: &WorkerId) -> bool {
        self.members.iter().any(|member| member.worker == *worker)
    }

    /// Whether all workers of other libraries tell how busy their CPU is. A leader of the Java KCL measures by their bytes
    /// those that tell nothing, and then knows no worker above or below another that tells: it gives that one no leases.
    #[must_use]
    pub fn compare_cpu(&self) -> bool {
        self.all().filter(|member| member.instance.is_none()).all(|member| member.utilization.is_some())
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

    /// How long this worker waits between two looks at a table that costs so many read units to read: [`look_every`].
    #[must_use]
    pub fn look_every(&self, me: &WorkerId, timing: &Timing, read_units: f64) -> Duration {
        look_every(self.rank(me), self.members.len(), timing, read_units)
    }
}

/// How long a worker of this rank, of so many, waits between two looks at a table that costs so many read units to read. The
/// first two look often, at a small table the first three; each after them half as often as the one before, so that the rest
/// of a fleet together costs about as much as one.
#[must_use]
pub fn look_every(rank: usize, workers: usize, timing: &Timing, read_units: f64) -> Duration {
    let base = timing.look.max(Duration::from_secs_f64((read_units / UNITS_PER_SECOND).clamp(0.0, 3600.0)));
    let rank = u32::try_from(rank).unwrap_or(u32::MAX);
    if rank < fast(read_units) {
        return base;
    }
    let workers = u32::try_from(workers).unwrap_or(u32::MAX);
    let most = (timing.failover * 3).max(base.saturating_mul(workers.saturating_mul(2)));
    base.saturating_mul(2_u32.saturating_pow(rank)).min(most)
}

/// How many look often. One of two that die at once must be missed by somebody; a third is worth its cost while looking
/// costs little: a few hundred leases.
fn fast(read_units: f64) -> u32 {
    if read_units <= SMALL { 3 } else { 2 }
}

/// The read units of a small table.
const SMALL: f64 = 20.0;

/// What looking may cost in a second: beyond, looks become rarer.
const UNITS_PER_SECOND: f64 = 250.0;

/// A number by which workers stand in a fixed, arbitrary order. FNV-1a, and a last mixing since it spreads short
/// differences badly.
fn place(worker: &WorkerId) -> u64 {
    let bytes = worker.as_str().bytes();
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let hash = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^ (hash >> 29)
}

#[cfg(test)]
mod tests;
