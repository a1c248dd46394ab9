//! What can be set about the DynamoDB model.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use super::throttle::Throttle;

/// How the DynamoDB model behaves. The defaults are those of a quiet region: resources take as long to appear as they
/// usually do, and reads are never stale.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The region in ARNs. Default `us-east-1`.
    pub region: String,
    /// The account in ARNs. Default `123456789012`, the account of the examples in the AWS documentation.
    pub account: String,
    /// How long a new table is `CREATING`. Default 8 s.
    pub table_creating: Duration,
    /// How long an index added to a live table is `CREATING`. Default 60 s. For the first sixth of it the table is
    /// `UPDATING` while resources are allocated; for the rest the table is `ACTIVE` and the index is backfilled.
    pub index_creating: Duration,
    /// How long a write takes to show in a global secondary index. Default 0: at once.
    pub index_lag: Duration,
    /// Stale answers to eventually consistent reads. Default `None`: every read sees every earlier write.
    pub stale_reads: Option<StaleReads>,
    /// Limits of capacity by table name. Default empty: nothing is throttled, as on-demand tables of a small load.
    pub throttles: BTreeMap<String, Throttle>,
}

/// How eventually consistent reads go wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StaleReads {
    /// The oldest state that a stale read may see, in age. A copy of the tables follows the writes with a delay that
    /// varies between zero and this, in order.
    pub max_age: Duration,
    /// How often a read that is not strongly consistent is answered from that copy: 0 to 1. Two reads in a row may
    /// therefore go back in time, as two replicas of the service may.
    pub probability: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            account: "123456789012".to_owned(),
            table_creating: Duration::from_secs(8),
            index_creating: Duration::from_mins(1),
            index_lag: Duration::ZERO,
            stale_reads: None,
            throttles: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// One line for each setting that is not the default, for a log or a banner.
    pub fn changed(&self) -> Vec<String> {
        let default = Self::default();
        let mut lines = Vec::new();
        note(&mut lines, "region", &self.region, &default.region);
        note(&mut lines, "account", &self.account, &default.account);
        note(&mut lines, "table_creating", &self.table_creating, &default.table_creating);
        note(&mut lines, "index_creating", &self.index_creating, &default.index_creating);
        note(&mut lines, "index_lag", &self.index_lag, &default.index_lag);
        note(&mut lines, "stale_reads", &self.stale_reads, &default.stale_reads);
        note(&mut lines, "throttles", &self.throttles, &default.throttles);
        lines
    }
}

fn note<T: Debug + PartialEq>(lines: &mut Vec<String>, name: &str, value: &T, default: &T) {
    if value != default {
        lines.push(format!("{name} = {value:?} (default {default:?})"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_nothing_to_say() {
        assert_eq!(Settings::default().changed(), Vec::<String>::new());
    }

    #[test]
    fn every_changed_setting_is_named_with_its_default() {
        let settings = Settings {
            region: "eu-west-1".to_owned(),
            account: "1".to_owned(),
            table_creating: Duration::ZERO,
            index_creating: Duration::ZERO,
            index_lag: Duration::from_secs(2),
            stale_reads: Some(StaleReads { max_age: Duration::from_secs(1), probability: 0.5 }),
            throttles: BTreeMap::from([("leases".to_owned(), Throttle::default())]),
        };
        let changed = settings.changed();
        assert_eq!(changed.len(), 7);
        assert_eq!(changed[2], "table_creating = 0ns (default 8s)");
    }
}
