//! What happened in a run, as far as the invariants speak of it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kcl_core::event::Event;
use kcl_core::position::Position;
use kcl_core::testing::standstill::Standstill;
use kcl_local::Clock;
use serde::{Deserialize, Serialize};

use crate::faults::Class;
use crate::journal::{Pen, line};
use crate::modelled::Reading;
use crate::row::Row;
use crate::trace::Trace;

/// Whole milliseconds, in which histories count.
#[must_use]
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// One process of one worker, from its start to its end, in the order of their starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Run(pub u32);

impl Run {
    /// The runs of Java workers are numbered from here on.
    const JAVA: u32 = 1_000_000;

    /// A run of a Java worker, by its number among them.
    #[must_use]
    pub fn java(number: u32) -> Self {
        Self(Self::JAVA + number)
    }

    /// Whether it is one of a Java worker.
    #[must_use]
    pub fn is_java(self) -> bool {
        self.0 >= Self::JAVA
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_java() { write!(f, "java run {}", self.0 - Self::JAVA) } else { write!(f, "run {}", self.0) }
    }
}

/// One processor, in the order in which they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Seat(pub u32);

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HowOver {
    /// Its future was dropped.
    Killed,
    /// It was told to stop, and did.
    Stopped,
    /// The worker gave up.
    Failed(String),
}

/// How a call of a processor ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HowReturned {
    /// Well.
    Ok,
    /// With an error.
    Failed,
    /// By a panic.
    Panicked,
    /// Its future was dropped.
    CutOff,
}

/// What a user record carries, by which it is known again: its key, and its number among all of that key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Payload {
    /// The partition key.
    pub key: String,
    /// The number.
    pub number: u64,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are what their types say")]
pub enum What {
    /// A shard stored a record; one position and payload for each user record in it.
    Stored {
        shard: String,
        #[serde(with = "line::records")]
        records: Vec<(Position, Payload)>,
    },
    /// A run began.
    Begun { run: Run, worker: String },
    /// A service refused a request.
    Refused { code: String },
    /// A lease was written as the Java KCL could not read it.
    Unreadable { run: Option<Run>, shard: String, why: String },
    /// A run was asked to stop in good order.
    StopAsked { run: Run },
    /// A run is over; nothing of it may happen after this.
    Over { run: Run, how: HowOver },
    /// From here on nothing goes wrong any more.
    Calm,
    /// A request was sent.
    Sent { run: Option<Run>, operation: String },
    /// A request, or a message of a subscription, met a fault.
    Fault { run: Option<Run>, class: Class },
    /// A worker told its observer.
    Event {
        run: Run,
        #[serde(with = "line::event")]
        event: Event,
    },
    /// A worker told its observer something of which no invariant speaks, but that nothing is told after the end.
    Told { run: Run, text: String },
    /// A processor was initialised for a shard.
    Seated {
        run: Run,
        seat: Seat,
        shard: String,
        epoch: u64,
        #[serde(with = "line::position")]
        start: Position,
    },
    /// A processor was given records.
    Called {
        run: Run,
        seat: Seat,
        shard: String,
        #[serde(with = "line::records")]
        records: Vec<(Position, Payload)>,
    },
    /// A processor is done with the records up to this one: it is about to say so.
    Done {
        run: Run,
        seat: Seat,
        shard: String,
        #[serde(with = "line::position")]
        through: Position,
    },
    /// The call is over.
    Returned { run: Run, seat: Seat, how: HowReturned },
    /// A processor was told of the end of its shard.
    ShardEnded { run: Run, shard: String },
    /// A lease was written: as it is now, or `None` if it was removed.
    Lease { run: Option<Run>, shard: String, row: Option<Row> },
    /// The row by which a worker says that it lives was made by another than before, or removed.
    WorkerRow { run: Option<Run>, worker: String, is_there: bool },
    /// A worker holds so many bytes of records, more than ever before; no answer to it has brought more than `largest`.
    Held { run: Run, bytes: usize, largest: usize },
    /// A Java worker got the leader lock.
    Leads { run: Run },
    /// A worker that had been frozen went on.
    Woke { run: Run },
    /// A shard was split, or two were merged.
    Resharded { parents: Vec<String> },
}

/// Something that happened, and when: milliseconds since the world began, virtual ones where its time is.
#[derive(Debug, Clone)]
pub struct Happening {
    /// When.
    pub at: u64,
    /// What.
    pub what: What,
}

/// A whole run of a world, for the invariants.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct History {
    /// In the order in which it happened.
    #[serde(skip)]
    pub happenings: Vec<Happening>,
    /// The shards of the stream at the end, with their parents.
    pub shards: BTreeMap<String, ShardFacts>,
    /// The failover time of the fleet.
    pub failover: Duration,
    /// How far behind the lease table's eventually consistent reads may be: everything that waits for a sight waits
    /// longer by this.
    pub staleness: Duration,
    /// How long a subscription that fell silent, and the service's rules for the next one, may keep a shard; nothing where
    /// all poll.
    pub silence: Duration,
    /// How long a shard may stand still that a Java worker has or is given; nothing where there are none.
    pub patience_of_java: Duration,
    /// How long what a worker sends may be on its way until it is taken down: nothing where it is taken down when it is sent.
    pub in_flight: Duration,
    /// The bytes of records that one worker may hold.
    pub byte_budget: usize,
    /// How long the stream keeps records.
    pub retention: Duration,
    /// How each run reads.
    pub readings: BTreeMap<Run, Reading>,
}

