//! The promises of a [`LeaseStore`], each as a test.
//!
//! A store is what its tests say it is. [`all`] runs every promise on a fresh store each; a promise that is broken
//! panics and says what was expected. What is particular to one kind of store (what it does with attributes that it
//! does not know, with malformed rows, with permissions) is its own tests' business.

pub mod creating;
pub mod despite_faults;
pub mod handing_over;
pub mod locking;
pub mod membership;
pub mod racing;
pub mod reading;
pub mod refusing;
pub mod removing;
pub mod repeating;
pub mod writing;

use std::sync::Arc;

use bytes::Bytes;

use crate::ids::{ShardId, ShardKey, StreamId, WorkerId};
use crate::lease::{Heartbeat, Instance, Lease, Load, PendingCheckpoint, Stamp, Version};
use crate::position::{Position, SequenceNumber};
use crate::shard::HashKeyRange;
use crate::store::{LeaseAction, LeaseStore, LeaseWrite, WriteOutcome};
use crate::time::Timestamp;

/// Runs every promise, each on a store of its own.
///
/// `make` gives an empty store, not yet prepared. `stream` is a stream whose leases it takes. The store may fail now and
/// then only in [`despite_faults`].
///
/// # Panics
/// If a promise is broken.
pub async fn all<S, F>(stream: &StreamId, make: impl Fn() -> F + Send + Sync)
where
    S: LeaseStore,
    F: Future<Output = S> + Send,
{
    macro_rules! on_a_fresh_store {
        ($($promise:path),* $(,)?) => {
            $($promise(&Subject::prepared(make().await, stream.clone()).await).await;)*
        };
    }
    on_a_fresh_store!(
        creating::a_created_lease_is_stored_as_it_was_given,
        creating::every_position_is_stored,
        creating::a_shard_has_one_lease,
        creating::a_lease_created_with_an_owner_is_held,
        reading::what_is_not_there_is_not_found,
        reading::a_listing_has_every_lease_in_order,
        reading::a_lease_is_read_as_last_written,
        reading::owned_leases_are_listed_or_not_known,
        reading::a_heartbeat_tells_renewals_from_silence,
        refusing::each_condition_holds_in_every_state,
        refusing::a_take_and_an_offer_need_both_owners_as_seen,
        refusing::a_missing_lease_refuses_every_write,
        writing::a_renewal_notes_what_was_processed_and_nothing_else,
        writing::a_checkpoint_commits,
        writing::a_take_counts_a_switch_and_ends_a_hand_off,
        writing::a_claim_begins_to_hold,
        writing::a_lease_keeps_its_time_of_birth,
        writing::a_reset_moves_the_position_either_way,
        writing::many_renewals_are_answered_one_by_one,
        writing::hash_keys_are_noted_where_they_are_missing,
        handing_over::a_freed_lease_has_no_owner,
        handing_over::a_lease_is_freed_with_its_last_commit,
        handing_over::a_passed_lease_names_its_receiver,
        handing_over::an_offer_names_a_worker_and_ends_a_hand_off,
        handing_over::a_holder_is_asked_and_goes_on_until_it_passes,
        handing_over::only_a_holder_as_seen_is_asked,
        handing_over::a_holder_goes_on_during_a_hand_off,
        removing::only_a_finished_lease_as_seen_is_removed,
        removing::what_is_gone_counts_as_removed,
        repeating::a_repeated_write_is_recognised_by_its_stamp,
        repeating::a_repeated_create_is_recognised_by_its_stamp,
        racing::one_of_many_takes_wins,
        racing::one_of_many_creates_wins,
        racing::every_version_has_one_author,
        membership::a_row_says_what_was_reported,
        membership::a_first_report_needs_the_row_as_seen,
        membership::an_earlier_process_is_refused,
        membership::a_report_keeps_what_others_wrote_and_a_first_one_does_not,
        membership::a_wake_reaches_only_who_is_there_and_stays,
        membership::many_wakes_become_one_look,
        membership::only_what_was_read_is_consumed,
        membership::who_resigns_is_leaving_and_too_old_for_leases,
        membership::a_row_is_removed_as_it_was_seen,
        locking::the_lock_is_acquired_when_absent_released_or_as_seen,
        locking::the_lock_is_beaten_and_released_only_by_who_holds_it,
        locking::one_of_many_acquires_the_lock,
        locking::a_listing_has_leases_members_and_the_lock,
        despite_faults::a_history_is_applied_once,
        despite_faults::one_racer_believes_to_have_won,
        despite_faults::a_row_stays_with_the_process_that_took_it_last,
        despite_faults::one_believes_to_hold_the_lock,
    );
}

/// Runs the promises that hold although requests and answers are lost, each on a store of its own: one that fails, now
/// and then, with an error that is transient, or does not answer.
///
/// # Panics
/// If a promise is broken.
pub async fn all_despite_faults<S, F>(stream: &StreamId, make: impl Fn() -> F + Send + Sync)
where
    S: LeaseStore,
    F: Future<Output = S> + Send,
{
    despite_faults::a_history_is_applied_once(&Subject::new(make().await, stream.clone())).await;
    despite_faults::one_racer_believes_to_have_won(&Subject::new(make().await, stream.clone())).await;
    despite_faults::a_row_stays_with_the_process_that_took_it_last(&Subject::new(make().await, stream.clone())).await;
    despite_faults::one_believes_to_hold_the_lock(&Subject::new(make().await, stream.clone())).await;
}

