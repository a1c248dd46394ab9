//! What can be set about a world.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::{dynamodb, kinesis};

/// How a [`Local`](crate::Local) behaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What every random choice of the world follows from. Default 0.
    pub seed: u64,
    /// Time from a request to its answer, in whole milliseconds: uniform in this range, half of it on the way there.
    /// Default 2 ms to 8 ms, an ordinary round trip inside a region, so that virtual time moves and answers overtake
    /// each other.
    pub latency: RangeInclusive<Duration>,
    /// The Kinesis model.
    pub kinesis: kinesis::Settings,
    /// The DynamoDB model.
    pub dynamodb: dynamodb::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            latency: Duration::from_millis(2)..=Duration::from_millis(8),
            kinesis: kinesis::Settings::default(),
            dynamodb: dynamodb::Settings::default(),
        }
    }
}

impl Settings {
    /// Puts both services in `region`.
    #[must_use]
    pub fn region(mut self, region: &str) -> Self {
        region.clone_into(&mut self.kinesis.region);
        region.clone_into(&mut self.dynamodb.region);
        self
    }

    /// Puts both services in `account`, a number of twelve digits.
    #[must_use]
    pub fn account(mut self, account: &str) -> Self {
        account.clone_into(&mut self.kinesis.account);
        account.clone_into(&mut self.dynamodb.account);
        self
    }

    /// One line for each setting that is not the default, for a log or a banner.
    pub fn changed(&self) -> Vec<String> {
        let default = Self::default();
        let mut lines = Vec::new();
        if self.seed != default.seed {
            lines.push(format!("seed = {} (default {})", self.seed, default.seed));
        }
        if self.latency != default.latency {
            lines.push(format!("latency = {:?} (default {:?})", self.latency, default.latency));
        }
        lines.extend(self.kinesis.changed().into_iter().map(|line| format!("kinesis {line}")));
        lines.extend(self.dynamodb.changed().into_iter().map(|line| format!("dynamodb {line}")));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_settings_of_every_part_are_listed_with_its_name() {
        let mut settings = Settings::default().region("eu-west-1");
        settings.seed = 7;
        settings.latency = Duration::ZERO..=Duration::ZERO;
        assert_eq!(
            settings.changed(),
            [
                "seed = 7 (default 0)",
                "latency = 0ns..=0ns (default 2ms..=8ms)",
                "kinesis region = \"eu-west-1\" (default \"us-east-1\")",
                "dynamodb region = \"eu-west-1\" (default \"us-east-1\")",
            ]
        );
        assert_eq!(Settings::default().changed(), Vec::<String>::new());
    }
}
