//! What every way of reading a Kinesis stream needs: the stream and its shards, requests on terms of their own, and errors
//! that say what to do.
//!
//! [`crate::polling`] is made of it, and so is `kcl-efo`. It is public for those who write another [`Retrieval`]; who
//! only reads needs none of it.
//!
//! [`Retrieval`]: crate::retrieval::Retrieval

pub mod convert;
mod errors;
mod lean;
mod listing;
mod meaning;
mod service_time;
mod settings;
mod stream;
mod target;
mod terms;

pub use self::errors::{Attempt, lacks_permission};
#[cfg(fuzzing)]
#[doc(hidden)]
pub use self::lean::beside::fuzz_lean;
pub use self::meaning::Refusal;
pub use self::service_time::{DateHeader, Dated};
pub use self::settings::in_range;
pub use self::stream::KinesisStream;
pub use self::target::Target;
pub use self::terms::Terms;
