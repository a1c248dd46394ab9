//! Every write to a lease as DynamoDB's expressions. Nothing is sent from here.

use kcl_core::ids::WorkerId;
use kcl_core::lease::{Lease, Load};
use kcl_core::position::Position;
use kcl_core::shard::HashKeyRange;
use kcl_core::store::{LeaseAction, LeaseWrite};

use crate::expressions::Expressions;
use crate::item::{position_values, shards_value};
use crate::keys::Keys;
use crate::schema::{
    Attribute, BORN, BUSY, CHECKPOINT, CHECKPOINT_OWNER, CHECKPOINT_SUB, CHILDREN, ENTITY_TYPE, HASH_END, HASH_START,
    LEASE, LEASE_COUNTER, LEASE_KEY, LEASE_OWNER, OWNER_SWITCHES, PENDING, PENDING_STATE, PENDING_SUB, STAMP, START,
    THROUGHPUT,
};
use crate::values::{decimal_value, n, s, time_value};

/// A lease is created where none is.
pub(crate) fn creation() -> Expressions {
    let mut request = Expressions::default();
    request.require_absent(LEASE_KEY);
    request
}

/// A lease is removed that is as it was seen, and finished.
pub(crate) fn removal(seen: &Lease) -> Expressions {
    let mut request = Expressions::default();
    request.require(LEASE_COUNTER, n(seen.version.number()));
    request.require(CHECKPOINT, position_values(&Position::ShardEnd).0);
    request
}

/// A lease is changed.
pub(crate) fn change(keys: &Keys, write: &LeaseWrite) -> Expressions {
    let LeaseWrite { seen, by, action, .. } = write;
    let mut request = Expressions::default();
    request.require(LEASE_COUNTER, n(seen.version.number()));
    request.set(LEASE_COUNTER, n(seen.version.next().number()));
    request.set(STAMP, s(write.stamp.as_str()));
    match action {
        LeaseAction::Claim => {
            request.require(LEASE_OWNER, s(by.as_str()));
            request.require_absent(CHECKPOINT_OWNER);
            request.set_if_absent(BORN, time_value(write.now));
        }
        LeaseAction::Take => {
            request.require_owners_as(seen);
            request.make_only_owner(by);
            request.set_if_absent(BORN, time_value(write.now));
        }
        LeaseAction::Renew { load } => {
            request.require_holder(by);
            request.set_load(*load);
        }
        LeaseAction::Checkpoint { position, load, children } => {
            request.require_holder(by);
            request.move_to(position);
            request.set(OWNER_SWITCHES, n(0));
            request.set_load(*load);
            if let Some(children) = shards_value(children) {
                request.set(CHILDREN, children);
            }
            for (attribute, text) in keys.attributes(&seen.shard) {
                request.set(attribute, s(text));
            }
        }
        LeaseAction::Pass { to, checkpoint } => {
            request.require_holder(by);
            let switches = u64::from(to.as_ref().is_some_and(|to| to != by));
            match checkpoint {
                Some(position) => {
                    request.move_to(position);
                    request.set(OWNER_SWITCHES, n(switches));
                }
                None if switches > 0 => request.add(OWNER_SWITCHES, n(switches)),
                None => {}
            }
            match to {
                Some(to) => request.set(LEASE_OWNER, s(to.as_str())),
                None => request.remove(LEASE_OWNER),
            }
            request.remove(CHECKPOINT_OWNER);
        }
        LeaseAction::Offer { to } => {
            request.require_owners_as(seen);
            request.make_only_owner(to);
        }
        LeaseAction::Reset { position, start } => {
            request.require_absent(LEASE_OWNER);
            request.require_absent(CHECKPOINT_OWNER);
            request.move_to(position);
            match start {
                Some(start) => request.set(START, time_value(*start)),
                None => request.remove(START),
            }
        }
    }
    request
}

/// The holder `from` is asked to give its lease to `to`. Neither counter nor stamp move: the holder's writes go on.
pub(crate) fn handing_over(from: &WorkerId, to: &WorkerId) -> Expressions {
    let mut request = Expressions::default();
    request.require(LEASE_OWNER, s(from.as_str()));
    request.require_absent(CHECKPOINT_OWNER);
    request.require_other(CHECKPOINT, position_values(&Position::ShardEnd).0);
    request.set(LEASE_OWNER, s(to.as_str()));
    request.set(CHECKPOINT_OWNER, s(from.as_str()));
    request
}

/// A lease is told its shard's hash keys, if it does not know both. No lease is made, and nothing else changed.
pub(crate) fn hash_range(range: HashKeyRange) -> Expressions {
    let mut request = Expressions::default();
    let (kind, lease) = (request.name(ENTITY_TYPE), request.value(s(LEASE)));
    let (start, end) = (request.name(HASH_START), request.name(HASH_END));
    request.require_present(LEASE_COUNTER);
    request.require_that(format!("(attribute_not_exists({kind}) OR {kind} = {lease})"));
    request.require_that(format!("(attribute_not_exists({start}) OR attribute_not_exists({end}))"));
    request.set(HASH_START, s(range.start().to_string()));
    request.set(HASH_END, s(range.end().to_string()));
    request
}

impl Expressions {
    fn require_owners_as(&mut self, seen: &Lease) {
        self.require_owner(LEASE_OWNER, seen.owner.as_ref());
        self.require_owner(CHECKPOINT_OWNER, seen.checkpoint_owner.as_ref());
    }

    fn make_only_owner(&mut self, worker: &WorkerId) {
        self.set(LEASE_OWNER, s(worker.as_str()));
        self.remove(CHECKPOINT_OWNER);
        self.add(OWNER_SWITCHES, n(1));
    }

