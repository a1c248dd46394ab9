//! Workers' rows: every write to one as DynamoDB's expressions. Nothing is sent from here.
//!
//! The attributes without `rs_` are those that the Java KCL reads, and it must find all of them in any row: nothing here
//! makes a row but a report, which has them all.

mod row;

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use kcl_core::lease::Instance;
use kcl_core::member::{Member, MemberReport, Over, Wake};
use kcl_core::time::Timestamp;

use crate::expressions::Expressions;
use crate::keys::{ForeignShard, Keys};
use crate::schema::{
    CAP, CPU, ENTITY_TYPE, INSTANCE, LEASE_KEY, LEAVING, LIMITS, LOOK, MEANS, ONE_TABLE, OUR_REPORT, PROTOCOL,
    PROTOCOL_VERSION, REPORTED, SUPPORT, SUPPORT_SINCE, WAKES, WORKER,
};
use crate::values::{decimal_value, n, s};

pub(crate) use self::row::member;

/// The most means that a row has, as the Java KCL's.
const MOST_MEANS: usize = 10;
/// The most hints that are written one by one: with names as long as they get about 20 KB.
const MOST_WAKES: usize = 100;
/// By how much a leaving worker's row is made older: far beyond the minute for which the Java KCL gives leases to its
/// worker, far below the day after which it deletes the row.
const RESIGNED_SINCE_SECONDS: u64 = 600;

/// A worker reports.
pub(crate) fn report(report: &MemberReport) -> Expressions {
    let mut request = Expressions::default();
    match report.over {
        Over::Own => request.require_process(report.instance),
        Over::Seen(Some(instance)) => {
            request.require_process(instance);
            request.begin_anew(report.instance);
        }
        Over::Seen(None) => {
            let (key, kind, worker) = (request.name(LEASE_KEY), request.name(ENTITY_TYPE), request.value(s(WORKER)));
            let nobodys = request.of_no_process();
            request.require_that(format!("(attribute_not_exists({key}) OR ({kind} = {worker} AND {nobodys}))"));
            request.begin_anew(report.instance);
        }
    }
    let now = n(seconds(report.now));
    request.set(ENTITY_TYPE, s(WORKER));
    request.set(REPORTED, now.clone());
    request.set(SUPPORT, n(ONE_TABLE));
    request.set(SUPPORT_SINCE, now.clone());
    request.set(OUR_REPORT, now);
    request.set(PROTOCOL, n(PROTOCOL_VERSION));
    let (means, limits) = measures(&report.utilization);
    request.set(MEANS, means);
    request.set(LIMITS, limits);
    match report.cap.and_then(|cap| u64::try_from(cap).ok()) {
        Some(cap) => request.set(CAP, n(cap)),
        None => request.remove(CAP),
    }
    request
}

/// What a worker measured, and the most that it should be: both empty if it did not.
fn measures(means: &[f64]) -> (AttributeValue, AttributeValue) {
    let means: Vec<_> = means.iter().copied().filter_map(decimal_value).collect();
    if means.is_empty() {
        return (AttributeValue::M(HashMap::new()), AttributeValue::M(HashMap::new()));
    }
    let latest = means[means.len().saturating_sub(MOST_MEANS)..].to_vec();
    let of_cpu = |list| AttributeValue::M(HashMap::from([(CPU.to_owned(), AttributeValue::L(list))]));
    (of_cpu(latest), of_cpu(vec![n(100)]))
}

/// A worker of this library that does not leave is woken.
pub(crate) fn wake(keys: &Keys, wakes: &[Wake]) -> Result<Expressions, ForeignShard> {
    let mut request = Expressions::default();
    let ours = request.of_a_process();
    request.require_that(ours);
    request.require_absent(LEAVING);
    let hints = if wakes.len() > MOST_WAKES { vec![LOOK.to_owned()] } else { hints(keys, wakes)? };
    request.add(WAKES, AttributeValue::Ss(hints));
    Ok(request)
}

/// Hints are taken out of a row, if there is one.
pub(crate) fn consumption(keys: &Keys, wakes: &[Wake]) -> Result<Expressions, ForeignShard> {
    let mut request = Expressions::default();
    request.require_present(REPORTED);
    request.delete(WAKES, AttributeValue::Ss(hints(keys, wakes)?));
    Ok(request)
}

fn hints(keys: &Keys, wakes: &[Wake]) -> Result<Vec<String>, ForeignShard> {
    let hint = |wake: &Wake| match wake {
        Wake::Lease(shard, version) => Ok(format!("{}#{version}", keys.lease_key(shard)?)),
        Wake::Look => Ok(LOOK.to_owned()),
    };
    // Two equal ones would be no set.
    Ok(wakes.iter().map(hint).collect::<Result<BTreeSet<_>, _>>()?.into_iter().collect())
}

/// A worker of this library leaves.
pub(crate) fn resignation(instance: Instance, now: Timestamp) -> Expressions {
    let mut request = Expressions::default();
    request.require_process(instance);
    let long_ago = n(seconds(now).saturating_sub(RESIGNED_SINCE_SECONDS));
    request.set(LEAVING, AttributeValue::Bool(true));
    request.set(REPORTED, long_ago.clone());
    request.set(OUR_REPORT, long_ago);
    request
}

