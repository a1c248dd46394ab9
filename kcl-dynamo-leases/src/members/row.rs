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
    let Some(seconds) = number(item, REPORTED)? else {
        return Ok(None);
    };
    let reported = seconds.checked_mul(1000).map(Timestamp::from_millis);
    let (means, limits) = (series(item, MEANS)?, series(item, LIMITS)?);
    let mut member = Member {
        worker: WorkerId::from(required_text(item, LEASE_KEY)?),
        instance: None,
        reported: reported.ok_or_else(|| Malformed::new(REPORTED, format!("is {seconds}, not a time in seconds")))?,
        leaving: false,
        assignable: is_assignable(means.as_ref(), limits.as_ref()),
        cap: None,
        utilization: means.as_ref().and_then(|means| smoothed(means.get(CPU)?)),
        wakes: Vec::new(),
    };
    if number(item, OUR_REPORT)? == Some(seconds) {
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

/// Writes are conditioned on it, text for text: another text of the same number would be one that no write meets.
fn instance(item: &Item) -> Result<Option<Instance>, Malformed> {
    let Some(digits) = text(item, INSTANCE)? else {
        return Ok(None);
    };
    let instance = u64::from_str_radix(digits, 16).ok().map(Instance::new);
    let instance = instance.filter(|instance| instance.to_string() == digits);
    instance.map(Some).ok_or_else(|| Malformed::new(INSTANCE, "is not a hexadecimal number of 64 bits"))
}

/// What cannot be understood wakes nobody; nor does what could not be taken out of the row again, since a hint is taken
/// out by its text.
fn wake(keys: &Keys, hint: &str) -> Option<Wake> {
    if hint == LOOK {
        return Some(Wake::Look);
    }
    let (lease_key, version) = hint.rsplit_once('#')?;
    let number = version.parse().ok().map(Version::new).filter(|number| number.to_string() == version)?;
    Some(Wake::Lease(keys.shard_of_key(lease_key)?, number))
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

#[cfg(test)]
mod tests {
    use kcl_core::ids::{ShardKey, StreamId};

    use super::*;
    use crate::values::{n, s};

    /// A worker of this library reported, and wrote this too.
    fn read(attribute: Attribute, value: AttributeValue) -> Result<Option<Member>, Malformed> {
        let row = [
            (LEASE_KEY, s("me")),
            (ENTITY_TYPE, s(WORKER)),
            (REPORTED, n(9)),
            (OUR_REPORT, n(9)),
            (INSTANCE, s("000000000000feed")),
            (attribute, value),
        ];
        let row = row.map(|(attribute, value)| (attribute.name().to_owned(), value)).into();
        member(&Keys::Single(StreamId::named("orders")), &row)
    }

    #[test]
    fn a_process_is_known_by_one_text_only() {
        assert!(read(CAP, n(1)).expect("read").is_some_and(|member| member.instance == Some(Instance::new(0xfeed))));
        for text in ["feed", "000000000000FEED", "+00000000000feed", "0000000000000feed", ""] {
            let why = read(INSTANCE, s(text)).expect_err(text);
            assert_eq!(why.to_string(), "attribute rs_inst is not a hexadecimal number of 64 bits");
        }
    }

    #[test]
    fn a_hint_that_could_not_be_taken_out_again_wakes_nobody() {
        let hints = ["a#7", "a#07", "a#+7", "a#"].map(str::to_owned).to_vec();
        let member = read(WAKES, AttributeValue::Ss(hints)).expect("read").expect("a row");
        let shard = ShardKey::new(StreamId::named("orders"), "a");
        assert_eq!(member.wakes, [Wake::Lease(shard, Version::new(7))]);
    }

    #[test]
    fn a_report_beyond_all_time_is_refused() {
        // Rounded to the end of time it would be another, and the row could not be removed as it was seen.
        let why = read(REPORTED, n(i64::MAX.unsigned_abs())).expect_err("no time");
        assert_eq!(why.to_string(), "attribute lut is 9223372036854775807, not a time in seconds");
    }
}
