//! A history that several processes write, each its own part, put together by time.
//!
//! Every part is a file of lines, each with the nanoseconds of the clock that the processes of one machine share. The parts
//! put together are one history if whatever caused another thing comes before it. It does, because every line is stamped
//! between what it depends on and what depends on it:
//!
//! * **What a processor is given and does** is stamped and written by its own process, before the processor goes on. So it
//!   comes before everything that can follow from it: the call's return, and any write that commits it. It comes after what
//!   it follows from: the records were stored, and the lease was written, before the worker was told. A process that is
//!   killed loses at most the line that it was writing; nothing that follows from that line has happened.
//! * **What a service stores, and how it writes a lease**, is stamped by the process that serves, while the world is locked:
//!   after it was applied, and before anybody can read it or be answered. So the stamps have the order of the writes; what
//!   the writer did before comes before, and what anybody does who has seen the write comes after. Two processes never race
//!   for an order here that they did not race for in the table.
//! * **What is done to a process** is stamped by the process that does it, before it is done: it begins, it is asked to stop,
//!   it is frozen, it goes on. That it was killed is stamped after the system has said that it is gone.
//! * **The end of a process that ends by itself** is stamped by itself, after the worker's future has returned.
//!
//! Two things that do not follow from each other may stand in either order when they happen at once; the invariants must
//! bear both. One stamp is later than what it tells of: a **request** is seen when the service has it, not when it is sent
//! ([`History::in_flight`](crate::history::History::in_flight)). And a processor is **given records** a moment after the
//! worker has looked whether it still may read; if its process is frozen between the two, it is given them when it goes on,
//! whoever reads by then. That is some microseconds of every call. No program can close that gap, and no exception is made
//! for it: the invariant that finds it (`one_reader_at_a_time`) is right to.

mod kept;
pub(crate) mod line;
mod parts;
mod pen;

pub use self::kept::{keep, kept};
pub use self::line::Line;
pub use self::parts::{merge, part};
pub use self::pen::Pen;
