//! The program `consumer`, as its users run it: a process, a local Kinesis over loopback, signals.

mod bad_input;
mod consume;
mod world;
