//! Fleets of 2 to 50 workers on the real SDK clients, under virtual time: they come, go, die, are cut off, and have wrong
//! clocks.

mod fan_out;
mod polling;
mod world;
