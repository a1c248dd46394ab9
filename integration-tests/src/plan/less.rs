//! Plans with less in them: what a failing seed is made smaller by.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::Plan;
use crate::handling::Handling;
use crate::site::Clocks;

/// Something left out of a plan. Its numbers are those of the plan as it was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cut {
    /// The worker of this slot never starts. Those of Java come after ours.
    Worker(usize),
    /// A time in which something goes wrong.
    Window(usize),
    /// Something that is done to the fleet or the stream.
    Deed(usize),
    /// The stream begins with so many shards.
    Shards(u32),
    /// Processors do well and are quick.
    Handling,
    /// All clocks are right.
    Clocks,
    /// Reads of the table are up to date, and its index is there at once.
    Stale,
    /// Nobody comes back reading in the other way.
    Switches,
    /// It need not go on until enough was stored and has gone wrong.
    Enough,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker(slot) => write!(f, "worker-{slot}"),
            Self::Window(number) => write!(f, "window-{number}"),
            Self::Deed(number) => write!(f, "deed-{number}"),
            Self::Shards(count) => write!(f, "shards-{count}"),
            Self::Handling => f.write_str("handling"),
            Self::Clocks => f.write_str("clocks"),
            Self::Stale => f.write_str("stale"),
            Self::Switches => f.write_str("switches"),
            Self::Enough => f.write_str("enough"),
        }
    }
}

impl FromStr for Cut {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("`{text}` is nothing that can be left out of a plan");
        let Some((what, number)) = text.split_once('-') else {
            let all = [Self::Handling, Self::Clocks, Self::Stale, Self::Switches, Self::Enough];
            return all.into_iter().find(|cut| cut.to_string() == text).ok_or_else(unknown);
        };
        let number: u32 = number.parse().map_err(|_| unknown())?;
        let index = usize::try_from(number).map_err(|_| unknown())?;
        Ok(match what {
            "worker" => Self::Worker(index),
            "window" => Self::Window(index),
            "deed" => Self::Deed(index),
            "shards" => Self::Shards(number),
            _ => return Err(unknown()),
        })
    }
}

impl Plan {
    /// What can be left out of it, what tells a reader most first.
    #[must_use]
    pub fn cuts(&self) -> Vec<Cut> {
        let windows = (0..self.windows.len()).map(Cut::Window);
        let deeds = (0..self.deeds.len()).map(Cut::Deed);
        let workers = (0..self.starts.len() + self.java.len()).map(Cut::Worker);
        let wrong = |clocks: &Clocks| *clocks != Clocks::default();
        let clocks = self.clocks.iter().any(wrong) || self.java.iter().any(|member| member.skew_ms != 0);
        let dynamodb = &self.services.dynamodb;
        let stale = dynamodb.stale_reads.is_some() || !(dynamodb.index_creating + dynamodb.index_lag).is_zero();
        let rest = [
            (Cut::Handling, true),
            (Cut::Clocks, clocks),
            (Cut::Stale, stale),
            (Cut::Switches, self.switches),
            (Cut::Enough, true),
        ];
        let rest = rest.into_iter().filter(|(_, is_in)| *is_in).map(|(cut, _)| cut);
        let shards = (1..self.shards).map(Cut::Shards);
        workers.chain(deeds).chain(windows).chain(rest).chain(shards).collect()
    }

    /// Whether any worker is left when these are left out: what nobody reads says nothing.
    #[must_use]
    pub fn has_workers_without(&self, cuts: &[Cut]) -> bool {
        (0..self.starts.len() + self.java.len()).any(|slot| !cuts.contains(&Cut::Worker(slot)))
    }

    /// The plan without these. What is not in it is left out already.
    #[must_use]
    pub fn without(mut self, cuts: &[Cut]) -> Self {
        self.windows = kept(self.windows, |number| cuts.contains(&Cut::Window(number)));
        self.deeds = kept(self.deeds, |number| cuts.contains(&Cut::Deed(number)));
        for cut in cuts {
            match *cut {
                Cut::Worker(slot) => drop(self.absent.insert(slot)),
                Cut::Window(_) | Cut::Deed(_) => {}
                Cut::Shards(count) => self.shards = self.shards.min(count),
                Cut::Handling => self.handling = Handling::default(),
                Cut::Clocks => {
                    self.clocks.fill(Clocks::default());
                    self.java.iter_mut().for_each(|member| member.skew_ms = 0);
                }
                Cut::Stale => {
                    self.services.dynamodb.stale_reads = None;
                    self.services.dynamodb.index_creating = Duration::ZERO;
                    self.services.dynamodb.index_lag = Duration::ZERO;
                }
                Cut::Switches => self.switches = false,
                Cut::Enough => (self.records, self.faults) = (0, 0),
            }
        }
        self
    }
}

fn kept<T>(all: Vec<T>, is_cut: impl Fn(usize) -> bool) -> Vec<T> {
    all.into_iter().enumerate().filter(|(number, _)| !is_cut(*number)).map(|(_, one)| one).collect()
}

impl fmt::Display for Plan {
    /// What happens in it, one thing a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "failover {:?}, {} shards, calm from {:?}", self.failover, self.shards, self.calm)?;
        writeln!(f, "{:?}", self.handling)?;
        writeln!(f, "DynamoDB: {:?}", self.services.dynamodb)?;
        for (slot, (start, clocks)) in self.starts.iter().zip(&self.clocks).enumerate() {
            if !self.absent.contains(&slot) {
                let reading = self.readings.get(slot);
                writeln!(f, "worker {slot} starts at {start:?}: {reading:?} {clocks:?}")?;
            }
        }
        for (slot, java) in (self.starts.len()..).zip(&self.java) {
            if !self.absent.contains(&slot) {
                writeln!(f, "worker {slot} is of Java: {java:?}")?;
            }
        }
        for window in &self.windows {
            writeln!(f, "{window:?}")?;
        }
        for (at, deed) in &self.deeds {
            writeln!(f, "at {at:?}: {deed:?}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_is_read_as_it_is_written_and_leaves_its_own_out() {
        for seed in 1..40 {
            let plan = Plan::draw(seed);
            for cut in plan.cuts() {
                assert_eq!(cut.to_string().parse(), Ok(cut));
                let less = Plan::draw(seed).without(&[cut]);
                assert_ne!(format!("{less:?}"), format!("{plan:?}"), "seed {seed}: {cut}");
            }
        }
        assert!("deed-x".parse::<Cut>().is_err() && "deed".parse::<Cut>().is_err() && "x-1".parse::<Cut>().is_err());
    }

    #[test]
    fn a_plan_without_everything_is_empty_but_for_its_stream() {
        let plan = Plan::draw(7);
        let cuts = plan.cuts();
        let workers = plan.starts.len() + plan.java.len();
        let less = plan.without(&cuts);
        assert!(less.windows.is_empty() && less.deeds.is_empty());
        assert_eq!((less.shards, less.absent.len()), (1, workers));
    }
}
