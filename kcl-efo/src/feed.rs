//! One shard's subscriptions, one after the other: what the session decides is done here.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kinesis::error::SdkError;
use aws_sdk_kinesis::types::SubscribeToShardEventStream as Message;
use aws_sdk_kinesis::types::error::SubscribeToShardEventStreamError;
use aws_smithy_types::event_stream::RawMessage;
use kcl_core::budget::{ByteBudget, ByteShare};
use kcl_core::error::SourceError;
use kcl_core::ids::ShardId;
use kcl_core::kinesis::Dated;
use kcl_core::retrieval::{Fetch, Fetched, RawRecord, StartAt};
use tokio::time::{Instant, sleep_until};

use crate::calls::{NotBegun, Receiver};
use crate::event::Event;
use crate::link::{Call, Link};
use crate::room::Room;
use crate::session::{InTheWay, Session};
use crate::trouble::is_taken_over;

/// For how long an open subscription may be left unread while there is no room. It shares its connection with others,
/// whose events have to pass; to end it and begin it again costs one request.
const PATIENCE: Duration = Duration::from_secs(2);
/// A shard that has something to give gives it at once. Until then a part of the budget is kept for it.
const QUIET_AFTER: Duration = Duration::from_millis(500);

/// What comes of one shard.
///
/// All that is under way is kept here: the call, the event stream, the event for which there is no room yet. A call of
/// `fetch` that is dropped is as one that was never made.
pub(crate) struct Feed {
    link: Arc<Link>,
    shard: ShardId,
    session: Session,
    luck: fastrand::Rng,
    call: Option<Call>,
    open: Option<Receiver>,
    room: Room,
    /// An event that there was no room for yet. The session does not know of it.
    untaken: Option<Event>,
    /// What became of a renewal is not known: it may have taken the open subscription over.
    renewal_unknown: bool,
    /// When the shard is a quiet one, unless something comes before.
    quiet_at: Option<Instant>,
    /// Since when the open subscription is not read.
    unread_since: Option<Instant>,
}

type StreamError = SdkError<SubscribeToShardEventStreamError, RawMessage>;

/// What is waited for, while there is nothing to give.
enum Happening {
    Answered(Result<Dated<Receiver>, NotBegun>),
    Heard(Result<Option<Message>, StreamError>),
    Due,
}

impl Feed {
    /// Subscribes to the shard.
    pub(crate) async fn open(
        link: Arc<Link>,
        shard: ShardId,
        from: StartAt,
        budget: ByteBudget,
    ) -> Result<Self, SourceError> {
        let mut feed = Self {
            session: Session::new(from.clone(), link.resting.not_before(&shard), link.silence),
            link,
            shard,
            luck: fastrand::Rng::new(),
            call: None,
            open: None,
            room: Room::new(budget, &from),
            untaken: None,
            quiet_at: None,
            renewal_unknown: false,
            unread_since: None,
        };
        while feed.open.is_none() {
            if feed.make_ready().await {
                feed.step().await?;
            }
        }
        // Nobody reads yet.
        feed.room.give_back();
        Ok(feed)
    }

    /// What comes next from the service.
    pub(crate) async fn fetch(&mut self) -> Result<Fetched, SourceError> {
        loop {
            if let Some(children) = self.session.ended() {
                return Ok(Fetched::End { children: children.to_vec() });
            }
            if let Some(bytes) = self.untaken.as_ref().map(Event::held_bytes) {
                if let Some(share) = self.make_room(bytes).await
                    && let Some(event) = self.untaken.take()
                    && let Some(fetch) = self.take(event, share)
                {
                    return Ok(Fetched::Records(fetch));
                }
            } else if self.make_ready().await {
                self.step().await?;
            }
        }
    }

    /// Waits for the room that the next event may take. `false` if that took too long.
    async fn make_ready(&mut self) -> bool {
        let Some(bytes) = self.room.ahead().filter(|_| self.may_read()) else { return true };
        let share = self.make_room(bytes).await;
        let ready = share.is_some();
        self.room.keep(share);
        ready
    }

