//! Every write to a lease as DynamoDB's expressions. Nothing is sent from here.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use kcl_core::ids::WorkerId;
use kcl_core::lease::Lease;
use kcl_core::position::Position;
use kcl_core::store::{LeaseAction, LeaseWrite};

use crate::item::{n, position_values, s, shards_value, throughput_value, time_value};
use crate::keys::Keys;
use crate::schema::{
    Attribute, BORN, CHECKPOINT, CHECKPOINT_OWNER, CHECKPOINT_SUB, CHILDREN, LEASE_COUNTER, LEASE_KEY, LEASE_OWNER,
    OWNER_SWITCHES, PENDING, PENDING_STATE, PENDING_SUB, STAMP, START, THROUGHPUT,
};

/// The expressions of one conditional request. All attributes that they do not name stay as they are.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Expressions {
    set: Vec<String>,
    add: Vec<String>,
    remove: Vec<String>,
    conditions: Vec<String>,
    pub(crate) names: HashMap<String, String>,
    pub(crate) values: HashMap<String, AttributeValue>,
}

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
            request.require_owner(LEASE_OWNER, seen.owner.as_ref());
            request.require_owner(CHECKPOINT_OWNER, seen.checkpoint_owner.as_ref());
            request.set(LEASE_OWNER, s(by.as_str()));
            request.remove(CHECKPOINT_OWNER);
            request.add(OWNER_SWITCHES, 1);
            request.set_if_absent(BORN, time_value(write.now));
        }
        LeaseAction::Renew { throughput_kbps } => {
            request.require_holder(by);
            request.set_throughput(*throughput_kbps);
        }
        LeaseAction::Checkpoint { position, throughput_kbps, children } => {
            request.require_holder(by);
            request.commit(position);
            request.set_throughput(*throughput_kbps);
            if let Some(children) = shards_value(children) {
                request.set(CHILDREN, children);
            }
            for (attribute, text) in keys.attributes(&seen.shard) {
                request.set(attribute, s(text));
            }
        }
        LeaseAction::Free { checkpoint } => {
            request.require_holder(by);
            if let Some(position) = checkpoint {
                request.commit(position);
            }
            request.remove(LEASE_OWNER);
            request.remove(CHECKPOINT_OWNER);
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

impl Expressions {
    /// The update expression, if the request is an update.
    pub(crate) fn update(&self) -> String {
        let sections = [("SET", &self.set), ("ADD", &self.add), ("REMOVE", &self.remove)];
        let sections = sections.into_iter().filter(|(_, parts)| !parts.is_empty());
        sections.map(|(section, parts)| format!("{section} {}", parts.join(", "))).collect::<Vec<_>>().join(" ")
    }

    /// The condition expression.
    pub(crate) fn condition(&self) -> String {
        self.conditions.join(" AND ")
    }

    /// The values, or `None`: DynamoDB refuses an empty map.
    pub(crate) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }

    fn name(&mut self, attribute: Attribute) -> String {
        let alias = attribute.alias();
        self.names.insert(alias.clone(), attribute.name().to_owned());
        alias
    }

    fn value(&mut self, value: AttributeValue) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    fn set(&mut self, attribute: Attribute, value: AttributeValue) {
        let part = format!("{} = {}", self.name(attribute), self.value(value));
        self.set.push(part);
    }

    fn set_if_absent(&mut self, attribute: Attribute, value: AttributeValue) {
        let (name, value) = (self.name(attribute), self.value(value));
        self.set.push(format!("{name} = if_not_exists({name}, {value})"));
    }

    fn add(&mut self, attribute: Attribute, amount: u64) {
        let part = format!("{} {}", self.name(attribute), self.value(n(amount)));
        self.add.push(part);
    }

    fn remove(&mut self, attribute: Attribute) {
        let name = self.name(attribute);
        self.remove.push(name);
    }

    fn require(&mut self, attribute: Attribute, value: AttributeValue) {
        let condition = format!("{} = {}", self.name(attribute), self.value(value));
        self.conditions.push(condition);
    }

    fn require_absent(&mut self, attribute: Attribute) {
        let condition = format!("attribute_not_exists({})", self.name(attribute));
        self.conditions.push(condition);
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
        self.conditions.push(format!(
            "({checkpoint_owner} = {by} OR (attribute_not_exists({checkpoint_owner}) AND {owner} = {by}))"
        ));
    }

    fn set_throughput(&mut self, kbps: Option<f64>) {
        if let Some(value) = kbps.and_then(throughput_value) {
            self.set(THROUGHPUT, value);
        }
    }

    fn commit(&mut self, position: &Position) {
        self.move_to(position);
        self.set(OWNER_SWITCHES, n(0));
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
            LeaseAction::Renew { throughput_kbps: None },
            LeaseAction::Renew { throughput_kbps: Some(1.0) },
            LeaseAction::Checkpoint { position: position.clone(), throughput_kbps: Some(1.0), children },
            LeaseAction::Free { checkpoint: None },
            LeaseAction::Free { checkpoint: Some(position.clone()) },
            LeaseAction::Reset { position: position.clone(), start: None },
            LeaseAction::Reset { position, start: Some(Timestamp::from_millis(1)) },
        ];
        let mut requests: Vec<_> = actions.into_iter().map(change_by).collect();
        requests.extend([creation(), removal(&seen())]);
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
            let changed =
                |parts: &[String]| parts.iter().map(|part| part.split(' ').next().map(str::to_owned)).collect();
            let mut names: Vec<_> = changed(&request.set);
            names.extend::<Vec<_>>(changed(&request.add));
            names.extend::<Vec<_>>(changed(&request.remove));
            assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{request:?}");
        }
    }

    #[test]
    fn a_renewal_is_conditioned_on_the_counter_and_the_holder() {
        let renewal = change_by(LeaseAction::Renew { throughput_kbps: None });
        assert_eq!(renewal.update(), "SET #leaseCounter = :v1, #rs_stamp = :v2");
        assert_eq!(
            renewal.condition(),
            "#leaseCounter = :v0 AND (#checkpointOwner = :v3 OR (attribute_not_exists(#checkpointOwner) AND #leaseOwner = :v3))"
        );
        assert_eq!((&renewal.values[":v0"], &renewal.values[":v1"]), (&n(7), &n(8)));
    }
}
