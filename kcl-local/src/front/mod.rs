//! The two ways in: behind the SDK's HTTP client in the same process, and over HTTP on a socket, with and without TLS.

mod clients;
mod codec;
mod events;
mod exchange;
mod frames;
mod in_process;
mod label;
mod socket;
mod tls;

pub use self::socket::{serve, serve_tls};
pub use self::tls::{Tls, TlsUnavailable};
