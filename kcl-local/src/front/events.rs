//! The body of an answer to `SubscribeToShard`: the messages as they are pushed, and what becomes of them on the way.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use serde_json::{Value, json};
use tokio::time::{Instant, Sleep, sleep};

use super::codec::Format;
use super::frames::{self, EVENT, INITIAL_RESPONSE};
use crate::kinesis::Push;
use crate::stream_fault::{Fate, StreamFault};
use crate::wire::Timestamp;
use crate::world::{ConnectionLost, LiveSubscription, Message};

/// Reading it is what asks the subscription: a reader that does not read is pushed nothing, as one whose window is
/// full. Dropping it closes the subscription.
#[derive(Debug)]
pub(super) struct Events {
    live: LiveSubscription,
    format: Format,
    /// What has been sent and has not arrived, with the time when it does, in order.
    on_the_way: VecDeque<(Timestamp, Piece)>,
    messages: u64,
    bytes: u64,
    /// Whether the service may push more.
    flows: bool,
    /// The connection breaks when the alarm goes off.
    breaks: bool,
    over: bool,
    alarm: Pin<Box<Sleep>>,
}

#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    Lost,
    Silence,
    End,
}

impl Events {
    pub(super) fn new(live: LiveSubscription, format: Format) -> Self {
        let mut events = Self {
            live,
            format,
            on_the_way: VecDeque::new(),
            messages: 0,
            bytes: 0,
            flows: true,
            breaks: false,
            over: false,
            alarm: Box::pin(sleep(Duration::ZERO)),
        };
        let body = json!({});
        let frame = frames::event(INITIAL_RESPONSE, format, &body);
        // It travels with the head of the answer, which is here.
        let now = events.live.now();
        events.post(INITIAL_RESPONSE, &body, frame, now);
        events
    }

    /// Sends all that the subscription gives now; when to ask again, if there may be more.
    fn ask(&mut self, waker: &Waker) -> Option<Timestamp> {
        while self.flows {
            match self.live.ask(waker) {
                Push::Event(event) => {
                    let body = event.to_json();
                    let frame = frames::event(EVENT, self.format, &body);
                    self.post(EVENT, &body, frame, self.arrival());
                }
                Push::Failed(error) => {
                    let (kind, body) = (error.code.to_string(), json!({"message": error.message}));
                    let frame = frames::exception(&kind, self.format, &body);
                    self.post(&kind, &body, frame, self.arrival());
                    self.end();
                }
                Push::End => self.end(),
                Push::Wait(until) => return Some(until),
            }
        }
        None
    }

    /// When what is sent now arrives.
    fn arrival(&self) -> Timestamp {
        self.live.now().after(self.live.travel())
    }

    fn end(&mut self) {
        if self.flows {
            self.arrive(self.arrival(), Piece::End);
            self.flows = false;
        }
    }

    /// Sends a message that arrives at `due`, or meets its fate.
    fn post(&mut self, kind: &str, body: &Value, frame: Bytes, due: Timestamp) {
        let (number, bytes_before) = (self.messages, self.bytes);
        let StreamFault { late, fate } =
            self.live.judge(Message { number, kind, body, bytes: frame.len(), bytes_before });
        self.messages += 1;
        self.bytes += u64::try_from(frame.len()).unwrap_or(u64::MAX);
        let due = due.after(late);
        match fate {
            Fate::Arrives => return self.arrive(due, Piece::Bytes(frame)),
            Fate::ArrivesDamaged => return self.arrive(due, Piece::Bytes(damaged(&frame))),
            Fate::CutAfter(bytes) => {
                let begun = frame.slice(..bytes.min(frame.len()));
                if !begun.is_empty() {
                    self.arrive(due, Piece::Bytes(begun));
                }
                self.arrive(due, Piece::Lost);
            }
            Fate::Silence => self.arrive(due, Piece::Silence),
            Fate::Failure { kind, message } => {
                let frame = frames::exception(&kind, self.format, &json!({"message": message}));
                self.arrive(due, Piece::Bytes(frame));
                self.arrive(due, Piece::End);
            }
            Fate::End => self.arrive(due, Piece::End),
        }
        self.flows = false;
    }

    /// Nothing overtakes what was sent before it.
    fn arrive(&mut self, due: Timestamp, piece: Piece) {
        let last = self.on_the_way.back().map(|(due, _)| *due);
        self.on_the_way.push_back((last.map_or(due, |last| last.max(due)), piece));
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = ConnectionLost;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ConnectionLost>>> {
        let this = &mut *self;
        while !this.over {
            let again = this.ask(context.waker());
            let now = this.live.now();
            if this.breaks {
                ready!(this.alarm.as_mut().poll(context));
                this.over = true;
                return Poll::Ready(Some(Err(ConnectionLost)));
            }
            let due = this.on_the_way.front().map(|(due, _)| *due);
            if due.is_none_or(|due| now < due) {
                let Some(until) = due.into_iter().chain(again).min() else { return Poll::Pending };
                this.alarm.as_mut().reset(Instant::now() + Duration::from_millis(until.millis_since(now)));
                ready!(this.alarm.as_mut().poll(context));
                continue;
            }
            match this.on_the_way.pop_front() {
                Some((_, Piece::Bytes(bytes))) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some((_, Piece::Lost)) => {
                    this.breaks = true;
                    // A moment later, whatever the world's clock says: a server that is told at once does not send what
                    // it has.
                    this.alarm.as_mut().reset(Instant::now() + Duration::from_millis(1));
                }
                Some((_, Piece::Silence)) => return Poll::Pending,
                Some((_, Piece::End)) | None => this.over = true,
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.over
    }
}

fn damaged(frame: &Bytes) -> Bytes {
    let mut bytes = frame.to_vec();
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 1;
    }
    bytes.into()
}
