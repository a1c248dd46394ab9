//! Which leases' holders look dead: silence, measured on the observer's own monotonic clock.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::decide::timing::Timing;
use crate::ids::{ShardKey, WorkerId};
use crate::lease::{Heartbeat, Lease, Stamp};

/// The Java KCL stops reading up to a second after the failover time, on a tick of a second, and counts from the answer
/// to its write: its leases are given this much more.
const FOREIGN_GRACE: Duration = Duration::from_secs(2);

/// A Java worker begins to hold a lease without a write: it looks for what names it every failover time, renews a third of
/// that later, and the scan that sees it takes its time. So many failover times after a lease came to name it, it should
/// have renewed.
const ADOPTION: f64 = 2.4;

/// What one observer saw of all leases, over time.
#[derive(Debug, Default)]
pub struct Observations {
    seen: BTreeMap<ShardKey, Seen>,
    last_look: Option<Instant>,
}

#[derive(Debug)]
struct Seen {
    heartbeat: Heartbeat,
    stamp: Option<Stamp>,
    owners: (Option<WorkerId>, Option<WorkerId>),
    /// When this heartbeat was first seen.
    since: Instant,
    silent: Duration,
    /// For how long a hand-off has been under way, between the same two.
    pending: Duration,
    /// The heart beat while the stamp stood still: whoever holds the lease is not of this library.
    foreign: bool,
    /// The holder is new, and has not been seen to beat.
    adopting: bool,
    /// For how long the same process has been seen here.
    watched: Duration,
    /// How often it was seen to beat, once that could not be what it wrote before.
    beats: u32,
}

impl Observations {
    /// Takes in one complete look at the table, by the moment at which it was answered.
    ///
    /// Time counts as silence only while looking works: a pause between two looks that is longer than
    /// [`Timing::watched_gap`] adds no more than that, so that nobody is declared dead because the observer, or the
    /// table, was away.
    pub fn look(&mut self, leases: &[Lease], answered: Instant, timing: &Timing) {
        let gap = self
            .last_look
            .map_or(Duration::ZERO, |last| answered.saturating_duration_since(last))
            .min(timing.watched_gap);
        self.last_look = Some(answered);
        let mut before = std::mem::take(&mut self.seen);
        for lease in leases {
            let next = match before.remove(&lease.shard) {
                Some(seen) => seen.next(lease, answered, gap, timing),
                None => Seen::first(lease, answered),
            };
            self.seen.insert(lease.shard.clone(), next);
        }
    }

    fn of(&self, lease: &Lease) -> Option<&Seen> {
        self.seen.get(&lease.shard).filter(|seen| seen.heartbeat == lease.heartbeat)
    }

    /// Whether nothing was heard of the lease's holder for long enough to take the lease, as far as the lease alone tells
    /// whether the holder is of this library.
    #[must_use]
    pub fn is_silent(&self, lease: &Lease, timing: &Timing) -> bool {
        self.of(lease).is_some_and(|seen| seen.silent >= seen.patience(timing, true))
    }

    /// For how long nothing was heard of the lease's holder; of a lease that nobody holds, for how long that is so.
    #[must_use]
    pub fn silence(&self, lease: &Lease) -> Duration {
        self.of(lease).map_or(Duration::ZERO, |seen| seen.silent)
    }

    /// When something was last heard of the lease's holder.
    #[must_use]
    pub fn heard(&self, lease: &Lease) -> Option<Instant> {
        self.of(lease).map(|seen| seen.since)
    }

    /// How long the holder of a lease may be silent before the lease is taken. `ours`: whether the holder is a worker of
    /// this library, as far as others tell.
    #[must_use]
    pub fn patience(&self, lease: &Lease, timing: &Timing, ours: bool) -> Duration {
        self.seen.get(&lease.shard).map_or(timing.failover.mul_f64(ADOPTION), |seen| seen.patience(timing, ours))
    }

    /// How long a worker of another library is given to begin to hold what it was offered.
    #[must_use]
    pub fn adoption(timing: &Timing) -> Duration {
        timing.failover.mul_f64(ADOPTION)
    }

    /// For how long the hand-off of a lease has been under way.
    #[must_use]
    pub fn pending(&self, lease: &Lease) -> Duration {
        self.seen.get(&lease.shard).map_or(Duration::ZERO, |seen| seen.pending)
    }

    /// Whether the lease's holder was seen to renew as workers of another library do.
    #[must_use]
    pub fn is_foreign(&self, shard: &ShardKey) -> bool {
        self.seen.get(shard).is_some_and(|seen| seen.foreign)
    }

