//! A shard's life as a value.
//!
//! ```text
//!                    Ready        Initialized  Failed  Panicked      Restart       EndReached       StopRequested     LeaseLost
//! AwaitingParents    Initializing -            -       -             -             -                Over(Stopped)     Over(LeaseLost)
//! Initializing       -            Processing   -       -             -             -                Over(Stopped)     Over(LeaseLost)
//! Processing         -            -            -       Initializing  Initializing  Ending(ShardEnd) Ending(Shutdown)  Ending(LeaseLost)
//! Ending(ShardEnd)   -            -            -       Initializing  Initializing  -                Ending(Shutdown)  Ending(LeaseLost)
//! Ending(Shutdown)   -            -            Over    Over          -             -                -                 Ending(LeaseLost)
//! Ending(LeaseLost)  -            -            Over    Over          -             -                -                 -
//! ```
//! and `Ended` takes every `Ending` to its `Over`. "-" means stay.

use std::fmt;

/// Where a shard is in its life with one owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Waiting until the shards that it was made of are finished.
    AwaitingParents,
    /// A processor is being prepared.
    Initializing,
    /// Records are read and processed.
    Processing,
    /// The last call to the processor.
    Ending(Ending),
    /// Nothing more happens under this owner.
    Over(Outcome),
}

/// Why a shard's life with this owner ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    /// The shard has ended, and all its records were delivered.
    ShardEnd,
    /// The owner was asked to stop.
    Shutdown,
    /// The lease is not this owner's any more.
    LeaseLost,
}

/// How a shard's life with this owner ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The end of the shard is committed.
    Finished,
    /// The owner stopped in good order.
    Stopped,
    /// The lease is not this owner's any more.
    LeaseLost,
}

/// Something that happened to a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PhaseEvent {
    /// All parents are finished.
    Ready,
    /// `initialize` returned, and the shard is open for reading.
    Initialized,
    /// A call of the processor failed.
    Failed,
    /// A call of the processor panicked.
    Panicked,
    /// The owner is to go on at another position, with a new processor.
    Restart,
    /// All records of the shard were delivered, and there will be no more.
    EndReached,
    /// The last call returned, and what it allows was committed.
    Ended,
    /// The owner is asked to stop.
    StopRequested,
    /// The lease is not this owner's any more.
    LeaseLost,
}

impl Phase {
    /// The phase after an event.
    #[must_use]
    pub fn on(self, event: PhaseEvent) -> Self {
        use Ending as E;
        use PhaseEvent as Ev;
        match (self, event) {
            (Self::Over(outcome), _) => Self::Over(outcome),
            // A processor that was never made ready is not told of an end.
            (Self::AwaitingParents | Self::Initializing, Ev::LeaseLost) => Self::Over(Outcome::LeaseLost),
            (Self::AwaitingParents | Self::Initializing, Ev::StopRequested) => Self::Over(Outcome::Stopped),
            (_, Ev::LeaseLost) => Self::Ending(E::LeaseLost),

            (Self::AwaitingParents, Ev::Ready) => Self::Initializing,
            (Self::Initializing, Ev::Initialized) => Self::Processing,
            (Self::Processing, Ev::EndReached) => Self::Ending(E::ShardEnd),
            (Self::Processing | Self::Ending(E::ShardEnd), Ev::Panicked | Ev::Restart) => Self::Initializing,
            (Self::Processing | Self::Ending(E::ShardEnd), Ev::StopRequested) => Self::Ending(E::Shutdown),

            (Self::Ending(E::ShardEnd), Ev::Ended) => Self::Over(Outcome::Finished),
            (Self::Ending(E::Shutdown), Ev::Ended | Ev::Failed | Ev::Panicked) => Self::Over(Outcome::Stopped),
            (Self::Ending(E::LeaseLost), Ev::Ended | Ev::Failed | Ev::Panicked) => Self::Over(Outcome::LeaseLost),

            (
                Self::AwaitingParents | Self::Initializing | Self::Processing | Self::Ending(_),
                Ev::Ready
                | Ev::Initialized
                | Ev::Failed
                | Ev::Panicked
                | Ev::Restart
                | Ev::EndReached
                | Ev::Ended
                | Ev::StopRequested,
            ) => self,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AwaitingParents => "awaiting parents",
            Self::Initializing => "initializing",
            Self::Processing => "processing",
            Self::Ending(Ending::ShardEnd) => "ending: shard end",
            Self::Ending(Ending::Shutdown) => "ending: shutdown",
            Self::Ending(Ending::LeaseLost) => "ending: lease lost",
            Self::Over(Outcome::Finished) => "finished",
            Self::Over(Outcome::Stopped) => "stopped",
            Self::Over(Outcome::LeaseLost) => "lease lost",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [PhaseEvent; 9] = [
        PhaseEvent::Ready,
        PhaseEvent::Initialized,
        PhaseEvent::Failed,
        PhaseEvent::Panicked,
        PhaseEvent::Restart,
        PhaseEvent::EndReached,
        PhaseEvent::Ended,
        PhaseEvent::StopRequested,
        PhaseEvent::LeaseLost,
    ];

    fn is_over(phase: Phase) -> bool {
        matches!(phase, Phase::Over(_))
    }

    /// Every life of six events: 531,441.
    #[test]
    fn every_short_life_keeps_the_rules() {
        for life in 0..EVENTS.len().pow(6) {
            let mut phase = Phase::AwaitingParents;
            let (mut lost, mut initialized, mut rest) = (false, false, life);
            let mut story = Vec::new();
            for _ in 0..6 {
                let event = EVENTS[rest % EVENTS.len()];
                rest /= EVENTS.len();
                story.push(event);
                let before = phase;
                phase = phase.on(event);
                lost |= event == PhaseEvent::LeaseLost && !is_over(before);
                if is_over(before) {
                    assert_eq!(phase, before, "over is final: {story:?}");
                }
                if phase == Phase::Processing && before != Phase::Processing {
                    assert_eq!(before, Phase::Initializing, "{story:?}");
                    initialized = true;
                }
                if lost {
                    let ends = matches!(phase, Phase::Ending(Ending::LeaseLost) | Phase::Over(Outcome::LeaseLost));
                    assert!(ends, "nothing but the end follows a loss: {story:?}");
                }
                if matches!(phase, Phase::Ending(_)) {
                    assert!(initialized, "only a processor that was ready is told of an end: {story:?}");
                }
                if phase == Phase::Over(Outcome::Finished) && !is_over(before) {
                    assert_eq!(before, Phase::Ending(Ending::ShardEnd), "{story:?}");
                }
            }
        }
    }

    #[test]
    fn a_panic_at_the_end_of_a_shard_starts_anew_and_not_at_the_end() {
        assert_eq!(Phase::Ending(Ending::ShardEnd).on(PhaseEvent::Panicked), Phase::Initializing);
    }

    #[test]
    fn a_failing_initialize_does_not_keep_a_worker_from_stopping() {
        let phase = Phase::Initializing.on(PhaseEvent::Failed).on(PhaseEvent::StopRequested);
        assert_eq!(phase, Phase::Over(Outcome::Stopped));
    }
}
