//! What must hold. Where the simulator has the same invariant, it has the same name (`integration-tests/src/check`).

macro_rules! invariants {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// Something that must hold in every state.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Invariant {
            $($(#[$doc])* $variant,)*
        }

        impl Invariant {
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

invariants! {
    /// The position of a lease never moves back.
    CommitsNeverMoveBack = "commits_never_move_back",
    /// Each tenure begins at a greater version than all before.
    EpochsGrow = "epochs_grow",
    /// Only the tenure that began last, and has not ended in the table, commits: never two in one epoch.
    OnlyTheHolderCommits = "only_the_holder_commits",
    /// Two workers never read one shard at once. (Two processes of one worker id may, until the older one notices.)
    OneReaderAtATime = "one_reader_at_a_time",
    /// What is committed was processed before.
    CommitsFollowProcessing = "commits_follow_processing",
    /// A tenure starts to read where everything before was processed.
    ProcessorsStartAtWhatIsDone = "processors_start_at_what_is_done",
    /// A child is read after all its parents are finished.
    ParentsComeFirst = "parents_come_first",
    /// The leases of a shard's children exist before its end is committed.
    ChildrenAreMadeFirst = "children_are_made_first",
    /// A commit that its writer counts as made is in the table.
    ReportedCommitsAreStored = "reported_commits_are_stored",
    /// A worker that was told to stop, and met no fault, leaves no lease behind that it holds.
    StoppedWorkersHoldNothing = "stopped_workers_hold_nothing",
    /// Once faults stop, every shard gets a reader or is finished, within a bound.
    NoShardStallsInCalm = "no_shard_stalls_in_calm",
    /// And then no tenure begins any more.
    NoTenureBeginsInCalm = "no_tenure_begins_in_calm",
    /// The model has room for all writes that are under way: without this nothing else would be said of all histories.
    ModelHasRoom = "model_has_room",
}
