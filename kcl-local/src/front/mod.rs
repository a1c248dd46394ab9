//! The two ways in: behind the SDK's HTTP client in the same process, and over HTTP on a socket.

mod clients;
mod codec;
mod exchange;
mod in_process;
mod label;
mod socket;

pub use self::socket::serve;
