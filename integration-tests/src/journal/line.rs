//! One line of a part: a moment, and what happened.

use std::borrow::Cow;
use std::time::Duration;

use kcl_core::event::{Event, ProcessorCall};
use kcl_core::ids::{ShardKey, StreamId};
use kcl_core::lease::{Epoch, Lease, Version};
use kcl_core::position::Position;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::history::What;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// When, in nanoseconds of the clock that the processes of this machine share.
    pub ns: u64,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What can be read again of something that happened: of most events nobody needs more than that there was one.
pub(super) fn tellable(what: &What) -> Cow<'_, What> {
    match what {
        What::Event { run, event } if Told::of(event).is_none() => {
            Cow::Owned(What::Told { run: *run, text: format!("{event:?}") })
        }
        _ => Cow::Borrowed(what),
    }
}

/// The events that invariants speak of.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    LeaseTaken {
        stream: String,
        shard: String,
        epoch: u64,
        #[serde(with = "position")]
        checkpoint: Position,
    },
    RecordsExpired {
        stream: String,
        shard: String,
        #[serde(with = "position")]
        checkpoint: Position,
        #[serde(with = "position")]
        found: Position,
    },
    ProcessorFailed {
        stream: String,
        shard: String,
        call: String,
        attempt: u32,
        retry_in: Duration,
        error: String,
    },
    ProcessorPanicked {
        stream: String,
        shard: String,
        call: String,
        attempt: u32,
        retry_in: Duration,
        message: String,
    },
}

impl Told {
    fn of(event: &Event) -> Option<Self> {
        let names = |key: &ShardKey| (key.stream.as_str().to_owned(), key.shard.as_str().to_owned());
        Some(match event.clone() {
            Event::LeaseTaken { shard, epoch, checkpoint, .. } => {
                let (stream, shard) = names(&shard);
                Self::LeaseTaken { stream, shard, epoch: epoch.number(), checkpoint }
            }
            Event::RecordsExpired { shard, checkpoint, found } => {
                let (stream, shard) = names(&shard);
                Self::RecordsExpired { stream, shard, checkpoint, found }
            }
            Event::ProcessorFailed { shard, call, attempt, retry_in, error } => {
                let ((stream, shard), call) = (names(&shard), format!("{call:?}"));
                Self::ProcessorFailed { stream, shard, call, attempt, retry_in, error }
            }
            Event::ProcessorPanicked { shard, call, attempt, retry_in, message } => {
                let ((stream, shard), call) = (names(&shard), format!("{call:?}"));
                Self::ProcessorPanicked { stream, shard, call, attempt, retry_in, message }
            }
            _ => return None,
        })
    }

    fn event(self) -> Result<Event, String> {
        let key = |stream: &str, shard: String| ShardKey::new(StreamId::named(stream), shard);
        Ok(match self {
            Self::LeaseTaken { stream, shard, epoch, checkpoint } => {
                let shard = key(&stream, shard);
                Event::LeaseTaken { epoch: epoch_of(&shard, epoch), shard, from: None, checkpoint }
            }
            Self::RecordsExpired { stream, shard, checkpoint, found } => {
                Event::RecordsExpired { shard: key(&stream, shard), checkpoint, found }
            }
            Self::ProcessorFailed { stream, shard, call, attempt, retry_in, error } => {
                let (shard, call) = (key(&stream, shard), call_of(&call)?);
                Event::ProcessorFailed { shard, call, attempt, retry_in, error }
            }
            Self::ProcessorPanicked { stream, shard, call, attempt, retry_in, message } => {
                let (shard, call) = (key(&stream, shard), call_of(&call)?);
                Event::ProcessorPanicked { shard, call, attempt, retry_in, message }
            }
        })
    }
}

/// Only a lease has an epoch.
fn epoch_of(shard: &ShardKey, number: u64) -> Epoch {
    let mut lease = Lease::new(shard.clone(), Position::TrimHorizon, None);
    lease.version = Version::new(number);
    lease.epoch()
}

fn call_of(name: &str) -> Result<ProcessorCall, String> {
    use ProcessorCall::{Create, Initialize, LeaseLost, ProcessRecords, ShardEnded, ShutdownRequested};
    let all = [Create, Initialize, ProcessRecords, ShardEnded, ShutdownRequested, LeaseLost];
    let call = all.into_iter().find(|call| format!("{call:?}") == name);
    call.ok_or_else(|| format!("`{name}` is no call of a processor"))
}

/// The events of [`Told`].
pub(crate) mod event {
    use super::{Deserialize, Deserializer, Event, Serialize, Serializer, Told};

    pub(crate) fn serialize<S: Serializer>(event: &Event, serializer: S) -> Result<S::Ok, S::Error> {
        let told = Told::of(event).ok_or_else(|| serde::ser::Error::custom("an event that nobody reads again"))?;
        told.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Event, D::Error> {
        Told::deserialize(deserializer)?.event().map_err(serde::de::Error::custom)
    }
}

/// Positions as they are shown: `SEQUENCE/SUB`, or the name of a start or an end.
pub(crate) mod position {
    use kcl_core::position::SequenceNumber;

