//! Which leases' holders look dead: silence, measured on the observer's own monotonic clock.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::decide::timing::Timing;
use crate::ids::ShardKey;
use crate::lease::{Heartbeat, Lease, Stamp};

/// The Java KCL stops reading up to a second after the failover time, on a tick of a second, and counts from the answer
/// to its write: its leases are given this much more.
const FOREIGN_GRACE: Duration = Duration::from_secs(2);

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
    silent: Duration,
    /// The heart beat while the stamp stood still: whoever holds the lease is not of this library.
    foreign: bool,
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
                Some(seen) if seen.heartbeat == lease.heartbeat => {
                    Seen { silent: seen.silent + gap, watched: seen.watched + gap, ..seen }
                }
                Some(seen) => seen.beat(lease, gap, timing),
                None => Seen::first(lease),
            };
            self.seen.insert(lease.shard.clone(), next);
        }
    }

    /// Whether nothing was heard of the lease's holder for long enough to take the lease.
    #[must_use]
    pub fn is_silent(&self, lease: &Lease, timing: &Timing) -> bool {
        self.seen
            .get(&lease.shard)
            .is_some_and(|seen| seen.heartbeat == lease.heartbeat && seen.silent >= seen.patience(timing))
    }

    /// For how long nothing was heard of the lease's holder; of a free lease, for how long it has been free.
    #[must_use]
    pub fn silence(&self, lease: &Lease) -> Duration {
        self.seen
            .get(&lease.shard)
            .filter(|seen| seen.heartbeat == lease.heartbeat)
            .map_or(Duration::ZERO, |seen| seen.silent)
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

    /// When the next of these leases becomes silent if nothing is heard of it until then.
    #[must_use]
    pub fn next_silence<'a>(&self, leases: impl IntoIterator<Item = &'a ShardKey>, timing: &Timing) -> Option<Instant> {
        let last = self.last_look?;
        leases
            .into_iter()
            .filter_map(|shard| self.seen.get(shard))
            .filter_map(|seen| seen.patience(timing).checked_sub(seen.silent))
            .filter(|left| !left.is_zero())
            .min()
            .map(|left| last + left)
    }
}

impl Seen {
    fn first(lease: &Lease) -> Self {
        Self {
            heartbeat: lease.heartbeat.clone(),
            stamp: lease.stamp.clone(),
            silent: Duration::ZERO,
            foreign: false,
            watched: Duration::ZERO,
            beats: 0,
        }
    }

    /// What is seen now is another write than before.
    fn beat(self, lease: &Lease, gap: Duration, timing: &Timing) -> Self {
        let instance = |stamp: &Option<Stamp>| stamp.as_ref().and_then(Stamp::instance);
        let foreign = self.stamp == lease.stamp;
        if instance(&self.stamp) != instance(&lease.stamp) {
            return Self { foreign, ..Self::first(lease) };
        }
        let watched = self.watched + gap;
        let beats = self.beats.saturating_add(u32::from(watched >= timing.failover / 2));
        Self { foreign, watched, beats, ..Self::first(lease) }
    }

    fn patience(&self, timing: &Timing) -> Duration {
        let foreign = self.foreign || self.stamp.is_none();
        timing.failover + if foreign { FOREIGN_GRACE } else { Duration::ZERO }
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
    async fn the_next_silence_is_told_ahead() {
        let timing = Timing::new(Duration::from_secs(10));
        let start = Instant::now();
        let mut observations = Observations::default();
        let seen = lease("7", Some(1));
        observations.look(std::slice::from_ref(&seen), start, &timing);
        assert_eq!(observations.next_silence([&seen.shard], &timing), Some(start + timing.failover));
        let later = start + Duration::from_secs(4);
        observations.look(std::slice::from_ref(&seen), later, &timing);
        assert_eq!(observations.next_silence([&seen.shard], &timing), Some(start + timing.failover));
    }
}
