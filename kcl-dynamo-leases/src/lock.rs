//! The leader lock, as the DynamoDB lock client 1.4.0 keeps it: read, and its writes. Nothing is sent from here.

use std::time::Duration;

use kcl_core::ids::WorkerId;
use kcl_core::member::LeaderLock;

use crate::expressions::Expressions;
use crate::schema::{ENTITY_TYPE, LEADER, LEASE_KEY, LOCK_KEY, LOCK_LASTS, LOCK_OWNER, LOCK_RELEASED, LOCK_VERSION};
use crate::values::{Item, Malformed, required_text, s, text};

/// What `isReleased` says.
const RELEASED: &str = "1";

/// Reads the lock, or `None` if the item is something else.
pub(crate) fn lock(item: &Item) -> Result<Option<LeaderLock>, Malformed> {
    if text(item, LEASE_KEY)? != Some(LOCK_KEY) || text(item, ENTITY_TYPE)? != Some(LEADER) {
        return Ok(None);
    }
    let lasts = required_text(item, LOCK_LASTS)?.parse().map(Duration::from_millis);
    Ok(Some(LeaderLock {
        owner: WorkerId::from(required_text(item, LOCK_OWNER)?),
        version: required_text(item, LOCK_VERSION)?.to_owned(),
        lasts: lasts.map_err(|_| Malformed::new(LOCK_LASTS, "is not a number of milliseconds"))?,
        released: text(item, LOCK_RELEASED)? == Some(RELEASED),
    }))
}

/// The whole item, as an acquisition writes it.
pub(crate) fn item(lock: &LeaderLock) -> Item {
    let attributes = [
        (LEASE_KEY, LOCK_KEY.to_owned()),
        (ENTITY_TYPE, LEADER.to_owned()),
        (LOCK_OWNER, lock.owner.as_str().to_owned()),
        (LOCK_LASTS, lock.lasts.as_millis().to_string()),
        (LOCK_VERSION, lock.version.clone()),
    ];
    let released = lock.released.then(|| (LOCK_RELEASED, RELEASED.to_owned()));
    let attributes = attributes.into_iter().chain(released);
    attributes.map(|(attribute, text)| (attribute.name().to_owned(), s(text))).collect()
}

/// It is absent, given back, or as it was seen.
pub(crate) fn acquisition(seen: Option<&LeaderLock>) -> Expressions {
    let mut request = Expressions::default();
    let (key, released, yes) = (request.name(LEASE_KEY), request.name(LOCK_RELEASED), request.value(s(RELEASED)));
    let mut condition = format!("attribute_not_exists({key}) OR {released} = {yes}");
    if let Some(seen) = seen {
        let (version, as_seen) = (request.name(LOCK_VERSION), request.value(s(seen.version.as_str())));
        condition = format!("{condition} OR {version} = {as_seen}");
    }
    request.require_that(condition);
    request
}

/// It is held on.
pub(crate) fn beat(from: &str, new: &LeaderLock) -> Expressions {
    let mut request = held(&new.owner, from);
    request.set(LOCK_LASTS, s(new.lasts.as_millis().to_string()));
    request.set(LOCK_VERSION, s(new.version.as_str()));
    if new.released {
        request.set(LOCK_RELEASED, s(RELEASED));
    }
    request
}

/// It is given back.
pub(crate) fn release(lock: &LeaderLock) -> Expressions {
    held(&lock.owner, &lock.version)
}

fn held(by: &WorkerId, version: &str) -> Expressions {
    let mut request = Expressions::default();
    request.require_present(LEASE_KEY);
    request.require(LOCK_VERSION, s(version));
    request.require(LOCK_OWNER, s(by.as_str()));
    request
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// For the checks of all expressions, beside those of leases.
    pub(crate) fn every_request() -> Vec<Expressions> {
        let lasts = Duration::from_secs(15);
        let held = LeaderLock { owner: WorkerId::new("me"), version: "1".to_owned(), lasts, released: false };
        let released = LeaderLock { released: true, ..held.clone() };
        vec![acquisition(None), acquisition(Some(&held)), beat("0", &held), beat("0", &released), release(&held)]
    }
}
