//! The rules of the protocol as switches. All are on, but in a mutant.

/// One field for each rule that a mutant breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rules {
    /// `take` is conditional on the version.
    pub(crate) take_tests_version: bool,
    /// `take` moves the version.
    pub(crate) take_moves_version: bool,
    /// A lease that somebody holds is taken only after the failover time.
    pub(crate) take_waits: bool,
    /// `claim` is conditional on there being no hand-off.
    pub(crate) claim_tests_hand_off: bool,
    /// A holder's writes are conditional on the version, not on the owner alone.
    pub(crate) commit_tests_version: bool,
    /// A holder stops by itself.
    pub(crate) own_deadline: bool,
    /// It counts from the moment at which the write was sent, not from its answer.
    pub(crate) deadline_from_sending: bool,
    /// It stops some time before others take over.
    pub(crate) deadline_has_margin: bool,
    /// A write without an answer may or may not have been applied.
    pub(crate) unanswered_is_unknown: bool,
    /// An own write is known by its own stamp, not by its tenure's.
    pub(crate) stamp_per_write: bool,
    /// Who has sent `pass` reads no more.
    pub(crate) pass_ends_reading: bool,
    /// Only what the processor is done with is committed.
    pub(crate) commits_what_is_done: bool,
    /// A child is read after its parents are finished.
    pub(crate) child_waits_for_parents: bool,
    /// The leases of children are made before the end of their parent is committed.
    pub(crate) children_first: bool,
    /// A worker that stops gives its leases away.
    pub(crate) leaver_passes: bool,
    /// A process that sees another with its id ends.
    pub(crate) older_twin_ends: bool,
    /// A hand-off that its holder does not make is decided after the failover time.
    pub(crate) hand_off_expires: bool,
}

impl Rules {
    /// The protocol as it is.
    pub(crate) const WHOLE: Self = Self {
        take_tests_version: true,
        take_moves_version: true,
        take_waits: true,
        claim_tests_hand_off: true,
        commit_tests_version: true,
        own_deadline: true,
        deadline_from_sending: true,
        deadline_has_margin: true,
        unanswered_is_unknown: true,
        stamp_per_write: true,
        pass_ends_reading: true,
        commits_what_is_done: true,
        child_waits_for_parents: true,
        children_first: true,
        leaver_passes: true,
        older_twin_ends: true,
        hand_off_expires: true,
    };

    /// After how many ticks since its last write was sent a holder stops.
    pub(crate) fn deadline(&self) -> u8 {
        if self.deadline_has_margin { FAILOVER - 1 } else { FAILOVER }
    }

    /// Whether a write that rests on an older version is always refused.
    pub(crate) fn test_versions(&self) -> bool {
        self.take_tests_version && self.commit_tests_version && self.take_moves_version
    }
}

/// After how many ticks of silence a lease is taken: the shortest time with room for a renewal at one tick, a deadline at
/// two, and a margin of one.
pub(crate) const FAILOVER: u8 = 3;
