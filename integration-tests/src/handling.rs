//! How the processors of a fleet behave.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// What processors do, each with a probability from 0 to 1.
#[derive(Debug)]
pub struct Handling {
    /// A call returns an error.
    pub fails: f64,
    /// A call panics.
    pub panics: f64,
    /// A call takes `slow` instead of `pause`.
    pub slows: f64,
    /// A call ends with a checkpoint of its own.
    pub checkpoints: f64,
    /// A processor says by itself, record by record, what is done.
    pub explicit: f64,
    /// How long a call takes, in milliseconds.
    pub pause: RangeInclusive<u64>,
    /// How long a slow one takes.
    pub slow: RangeInclusive<u64>,
    /// Every call does well now, and none is slow, whatever the probabilities say.
    pub calm: AtomicBool,
}

impl Default for Handling {
    /// Every call does well, in a millisecond.
    fn default() -> Self {
        let (fails, panics, slows, checkpoints, explicit) = (0.0, 0.0, 0.0, 0.0, 0.0);
        Self { fails, panics, slows, checkpoints, explicit, pause: 1..=1, slow: 1..=1, calm: false.into() }
    }
}

impl Handling {
    /// From now on every call does well, and none is slow.
    pub fn calm_down(&self) {
        self.calm.store(true, Relaxed);
    }

    pub(crate) fn draw(&self, luck: &mut fastrand::Rng) -> Conduct {
        let calm = self.calm.load(Relaxed);
        let mut happens = |probability: f64| luck.f64() < probability;
        let slow = happens(self.slows) && !calm;
        let fails = happens(self.fails) && !calm;
        let panics = happens(self.panics) && !calm;
        let checkpoints = happens(self.checkpoints);
        let millis = luck.u64(if slow { self.slow.clone() } else { self.pause.clone() });
        let trouble = match (fails, panics) {
            (_, true) => Trouble::Panic,
            (true, false) => Trouble::Failure,
            (false, false) => Trouble::None,
        };
        Conduct { millis, trouble, checkpoints }
    }
}

/// What one call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Conduct {
    pub(crate) millis: u64,
    pub(crate) trouble: Trouble,
    pub(crate) checkpoints: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    None,
    Failure,
    Panic,
}
