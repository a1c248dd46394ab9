//! The worker as its users meet it, on a stream and a lease table in memory, under a paused clock.

mod failing;
mod fleet;
mod handing_over;
mod leaving;
mod resetting;
mod resharding;
mod stalling;
mod starting;
mod streams;
mod support;
mod watching;