/// A row is removed that is as it was seen.
pub(crate) fn removal(seen: &Member) -> Expressions {
    let mut request = Expressions::default();
    request.require(ENTITY_TYPE, s(WORKER));
    if let Some(instance) = seen.instance {
        request.require_process(instance);
    } else {
        request.require(REPORTED, n(seconds(seen.reported)));
        let nobodys = request.of_no_process();
        request.require_that(nobodys);
    }
    request
}

fn seconds(time: Timestamp) -> u64 {
    time.millis() / 1000
}

impl Expressions {
    /// The row is this process's.
    fn require_process(&mut self, instance: Instance) {
        self.require(INSTANCE, s(instance.to_string()));
        let ours = self.of_a_process();
        self.require_that(ours);
    }

    /// A worker of this library wrote the row last: a Java worker moves `lut` alone.
    fn of_a_process(&mut self) -> String {
        let (instance, ours, reported) = (self.name(INSTANCE), self.name(OUR_REPORT), self.name(REPORTED));
        format!("attribute_exists({instance}) AND {ours} = {reported}")
    }

    /// A worker of another library did, or nobody.
    fn of_no_process(&mut self) -> String {
        let (instance, ours, reported) = (self.name(INSTANCE), self.name(OUR_REPORT), self.name(REPORTED));
        format!(
            "(attribute_not_exists({instance}) OR attribute_not_exists({ours}) OR attribute_not_exists({reported}) OR \
             {ours} <> {reported})"
        )
    }

    fn begin_anew(&mut self, instance: Instance) {
        self.set(INSTANCE, s(instance.to_string()));
        self.remove(LEAVING);
        self.remove(WAKES);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use kcl_core::ids::{ShardKey, StreamId, WorkerId};
    use kcl_core::lease::Version;

    use super::*;

    const ME: Instance = Instance::new(0xfeed);

    fn reported(over: Over, cap: Option<usize>) -> MemberReport {
        let now = Timestamp::from_millis(1_800_000_000_999);
        MemberReport { worker: WorkerId::new("me"), instance: ME, over, now, cap, utilization: vec![12.5] }
    }

    /// For the checks of all expressions, beside those of leases.
    pub(crate) fn every_request() -> Vec<Expressions> {
        let keys = Keys::Single(StreamId::named("orders"));
        let shard = ShardKey::new(StreamId::named("orders"), "shardId-0");
        let wakes = [Wake::Look, Wake::Lease(shard, Version::new(7))];
        let row = |instance| Member {
            worker: WorkerId::new("me"),
            instance,
            reported: Timestamp::from_millis(1_800_000_000_000),
            leaving: false,
            assignable: true,
            cap: None,
            utilization: None,
            wakes: Vec::new(),
        };
        vec![
            report(&reported(Over::Own, None)),
            report(&reported(Over::Own, Some(3))),
            report(&reported(Over::Seen(None), None)),
            report(&reported(Over::Seen(Some(ME)), Some(0))),
            wake(&keys, &wakes).expect("its own"),
            consumption(&keys, &wakes).expect("its own"),
            resignation(ME, Timestamp::from_millis(1_800_000_000_000)),
            removal(&row(None)),
            removal(&row(Some(ME))),
        ]
    }

    #[test]
    fn only_a_worker_of_this_library_is_woken() {
        let keys = Keys::Single(StreamId::named("orders"));
        let shard = ShardKey::new(StreamId::named("orders"), "shardId-0");
        let hint = Wake::Lease(shard, Version::new(7));
        let woken = wake(&keys, &[hint.clone(), hint, Wake::Look]).expect("its own");
        assert_eq!(
            woken.condition(),
            "attribute_exists(#rs_inst) AND #rs_lut = #lut AND attribute_not_exists(#rs_leaving)"
        );
        assert_eq!(woken.update(), "ADD #rs_wake :v0");
        let expected = vec!["*".to_owned(), "shardId-0#7".to_owned()];
        assert_eq!(woken.values[":v0"], AttributeValue::Ss(expected));
    }

    #[test]
    fn a_report_has_what_is_a_measurement_with_six_decimals_and_the_last_ten() {
        let list = |value: &AttributeValue| value.as_m().ok().and_then(|map| map.get("C")?.as_l().ok().cloned());
        let (means, limits) = measures(&[f64::NAN, -1.0, f64::INFINITY]);
        assert_eq!((means, limits), (AttributeValue::M(HashMap::new()), AttributeValue::M(HashMap::new())));
        let many: Vec<f64> = (0..12).map(f64::from).chain([-1.0, 1.0 / 3.0]).collect();
        let (means, limits) = measures(&many);
        let means: Vec<_> = list(&means).into_iter().flatten().filter_map(|mean| mean.as_n().ok().cloned()).collect();
        assert_eq!(means, ["3", "4", "5", "6", "7", "8", "9", "10", "11", "0.333333"]);
        assert_eq!(list(&limits), Some(vec![n(100)]));
    }
}