    use super::{Deserialize, Deserializer, Position, Serializer};

    pub(crate) fn serialize<S: Serializer>(position: &Position, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(position)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Position, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no position")))
    }

    pub(super) fn parse(text: &str) -> Option<Position> {
        let named = [Position::AtTimestamp, Position::TrimHorizon, Position::Latest, Position::ShardEnd];
        if let Some(named) = named.into_iter().find(|named| named.to_string() == text) {
            return Some(named);
        }
        let (sequence, sub) = text.split_once('/')?;
        Some(Position::At { sequence: SequenceNumber::parse(sequence).ok()?, sub: sub.parse().ok()? })
    }
}

/// Records as position, key and number.
pub(crate) mod records {
    use super::{Deserialize, Deserializer, Position, Serializer, position};
    use crate::history::Payload;

    pub(crate) fn serialize<S: Serializer>(records: &[(Position, Payload)], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(records.iter().map(|(at, payload)| (at.to_string(), &payload.key, payload.number)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(Position, Payload)>, D::Error> {
        let records = Vec::<(String, String, u64)>::deserialize(deserializer)?;
        let record = |(at, key, number): (String, String, u64)| {
            let at = position::parse(&at).ok_or_else(|| serde::de::Error::custom(format!("`{at}` is no position")))?;
            Ok((at, Payload { key, number }))
        };
        records.into_iter().map(record).collect()
    }
}

#[cfg(test)]
mod tests {
    use kcl_core::position::SequenceNumber;

    use super::*;
    use crate::faults::Class;
    use crate::history::{HowOver, HowReturned, Payload, Run, Seat};
    use crate::row::Row;

    fn at(sequence: &str, sub: u64) -> Position {
        Position::At { sequence: SequenceNumber::parse(sequence).expect("digits"), sub }
    }

    fn all() -> Vec<What> {
        let (run, seat, shard) = (Run(3), Seat(30_001), "shardId-0".to_owned());
        let key = ShardKey::new(StreamId::named("orders"), shard.as_str());
        let records = vec![(at("49671", 0), Payload { key: "k1".to_owned(), number: 7 })];
        let row = Row {
            counter: 4,
            owner: Some("a".to_owned()),
            checkpoint_owner: None,
            checkpoint: at("49671", 2),
            born: 1_000,
        };
        let event = |event| What::Event { run, event };
        let (call, retry_in) = (ProcessorCall::Initialize, Duration::from_millis(1_500));
        vec![
            What::Stored { shard: shard.clone(), records: records.clone() },
            What::Begun { run, worker: "a".to_owned() },
            What::Refused { code: "ExpiredIteratorException".to_owned() },
            What::Unreadable { run: None, shard: shard.clone(), why: "checkpoint is missing".to_owned() },
            What::StopAsked { run },
            What::Over { run, how: HowOver::Failed("why: \"because\"\n".to_owned()) },
            What::Over { run, how: HowOver::Killed },
            What::Calm,
            What::Sent { run: Some(run), operation: "GetRecords".to_owned() },
            What::Fault { run: Some(run), class: Class::Frozen },
            event(Event::LeaseTaken {
                epoch: epoch_of(&key, 1_004),
                shard: key.clone(),
                from: None,
                checkpoint: Position::TrimHorizon,
            }),
            event(Event::RecordsExpired { shard: key.clone(), checkpoint: Position::Latest, found: at("5", 0) }),
            event(Event::ProcessorFailed {
                shard: key.clone(),
                call,
                attempt: 2,
                retry_in,
                error: "it was told to".to_owned(),
            }),
            event(Event::ProcessorPanicked { shard: key, call, attempt: 1, retry_in, message: String::new() }),
            What::Told { run, text: "WorkerStarted".to_owned() },
            What::Seated { run, seat, shard: shard.clone(), epoch: 1_004, start: Position::AtTimestamp },
            What::Called { run, seat, shard: shard.clone(), records },
            What::Done { run, seat, shard: shard.clone(), through: at("49671", 0) },
            What::Returned { run, seat, how: HowReturned::CutOff },
            What::ShardEnded { run, shard: shard.clone() },
            What::Lease { run: Some(run), shard: shard.clone(), row: Some(row) },
            What::Lease { run: None, shard: shard.clone(), row: None },
            What::Leads { run },
            What::Woke { run },
            What::Resharded { parents: vec![shard] },
        ]
    }

    #[test]
    fn what_is_written_on_a_line_is_read_from_it() {
        for what in all() {
            let line = Line { ns: 12_345_678_901_234, what };
            let text = serde_json::to_string(&line).expect("it can be written");
            assert!(!text.contains('\n'), "{text}");
            assert_eq!(serde_json::from_str::<Line>(&text).expect(&text), line);
        }
    }

    #[test]
    fn of_an_event_that_no_invariant_speaks_of_it_is_written_that_there_was_one() {
        let event = What::Event { run: Run(1), event: Event::WorkerStarted };
        assert_eq!(*tellable(&event), What::Told { run: Run(1), text: "WorkerStarted".to_owned() });
    }
}
