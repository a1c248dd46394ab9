//! A worker's row, read.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use kcl_core::ids::WorkerId;
use kcl_core::lease::{Instance, Version};
use kcl_core::member::{Member, Wake, smoothed};
use kcl_core::time::Timestamp;

use crate::keys::Keys;
use crate::schema::{
    Attribute, CAP, CPU, ENTITY_TYPE, INSTANCE, LEASE_KEY, LEAVING, LIMITS, LOOK, MEANS, OUR_REPORT, REPORTED, WAKES,
    WORKER,
};
use crate::values::{Item, Malformed, flag, number, required_text, text, texts, wrong_type};

/// Means or limits, by the short name of what is measured.
type Series<'a> = BTreeMap<&'a str, Vec<f64>>;

/// Reads a worker's row, or `None` if the item is something else, or was never reported.
///
/// What this library wrote into a row counts only while no other one reported under the same id.
pub(crate) fn member(keys: &Keys, item: &Item) -> Result<Option<Member>, Malformed> {
    if text(item, ENTITY_TYPE)? != Some(WORKER) {
        return Ok(None);
    }
    let Some(reported) = number(item, REPORTED)? else {
        return Ok(None);
    };
    let (means, limits) = (series(item, MEANS)?, series(item, LIMITS)?);
    let mut member = Member {
        worker: WorkerId::from(required_text(item, LEASE_KEY)?),
        instance: None,
        reported: Timestamp::from_millis(reported.saturating_mul(1000)),
        leaving: false,
        assignable: is_assignable(means.as_ref(), limits.as_ref()),
        cap: None,
        utilization: means.as_ref().and_then(|means| smoothed(means.get(CPU)?)),
        wakes: Vec::new(),
    };
    if number(item, OUR_REPORT)? == Some(reported) {
        member.instance = instance(item)?;
        member.leaving = flag(item, LEAVING)?;
        member.cap = number(item, CAP)?.map(|cap| usize::try_from(cap).unwrap_or(usize::MAX));
        member.wakes = texts(item, WAKES)?.iter().filter_map(|hint| wake(keys, hint)).collect();
        member.wakes.sort_unstable();
    }
    Ok(Some(member))
}

/// As the Java KCL decides it: each measure has a limit above zero, and could be taken the last time. Nothing measured at
/// all is fine, but it must be said.
fn is_assignable(means: Option<&Series<'_>>, limits: Option<&Series<'_>>) -> bool {
    let (Some(means), Some(limits)) = (means, limits) else {
        return false;
    };
    means.iter().all(|(name, means)| {
        let limited = limits.get(name).and_then(|limits| limits.first()).is_some_and(|limit| *limit > 0.0);
        limited && means.last().is_none_or(|last| *last >= 0.0)
    })
}

fn instance(item: &Item) -> Result<Option<Instance>, Malformed> {
    let parse = |digits| u64::from_str_radix(digits, 16).map(Instance::new);
    let instance = text(item, INSTANCE)?.map(parse).transpose();
    instance.map_err(|_| Malformed::new(INSTANCE, "is not a hexadecimal number of 64 bits"))
}

/// What cannot be understood wakes nobody.
fn wake(keys: &Keys, hint: &str) -> Option<Wake> {
    if hint == LOOK {
        return Some(Wake::Look);
    }
    let (lease_key, version) = hint.rsplit_once('#')?;
    Some(Wake::Lease(keys.shard_of_key(lease_key)?, Version::new(version.parse().ok()?)))
}

fn series(item: &Item, attribute: Attribute) -> Result<Option<Series<'_>>, Malformed> {
    let by_name = match item.get(attribute.name()) {
        None => return Ok(None),
        Some(AttributeValue::M(by_name)) => by_name,
        Some(other) => return Err(wrong_type(attribute, "M", other)),
    };
    let series = by_name.iter().map(|(name, list)| Some((name.as_str(), numbers(list)?))).collect::<Option<_>>();
    series.map(Some).ok_or_else(|| Malformed::new(attribute, "does not hold lists of numbers"))
}

fn numbers(list: &AttributeValue) -> Option<Vec<f64>> {
    list.as_l().ok()?.iter().map(|number| number.as_n().ok()?.parse().ok()).collect()
}