    /// Whether the process that last wrote to the lease was seen to live.
    ///
    /// Looks may be out of date: what a process wrote in its last moments may show one write after the other when it is
    /// dead already, and once more when another process has written since. So a process lives if it writes half the
    /// failover time after it was first seen; the living do so within the failover time.
    #[must_use]
    pub fn has_beaten(&self, shard: &ShardKey) -> bool {
        self.seen.get(shard).is_some_and(|seen| seen.beats > 0)
    }

    /// When a lease will have been silent for this long, if nothing is heard of it until then.
    #[must_use]
    pub fn due(&self, lease: &Lease, silence: Duration) -> Option<Instant> {
        let left = silence.checked_sub(self.silence(lease))?;
        self.last_look.map(|last| last + left)
    }
}

impl Seen {
    fn first(lease: &Lease, now: Instant) -> Self {
        Self {
            heartbeat: lease.heartbeat.clone(),
            stamp: lease.stamp.clone(),
            owners: (lease.owner.clone(), lease.checkpoint_owner.clone()),
            since: now,
            silent: Duration::ZERO,
            pending: Duration::ZERO,
            foreign: false,
            adopting: true,
            watched: Duration::ZERO,
            beats: 0,
        }
    }

    /// The holder, as [`Lease::holder`].
    fn holder(&self) -> Option<&WorkerId> {
        self.owners.1.as_ref().or(self.owners.0.as_ref())
    }

    fn next(self, lease: &Lease, now: Instant, gap: Duration, timing: &Timing) -> Self {
        let owners = (lease.owner.clone(), lease.checkpoint_owner.clone());
        let same_move = owners.1.is_some() && owners == self.owners;
        let pending = if same_move { self.pending + gap } else { Duration::ZERO };
        if self.heartbeat == lease.heartbeat {
            let (silent, watched) = (self.silent + gap, self.watched + gap);
            return Self { owners, silent, pending, watched, ..self };
        }
        Self { owners, pending, ..self.beat(lease, now, gap, timing) }
    }

    /// What is seen now is another write than before.
    fn beat(self, lease: &Lease, now: Instant, gap: Duration, timing: &Timing) -> Self {
        let instance = |stamp: &Option<Stamp>| stamp.as_ref().and_then(Stamp::instance);
        let foreign = self.stamp == lease.stamp;
        let adopting = self.holder() != lease.holder();
        if instance(&self.stamp) != instance(&lease.stamp) {
            return Self { foreign, adopting, ..Self::first(lease, now) };
        }
        let watched = self.watched + gap;
        let beats = self.beats.saturating_add(u32::from(watched >= timing.failover / 2));
        Self { foreign, adopting, watched, beats, ..Self::first(lease, now) }
    }

