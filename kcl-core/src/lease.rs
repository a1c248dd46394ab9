//! Leases: who reads a shard, and how far it is done. Data only; what is decided about them is in [`crate::decide`],
//! and how they are kept in [`crate::store`].

mod write;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::ids::{ShardId, ShardKey, WorkerId};
use crate::position::Position;
use crate::shard::HashKeyRange;
use crate::time::Timestamp;

pub use write::{LeaseAction, LeaseWrite, Load, WriteOutcome};

/// One shard's lease, as a store gave it. It may be out of date the moment it is read; every write names the
/// [`Version`] that it rests on, and loses if that is gone.
#[derive(Debug, Clone, PartialEq)]
pub struct Lease {
    /// The shard.
    pub shard: ShardKey,
    /// Who holds the lease; during a hand-off, who will. `None` if it is free.
    pub owner: Option<WorkerId>,
    /// During a hand-off: who still holds the lease.
    pub checkpoint_owner: Option<WorkerId>,
    /// What a write must name.
    pub version: Version,
    /// Evidence of life, to be compared with what was seen earlier.
    pub heartbeat: Heartbeat,
    /// The last write of a worker of this library, if one wrote to the lease.
    pub stamp: Option<Stamp>,
    /// The base of the lease's [`Epoch`]s: when a worker of this library first took the lease since it was made.
    pub born: Option<Timestamp>,
    /// How far the shard is done.
    pub checkpoint: Position,
    /// A prepared checkpoint that has not been committed. Workers of this library keep it and pass it to the
    /// processor; they do not make one.
    pub pending: Option<PendingCheckpoint>,
    /// The moment at which an application that started at [`Position::Latest`] or [`Position::AtTimestamp`] begins.
    pub start: Option<Timestamp>,
    /// When the stream was created, if the worker that made the lease knew: it tells a stream from an earlier one of
    /// the same name.
    pub stream_created: Option<Timestamp>,
    /// The shards that the shard was made of; it is read after they are finished. Sorted.
    pub parents: Vec<ShardId>,
    /// The shards that follow it, as far as they are known. Sorted.
    pub children: Vec<ShardId>,
    /// The shard's hash keys.
    pub hash_range: Option<HashKeyRange>,
    /// How much work it is, as its owner told last.
    pub load: Load,
    /// How often the owner changed since the last checkpoint.
    pub owner_switches: u64,
}

impl Lease {
    /// A lease that nobody holds yet.
    #[must_use]
    pub fn new(shard: ShardKey, checkpoint: Position, start: Option<Timestamp>) -> Self {
        Self {
            shard,
            owner: None,
            checkpoint_owner: None,
            version: Version::NEW,
            heartbeat: Heartbeat::default(),
            stamp: None,
            born: None,
            checkpoint,
            pending: None,
            start,
            stream_created: None,
            parents: Vec::new(),
            children: Vec::new(),
            hash_range: None,
            load: Load::default(),
            owner_switches: 0,
        }
    }

    /// Who may read the shard and commit now: during a hand-off still the old owner.
    #[must_use]
    pub fn holder(&self) -> Option<&WorkerId> {
        self.checkpoint_owner.as_ref().or(self.owner.as_ref())
    }

    /// Whether the shard is done to its end.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.checkpoint.is_end()
    }

    /// The epoch of a tenure that begins at this version of the lease.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        Epoch(self.born.map_or(0, Timestamp::millis).saturating_add(self.version.0))
    }
}

/// The state of a lease that a write rests on: in the KCL's table, `leaseCounter`. It grows with every write while the
/// lease exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u64);

impl Version {
    /// A lease that was just made.
    pub const NEW: Self = Self(0);

