//! What follows what while one shard is subscribed to: when to call, from where, which records are new, when the silence has
//! lasted too long. Decisions only: the time is an argument, and nothing is sent here.
//!
//! ```text
//!            .--- not before: 1 s after the last call, 5 s after the last success ---.
//!            v                                                                       |
//!  from ->  call -> subscribed -> event, event, ... -> end, error, silence ----------'
//!                        ^             |
//!                        '--- call ----'   shortly before its five minutes are over: the new subscription
//!                                          takes the old one over; what both bring is left out once
//! ```

use std::time::Duration;

use kcl_core::position::SequenceNumber;
use kcl_core::retrieval::{RawRecord, StartAt};
use kcl_core::shard::ChildShard;
use kcl_core::time::Timestamp;
use tokio::time::Instant;

use crate::event::Event;

/// Kinesis API reference, `SubscribeToShard`: within 5 seconds of a call that succeeded, another one is refused.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// The same: one call a second for each consumer and shard.
const BETWEEN_CALLS: Duration = Duration::from_secs(1);
/// A subscription lives for up to 5 minutes. The new one is made before they are over, each at a moment of its own, and early
/// enough that a call that is not answered can be made again.
const RENEW_AFTER: Duration = Duration::from_secs(260);
const RENEW_WITHIN: Duration = Duration::from_secs(20);
/// A subscription that ends after less than this has not ended because its time was up.
const LONG: Duration = Duration::from_secs(240);
/// A shard that changes hands may be subscribed to elsewhere once. Another time, that is told.
const CONTESTED: u32 = 2;
/// A timer that is later than this was not looked at when it went off.
const LATE: Duration = Duration::from_millis(100);
/// In which a process that stood still reads what came meanwhile.
const A_MOMENT: Duration = Duration::from_secs(2);
/// After a renewal that failed.
const RENEW_AGAIN: Duration = Duration::from_secs(5);
/// How long the former owner of a shard may be in the way, before it is told: its last call can be that long ago, and the
/// call in which that is found out takes its time.
const IN_THE_WAY: Duration = Duration::from_secs(8);

/// One shard's subscriptions, one after the other.
#[derive(Debug)]
pub(crate) struct Session {
    from: StartAt,
    /// The last record that was taken: the service may bring it again, and those before it.
    last: Option<SequenceNumber>,
    ended: Option<Vec<ChildShard>>,
    not_before: Option<Instant>,
    in_the_way_since: Option<Instant>,
    current: Option<Current>,
    /// The last subscription ended before anything came.
    fruitless: bool,
    /// The last subscription ended long before its time.
    cut_short: bool,
    /// How often in a row somebody else had subscribed to the shard when one was cut short: as if the lease were not ours,
    /// time and again.
    contested: u32,
    silence: Duration,
}

/// The subscription that is open.
#[derive(Debug)]
struct Current {
    began: Instant,
    heard: Instant,
    /// Something came on it.
    proven: bool,
    /// It was listened to for a moment more than its time.
    spared: bool,
    renew_at: Instant,
}

/// What an event brings.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Those that were not brought before.
    pub(crate) records: Vec<RawRecord>,
    /// How many were.
    pub(crate) repeated: usize,
}

/// What to make of a call that is refused because somebody else has called for the shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InTheWay {
    /// Call again when it is time.
    Wait,
    /// It has lasted too long to be a former owner's.
    Tell,
}

impl Session {
    /// Reads from there on, and does not call before that moment. A subscription on which nothing comes for `silence` is
    /// taken for dead.
    pub(crate) fn new(from: StartAt, not_before: Option<Instant>, silence: Duration) -> Self {
        Self {
            from,
            last: None,
            ended: None,
            not_before,
            in_the_way_since: None,
            current: None,
            fruitless: false,
            cut_short: false,
            contested: 0,
            silence,
        }
    }

    /// When the shard may be subscribed to again, whoever does.
    pub(crate) fn not_before(&self) -> Option<Instant> {
        self.not_before
    }

    /// Where the next subscription starts.
    pub(crate) fn from(&self) -> &StartAt {
        &self.from
    }

    /// The children, once the shard has ended.
    pub(crate) fn ended(&self) -> Option<&[ChildShard]> {
        self.ended.as_deref()
    }

    /// When the next call is due; `None` for at once. While a subscription is open that is the time of its renewal.
    pub(crate) fn next_call(&self) -> Option<Instant> {
        let wanted = self.current.as_ref().map(|current| current.renew_at);
        wanted.max(self.not_before)
    }

    /// Whether it is.
    pub(crate) fn may_call(&self, now: Instant) -> bool {
        self.next_call().is_none_or(|at| at <= now)
    }

    /// When the open subscription is taken for dead.
    pub(crate) fn silent_at(&self) -> Option<Instant> {
        self.current.as_ref().map(|current| current.heard + self.silence)
    }