/// A store under test, and the stream that its leases are made for.
#[derive(Debug, Clone)]
pub struct Subject {
    store: Arc<dyn LeaseStore>,
    stream: StreamId,
}

impl Subject {
    /// An empty store that is ready.
    pub fn new(store: impl LeaseStore, stream: StreamId) -> Self {
        Self { store: Arc::new(store), stream }
    }

    /// An empty store, made ready.
    ///
    /// # Panics
    /// If it does not become ready.
    pub async fn prepared(store: impl LeaseStore, stream: StreamId) -> Self {
        store.prepare().await.expect("the store becomes ready");
        Self::new(store, stream)
    }

    fn shard(&self, number: usize) -> ShardKey {
        ShardKey::new(self.stream.clone(), format!("shardId-{number:012}"))
    }

    fn lease(&self, number: usize) -> Lease {
        Lease::new(self.shard(number), Position::TrimHorizon, None)
    }

    /// A lease in which every field that does not name an owner is set.
    fn full_lease(&self, number: usize) -> Lease {
        Lease {
            checkpoint: at("49590338271490256608559692538361571095921575989136588898", 3),
            pending: Some(PendingCheckpoint {
                position: at("49590338271490256608559692538361571095921575989136588899", 0),
                state: Some(Bytes::from_static(&[0, 159, 146, 150])),
            }),
            start: Some(Timestamp::from_millis(1_700_000_000_001)),
            stream_created: Some(Timestamp::from_millis(1_600_000_000_000)),
            parents: vec![ShardId::new("shardId-000000000100"), ShardId::new("shardId-000000000101")],
            children: vec![ShardId::new("shardId-000000000200")],
            hash_range: HashKeyRange::new(0, u128::MAX),
            load: Load { kbps: Some(12.5), busy: Some(0.75) },
            owner_switches: 4,
            ..self.lease(number)
        }
    }

    /// Creates a lease, and gives it back as it was stored.
    async fn stored(&self, new: &Lease) -> Lease {
        applied(self.store.create(new).await.expect("answered"))
    }

    async fn read(&self, shard: &ShardKey) -> Option<Lease> {
        self.store.get(shard).await.expect("answered")
    }

    async fn write(&self, write: &LeaseWrite) -> WriteOutcome {
        self.store.write(write).await.expect("answered")
    }

    /// Makes a write that must be applied, and checks what all of them have in common: the answer is the lease as it
    /// can be read now, one version on, with the write's stamp.
    async fn change(&self, write: &LeaseWrite) -> Lease {
        let now = applied(self.write(write).await);
        assert_eq!(now.version, write.seen.version.next(), "a write moves the version by one: {write:?}");
        assert_eq!(now.stamp.as_ref(), Some(&write.stamp), "a write sets its stamp: {write:?}");
        assert_eq!(self.read(&now.shard).await.as_ref(), Some(&now), "an answer is the lease as it is: {write:?}");
        now
    }
}

/// A write by `by` that rests on `seen`. Its stamp is unlike that of any other action or version.
fn write(seen: &Lease, by: &WorkerId, action: LeaseAction) -> LeaseWrite {
    let kind = match action {
        LeaseAction::Claim => 1,
        LeaseAction::Take => 2,
        LeaseAction::Renew { .. } => 3,
        LeaseAction::Checkpoint { .. } => 4,
        LeaseAction::Pass { .. } => 5,
        LeaseAction::Offer { .. } => 6,
        LeaseAction::Reset { .. } => 7,
    };
    let stamp = Stamp::held(instance(by), kind, seen.version.number());
    LeaseWrite { seen: seen.clone(), by: by.clone(), stamp, now: NOW, action }
}

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_123);

/// Each worker of these tests is one process.
fn instance(worker: &WorkerId) -> Instance {
    Instance::new(worker.as_str().bytes().fold(0, |sum, byte| sum * 31 + u64::from(byte)))
}

fn worker(name: &str) -> WorkerId {
    WorkerId::new(name)
}

fn pass(to: Option<&WorkerId>, checkpoint: Option<Position>) -> LeaseAction {
    LeaseAction::Pass { to: to.cloned(), checkpoint }
}

fn renew() -> LeaseAction {
    LeaseAction::Renew { load: Load::default() }
}

fn checkpoint(position: Position) -> LeaseAction {
    LeaseAction::Checkpoint { position, load: Load::default(), children: Vec::new() }
}

fn at(sequence: &str, sub: u64) -> Position {
    Position::At { sequence: SequenceNumber::parse(sequence).expect("digits"), sub }
}

fn applied(outcome: WriteOutcome) -> Lease {
    match outcome {
        WriteOutcome::Applied(lease) => lease,
        WriteOutcome::Refused(lease) => panic!("refused; the lease is {lease:?}"),
    }
}

fn refused(outcome: WriteOutcome) -> Option<Lease> {
    match outcome {
        WriteOutcome::Refused(lease) => lease,
        WriteOutcome::Applied(lease) => panic!("applied, to {lease:?}"),
    }
}

/// Compares all but the heartbeat, which is the store's own.
#[track_caller]
fn assert_same(lease: &Lease, expected: &Lease) {
    let without = |lease: &Lease| Lease { heartbeat: Heartbeat::default(), ..lease.clone() };
    assert_eq!(without(lease), without(expected));
}

/// `before`, as every write leaves it.
fn one_write_on(before: &Lease, write: &LeaseWrite) -> Lease {
    Lease { version: Version::next(before.version), stamp: Some(write.stamp.clone()), ..before.clone() }
}