    /// Whether there is something to read, or it is time to begin. Whoever waits for the service's rules keeps no room.
    fn may_read(&self) -> bool {
        self.open.is_some() || (self.call.is_none() && self.session.may_call(Instant::now()))
    }

    /// Waits for so much of the budget. `None` if that took too long to leave a subscription unread: then it is not open
    /// any more, and what came last is to be read again.
    async fn make_room(&mut self, bytes: usize) -> Option<ByteShare> {
        if self.open.is_none() && self.call.is_none() {
            self.unread_since = None;
            return Some(self.room.get(bytes).await);
        }
        let since = *self.unread_since.get_or_insert_with(Instant::now);
        let share = tokio::select! {
            biased;
            share = self.room.get(bytes) => Some(share),
            () = sleep_until(since + PATIENCE) => None,
        };
        self.unread_since = None;
        if share.is_none() {
            self.close();
        }
        share
    }

    /// Whether a subscription is open, or on its way.
    pub(crate) fn flows(&self) -> bool {
        self.open.is_some() || self.call.is_some()
    }

    /// Whether the shard has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.session.ended().is_some()
    }

    pub(crate) fn budget(&self) -> &ByteBudget {
        self.room.budget()
    }

    /// What was taken in is handed over: reading goes on.
    pub(crate) fn is_read(&mut self) {
        self.unread_since = None;
    }

    /// Leaves an open subscription unread for as long as it may be, and then ends it.
    pub(crate) async fn leave_unread(&mut self) {
        if self.open.is_some() {
            let since = *self.unread_since.get_or_insert_with(Instant::now);
            sleep_until(since + PATIENCE).await;
            self.close();
        }
    }

    /// Ends the subscription, to begin it again where the session stands.
    fn close(&mut self) {
        tracing::debug!(shard = %self.shard, "closing the subscription until there is room for more records");
        self.give_up();
        self.room.past(self.untaken.take().as_ref().map_or(0, Event::held_bytes));
        self.drop_call();
    }

    /// Hands an event over; `None` if it says nothing but that the shard has ended.
    fn take(&mut self, event: Event, mut share: ByteShare) -> Option<Fetch> {
        let behind = event.behind;
        let taken = self.session.event(Instant::now(), event);
        if taken.repeated > 0 {
            tracing::debug!(shard = %self.shard, records = taken.repeated, "left out what was read before");
        }
        let bytes = taken.records.iter().map(RawRecord::held_bytes).sum();
        share.fit(bytes);
        self.room.took(bytes, behind);
        if self.session.ended().is_some() {
            (self.open, self.call) = (None, None);
            if taken.records.is_empty() {
                return None;
            }
        }
        Some(Fetch { records: taken.records, behind: Some(behind), share })
    }

    /// Waits for one thing to happen, and does what follows.
    async fn step(&mut self) -> Result<(), SourceError> {
        match self.happening().await {
            Happening::Answered(answered) => {
                let answered = self.answered(answered);
                self.rest();
                answered
            }
            Happening::Heard(heard) => self.heard(heard),
            Happening::Due => self.due(),
        }
    }

    fn due(&mut self) -> Result<(), SourceError> {
        let now = Instant::now();
        if self.session.is_silent(now) {
            self.give_up();
            // A renewal that is on its way will do.
            return match self.call {
                Some(_) => Ok(()),
                None => Err(self.link.trouble(&self.shard).silent(self.link.silence)),
            };
        }
        if self.quiet_at.take_if(|at| *at <= now).is_some() {
            self.room.is_quiet();
        }
        let has_room = self.open.is_some() || self.room.is_ready();
        if has_room && self.call.is_none() && self.session.may_call(now) {
            self.session.called(now);
            self.rest();
            self.call = Some(self.link.subscribe(self.shard.clone(), self.session.from().clone()));
        }
        Ok(())
    }

    async fn happening(&mut self) -> Happening {
        let call_due = self.call.is_none().then(|| self.session.next_call().unwrap_or_else(Instant::now));
        let due = [call_due, self.session.silent_at(), self.quiet_at].into_iter().flatten().min();
        let (call, open) = (&mut self.call, &mut self.open);
        tokio::select! {
            biased;
            answered = async { match call { Some(call) => call.await, None => pending().await } } => {
                self.call = None;
                Happening::Answered(answered)
            }
            heard = async { match open { Some(open) => open.recv().await, None => pending().await } } => {
                Happening::Heard(heard)
            }
            () = async { match due { Some(due) => sleep_until(due).await, None => pending().await } } => Happening::Due,
        }
    }

    fn answered(&mut self, answered: Result<Dated<Receiver>, NotBegun>) -> Result<(), SourceError> {
        let now = Instant::now();
        if answered.is_err() && self.open.is_none() {
            self.room.give_back();
        }
        let refused = match answered {
            Ok(begun) => {
                self.session.subscribed(now, begun.service_time, &mut self.luck);
                (self.open, self.renewal_unknown) = (Some(begun.answer), false);
                self.quiet_at = Some(now + QUIET_AFTER);
                return Ok(());
            }
            Err(NotBegun::InTheWay(refused)) => match self.session.in_the_way(now) {
                InTheWay::Wait => {
                    tracing::debug!(shard = %self.shard, "the shard was subscribed to elsewhere just now; waiting");
                    return Ok(());
                }
                InTheWay::Tell => self.link.trouble(&self.shard).in_the_way(refused),
            },
            Err(NotBegun::NotFound(refused) | NotBegun::Refused(refused)) => {
                self.session.not_subscribed(now, true);
                refused
            }
            Err(NotBegun::NotKnown(error)) => {
                self.renewal_unknown = self.open.is_some();
                self.session.not_subscribed(now, false);
                error
            }
        };
        if self.open.is_some() {
            // What is open goes on, and will not end without a word.
            tracing::debug!(shard = %self.shard, error = %refused, "the subscription could not be renewed yet");
            return Ok(());
        }
        Err(refused)
    }

    fn heard(&mut self, heard: Result<Option<Message>, StreamError>) -> Result<(), SourceError> {
        let well = match heard {
            Ok(Some(Message::SubscribeToShardEvent(event))) => match Event::of(event) {
                Ok(event) => {
                    (self.untaken, self.quiet_at, self.unread_since) = (Some(event), None, None);
                    return Ok(());
                }
                Err(malformed) => {
                    self.give_up();
                    self.drop_call();
                    return Err(self.link.trouble(&self.shard).malformed(malformed));
                }
            },
            // Something that this version of the SDK does not know. It shows that the subscription lives.
            Ok(Some(_)) => {
                self.session.heard(Instant::now());
                return Ok(());
            }
            Ok(None) => {
                let well = self.session.ended_well(Instant::now());
                self.give_up();
                well
            }
            Err(error) if self.call.is_some() => {
                // The renewal took it over, and its answer is on its way.
                tracing::debug!(shard = %self.shard, %error, "the subscription ended while it was being renewed");
                self.give_up();
                return Ok(());
            }
            Err(error) => {
                self.give_up();
                let trouble = self.link.trouble(&self.shard);
                if is_taken_over(&error) {
                    self.session.taken_over(Instant::now());
                    return Err(if self.renewal_unknown { trouble.renewed_elsewhere() } else { trouble.taken_over() });
                }
                return Err(trouble.broken(error));
            }
        };
        if well || self.call.is_some() {
            tracing::debug!(shard = %self.shard, from = ?self.session.from(), "the subscription ended; beginning the next");
            return Ok(());
        }
        Err(self.link.trouble(&self.shard).fruitless())
    }

    /// Tells those who read the shard after this when they may call.
    fn rest(&self) {
        if let Some(not_before) = self.session.not_before() {
            self.link.resting.until(&self.shard, not_before, Instant::now());
        }
    }

    /// The event stream is no more.
    fn give_up(&mut self) {
        (self.open, self.quiet_at) = (None, None);
        self.session.closed();
        self.room.give_back();
    }

    /// Nobody waits any more for a call that may be served all the same.
    fn drop_call(&mut self) {
        if self.call.take().is_some() {
            self.session.not_subscribed(Instant::now(), false);
            self.rest();
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.drop_call();
        self.rest();
    }
}