    /// Whether it is dead at `now`. Where nobody looked when its time was over, what came may still be on its way through
    /// this process: then it gets a moment more.
    pub(crate) fn is_silent(&mut self, now: Instant) -> bool {
        let Some(current) = self.current.as_mut().filter(|current| now >= current.heard + self.silence) else {
            return false;
        };
        // Once only: where every look is late, silence is silence all the same.
        let spared = now - (current.heard + self.silence) > LATE && !std::mem::replace(&mut current.spared, true);
        if spared {
            current.heard = (now - self.silence) + A_MOMENT;
        }
        !spared
    }

    /// A call is made.
    pub(crate) fn called(&mut self, now: Instant) {
        self.wait_until(now + BETWEEN_CALLS);
    }

    /// It began a subscription, at `service_time` by the service's clock. One that was open before is over.
    pub(crate) fn subscribed(&mut self, now: Instant, service_time: Timestamp, luck: &mut fastrand::Rng) {
        // The service counted the success some time before, so that this is not too early for it.
        self.wait_until(now + AGAIN_AFTER);
        self.in_the_way_since = None;
        if self.current.as_ref().is_some_and(|current| now - current.began >= LONG) {
            self.contested = 0;
        }
        if self.from == StartAt::Latest {
            // Asked again later, it would be the tip of then, and what arrived in between would be skipped.
            self.from = StartAt::Timestamp(service_time);
        }
        let spread = RENEW_WITHIN.mul_f64(luck.f64());
        let renew_at = now + RENEW_AFTER + spread;
        self.current = Some(Current { began: now, heard: now, proven: false, spared: false, renew_at });
    }

    /// The call failed. Where it may have succeeded all the same, the service may count it.
    pub(crate) fn not_subscribed(&mut self, now: Instant, for_certain: bool) {
        // Counted from the answer: the service counted the call some time before, so that the next one cannot come too
        // early to it, however unevenly the two travel.
        self.wait_until(now + if for_certain { BETWEEN_CALLS } else { AGAIN_AFTER });
        if let Some(current) = &mut self.current {
            current.renew_at = now + RENEW_AGAIN;
        }
    }

    /// The call was refused since somebody called for the shard just before: the former owner of its lease.
    pub(crate) fn in_the_way(&mut self, now: Instant) -> InTheWay {
        self.not_subscribed(now, true);
        self.contested += u32::from(std::mem::take(&mut self.cut_short));
        let since = *self.in_the_way_since.get_or_insert(now);
        if self.contested >= CONTESTED {
            self.contested = 0;
            return InTheWay::Tell;
        }
        if now.duration_since(since) < IN_THE_WAY { InTheWay::Wait } else { InTheWay::Tell }
    }

    /// Somebody took the subscription over: whoever it is may do so again only after a while, and so may this one.
    pub(crate) fn taken_over(&mut self, now: Instant) {
        self.closed();
        self.wait_until(now + AGAIN_AFTER);
    }

    /// Something came.
    pub(crate) fn heard(&mut self, now: Instant) {
        if let Some(current) = &mut self.current {
            (current.heard, current.proven, current.spared) = (now, true, false);
        }
        self.fruitless = false;
    }

    /// An event is taken over, all of it.
    pub(crate) fn event(&mut self, now: Instant, event: Event) -> Taken {
        self.heard(now);
        let brought = event.records.len();
        let mut records = event.records;
        if let Some(last) = &self.last {
            // In order, so that what was brought before comes first.
            let new = records.partition_point(|record| record.sequence_number <= *last);
            drop(records.drain(..new));
        }
        if let Some(newest) = records.last() {
            self.last = Some(newest.sequence_number.clone());
        }
        // Not behind the last record: of two subscriptions the later one may start earlier.
        match (event.continuation, &self.last) {
            (Some(next), Some(last)) if next < *last => self.from = StartAt::After(last.clone()),
            // The reference allows both AT and AFTER. With AT nothing is skipped, whatever the number stands for.
            (Some(next), _) => self.from = StartAt::At(next),
            (None, Some(last)) => self.from = StartAt::After(last.clone()),
            (None, None) => {}
        }
        self.ended = event.children;
        if self.ended.is_some() {
            self.closed();
        }
        Taken { repeated: brought - records.len(), records }
    }

    /// The open subscription has ended. Whether that is no wonder: something came on it, or its time may be up, which
    /// who was not reading does not know. One that ends early is let pass, and not two in a row.
    pub(crate) fn ended_well(&mut self, now: Instant) -> bool {
        let Some(current) = self.current.take() else { return true };
        self.cut_short = now - current.began < LONG;
        if !self.cut_short {
            self.contested = 0;
        }
        let well = current.proven || now - current.began >= self.silence;
        well || !std::mem::replace(&mut self.fruitless, true)
    }

    /// The open subscription is given up.
    pub(crate) fn closed(&mut self) {
        self.current = None;
    }

    fn wait_until(&mut self, moment: Instant) {
        self.not_before = self.not_before.max(Some(moment));
    }
}

#[cfg(test)]
mod tests;
