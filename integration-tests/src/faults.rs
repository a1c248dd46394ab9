//! What goes wrong on the network, and with whom.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kcl_local::{Clock, Fault, Pushed, Request, Service, StreamFault};
use serde::{Deserialize, Serialize};

use crate::fate::Fate;
use crate::history::{Recorder, Run, What, millis};
use crate::label;

/// The kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Class {
    /// The service asks for fewer requests.
    Throttled,
    /// The service answers 500.
    InternalError,
    /// The connection breaks before the service has the request.
    LostBefore,
    /// The connection breaks after the service served the request.
    LostAfter,
    /// The request vanishes, and the connection stays silent.
    HangBefore,
    /// The request is served, and the connection stays silent.
    HangAfter,
    /// The request arrives late.
    Late,
    /// The answer arrives late.
    AnsweredLate,
    /// The request arrives twice.
    Duplicated,
    /// A subscription's connection breaks in the middle of a message.
    PushCut,
    /// Neither this message of a subscription arrives nor any later one, and the connection stays open.
    PushSilent,
    /// In place of a message the subscription ends with an error.
    PushFailed,
    /// In place of a message the subscription ends.
    PushEnded,
    /// A message of a subscription arrives with a byte changed.
    PushDamaged,
    /// A message of a subscription, and all after it, arrive late.
    PushLate,
    /// The worker is frozen: nothing of it moves until it is not.
    Frozen,
}

impl Class {
    /// Those that requests meet.
    pub const ALL: [Self; 9] = [
        Self::Throttled,
        Self::InternalError,
        Self::LostBefore,
        Self::LostAfter,
        Self::HangBefore,
        Self::HangAfter,
        Self::Late,
        Self::AnsweredLate,
        Self::Duplicated,
    ];

    /// Those that messages of subscriptions meet.
    pub const PUSHED: [Self; 6] =
        [Self::PushCut, Self::PushSilent, Self::PushFailed, Self::PushEnded, Self::PushDamaged, Self::PushLate];

    /// What becomes of a request.
    fn fault(self, delay: Duration) -> Fault {
        match self {
            Self::Throttled => Fault::throttled(),
            Self::InternalError => Fault::internal_error(),
            Self::LostBefore => Fault::lost_before(),
            Self::LostAfter => Fault::lost_after(),
            Self::HangBefore => Fault::hang_before(),
            Self::HangAfter => Fault::hang_after(),
            Self::Late => Fault::none().late(delay),
            Self::AnsweredLate => Fault::none().answered_late(delay),
            Self::Duplicated => Fault::none().duplicated(delay),
            _ => Fault::none(),
        }
    }

    /// What becomes of a message; `None` for classes that only requests meet. A connection that is silent for requests is
    /// so for what is pushed.
    fn push_fault(self, delay: Duration, luck: &mut fastrand::Rng) -> Option<StreamFault> {
        Some(match self {
            Self::HangBefore | Self::HangAfter | Self::PushSilent => StreamFault::silent(),
            Self::PushCut => StreamFault::cut_after(luck.usize(0..400)),
            Self::PushFailed => StreamFault::failed("InternalFailureException", "a fault was asked for"),
            Self::PushEnded => StreamFault::ended(),
            Self::PushDamaged => StreamFault::damaged(),
            // For some of them nobody waits: a silence of 10 s ends a subscription.
            Self::PushLate => StreamFault::none().late(delay * 3),
            _ => return None,
        })
    }

    /// Whether requests meet it.
    fn is_for_requests(self) -> bool {
        !Self::PUSHED.contains(&self)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Throttled => "throttled",
            Self::InternalError => "internal-error",
            Self::LostBefore => "lost-before",
            Self::LostAfter => "lost-after",
            Self::HangBefore => "hang-before",
            Self::HangAfter => "hang-after",
            Self::Late => "late",
            Self::AnsweredLate => "answered-late",
            Self::Duplicated => "duplicated",
            Self::PushCut => "push-cut",
            Self::PushSilent => "push-silent",
            Self::PushFailed => "push-failed",
            Self::PushEnded => "push-ended",
            Self::PushDamaged => "push-damaged",
            Self::PushLate => "push-late",
            Self::Frozen => "frozen",
        })
    }
}

