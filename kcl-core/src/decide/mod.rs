//! What is decided, as functions: data in, with the time and the random source as arguments; a plan out, in an order
//! that depends on nothing else. Nothing here waits, sends, or asks a clock. The loops ask these functions what to do, and
//! do it.

pub mod balance;
pub mod cell;
pub mod distrust;
pub mod fleet;
pub mod lead;
pub mod linger;
pub mod load;
pub mod observe;
pub mod overtaken;
pub mod pace;
pub mod phase;
pub mod progress;
pub mod reconcile;
pub mod replay;
pub mod roster;
pub mod standing;
pub mod timing;
pub mod vitals;
