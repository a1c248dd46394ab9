//! What goes wrong on the network, and with whom.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kcl_local::{Clock, Fault, Request, Service};

use crate::fate::Fate;
use crate::history::{Recorder, Run, What};
use crate::label;

/// The kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
}

impl Class {
    /// All of them.
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
        }
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
    /// How.
    pub class: Class,
    /// How many of them: 0 to 1.
    pub probability: f64,
    /// The longest delay, of the classes that have one.
    pub delay: Duration,
}

impl Window {
    fn is_open_for(&self, request: &Request<'_>) -> bool {
        let at = Duration::from_millis(request.now.millis_since(Clock::BEGINNING));
        (self.from..self.to).contains(&at)
            && self.service.is_none_or(|service| service == request.service)
            && self.slot.is_none_or(|slot| label::slot(request.client) == Some(slot))
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
        let (windows, luck, tripwires) = (Vec::new(), fastrand::Rng::with_seed(0), BTreeMap::new());
        Self(Arc::new(Mutex::new(Desk { windows, luck, recorder, tripwires })))
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
}

impl Desk {
    fn judge(&mut self, request: &Request<'_>) -> Fault {
        let at = request.now.millis_since(Clock::BEGINNING);
        let run = label::run(request.client);
        self.recorder.note_at(at, What::Sent { run, operation: request.operation.to_owned() });
        if let Some(run) = run {
            self.trip(run);
        }
        let open = self.windows.iter().find(|window| window.is_open_for(request));
        let Some(window) = open.filter(|window| self.luck.f64() < window.probability) else { return Fault::none() };
        let class = window.class;
        let most = u64::try_from(window.delay.as_millis()).unwrap_or(u64::MAX);
        let delay = Duration::from_millis(self.luck.u64(0..=most));
        self.recorder.note_at(at, What::Fault { run, class });
        class.fault(delay)
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