    fn require_owner(&mut self, attribute: Attribute, owner: Option<&WorkerId>) {
        match owner {
            Some(owner) => self.require(attribute, s(owner.as_str())),
            None => self.require_absent(attribute),
        }
    }

    /// `by` holds the lease: it is the old owner of a hand-off, or the owner and there is none.
    fn require_holder(&mut self, by: &WorkerId) {
        let (owner, checkpoint_owner) = (self.name(LEASE_OWNER), self.name(CHECKPOINT_OWNER));
        let by = self.value(s(by.as_str()));
        self.require_that(format!(
            "({checkpoint_owner} = {by} OR (attribute_not_exists({checkpoint_owner}) AND {owner} = {by}))"
        ));
    }

    fn set_load(&mut self, load: Load) {
        for (attribute, amount) in [(THROUGHPUT, load.kbps), (BUSY, load.busy)] {
            if let Some(value) = amount.and_then(decimal_value) {
                self.set(attribute, value);
            }
        }
    }

    fn move_to(&mut self, position: &Position) {
        let (checkpoint, sub) = position_values(position);
        self.set(CHECKPOINT, checkpoint);
        self.set(CHECKPOINT_SUB, sub);
        for pending in [PENDING, PENDING_SUB, PENDING_STATE] {
            self.remove(pending);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kcl_core::ids::{ShardId, ShardKey, StreamId};
    use kcl_core::lease::{Instance, Stamp, Version};
    use kcl_core::time::Timestamp;

    use super::*;
    use crate::schema;

    fn seen() -> Lease {
        let stream = StreamId::parse_qualified("123456789012:orders:1699999999").expect("qualified");
        let lease = Lease::new(ShardKey::new(stream, "shardId-0"), Position::Latest, None);
        Lease {
            owner: Some(WorkerId::new("a")),
            checkpoint_owner: Some(WorkerId::new("b")),
            version: Version::new(7),
            ..lease
        }
    }

    fn change_by(action: LeaseAction) -> Expressions {
        let (by, stamp) = (WorkerId::new("me"), Stamp::held(Instance::new(1), 2, 3));
        change(&Keys::Multi, &LeaseWrite { seen: seen(), by, stamp, now: Timestamp::from_millis(9), action })
    }

    fn every_request() -> Vec<Expressions> {
        let (position, children) = (Position::ShardEnd, vec![ShardId::new("shardId-1")]);
        let actions = [
            LeaseAction::Claim,
            LeaseAction::Take,
            LeaseAction::Renew { load: Load::default() },
            LeaseAction::Renew { load: Load { kbps: Some(1.0), busy: Some(0.5) } },
            LeaseAction::Checkpoint {
                position: position.clone(),
                load: Load { kbps: Some(1.0), busy: None },
                children,
            },
            LeaseAction::Pass { to: None, checkpoint: None },
            LeaseAction::Pass { to: None, checkpoint: Some(position.clone()) },
            LeaseAction::Pass { to: Some(WorkerId::new("next")), checkpoint: None },
            LeaseAction::Pass { to: Some(WorkerId::new("next")), checkpoint: Some(position.clone()) },
            LeaseAction::Pass { to: Some(WorkerId::new("me")), checkpoint: None },
            LeaseAction::Offer { to: WorkerId::new("next") },
            LeaseAction::Reset { position: position.clone(), start: None },
            LeaseAction::Reset { position, start: Some(Timestamp::from_millis(1)) },
        ];
        let mut requests: Vec<_> = actions.into_iter().map(change_by).collect();
        let (from, to, range) = (WorkerId::new("a"), WorkerId::new("b"), HashKeyRange::FULL);
        requests.extend([creation(), removal(&seen()), handing_over(&from, &to), hash_range(range)]);
        requests.extend(crate::members::tests::every_request());
        requests.extend(crate::lock::tests::every_request());
        requests
    }

    /// The words of an expression that begin with this mark.
    fn marked(expression: &str, mark: char) -> BTreeSet<String> {
        let words = expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '#' || c == ':'));
        words.filter(|word| word.starts_with(mark)).map(str::to_owned).collect()
    }

    #[test]
    fn expressions_name_the_attributes_of_the_schema_and_no_others() {
        let known: BTreeSet<_> = schema::ALL.iter().map(|attribute| (attribute.alias(), attribute.name())).collect();
        for request in every_request() {
            let used = marked(&format!("{} {}", request.update(), request.condition()), '#');
            assert!(used.iter().eq(request.names.keys().collect::<BTreeSet<_>>()), "{request:?}");
            for (alias, name) in &request.names {
                assert!(known.contains(&(alias.clone(), name.as_str())), "{alias} = {name}");
            }
        }
    }

    #[test]
    fn expressions_use_every_value_that_they_bring() {
        for request in every_request() {
            let used = marked(&format!("{} {}", request.update(), request.condition()), ':');
            assert!(used.iter().eq(request.values.keys().collect::<BTreeSet<_>>()), "{request:?}");
            assert_eq!(request.values().is_none(), request.values.is_empty());
        }
    }

    #[test]
    fn no_attribute_is_changed_twice_in_one_request() {
        for request in every_request() {
            let names = request.changed();
            assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{request:?}");
        }
    }

    #[test]
    fn a_renewal_is_conditioned_on_the_counter_and_the_holder() {
        let renewal = change_by(LeaseAction::Renew { load: Load::default() });
        assert_eq!(renewal.update(), "SET #leaseCounter = :v1, #rs_stamp = :v2");
        assert_eq!(
            renewal.condition(),
            "#leaseCounter = :v0 AND (#checkpointOwner = :v3 OR (attribute_not_exists(#checkpointOwner) AND #leaseOwner = :v3))"
        );
        assert_eq!((&renewal.values[":v0"], &renewal.values[":v1"]), (&n(7), &n(8)));
    }
}