    fn patience(&self, timing: &Timing, ours: bool) -> Duration {
        if ours && !self.foreign && self.stamp.is_some() {
            timing.failover
        } else if self.adopting && !ours {
            Observations::adoption(timing)
        } else {
            timing.failover + FOREIGN_GRACE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::StreamId;
    use crate::lease::Instance;
    use crate::position::Position;

    fn lease(beat: &str, stamp: Option<u64>) -> Lease {
        let mut lease = Lease::new(ShardKey::new(StreamId::named("s"), "0"), Position::TrimHorizon, None);
        lease.heartbeat = Heartbeat::new(beat);
        lease.stamp = stamp.map(|write| Stamp::held(Instance::new(1), 1, write));
        lease
    }

    /// Looks at these moments (seconds), and tells at which the lease was silent.
    fn silent_at(looks: &[(f64, Lease)]) -> Vec<f64> {
        let timing = Timing::new(Duration::from_secs(10));
        let start = Instant::now();
        let mut observations = Observations::default();
        let mut silent = Vec::new();
        for (at, lease) in looks {
            observations.look(std::slice::from_ref(lease), start + Duration::from_secs_f64(*at), &timing);
            if observations.is_silent(lease, &timing) {
                silent.push(*at);
            }
        }
        silent
    }

    #[tokio::test(start_paused = true)]
    async fn silence_begins_with_the_first_sight_and_lasts_the_failover_time() {
        let looks: Vec<_> = [0.0, 4.0, 8.0, 9.9, 10.0].map(|at| (at, lease("7", Some(1)))).into();
        assert_eq!(silent_at(&looks), [10.0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_beat_starts_the_wait_again() {
        let looks = [(0.0, "7"), (4.0, "7"), (8.0, "8"), (12.0, "8"), (16.0, "8"), (18.0, "8")]
            .map(|(at, beat)| (at, lease(beat, Some(beat.parse().expect("number")))));
        assert_eq!(silent_at(&looks), [18.0]);
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nobody_looked_is_no_silence() {
        let looks: Vec<_> = [0.0, 60.0, 61.0, 65.0, 66.0].map(|at| (at, lease("7", Some(1)))).into();
        assert_eq!(silent_at(&looks), [65.0, 66.0], "the gap of a minute counts as 5 s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_of_another_library_is_given_more_time() {
        let looks: Vec<_> = [0.0, 5.0, 10.0, 11.9, 12.0].map(|at| (at, lease("7", None))).into();
        assert_eq!(silent_at(&looks), [12.0], "no stamp");
        let looks = [(0.0, "7"), (1.0, "8"), (6.0, "8"), (11.0, "8"), (13.0, "8")];
        assert_eq!(silent_at(&looks.map(|(at, beat)| (at, lease(beat, Some(1))))), [13.0], "a stale stamp");
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_process_wrote_before_its_death_and_shows_late_is_no_sign_of_life() {
        let timing = Timing::new(Duration::from_secs(10));
        let start = Instant::now();
        let beaten = |looks: &[(f64, u64, u64)]| {
            let mut observations = Observations::default();
            for (at, instance, write) in looks {
                let mut lease = lease(&write.to_string(), None);
                lease.stamp = Some(Stamp::held(Instance::new(*instance), 1, *write));
                observations.look(&[lease], start + Duration::from_secs_f64(*at), &timing);
            }
            observations.has_beaten(&lease("", None).shard)
        };
        assert!(!beaten(&[(0.0, 1, 5), (0.1, 1, 6), (0.2, 1, 5), (1.5, 1, 7), (4.5, 1, 7), (9.0, 1, 7)]));
        assert!(!beaten(&[(0.0, 1, 5), (4.5, 1, 5), (9.0, 2, 6), (9.1, 1, 5), (9.2, 2, 7)]), "taken by another");
        assert!(beaten(&[(0.0, 1, 5), (4.5, 1, 5), (7.0, 1, 6)]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silence_is_told_ahead() {
        let timing = Timing::new(Duration::from_secs(10));
        let start = Instant::now();
        let mut observations = Observations::default();
        let seen = lease("7", Some(1));
        for seconds in [0, 4] {
            observations.look(std::slice::from_ref(&seen), start + Duration::from_secs(seconds), &timing);
            assert_eq!(observations.due(&seen, timing.failover), Some(start + timing.failover));
        }
        assert_eq!(observations.due(&seen, Duration::from_secs(1)), None, "it is over");
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_of_another_library_has_time_to_adopt_a_lease_without_a_write() {
        let timing = Timing::new(Duration::from_secs(10));
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut observations = Observations::default();
        let named = |beat: &str, owner: &str| {
            let mut lease = lease(beat, Some(1));
            lease.owner = Some(owner.into());
            lease
        };
        let patience =
            |observations: &Observations, lease: &Lease| observations.patience(lease, &timing, false).as_secs();
        observations.look(&[named("7", "a")], at(0), &timing);
        observations.look(&[named("8", "java")], at(1), &timing);
        assert_eq!(patience(&observations, &named("8", "java")), 24);
        observations.look(&[named("9", "java")], at(12), &timing);
        assert_eq!(patience(&observations, &named("9", "java")), 12);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hand_off_is_timed_although_its_holder_beats() {
        let timing = Timing::new(Duration::from_secs(10));
        let start = Instant::now();
        let mut observations = Observations::default();
        let mut moving = lease("7", Some(1));
        (moving.owner, moving.checkpoint_owner) = (Some("b".into()), Some("a".into()));
        for (seconds, beat) in [(0, "7"), (3, "8"), (6, "9")] {
            moving.heartbeat = Heartbeat::new(beat);
            observations.look(std::slice::from_ref(&moving), start + Duration::from_secs(seconds), &timing);
        }
        assert_eq!(observations.pending(&moving), Duration::from_secs(6));
        moving.owner = Some("c".into());
        observations.look(std::slice::from_ref(&moving), start + Duration::from_secs(9), &timing);
        assert_eq!(observations.pending(&moving), Duration::ZERO, "another receiver");
    }
}
