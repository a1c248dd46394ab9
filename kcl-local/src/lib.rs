//! Kinesis and DynamoDB without an account: for development, tests and simulation.
//!
//! A [`Local`] is a world with one account in one region. It holds a model of the Kinesis API as a consumer meets it
//! ([`kinesis`]), an embedded DynamoDB with the delays and limits of the service ([`dynamodb`]), the network before
//! them with whatever may go wrong on it ([`Fault`]), a clock ([`Clock`]) and a seeded source of luck. Nothing in it
//! reads the time or draws a random number by itself: with tokio's clock paused and one seed, a run repeats exactly,
//! and an hour takes seconds.
//!
//! There are two ways in:
//!
//! - **In process**: [`Local::kinesis_client`] and [`Local::dynamodb_client`] are real AWS SDK clients whose HTTP client
//!   is the world. Serialisers, signing, retries, time-outs and error parsing are those that run in production. No
//!   socket is opened and no task is spawned.
//! - **Over loopback HTTP**: [`serve`] answers any AWS SDK in any language, and the program `kcl-local` is that with a
//!   command line. It prints the environment variables that point an SDK to it. One port speaks HTTP/1.1 and HTTP/2
//!   without TLS, and Kinesis in JSON and in CBOR, as the AWS SDK for Java does by default.
//!
//! What goes wrong is a function from request to fate, so a test can lose the answer to one checkpoint of one worker:
//!
//! ```
//! use std::time::Duration;
//!
//! use kcl_local::{Fault, Local, Settings};
//!
//! #[tokio::main(flavor = "current_thread", start_paused = true)]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let local = Local::new(Settings::default());
//!     let client = local.kinesis_client("worker-1");
//!     client.create_stream().stream_name("orders").shard_count(2).send().await?;
//!     tokio::time::sleep(Duration::from_secs(10)).await; // virtual: the stream is ACTIVE now
//!
//!     local.set_faults(|request| match request.operation {
//!         "PutRecord" if request.number == 2 => Fault::lost_after(),
//!         _ => Fault::none(),
//!     });
//!     let put = client.put_record().stream_name("orders").partition_key("a").data(b"hello".to_vec().into());
//!     put.send().await?; // the SDK tries again: the record is in the stream twice, as it would be in production
//!     let puts: u64 = local.requests().iter().filter(|((_, _, op), _)| op == "PutRecord").map(|(_, n)| n).sum();
//!     assert_eq!(puts, 2);
//!     Ok(())
//! }
//! ```
//!
//! Requests travel by themselves. One whose sender gave up is still served when it arrives, as on a real network: a
//! worker that timed out a lease renewal may yet have renewed it.
//!
//! Not modelled: signatures and permissions, other accounts and regions, and the operations that the service models
//! name with an `UnknownOperationException`.

mod clock;
pub mod dynamodb;
mod fault;
mod front;
pub mod kinesis;
mod stream_fault;
mod wire;
mod world;

pub use self::clock::Clock;
pub use self::fault::{Fault, Faults, Request, Service};
#[cfg(fuzzing)]
#[doc(hidden)]
pub use self::front::fuzz_requests;
pub use self::front::{Tls, TlsUnavailable, serve, serve_tls};
pub use self::stream_fault::{Pushed, StreamFault, StreamFaults};
pub use self::wire::{Reply, Timestamp};
pub use self::world::{Answered, ConnectionLost, Exchange, Local, Observer, Settings};