    /// The version with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The version after one more write.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of an ownership of a shard. Each owner's is greater than that of every owner before it, so that a
/// system downstream can refuse what a former owner still sends.
///
/// It is the time in milliseconds at which a worker of this library first took the lease since it was made, plus the
/// lease's version. The version grows with each write, and a lease takes fewer than one write a millisecond; so an
/// epoch of a lease that was deleted and made again is greater than all before, as long as the wall clocks of the
/// fleet are not wrong by more than the time that passed in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// The number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Evidence that a lease's holder lives: while it does, the store gives another value at least every failover time.
/// Equal values are no evidence of anything but silence in between. What the value is made of is the store's business.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Heartbeat(Arc<str>);

impl Heartbeat {
    /// A value to be compared with others from the same store and lease.
    pub fn new(evidence: impl Into<Arc<str>>) -> Self {
        Self(evidence.into())
    }
}

/// The name of one logical write to a lease. A write that was applied although its answer was lost is recognised by
/// it, and by nothing else: two processes with one worker id, or two writes of one process, could otherwise be
/// mistaken for each other.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(Arc<str>);

impl Stamp {
    /// A holder's write: `instance` is random for each process, `tenure` counts the leases it took, `write` the writes
    /// of that tenure.
    #[must_use]
    pub fn held(instance: Instance, tenure: u64, write: u64) -> Self {
        Self(format!("h.{instance}.{tenure}.{write}").into())
    }

    /// A write that leaves the lease without a holder, in the same numbering.
    #[must_use]
    pub fn offered(instance: Instance, tenure: u64, write: u64) -> Self {
        Self(format!("o.{instance}.{tenure}.{write}").into())
    }

    /// A stamp as a store kept it.
    pub fn from_text(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The stamp as a store keeps it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a write of this process and tenure set it.
    #[must_use]
    pub fn is_of(&self, instance: Instance, tenure: u64) -> bool {
        let mut parts = self.0.split('.').skip(1);
        parts.next() == Some(instance.to_string().as_str()) && parts.next() == Some(tenure.to_string().as_str())
    }

    /// Whether a write of this process set it.
    #[must_use]
    pub fn is_by(&self, instance: Instance) -> bool {
        self.instance() == Some(instance)
    }

    /// The process whose write set it.
    #[must_use]
    pub fn instance(&self) -> Option<Instance> {
        self.0.split('.').nth(1).and_then(|text| u64::from_str_radix(text, 16).ok()).map(Instance)
    }

    /// Whether the write left somebody holding the lease.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.0.starts_with("h.")
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One run of one worker: a random number that no other process shares, whatever its worker id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instance(u64);

impl Instance {
    /// The instance with this random number.
    #[must_use]
    pub const fn new(random: u64) -> Self {
        Self(random)
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Why a lease was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CreateReason {
    /// The application begins to read the stream.
    Initial,
    /// A parent of the shard is finished.
    ParentFinished,
    /// The shard should have had a lease and had none.
    Repair,
}

/// How an ownership ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    /// The shard is finished.
    Finished,
    /// This worker gave it back, or passed it on to another one, as it was told to.
    Released,
    /// This worker gave it up: nothing went on with it.
    Stalled,
    /// Another worker has it.
    Taken,
    /// It could not be renewed, or given away, in time.
    Expired,
    /// Its owner was fenced by an explicit call.
    Fenced,
}

/// A checkpoint that was prepared and not yet committed, as the KCL's two-phase checkpointing leaves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingCheckpoint {
    /// The position that was prepared.
    pub position: Position,
    /// What the application stored beside it.
    pub state: Option<Bytes>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_belongs_to_one_process_and_tenure() {
        let (mine, other) = (Instance::new(7), Instance::new(8));
        let stamp = Stamp::held(mine, 12, 3);
        assert_eq!(stamp.as_str(), "h.0000000000000007.12.3");
        assert!(stamp.is_by(mine) && stamp.is_of(mine, 12));
        assert!(!stamp.is_by(other) && !stamp.is_of(other, 12) && !stamp.is_of(mine, 1));
        assert_eq!((stamp.instance(), stamp.is_held()), (Some(mine), true));
        assert!(!Stamp::offered(mine, 12, 4).is_held());
        let stamp = Stamp::from_text("nonsense");
        assert!(!stamp.is_by(mine) && !stamp.is_of(mine, 12));
    }

    #[test]
    fn epochs_grow_although_the_lease_was_deleted_and_made_again() {
        let shard = ShardKey::new(crate::ids::StreamId::named("s"), "shardId-0");
        let at = |born: u64, version: u64| {
            let mut lease = Lease::new(shard.clone(), Position::TrimHorizon, None);
            lease.born = Some(Timestamp::from_millis(born));
            lease.version = Version::new(version);
            lease.epoch()
        };
        assert!(at(1_000_000, 7) < at(1_000_000, 8));
        assert!(at(1_000_000, 50_000) < at(1_060_000, 1), "60 s and 50,000 writes later, made again");
    }
}
