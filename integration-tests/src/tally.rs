//! Adds up what the lines of many runs say.

use std::collections::BTreeMap;
use std::fmt;

use crate::faults::Class;
use crate::rare::Rare;

/// The sums over many runs, each known by its line.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Tally {
    runs: u64,
    sums: BTreeMap<String, f64>,
    faults: BTreeMap<String, u64>,
}

/// What the last line says, in this order.
const TOLD: [&str; 11] = [
    "records",
    "deliveries",
    "requests",
    "commits",
    "kills",
    "stops",
    "reshards",
    "passed",
    "leaders",
    "subscriptions",
    "violations",
];

impl Tally {
    /// Adds a run by its line: `name=number` again and again, and the faults by class.
    pub fn add(&mut self, line: &str) {
        self.runs += 1;
        for (name, value) in line.split_whitespace().filter_map(|pair| pair.split_once('=')) {
            let (number, classes) = value.split_once('(').unwrap_or((value, ""));
            if let Ok(number) = number.parse::<f64>() {
                *self.sums.entry(name.to_owned()).or_default() += number;
            }
            for (class, count) in classes.trim_end_matches(')').split(',').filter_map(|part| part.split_once(':')) {
                *self.faults.entry(class.to_owned()).or_default() += count.parse::<u64>().unwrap_or(0);
            }
        }
    }

    /// How often something was counted.
    #[must_use]
    pub fn sum(&self, name: &str) -> f64 {
        self.sums.get(name).copied().unwrap_or(0.0)
    }

    /// The classes of faults that no run met.
    #[must_use]
    pub fn unmet_faults(&self) -> Vec<String> {
        let all = Class::ALL.into_iter().chain(Class::PUSHED).chain([Class::Frozen]);
        all.map(|class| class.to_string()).filter(|class| !self.faults.contains_key(class)).collect()
    }

    /// The rare states that no run was in.
    #[must_use]
    pub fn unmet_states(&self) -> Vec<&'static str> {
        let names = Rare::default().counts().into_iter().map(|(name, _)| name);
        names.filter(|name| self.sum(name) == 0.0).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults = self.faults.iter().map(|(class, count)| format!("{class}:{count}")).collect::<Vec<_>>().join(" ");
        let rare: Vec<_> = Rare::default().counts().into_iter().map(|(name, _)| name).collect();
        let rare = rare.iter().map(|name| format!("{name}:{}", self.sum(name))).collect::<Vec<_>>().join(" ");
        writeln!(f, "faults: {faults}")?;
        writeln!(f, "rare states: {rare}")?;
        write!(
            f,
            "seeds={} virtual_hours={:.1} faults={}",
            self.runs,
            self.sum("virtual_s") / 3600.0,
            self.sum("faults")
        )?;
        TOLD.iter().try_for_each(|name| write!(f, " {name}={}", self.sum(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_up() {
        let mut tally = Tally::default();
        tally.add(
            "seed=7 virtual_s=1800.0 records=500 faults=3(late:2,push-cut:1) commits=4 twin=1 violations=0 trace=ff00",
        );
        tally.add("seed=8 virtual_s=1800.0 records=700 faults=1(late:1) commits=6 violations=2 trace=00");
        assert_eq!((tally.sum("records"), tally.sum("twin"), tally.sum("violations")), (1200.0, 1.0, 2.0));
        let text = tally.to_string();
        assert!(text.contains("faults: late:3 push-cut:1"), "{text}");
        assert!(text.contains("seeds=2 virtual_hours=1.0 faults=4 records=1200"), "{text}");
        assert!(
            !tally.unmet_faults().contains(&"late".to_owned()) && tally.unmet_faults().contains(&"frozen".to_owned())
        );
        assert!(!tally.unmet_states().contains(&"twin") && tally.unmet_states().contains(&"lease_taken"));
    }
}
