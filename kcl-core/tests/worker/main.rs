//! The worker as its users meet it, on a stream and a lease table in memory, under a paused clock.

mod failing;
mod fleet;
mod leaving;
mod resetting;
mod resharding;
mod starting;
mod support;
mod watching;
