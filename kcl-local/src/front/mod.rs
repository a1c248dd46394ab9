//! The two ways in: behind the SDK's HTTP client in the same process, and over HTTP on a socket, with and without TLS.

mod clients;
mod codec;
mod events;
mod exchange;
mod frames;
#[cfg(any(test, fuzzing))]
mod fuzzing;
mod in_process;
mod label;
mod socket;
mod tls;

#[cfg(fuzzing)]
pub use self::fuzzing::fuzz_requests;
pub use self::socket::{serve, serve_tls};
pub use self::tls::{Tls, TlsUnavailable};
