//! The model against the library's own decisions, and explorations that take a moment.

mod answers;
mod code;
mod exploring;
mod standings;
mod tables;
mod teeth;
