//! The names that the lease table has, and nothing else knows.

/// An attribute of an item in the lease table. Only this module makes them, so that no request can name another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Attribute(&'static str);

impl Attribute {
    /// The attribute's name in the table.
    pub(crate) fn name(self) -> &'static str {
        self.0
    }

    /// The attribute's name in an expression. Some names are words that DynamoDB reserves, so all of them are aliased.
    pub(crate) fn alias(self) -> String {
        format!("#{}", self.0)
    }
}

macro_rules! attributes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: Attribute = Attribute($text);)*

        /// All of them.
        #[cfg(test)]
        pub(crate) const ALL: &[Attribute] = &[$($name),*];
    };
}

// As the Java KCL has them. S, N, B, SS: DynamoDB's types.
attributes! {
    /// S, the table's only key.
    LEASE_KEY = "leaseKey";
    /// S, [`LEASE`]; absent on leases made by a KCL before 3.5. Other values are other things than leases.
    ENTITY_TYPE = "entityType";
    /// N. The fence: every write of a lease moves it, but for the beginning of a hand-off.
    LEASE_COUNTER = "leaseCounter";
    /// S, absent if the lease is free. During a hand-off it is the receiver.
    LEASE_OWNER = "leaseOwner";
    /// S, during a hand-off only: the holder.
    CHECKPOINT_OWNER = "checkpointOwner";
    /// N.
    OWNER_SWITCHES = "ownerSwitchesSinceCheckpoint";
    /// S, a sequence number or one of four words.
    CHECKPOINT = "checkpoint";
    /// N, absent for 0.
    CHECKPOINT_SUB = "checkpointSubSequenceNumber";
    /// S, as `checkpoint`, between preparing a checkpoint and committing it.
    PENDING = "pendingCheckpoint";
    /// N.
    PENDING_SUB = "pendingCheckpointSubSequenceNumber";
    /// B.
    PENDING_STATE = "pendingCheckpointState";
    /// SS of shard ids, one or two in spite of its name.
    PARENTS = "parentShardId";
    /// SS of shard ids.
    CHILDREN = "childShardIds";
    /// S, decimal.
    HASH_START = "startingHashKey";
    /// S, decimal.
    HASH_END = "endingHashKey";
    /// N, with up to six decimals.
    THROUGHPUT = "throughputKBps";
    /// S, in applications of several streams: `account:name:epoch`.
    STREAM_NAME = "streamName";
    /// S, in applications of several streams.
    SHARD_ID = "shardId";

    // A worker's row.
    /// N, seconds by the worker's wall clock.
    REPORTED = "lut";
    /// M of L of N: the last means of each thing that the worker measures, oldest first; -1 where it could not.
    MEANS = "sts";
    /// M of L of N: the most that each of them should be.
    LIMITS = "opr";
    /// N: what the worker's version understands.
    SUPPORT = "sup";
    /// N, seconds: when that was written last.
    SUPPORT_SINCE = "slu";

    // The leader lock, as the DynamoDB lock client has it.
    /// S.
    LOCK_OWNER = "ownerName";
    /// S, milliseconds.
    LOCK_LASTS = "leaseDuration";
    /// S, new with every write.
    LOCK_VERSION = "recordVersionNumber";
    /// S, `1`; absent if the lock was not given back.
    LOCK_RELEASED = "isReleased";

    // The markers of migrations.
    /// S: how far the application's move from the KCL 2 is.
    CLIENT_VERSION = "cv";
    /// S: how far its move to one table is.
    TABLE_STATE = "tm";
    /// S: who wrote it.
    MODIFIED_BY = "mb";
    /// N, milliseconds.
    MODIFIED_AT = "mts";
    /// L of M: what it said before, newest first.
    HISTORY = "h";
    /// S, the only key of the table in which the Java KCL 3.0 to 3.4 keeps markers.
    COORDINATOR_KEY = "key";

    // Ours. The Java KCL keeps what it does not know.
    /// S: [`kcl_core::lease::Lease::stamp`].
    STAMP = "rs_stamp";
    /// N, milliseconds: [`kcl_core::lease::Lease::start`].
    START = "rs_start";
    /// N, milliseconds: [`kcl_core::lease::Lease::born`].
    BORN = "rs_born";
    /// N, milliseconds: [`kcl_core::lease::Lease::stream_created`].
    STREAM_CREATED = "rs_stream";
    /// N, with up to six decimals: [`kcl_core::lease::Load::busy`].
    BUSY = "rs_busy";
    /// S: [`kcl_core::member::Member::instance`].
    INSTANCE = "rs_inst";
    /// SS of `leaseKey#leaseCounter`, or [`LOOK`]: [`kcl_core::member::Member::wakes`].
    WAKES = "rs_wake";
    /// BOOL: [`kcl_core::member::Member::leaving`].
    LEAVING = "rs_leaving";
    /// N: [`kcl_core::member::Member::cap`].
    CAP = "rs_cap";
    /// N: [`PROTOCOL_VERSION`].
    PROTOCOL = "rs_proto";
    /// N: a copy of `lut`. A worker of the Java KCL under the same id moves `lut` alone: then the row is that one's.
    OUR_REPORT = "rs_lut";
}

/// What `entityType` says on a lease.
pub(crate) const LEASE: &str = "LEASE";
/// On a worker's row. Its key is the worker's id.
pub(crate) const WORKER: &str = "WORKER_METRIC_STATS";
/// On the leader lock.
pub(crate) const LEADER: &str = "LEADER";
/// On the marker of the move from the KCL 2.
pub(crate) const CLIENT_VERSION_MIGRATION: &str = "CLIENT_VERSION_MIGRATION";

/// The key of the leader lock.
pub(crate) const LOCK_KEY: &str = "Leader";
/// The key of the marker of the move from the KCL 2.
pub(crate) const CLIENT_VERSION_KEY: &str = "Migration3.0";
/// The key of the marker of the move to one table.
pub(crate) const TABLE_STATE_KEY: &str = "TableMigration3.5";

/// In a worker's row: the measure of its CPU, in percent.
pub(crate) const CPU: &str = "C";
/// In a worker's row: look at the table.
pub(crate) const LOOK: &str = "*";
/// What a worker of this library says that it speaks.
pub(crate) const PROTOCOL_VERSION: u64 = 1;
/// What a worker says to the Java KCL: it knows that other things than leases live in the table.
pub(crate) const ONE_TABLE: u64 = 1;

/// The index from owners to the leases that name them.
pub(crate) const OWNER_INDEX: &str = "LeaseOwnerToLeaseKeyIndex";
