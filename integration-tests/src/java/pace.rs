//! How fast a Java worker does what it does.

use std::ops::RangeInclusive;
use std::time::Duration;

/// The times of a Java worker. A name of the KCL's own setting stands beside each that has one.
#[derive(Debug, Clone, PartialEq)]
pub struct Pace {
    /// `failoverTimeMillis`.
    pub failover: Duration,
    /// `shardSyncIntervalMillis`: how long a worker does nothing after the first shard sync.
    pub shard_sync: Duration,
    /// `varianceBalancingFrequency`: in which runs the leader balances.
    pub balance_every: u64,
    /// `dynamoDbLockBasedLeaderLeaseDurationInMillis`.
    pub lock: Duration,
    /// `dynamoDbLockBasedLeaderHeartbeatPeriodInMillis`.
    pub lock_beat: Duration,
    /// `parentShardPollIntervalMillis`.
    pub parents: Duration,
    /// How often finished leases are looked at. Nobody can set this in the KCL.
    pub cleanup: Duration,
    /// How long a lease is finished before it may be removed. Nor this.
    pub finished_for: Duration,
    /// When the leader first looks for holes between the leases. Nor this.
    pub first_audit: Duration,
    /// `leasesRecoveryAuditorExecutionFrequencyMillis`.
    pub audit: Duration,
    /// How long a worker that finds no leases waits for others to make them, in milliseconds.
    pub empty_wait: RangeInclusive<u64>,
    /// The pause between two reads of a shard.
    pub idle: Duration,
    /// After what time without an answer the SDK's HTTP client gives up.
    pub read_timeout: Duration,
}

impl Pace {
    /// As the KCL has it, but for the failover time.
    #[must_use]
    pub fn of_the_kcl(failover: Duration) -> Self {
        Self {
            failover,
            shard_sync: Duration::from_mins(1),
            balance_every: 3,
            lock: Duration::from_mins(2),
            lock_beat: Duration::from_secs(30),
            parents: Duration::from_secs(10),
            cleanup: Duration::from_mins(1),
            finished_for: Duration::from_mins(5),
            first_audit: Duration::from_mins(1),
            audit: Duration::from_mins(2),
            empty_wait: 1_000..=30_000,
            idle: Duration::from_secs(1),
            read_timeout: Duration::from_secs(30),
        }
    }

    /// So short that a world of two minutes sees all of it.
    #[must_use]
    pub fn short(failover: Duration) -> Self {
        Self {
            shard_sync: Duration::from_secs(1),
            balance_every: 1,
            lock: Duration::from_secs(6),
            lock_beat: Duration::from_secs(2),
            parents: Duration::from_secs(1),
            cleanup: Duration::from_secs(5),
            finished_for: Duration::from_secs(10),
            first_audit: Duration::from_secs(5),
            audit: Duration::from_secs(5),
            empty_wait: 1_000..=5_000,
            idle: Duration::from_millis(300),
            read_timeout: Duration::from_secs(5),
            ..Self::of_the_kcl(failover)
        }
    }

    /// How often leases are renewed.
    pub(super) fn renewal(&self) -> Duration {
        (self.failover / 3).saturating_sub(EPSILON)
    }

    /// How often the leader assigns, from the end of one run to the next.
    pub(super) fn assignment(&self) -> Duration {
        self.failover * 2
    }

    /// How often a worker looks for leases that name it.
    pub(super) fn discovery(&self) -> Duration {
        (self.assignment() / 2).saturating_sub(EPSILON)
    }

    /// The longest that a shard may stand still that a Java worker has or is given, once nothing goes wrong: the sum of
    /// what may come one after the other.
    ///
    /// A request that was sent before the calm may have to be given up first. A Java leader may give a lease to a worker
    /// that has died, again and again, for as long as that one's last report counts; ours wait for a Java receiver for 2.4
    /// failover times. The one who lives looks at its index once in a while, dispatches once a second, and asks for the
    /// parents' ends.
    #[must_use]
    pub fn patience(&self) -> Duration {
        let given_to_the_dead = REPORT_COUNTS + self.failover.mul_f64(2.4);
        let taken_up = self.discovery() + self.parents + Duration::from_secs(3);
        self.read_timeout + given_to_the_dead + taken_up
    }
}

/// `epsilonMillis`.
const EPSILON: Duration = Duration::from_millis(25);

/// `workerMetricsReporterFreqInMillis`.
pub(super) const REPORT: Duration = Duration::from_secs(30);
/// For how long a report counts.
pub(super) const REPORT_COUNTS: Duration = Duration::from_mins(1);
/// `gracefulLeaseHandoffTimeoutMillis`.
pub(super) const HAND_OVER: Duration = Duration::from_secs(30);
/// How often hand-overs are looked at.
pub(super) const HAND_OVER_TICK: Duration = Duration::from_secs(2);
/// `shardConsumerDispatchPollIntervalMillis`.
pub(super) const DISPATCH: Duration = Duration::from_secs(1);
/// How often a table or an index is looked at that is not ready.
pub(super) const READY_POLL: Duration = Duration::from_secs(10);
