//! What will be done to the fleet and the stream, drawn from the seed before it begins.

use std::time::Duration;

/// Something that is done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Deed {
    /// A worker is killed, as by SIGKILL.
    Kill(usize, Back),
    /// A worker is told to stop, by SIGTERM.
    Stop(usize, Back),
    /// A worker's process stands still, by SIGSTOP, and goes on, by SIGCONT.
    Pause(usize, Duration),
    /// The same; meanwhile another process is started under the worker's id, as whoever takes the worker for dead may do.
    Replace(usize, Duration),
    /// A shard is split.
    Split,
    /// Two shards are merged.
    Merge,
}

/// When a worker that is gone comes back, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Back {
    pub(crate) after: Duration,
    /// Under the same worker id.
    pub(crate) same_id: bool,
    /// Reading in the other way, where both ways are allowed.
    pub(crate) switches: bool,
}

/// The pause between two deeds, in milliseconds; and one in which the fleet comes to rest, once in so many.
const PAUSE: std::ops::RangeInclusive<u64> = 200..=4_000;
const REST_IN: u32 = 12;
/// Until the workers have begun.
const FIRST: Duration = Duration::from_secs(4);
/// The shortest and the longest time for which a process stands still: most are short, and some are longer than any
/// failover time.
const STANDS_STILL: (f64, f64) = (0.1, 15.0);

/// The deeds of a seed, each at its time.
pub(crate) fn draw(seed: u64, lasting: Duration, workers: usize, failover: Duration) -> Vec<(Duration, Deed)> {
    let mut luck = fastrand::Rng::with_seed(seed ^ 0x736f_616b);
    let (mut at, mut deeds) = (FIRST, Vec::new());
    while at < lasting {
        deeds.push((at, deed(&mut luck, workers, failover)));
        at += Duration::from_millis(luck.u64(PAUSE));
        if luck.u32(0..REST_IN) == 0 {
            at += failover * 2;
        }
    }
    deeds
}

fn deed(luck: &mut fastrand::Rng, workers: usize, failover: Duration) -> Deed {
    let slot = luck.usize(..workers);
    match luck.u8(0..100) {
        0..30 => Deed::Kill(slot, back(luck, failover)),
        30..52 => Deed::Stop(slot, back(luck, failover)),
        52..78 => Deed::Pause(slot, stands_still(luck)),
        78..84 => Deed::Replace(slot, stands_still(luck)),
        84..93 => Deed::Split,
        _ => Deed::Merge,
    }
}

fn back(luck: &mut fastrand::Rng, failover: Duration) -> Back {
    // One in three at once, as a supervisor does.
    let after = if luck.u8(0..3) == 0 { Duration::ZERO } else { failover.mul_f64(1.5 * luck.f64()) };
    Back { after, same_id: luck.bool(), switches: luck.u8(0..4) == 0 }
}

fn stands_still(luck: &mut fastrand::Rng) -> Duration {
    let (shortest, longest) = STANDS_STILL;
    Duration::from_secs_f64(shortest * (longest / shortest).powf(luck.f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILOVER: Duration = Duration::from_secs(5);

    #[test]
    fn one_seed_has_the_same_deeds_and_another_has_others() {
        let draw = |seed| draw(seed, Duration::from_secs(300), 5, FAILOVER);
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn all_kinds_of_deeds_come_in_their_time_and_to_workers_that_there_are() {
        let lasting = Duration::from_secs(600);
        let deeds = draw(3, lasting, 5, FAILOVER);
        assert!(deeds.is_sorted_by_key(|(at, _)| *at) && deeds.iter().all(|(at, _)| *at < lasting));
        let mut kinds = [0; 6];
        for (_, deed) in deeds {
            let (kind, slot) = match deed {
                Deed::Kill(slot, _) => (0, slot),
                Deed::Stop(slot, _) => (1, slot),
                Deed::Pause(slot, lasting) => {
                    assert!((0.1..=15.0).contains(&lasting.as_secs_f64()), "{lasting:?}");
                    (2, slot)
                }
                Deed::Replace(slot, _) => (3, slot),
                Deed::Split => (4, 0),
                Deed::Merge => (5, 0),
            };
            assert!(slot < 5);
            kinds[kind] += 1;
        }
        assert!(kinds.iter().all(|count| *count > 0), "{kinds:?}");
    }
}