impl History {
    /// The history of a fleet of ours that polls, on a table whose reads are never behind and a stream that keeps records for a day.
    #[must_use]
    pub fn plain(happenings: Vec<Happening>, shards: BTreeMap<String, ShardFacts>, failover: Duration) -> Self {
        let [staleness, silence, patience_of_java, in_flight] = [Duration::ZERO; 4];
        Self {
            happenings,
            shards,
            failover,
            staleness,
            silence,
            patience_of_java,
            byte_budget: usize::MAX,
            retention: Duration::from_hours(24),
            in_flight,
            readings: BTreeMap::new(),
        }
    }
}

/// What the stream says of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardFacts {
    /// The shards that it was made of.
    pub parents: Vec<String>,
    /// It takes no more records.
    pub closed: bool,
}

/// Takes down what happens. Clones write to the same book.
#[derive(Debug, Clone)]
pub struct Recorder {
    clock: Clock,
    book: Arc<Mutex<Book>>,
}

#[derive(Debug, Default)]
struct Book {
    happenings: Vec<Happening>,
    trace: Trace,
    seats: u32,
    /// The worker of each run.
    workers: BTreeMap<Run, String>,
    pen: Option<Pen>,
}

impl Recorder {
    /// An empty book by this clock.
    #[must_use]
    pub fn new(clock: Clock, trace: Trace) -> Self {
        Self { clock, book: Arc::new(Mutex::new(Book { trace, ..Book::default() })) }
    }

    /// The same, which also writes down what happens, each before it goes on; and processors are numbered from here on.
    #[must_use]
    pub fn writing(self, pen: Pen, seats: u32) -> Self {
        let mut book = self.book();
        (book.pen, book.seats) = (Some(pen), seats);
        drop(book);
        self
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Virtual milliseconds since the world began.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.clock.now().millis_since(Clock::BEGINNING)
    }

    /// Something happens now.
    pub fn note(&self, what: What) {
        self.note_at(self.now(), what);
    }

    /// Something happened at a moment that may be past: a service serves what is late when it is next looked at.
    pub fn note_at(&self, at: u64, what: What) {
        let mut book = self.book();
        book.trace.line(at, format_args!("{what}"), &[]);
        if let Some(pen) = &mut book.pen {
            pen.write(&what);
        }
        if let What::Begun { run, worker } = &what {
            book.workers.insert(*run, worker.clone());
        }
        book.happenings.push(Happening { at, what });
    }

    /// Something happened that no invariant speaks of.
    pub fn trace(&self, at: u64, short: fmt::Arguments<'_>, full: &[&dyn fmt::Display]) {
        self.book().trace.line(at, short, full);
    }

    /// What a worker runs in, so that it can be frozen.
    #[must_use]
    pub fn standstill(&self, run: Run) -> Standstill {
        let recorder = self.clone();
        Standstill::new(move || recorder.note(What::Woke { run }))
    }

    /// Freezes a worker: nothing of it moves for so long.
    pub fn freeze(&self, run: Run, standstill: &Standstill, lasting: Duration) {
        self.note(What::Fault { run: Some(run), class: Class::Frozen });
        standstill.freeze(lasting);
    }

    /// A number for one more processor.
    #[must_use]
    pub fn next_seat(&self) -> Seat {
        let mut book = self.book();
        book.seats += 1;
        Seat(book.seats)
    }

    /// What happened so far, in order.
    #[must_use]
    pub fn happenings(&self) -> Vec<Happening> {
        let mut happenings = self.book().happenings.clone();
        happenings.sort_by_key(|happening| happening.at);
        happenings
    }

    /// Whether a run is one of this worker.
    pub(crate) fn is_of(&self, run: Run, worker: &str) -> bool {
        self.book().workers.get(&run).is_some_and(|of| of == worker)
    }

    /// Looks for something that happened.
    pub fn find<T>(&self, look: impl FnMut(&Happening) -> Option<T>) -> Option<T> {
        self.book().happenings.iter().find_map(look)
    }

    /// Looks at everything that happened so far, in the order of taking down.
    pub fn with<T>(&self, look: impl FnOnce(&[Happening]) -> T) -> T {
        look(&self.book().happenings)
    }

    /// The hash of the trace, and its text if that was kept.
    #[must_use]
    pub fn traced(&self) -> (u64, Option<String>) {
        let book = self.book();
        (book.trace.hash(), book.trace.text().map(str::to_owned))
    }
}
