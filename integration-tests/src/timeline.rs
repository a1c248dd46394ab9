//! How happenings are written, in the trace and in the report of a violation.

use std::fmt;

use kcl_core::position::Position;

use crate::history::{Payload, What};

/// Records as their first and last position, and how many they are.
pub(crate) struct Records<'a>(pub(crate) &'a [(Position, Payload)]);

impl fmt::Display for Records<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("no records"),
            [(at, payload)] => write!(f, "{} ({}:{})", Short(at), payload.key, payload.number),
            [(first, _), .., (last, _)] => write!(f, "{} to {}, {} records", Short(first), Short(last), self.0.len()),
        }
    }
}

/// A position without the digits that all records of a stream have in common.
pub(crate) struct Short<'a>(pub(crate) &'a Position);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Position::At { sequence, sub } => {
                let digits = sequence.as_str();
                write!(f, "..{}/{sub}", &digits[digits.len().saturating_sub(14)..])
            }
            other => other.fmt(f),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stored { shard, records } => write!(f, "stream  {shard} stores {}", Records(records)),
            Self::Begun { run, worker } => write!(f, "{run}  begins as {worker}"),
            Self::Refused { code } => write!(f, "world  refuses: {code}"),
            Self::Unreadable { run: Some(run), shard, why } => write!(f, "{run}  writes {shard} so that {why}"),
            Self::Unreadable { run: None, shard, why } => write!(f, "world  writes {shard} so that {why}"),
            Self::StopAsked { run } => write!(f, "{run}  is asked to stop"),
            Self::Over { run, how } => write!(f, "{run}  is over: {how:?}"),
            Self::WorkerRow { worker, is_there: true, .. } => write!(f, "world  has a row of {worker}"),
            Self::WorkerRow { worker, is_there: false, .. } => write!(f, "world  has no row of {worker} any more"),
            Self::Held { run, bytes, largest } => {
                write!(f, "{run}  holds {bytes} bytes; its largest answer has brought {largest}")
            }
            Self::Calm => f.write_str("world  is calm from here on"),
            Self::Sent { run: Some(run), operation } => write!(f, "{run}  sends {operation}"),
            Self::Sent { run: None, operation } => write!(f, "world  sends {operation}"),
            Self::Fault { run: Some(run), class } => write!(f, "{run}  meets a fault: {class}"),
            Self::Fault { run: None, class } => write!(f, "world  meets a fault: {class}"),
            Self::Event { run, event } => write!(f, "{run}  {event:?}"),
            Self::Told { run, text } => write!(f, "{run}  {text}"),
            Self::Seated { run, seat, shard, epoch, start } => {
                write!(f, "{run}  seat {} for {shard}, epoch {epoch}, after {}", seat.0, Short(start))
            }
            Self::Called { run, seat, shard, records } => {
                write!(f, "{run}  seat {} of {shard} is given {}", seat.0, Records(records))
            }
            Self::Done { run, seat, shard, through } => {
                write!(f, "{run}  seat {} of {shard} is done through {}", seat.0, Short(through))
            }
            Self::Returned { run, seat, how } => write!(f, "{run}  seat {} returns: {how:?}", seat.0),
            Self::ShardEnded { run, shard } => write!(f, "{run}  is told that {shard} has ended"),
            Self::Lease { run, shard, row } => {
                let by = run.map_or_else(|| "world".to_owned(), |run| run.to_string());
                match row {
                    Some(row) => write!(f, "{by}  wrote the lease of {shard}: {row}"),
                    None => write!(f, "{by}  removed the lease of {shard}"),
                }
            }
            Self::Woke { run } => write!(f, "{run}  goes on"),
            Self::Leads { run } => write!(f, "{run}  leads"),
            Self::Resharded { parents } => write!(f, "stream  was resharded: {}", parents.join(", ")),
        }
    }
}
