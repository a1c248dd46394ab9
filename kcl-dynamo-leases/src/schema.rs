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

    // Ours. The Java KCL keeps what it does not know.
    /// S: [`kcl_core::lease::Lease::stamp`].
    STAMP = "rs_stamp";
    /// N, milliseconds: [`kcl_core::lease::Lease::start`].
    START = "rs_start";
    /// N, milliseconds: [`kcl_core::lease::Lease::born`].
    BORN = "rs_born";
    /// N, milliseconds: [`kcl_core::lease::Lease::stream_created`].
    STREAM_CREATED = "rs_stream";
}

/// What `entityType` says on a lease.
pub(crate) const LEASE: &str = "LEASE";

/// The index from owners to the leases that name them.
pub(crate) const OWNER_INDEX: &str = "LeaseOwnerToLeaseKeyIndex";
