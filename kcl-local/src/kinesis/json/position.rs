//! A position in a shard as requests write it: a type, and what that type needs.

use super::fields;
use crate::kinesis::error::Error;
use crate::kinesis::get_iterator::foreign_number;
use crate::kinesis::{SequenceNumber, ShardId, StartingPosition};

/// The members of a request that say where to read. `field` is the name of the one that holds `kind`.
pub(super) struct Position<'a> {
    pub(super) operation: &'a str,
    pub(super) field: &'a str,
    pub(super) kind: &'a str,
    pub(super) number: Option<&'a str>,
    pub(super) time: Option<f64>,
}

impl Position<'_> {
    pub(super) fn parse(&self, account: &str, stream: &str, shard: ShardId) -> Result<StartingPosition, Error> {
        let number = || self.sequence_number(account, stream, shard);
        match self.kind {
            "TRIM_HORIZON" => self.without_number(StartingPosition::TrimHorizon),
            "LATEST" => self.without_number(StartingPosition::Latest),
            "AT_SEQUENCE_NUMBER" => number().map(StartingPosition::AtSequenceNumber),
            "AFTER_SEQUENCE_NUMBER" => number().map(StartingPosition::AfterSequenceNumber),
            "AT_TIMESTAMP" => {
                let seconds = self.time.ok_or_else(|| {
                    Error::invalid(
                        "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has \
                         no timestamp parameter.",
                    )
                })?;
                fields::time("Timestamp", seconds).map(StartingPosition::AtTimestamp)
            }
            _ => Err(Error::constraint(
                self.field,
                "Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, \
                 TRIM_HORIZON]",
            )),
        }
    }

    fn sequence_number(&self, account: &str, stream: &str, shard: ShardId) -> Result<SequenceNumber, Error> {
        let text = self.number.ok_or_else(|| self.wrong_mix("no StartingSequenceNumber"))?;
        text.parse().map_err(|_| foreign_number(self.operation, text, account, stream, shard))
    }

    fn without_number(&self, position: StartingPosition) -> Result<StartingPosition, Error> {
        match self.number {
            None => Ok(position),
            Some(_) => Err(self.wrong_mix("also a StartingSequenceNumber")),
        }
    }

    fn wrong_mix(&self, given: &str) -> Error {
        let kind = self.kind;
        Error::invalid(format!(
            "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) \
             TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified {kind} and {given}."
        ))
    }
}
