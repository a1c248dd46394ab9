//! A worker of the Java KCL 3.5.1, modelled: it lives in the same world as ours, on the same tables, under virtual time.
//!
//! It asks what the real one asks (`tests/java_model.rs` compares it with what real ones asked), when the real one does,
//! and decides as the real one decides, mistakes included. It is made of nothing of the product: what it shares with it
//! would be wrong on both sides at once.
//!
//! One `process::Process` is what all loops of a worker share. `worker` starts them: `start` once; then `renew`,
//! `discover`, `dispatch` with a `consumer` for each shard, `hand_over`, `report`, `cleanup`, and, of the
//! leader that `lock` makes, `assign` and `sync`.
//!
//! Left out, because no world here meets it: streams in the plural, the tables of KCL 3.0 to 3.4 and the way from them,
//! the way from KCL 2.x, measured CPUs, provisioned tables, hash keys added to old leases, records read ahead, and
//! processors that fail (Java skips what they failed at).

mod assign;
mod cleanup;
mod consumer;
mod discover;
mod dispatch;
mod ending;
mod hand_over;
mod holdings;
mod lease;
mod lock;
mod pace;
mod process;
mod renew;
mod report;
mod slots;
mod start;
mod sync;
mod table;
mod worker;

pub use pace::Pace;
pub use process::JavaSpec;
pub use slots::{JavaSlots, Left};