/// A time in which requests go wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// From when, since the world began.
    pub from: Duration,
    /// Until when.
    pub to: Duration,
    /// Whose requests: those of the worker in this slot, or everybody's.
    pub slot: Option<usize>,
    /// To which service, or to both.
    pub service: Option<Service>,
    /// Only those that write to a table.
    pub writes: bool,
    /// How.
    pub class: Class,
    /// How many of them: 0 to 1.
    pub probability: f64,
    /// The longest delay of requests, of the classes that have one. Messages of subscriptions have up to three times as much.
    pub delay: Duration,
}

impl Window {
    fn is_open_for(&self, at: u64, service: Service, client: &str) -> bool {
        (self.from..self.to).contains(&Duration::from_millis(at))
            && self.service.is_none_or(|only| only == service)
            && self.slot.is_none_or(|slot| label::slot(client) == Some(slot))
    }

    fn is_for(&self, operation: &str) -> bool {
        self.class.is_for_requests() && (!self.writes || ["UpdateItem", "PutItem", "DeleteItem"].contains(&operation))
    }
}

/// Decides the fate of every request, and takes it down. Clones are the same desk.
#[derive(Debug, Clone)]
pub struct FaultDesk(Arc<Mutex<Desk>>);

#[derive(Debug)]
struct Desk {
    windows: Vec<Window>,
    luck: fastrand::Rng,
    recorder: Recorder,
    /// Workers that die when they have sent so many more requests.
    tripwires: BTreeMap<Run, (u64, Arc<Fate>)>,
}

impl FaultDesk {
    /// Nothing goes wrong.
    #[must_use]
    pub fn new(recorder: Recorder) -> Self {
        let (windows, luck) = (Vec::new(), fastrand::Rng::with_seed(0));
        Self(Arc::new(Mutex::new(Desk { windows, luck, recorder, tripwires: BTreeMap::new() })))
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These windows are opened in their times, with luck from this seed.
    pub fn open(&self, windows: Vec<Window>, seed: u64) {
        let mut desk = self.desk();
        desk.windows = windows;
        desk.luck = fastrand::Rng::with_seed(seed);
    }

    /// Nothing goes wrong, and nobody dies, from now on.
    pub fn close(&self) {
        let mut desk = self.desk();
        desk.windows.clear();
        desk.tripwires.clear();
    }

    /// A worker dies the moment that it has sent its `requests`-th request from now on, before the answer.
    pub fn kill_after(&self, run: Run, requests: u64, fate: Arc<Fate>) {
        self.desk().tripwires.insert(run, (requests, fate));
    }

    /// What the network calls for every request.
    pub(crate) fn judge(&self, request: &Request<'_>) -> Fault {
        self.desk().judge(request)
    }

    /// What the network calls for every message of a subscription.
    pub(crate) fn judge_push(&self, pushed: &Pushed<'_>) -> StreamFault {
        self.desk().judge_push(pushed)
    }
}

impl Desk {
    fn judge(&mut self, request: &Request<'_>) -> Fault {
        let at = request.now.millis_since(Clock::BEGINNING);
        let run = label::run(request.client);
        self.recorder.note_at(at, What::Sent { run, operation: request.operation.to_owned() });
        if let Some(run) = run {
            self.trip(run);
        }
        let for_requests = |window: &&Window| {
            window.is_for(request.operation) && window.is_open_for(at, request.service, request.client)
        };
        let open = self.windows.iter().find(for_requests);
        let Some(window) = open.filter(|window| self.luck.f64() < window.probability).cloned() else {
            return Fault::none();
        };
        let delay = self.delay(&window);
        self.recorder.note_at(at, What::Fault { run, class: window.class });
        window.class.fault(delay)
    }

    fn judge_push(&mut self, pushed: &Pushed<'_>) -> StreamFault {
        let at = pushed.now.millis_since(Clock::BEGINNING);
        let run = label::run(pushed.client);
        for window in self.windows.clone() {
            if !window.is_open_for(at, Service::Kinesis, pushed.client) {
                continue;
            }
            let delay = self.delay(&window);
            let Some(fault) = window.class.push_fault(delay, &mut self.luck) else { continue };
            if self.luck.f64() >= window.probability {
                return StreamFault::none();
            }
            self.recorder.note_at(at, What::Fault { run, class: window.class });
            return fault;
        }
        StreamFault::none()
    }

    fn delay(&mut self, window: &Window) -> Duration {
        Duration::from_millis(self.luck.u64(0..=millis(window.delay)))
    }

    fn trip(&mut self, run: Run) {
        let Some((left, fate)) = self.tripwires.get_mut(&run) else { return };
        *left = left.saturating_sub(1);
        if *left == 0 {
            fate.strike(0);
            self.tripwires.remove(&run);
        }
    }
}
